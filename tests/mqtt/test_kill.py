"""A real broker is killed again and again under paho clients: nothing is lost, and at QoS 2 nothing comes twice."""

import threading
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.broker_process import BrokerProcess

WAIT_S = 30
KILLS = 3
MESSAGES_PER_LIFE = 150


class Durable:
    """A 3.1.1 client with a session that stays, which connects again by itself whenever the broker is back."""

    def __init__(self, port: int, client_id: str) -> None:
        self.condition = threading.Condition()
        self.received: list[int] = []
        self.published: set[int] = set()
        self.is_subscribed = False
        self.connections = 0
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False)
        self.client.max_inflight_messages_set(50)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = lambda client, userdata, message: self._note(message)
        self.client.on_publish = lambda client, userdata, mid, reason, properties: self._published(mid)
        self.client.on_subscribe = lambda *args: self._subscribed()
        self.client.on_connect = lambda *args: self._connected()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _note(self, message: paho.MQTTMessage) -> None:
        with self.condition:
            self.received.append(int(message.payload))
            self.condition.notify_all()

    def _published(self, mid: int) -> None:
        with self.condition:
            self.published.add(mid)
            self.condition.notify_all()

    def _subscribed(self) -> None:
        with self.condition:
            self.is_subscribed = True
            self.condition.notify_all()

    def _connected(self) -> None:
        with self.condition:
            self.connections += 1
            self.condition.notify_all()

    def wait_connected(self, count: int) -> None:
        with self.condition:
            assert self.condition.wait_for(lambda: self.connections >= count, WAIT_S), self.connections

    def subscribe(self, topic: str, qos: int) -> None:
        self.client.subscribe(topic, qos)
        with self.condition:
            assert self.condition.wait_for(lambda: self.is_subscribed, WAIT_S)

    def wait_received(self, count: int) -> None:
        with self.condition:
            assert self.condition.wait_for(lambda: len(set(self.received)) >= count, WAIT_S), len(set(self.received))

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("qos", [1, 2])
def test_what_was_published_arrives_over_kills_and_once_at_qos_2(tmp_path: Path, qos: int) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", schemes=("mqtt",)) as broker:
        port = broker.ports["mqtt"]
        subscriber, publisher = Durable(port, "subscriber"), Durable(port, "publisher")
        try:
            subscriber.subscribe("t", qos)
            sent = 0
            for life in range(KILLS):
                # paho counts wrongly what is published while it is not connected: it has more open than it knows of
                # then, and at the next connection it publishes again what was released already.
                publisher.wait_connected(life + 1)
                for _ in range(MESSAGES_PER_LIFE):
                    publisher.client.publish("t", b"%d" % sent, qos)
                    sent += 1
                # In the middle of it all: some are acknowledged, some in flight, some not even sent.
                subscriber.wait_received(sent - MESSAGES_PER_LIFE // 2)
                broker.kill()
                broker.start()
            publisher.wait_connected(KILLS + 1)
            publisher.client.publish("t", b"%d" % sent, qos)
            subscriber.wait_received(sent + 1)
        finally:
            publisher.stop()
            subscriber.stop()
    assert set(subscriber.received) == set(range(sent + 1))
    if qos == 2:
        assert len(subscriber.received) == sent + 1
