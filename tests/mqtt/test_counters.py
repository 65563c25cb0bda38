"""What MQTT counts of the messages at each QoS."""

import pytest

from tests.mqtt.house import House


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publishes_are_counted_by_qos(qos: int) -> None:
    """Only their sum was known, and a fleet that had been set to QoS 0 by mistake looked like any other."""
    house = House()
    counters = house.sessions.counters
    subscriber, publisher = house.connect("s"), house.connect("p")
    subscriber.subscribe("t", qos=2)
    publisher.publish("t", b"x", qos)
    house.turn()
    assert counters.publishes_received == counters.publishes_sent == 1
    received = counters.publishes_received_qos1, counters.publishes_received_qos2
    sent = counters.publishes_sent_qos1, counters.publishes_sent_qos2
    assert received == sent == (int(qos == 1), int(qos == 2))
