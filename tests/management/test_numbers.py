"""Numbers that tools chart: message_stats of every kind, rates, the past of a number, what is known of a connection."""

import ssl
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.management.ranges import LENGTHS, Range, add_samples
from mqbroker.management.tls_suites import suite_of
from mqbroker.net.devcerts import generate
from tests.management.api import Api
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


def stats_of(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get("overview")["message_stats"]
    return found


def test_what_channels_count_is_in_the_stats_of_the_node(api: Api, broker: BrokerProcess) -> None:
    """Confirms, returns and polls were in no message_stats: charts of them stayed empty."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("counted")
        channel.confirm_delivery()
        with pytest.raises(pika.exceptions.UnroutableError):
            channel.basic_publish("", "nowhere", b"x", mandatory=True)
        for _ in range(4):
            channel.basic_publish("", "counted", b"x")
        channel.basic_get("counted", auto_ack=True)
        channel.basic_ack(channel.basic_get("counted")[0].delivery_tag)
        channel.queue_purge("counted")
        channel.basic_get("counted")
        wanted = {"confirm": 5, "get": 1, "get_no_ack": 1, "get_empty": 1, "return_unroutable": 1}

        def is_there() -> bool:
            found = stats_of(api)
            return all(found.get(name, 0) >= number for name, number in wanted.items())

        eventually(is_there, 30)
        found = stats_of(api)
        assert all(isinstance(found[f"{name}_details"]["rate"], float) for name in wanted)
        assert found["deliver_get"] >= 2


def test_connections_channels_and_exchanges_have_rates(api: Api, broker: BrokerProcess) -> None:
    """They were zero, whatever passed."""
    api.put("exchanges/%2F/busy", {"type": "fanout"})
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("busy", exclusive=True)
        channel.queue_bind("busy", "busy")
        channel.confirm_delivery()

        def has_rates() -> bool:
            for _ in range(20):
                channel.basic_publish("busy", "", b"x" * 100)
            mine = [each for each in api.get("connections") if each["channels"]]
            exchange = api.get("exchanges/%2F/busy")["message_stats"]
            channels = [each["message_stats"] for each in api.get("channels")]
            return bool(
                any(each["recv_oct_details"]["rate"] and each["send_oct_details"]["rate"] for each in mine)
                and exchange["publish_in_details"]["rate"]
                and exchange["publish_out_details"]["rate"]
                and any(each["confirm_details"]["rate"] for each in channels if "confirm" in each)
            )

        eventually(has_rates, 30)
        (mine,) = [each for each in api.get("connections") if each["channels"]]
        assert mine["recv_cnt"] > 20
        assert mine["send_cnt"] > 20


def test_samples_are_answered(api: Api) -> None:
    """RabbitMQ's console and clients that draw charts found none."""
    api.put("queues/%2F/charted", {})
    api.publish("charted", "x")
    query = "lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5"
    eventually(lambda: "samples" in api.get(f"overview?{query}")["queue_totals"]["messages_details"], 30)
    queue = api.get(f"queues/%2F/charted?{query}")
    (newest, *_) = queue["messages_ready_details"]["samples"]
    assert newest["sample"] == 1
    assert isinstance(newest["timestamp"], int)
    assert queue["message_stats"]["publish_details"]["samples"][0]["sample"] == 1
    eventually(lambda: len(api.get(f"queues/%2F/charted?{query}")["messages_details"]["samples"]) > 1, 30)
    published = api.get(f"overview?{query}")["message_stats"]["publish_details"]
    assert {"rate", "samples", "avg", "avg_rate"} == set(published)
    name = api.get("overview")["node"]
    node = api.get(f"nodes/{name}?node_stats_age=60&node_stats_incr=5")
    assert node["mem_used_details"]["samples"][0]["sample"] > 0


@pytest.mark.parametrize("query", ["lengths_age=10&lengths_incr=0", "lengths_age=x&lengths_incr=5", "lengths_age=-1"
                                   "&lengths_incr=5", "lengths_age=501&lengths_incr=1"])  # fmt: skip
def test_ranges_that_are_none_are_refused(api: Api, query: str) -> None:
    api.put("queues/%2F/ranged", {})
    for path in ("overview", "queues/%2F/ranged"):
        status, error, reason = api.refused("GET", f"{path}?{query}")
        assert (status, error) == (400, "invalid_range_parameters")
        assert reason.startswith("Invalid range parameters: age ")


def test_a_sample_is_the_last_one_before_its_time() -> None:
    """Charts showed the numbers of five seconds later, or a gap where a look had come late."""
    history = [(1000, {"ready": 1}), (6200, {"ready": 2}), (11_000, {"ready": 5})]
    found: dict[str, Any] = {"messages_ready_details": {"rate": 1.0}}
    add_samples(found, LENGTHS, Range(60, 5), history)
    assert found["messages_ready_details"] == {
        "rate": 1.0,
        "samples": [
            {"sample": 5, "timestamp": 11_000}, {"sample": 1, "timestamp": 6000}, {"sample": 1, "timestamp": 1000},
        ],
        "avg": 2.33,
        "avg_rate": 0.4,
    }  # fmt: skip


def test_connections_say_what_tls_was_agreed_on(tmp_path: Path) -> None:
    """Who is connected with which certificate, and by which cipher, could not be seen."""
    certificates = generate(tmp_path / "certs", client_name="shop")
    config = f"""
[tls]
certificate = "{certificates.server}"
key = "{certificates.server_key}"
client_ca = "{certificates.ca}"
verify = "optional"
"""
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("amqps", "management"), config=config) as broker:
        context = ssl.create_default_context(cafile=str(certificates.ca))
        context.load_cert_chain(certificates.client, certificates.client_key)
        where = pika.ConnectionParameters(
            "localhost", broker.ports["amqps"], ssl_options=pika.SSLOptions(context, "localhost")
        )
        with pika.BlockingConnection(where):
            (found,) = [each for each in Api(broker.ports["management"]).get("connections") if each["ssl"]]
    assert found["ssl_protocol"] == "tlsv1.3"
    assert (found["ssl_key_exchange"], found["ssl_hash"]) == ("any", "aead")
    assert found["ssl_cipher"].startswith(("aes_", "chacha20"))
    assert found["peer_cert_subject"] == "CN=shop"
    assert found["peer_cert_issuer"].startswith("CN=")
    assert found["peer_cert_validity"].count("T") == 2


@pytest.mark.parametrize(("name", "words"), [
    ("TLS_AES_256_GCM_SHA384", ("any", "aes_256_gcm", "aead")),
    ("TLS_CHACHA20_POLY1305_SHA256", ("any", "chacha20_poly1305", "aead")),
    ("ECDHE-RSA-AES128-GCM-SHA256", ("ecdhe_rsa", "aes_128_gcm", "aead")),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", ("ecdhe_ecdsa", "chacha20_poly1305", "aead")),
    ("ECDHE-ECDSA-AES256-SHA384", ("ecdhe_ecdsa", "aes_256_cbc", "sha384")),
    ("DHE-RSA-AES256-CCM8", ("dhe_rsa", "aes_256_ccm8", "aead")),
    ("AES128-SHA", ("rsa", "aes_128_cbc", "sha")),
])  # fmt: skip
def test_suites_are_told_in_the_words_of_rabbitmq(name: str, words: tuple[str, str, str]) -> None:
    assert suite_of(name) == words


def test_a_blind_copy_over_http_is_blind(api: Api) -> None:
    """BCC was shown to consumers, and nobody got the copy."""
    for name in ("open", "copied", "blind"):
        api.put(f"queues/%2F/{name}", {})
    body = {
        "properties": {"headers": {"CC": ["copied"], "BCC": ["blind"], "a": 1}},
        "routing_key": "open", "payload": "x", "payload_encoding": "string",
    }  # fmt: skip
    assert api.call("POST", "exchanges/%2F/amq.default/publish", body).body == {"routed": True}
    for name in ("open", "copied", "blind"):
        asked = {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
        (found,) = api.call("POST", f"queues/%2F/{name}/get", asked).body
        assert found["properties"]["headers"] == {"CC": ["copied"], "a": 1}
