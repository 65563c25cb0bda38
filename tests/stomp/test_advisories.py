"""Advisories of a broker that is told to make them, with clients of STOMP and AMQP 1.0."""

import json
from pathlib import Path

import pytest

from tests.stomp.stompy import StompPy
from tests.support.broker_process import BrokerProcess

CONFIG = '[stomp]\ndialect = "activemq"\n[destinations]\nadvisories = true\n'


def test_clients_are_told_what_happens(tmp_path: Path) -> None:
    """The option did nothing."""
    proton = pytest.importorskip("proton.utils", reason="python-qpid-proton is not installed")
    with (
        BrokerProcess(tmp_path / "data", "--dev", schemes=("stomp", "amqp"), config=CONFIG) as broker,
        StompPy(broker.ports["stomp"]) as watcher,
    ):
        watcher.subscribe("/topic/ActiveMQ.Advisory.Consumer.>")
        connection = proton.BlockingConnection(broker.url, timeout=15, allowed_mechs="PLAIN")
        receiver = connection.create_receiver("queue://orders")
        frame = watcher.message()
        assert frame.headers["destination"] == "/topic/ActiveMQ.Advisory.Consumer.Queue.orders"
        assert frame.headers["consumerCount"] == "1"
        assert frame.headers["type"] == "Advisory"
        assert json.loads(frame.body)["ConsumerInfo"]["destination"]["string"] == "orders"
        receiver.close()
        assert "RemoveInfo" in json.loads(watcher.message().body)
        advisories = connection.create_receiver("topic://ActiveMQ.Advisory.Queue", credit=10)
        message = advisories.receive(15)
        assert message.properties["originBrokerName"]
        assert json.loads(bytes(message.body))["DestinationInfo"]["destination"]["string"]
        connection.close()
