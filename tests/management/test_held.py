"""Messages that consumers hold, one by one."""

import time
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.management.api import Api
from tests.management.console import Console
from tests.mqtt.paho_client import Paho
from tests.stomp.stompy import StompPy
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


def held(api: Api, queue: str, count: int) -> list[dict[str, Any]]:
    """What is held, once it is so much."""
    path = f"mqbroker/queues/%2F/{queue}/unacked"
    eventually(lambda: len(api.get(path)["items"]) == count, 20)
    found: list[dict[str, Any]] = api.get(path)["items"]
    return found


def test_what_a_consumer_holds_is_seen_and_how_long_at_least(api: Api, broker: BrokerProcess) -> None:
    """That a consumer was stuck was seen, and not at which message, nor since when."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("held")
        for number in range(3):
            channel.basic_publish("", "held", b"%d" % number)
        got: list[int] = []
        channel.basic_qos(prefetch_count=2)
        channel.basic_consume("held", lambda _c, method, *_: got.append(method.delivery_tag), consumer_tag="stuck")
        connection.process_data_events(0.5)
        first, second = held(api, "held", 2)
        (mine,) = [each for each in api.get("connections") if each["channels"]]
        assert (first["payload"], second["payload"], first["consumer_tag"]) == ("0", "1", "stuck")
        assert (first["channel"], first["user"], first["delivery_tag"]) == (f"{mine['name']} (1)", "guest", 1)
        time.sleep(0.2)
        assert held(api, "held", 2)[0]["held_ms"] >= 200
        channel.basic_nack(1)
        connection.process_data_events(0.5)
        again = held(api, "held", 2)
        assert {each["payload"]: each["redelivered"] for each in again} == {"1": False, "0": True}
        assert next(each["held_ms"] for each in again if each["payload"] == "0") < 200
        assert len(api.get("mqbroker/queues/%2F/held/unacked?count=1")["items"]) == 1
        channel.queue_delete("held")


def test_other_protocols_show_theirs_too(api: Api, broker: BrokerProcess) -> None:
    stomp = StompPy(broker.ports["stomp"])
    stomp.client.connect("guest", "guest", wait=True)
    stomp.subscribe("/queue/held-stomp", ack="client-individual")
    stomp.client.send("/queue/held-stomp", "by STOMP")
    stomp.message()
    (found,) = held(api, "held-stomp", 1)
    assert (found["payload"], found["user"]) == ("by STOMP", "guest")
    stomp.client.disconnect()
    with Paho(broker.ports["mqtt"], "held-mqtt", 5, manual_ack=True) as client:
        client.subscribe("held/mqtt", qos=1)
        api.post("exchanges/%2F/amq.topic/publish", {
            "properties": {"delivery_mode": 2}, "routing_key": "held.mqtt", "payload": "by MQTT",
            "payload_encoding": "string",
        })  # fmt: skip
        client.message()
        (queue,) = [
            each["name"] for each in api.get("queues") if each["name"].startswith("mqtt-subscription-held-mqtt")
        ]
        (found,) = held(api, queue, 1)
        assert (found["payload"], found["consumer_tag"]) == ("by MQTT", "held-mqtt")


def test_only_who_may_read_sees_them(api: Api) -> None:
    api.put("queues/%2F/held-secretly", {})
    api.put("users/blind", {"password": "x", "tags": "management"})
    api.put("permissions/%2F/blind", {"configure": ".*", "write": ".*", "read": ""})
    assert api.of("blind", "x").call("GET", "mqbroker/queues/%2F/held-secretly/unacked").status == 401
    assert api.refused("GET", "mqbroker/queues/%2F/absent/unacked")[0] == 404
    assert api.refused("GET", "mqbroker/queues/%2F/held-secretly/unacked?count=x")[0] == 400


def test_the_console_shows_them(console: Console, api: Api, broker: BrokerProcess) -> None:
    """One saw a number."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("held-here")
        channel.basic_publish("", "held-here", b"stuck with this")
        channel.basic_consume("held-here", lambda *_: None, consumer_tag="slow")
        connection.process_data_events(0.5)
        console.go("/queue/%2F/held-here", "Queue held-here")
        console.wait_text("Unacknowledged: 1 of 1")
        console.wait_text("stuck with this")
        console.picture("held")
        channel.queue_delete("held-here")
