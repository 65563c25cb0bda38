"""An operator sees the sessions of every protocol, and whoever loses their user or vhost loses the connection."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.plug.clients import LineClient, PluggedBroker
from tests.support.raw_amqp import RawAmqp
from tests.support.raw_mqtt import RawMqtt

USER = """
[[users]]
name = "{name}"
password = "{name}"
[[users.permissions]]
vhost = "{vhost}"
configure = ".*"
write = ".*"
read = ".*"
"""
CONFIG = '[[vhosts]]\nname = "doomed"\n' + "".join(
    USER.format(name=name, vhost=vhost) for name, vhost in (("anna", "/"), ("bert", "doomed"))
)
SCHEMES = ("amqp", "mqtt", "line", "operators")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PluggedBroker]:
    with PluggedBroker(tmp_path / "data", "--dev", schemes=SCHEMES, config=CONFIG) as running:
        yield running


@pytest.fixture
def operator(broker: PluggedBroker) -> Iterator[LineClient]:
    with LineClient(broker.ports["operators"]) as client:
        yield client


def amqp(broker: PluggedBroker, user: str, vhost: str = "/") -> RawAmqp:
    client = RawAmqp(broker.ports["amqp"])
    client.open(user, user, vhost)
    return client


def mqtt(broker: PluggedBroker, user: str, vhost: str = "/", version: int = 5) -> RawMqtt:
    client = RawMqtt(broker.ports["mqtt"], version)
    name = user if vhost == "/" else f"{vhost}:{user}"
    assert client.connect(f"{user}{version}", user_name=name, password=user.encode()).reason == 0
    return client


def test_who_is_deleted_is_disconnected(broker: PluggedBroker, operator: LineClient) -> None:
    """A deleted user went on publishing over what connections there were."""
    others = amqp(broker, "guest"), mqtt(broker, "guest")
    with amqp(broker, "anna") as by_amqp, mqtt(broker, "anna") as by_mqtt, mqtt(broker, "anna", "/", 4) as old:
        operator.operate("DELETE-USER anna")
        closing = by_amqp.expect("connection.close", 0)
        assert closing.args["reply_code"] == 320
        assert closing.args["reply_text"] == "CONNECTION_FORCED - user 'anna' is deleted"
        (goodbye,) = by_mqtt.rest()
        assert isinstance(goodbye, p.Disconnect)
        assert goodbye.reason == Reason.ADMINISTRATIVE_ACTION
        assert goodbye.properties["reason_string"] == "user 'anna' is deleted"
        assert old.rest() == []  # below version 5 a server has no word for it
        assert [each["user"] for each in operator.operate("SESSIONS")] == ["guest", "guest"]
    with others[0], others[1]:
        others[0].declare()
        others[1].send(p.PingReq())
        assert isinstance(others[1].receive(), p.PingResp)


def test_who_is_in_a_vhost_that_is_deleted_is_disconnected(broker: PluggedBroker, operator: LineClient) -> None:
    """Channels of a deleted vhost went on, with queues that nobody could find."""
    with amqp(broker, "bert", "doomed") as by_amqp, mqtt(broker, "bert", "doomed") as by_mqtt:
        queue = by_amqp.declare(durable=True)
        by_amqp.publish(queue, b"lost with it")
        by_amqp.sync()
        by_mqtt.send(p.Subscribe(1, [p.TopicFilter("x", 1)]))
        assert isinstance(by_mqtt.receive(), p.SubAck)
        operator.operate("DELETE-VHOST doomed")
        assert by_amqp.expect("connection.close", 0).args["reply_code"] == 320
        (goodbye,) = by_mqtt.rest()
        assert isinstance(goodbye, p.Disconnect)
        assert goodbye.reason == Reason.ADMINISTRATIVE_ACTION
        assert operator.operate("SESSIONS") == []
    assert "Traceback" not in broker.log()


def test_pika_is_told_why(broker: PluggedBroker, operator: LineClient) -> None:
    credentials = pika.PlainCredentials("anna", "anna")
    parameters = pika.ConnectionParameters("127.0.0.1", broker.ports["amqp"], credentials=credentials)
    connection = pika.BlockingConnection(parameters)
    operator.operate("DELETE-USER anna")
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match=r"320.*user 'anna' is deleted"):
        connection.process_data_events(15)


def test_sessions_say_what_they_are(broker: PluggedBroker, operator: LineClient) -> None:
    """Nobody could see who was connected."""
    with amqp(broker, "guest") as by_amqp, mqtt(broker, "guest") as by_mqtt, LineClient(broker.ports["line"]) as line:
        line.log_in()
        first, second, third = operator.operate("SESSIONS")
        check(first, "AMQP 0-9-1", by_amqp.socket.getsockname()[1], broker.ports["amqp"])
        assert first["state"] == "running"
        assert "capabilities" in first["client_properties"]
        counts = {"publishes": 0, "deliveries": 0, "to_confirm": 0, "confirms": 0, "returns": 0, "has_ended": False}
        state = {"is_transactional": False, "is_confirming": False, "prefetch": 0, "global_prefetch": 0}
        assert first["channels"] == [{"number": 1, "consumers": 0, "unacknowledged": 0, **state, **counts}]
        check(second, "MQTT 5.0", by_mqtt.socket.getsockname()[1], broker.ports["mqtt"])
        assert (second["client_id"], second["subscriptions"]) == ("guest5", 0)
        check(third, "lines", line.socket.getsockname()[1], broker.ports["line"])


def check(found: dict[str, Any], protocol: str, peer_port: int, port: int) -> None:
    """The facts that every session has."""
    assert (found["protocol"], found["user"], found["vhost"]) == (protocol, "guest", "/")
    assert (found["peer_host"], found["peer_port"], found["port"]) == ("127.0.0.1", peer_port, port)
    assert found["is_tls"] is False
