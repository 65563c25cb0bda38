"""MQTT octet by octet over real sockets, against a real broker."""

from pathlib import Path

import pytest

from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from tests.support.broker_process import BrokerProcess
from tests.support.raw_mqtt import RawMqtt


@pytest.mark.parametrize("version", [4, 5])
def test_a_broker_that_stops_in_order_remembers_what_it_has_sent(tmp_path: Path, version: int) -> None:
    """After an orderly restart a message came again without DUP. [MQTT-3.3.1-1]"""
    fields = {"clean_start": False, "properties": {"session_expiry_interval": 600} if version == 5 else {}}
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", schemes=("mqtt",)) as broker:
        with RawMqtt(broker.ports["mqtt"], version) as client, RawMqtt(broker.ports["mqtt"]) as publisher:
            client.connect("s", **fields)
            client.send(p.Subscribe(1, [p.TopicFilter("t", 1)]))
            assert isinstance(client.receive(), p.SubAck)
            publisher.connect("p")
            publisher.send(p.Publish("t", b"sent", 1, packet_id=1))
            sent = client.receive()
            assert (sent.payload, sent.dup) == (b"sent", False)
            client.send(p.Disconnect())
            assert client.rest() == []
            publisher.send(p.Publish("t", b"waiting", 1, packet_id=2))
            assert [publisher.receive().kind for _ in range(2)] == [c.PUBACK, c.PUBACK]
        broker.stop()
        broker.start()
        with RawMqtt(broker.ports["mqtt"], version) as client:
            assert client.connect("s", **fields).session_present
            again, first = client.receive(), client.receive()
    assert (again.payload, again.dup, again.packet_id) == (b"sent", True, sent.packet_id)
    assert (first.payload, first.dup) == (b"waiting", False)
