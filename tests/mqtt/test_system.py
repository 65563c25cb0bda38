"""The $SYS topics: the names are those of a real Mosquitto, and the figures are true."""

import re
import time
from math import exp
from pathlib import Path
from typing import Any

import pytest

from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from tests.mqtt.house import Client, House
from tests.mqtt.paho_client import Paho
from tests.storage.simdisk import SimDisk
from tests.support.broker_process import BrokerProcess
from tests.support.mosquitto_process import MosquittoProcess
from tests.support.raw_mqtt import RawMqtt

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}
PREFIX = "$SYS/broker/"
WAIT_S = 20


# --- beside a real Mosquitto ----------------------------------------------------------------------------------------


class CountingMqtt(RawMqtt):
    """Counts the octets and the packets that it sends, by which the broker is measured."""

    octets_sent = 0
    packets_sent = 0

    def tell(self, *packets: Any) -> None:
        """Sends packets one by one and waits for an answer to each."""
        for packet in packets:
            self.say(packet if isinstance(packet, bytes) else encode(packet, self.version))
            self.receive()

    def say(self, octets: bytes) -> None:
        super().say(octets)
        self.octets_sent += len(octets)
        self.packets_sent += 1


def work(stays: CountingMqtt, leaves: CountingMqtt) -> None:
    """Two clients do something, and one of them leaves a session behind."""
    stays.tell(p.Connect("stays", 4))
    for number, topic in enumerate(("a/#", "b", "$share/g/a", "$share/g/b")):
        stays.tell(p.Subscribe(number + 1, [p.TopicFilter(topic, 1)]))
    leaves.tell(p.Connect("leaves", 4, clean_start=False), p.Subscribe(1, [p.TopicFilter("b", 1)]), p.PingReq())
    leaves.say(encode(p.Disconnect(), 4))
    leaves.rest()
    stays.tell(p.Publish("a/1", b"12345"), p.Publish("nobody", b"123", 1, packet_id=7))


def watched(port: int) -> dict[str, str]:
    """Every figure, once they are what they should be after the work of two clients, and with who watches."""
    with CountingMqtt(port, 4) as stays, CountingMqtt(port, 4) as leaves, CountingMqtt(port, 4) as watcher:
        work(stays, leaves)
        clients = (stays, leaves, watcher)
        watcher.say(encode(p.Connect("watcher", 4), 4))
        watcher.say(encode(p.Subscribe(1, [p.TopicFilter(f"{PREFIX}#", 0)]), 4))
        expected = {
            "clients/connected": "2", "clients/disconnected": "1", "clients/total": "3", "clients/active": "2",
            "clients/inactive": "1", "clients/expired": "0",
            "subscriptions/count": "4", "shared_subscriptions/count": "2",
            "messages/received": str(sum(client.packets_sent for client in clients)),
            "bytes/received": str(sum(client.octets_sent for client in clients)),
            "publish/messages/received": "2", "publish/bytes/received": "8", "publish/messages/dropped": "0",
        }  # fmt: skip
        found: dict[str, str] = {}
        uptimes: set[str] = set()
        deadline = time.monotonic() + WAIT_S
        while len(uptimes) < 3 or not expected.items() <= found.items():
            assert time.monotonic() < deadline, {name: (found.get(name), value) for name, value in expected.items()}
            packet = watcher.receive()
            if isinstance(packet, p.Publish):
                found[packet.topic.removeprefix(PREFIX)] = packet.payload.decode()
                uptimes.add(found.get("uptime", ""))
        return found


def form(figure: str) -> str:
    """How a figure is written: digits do not matter."""
    return re.sub("[0-9]+", "0", figure).replace("mosquitto", "mqbroker")


def test_the_figures_are_those_of_mosquitto(tmp_path: Path) -> None:
    """Only 8 of Mosquitto's topics were there: exporters and MQTT Explorer's status page stayed empty."""
    config = "[mqtt]\nsystem_interval_s = 1\n"
    (tmp_path / "mosquitto").mkdir()
    with (
        MosquittoProcess(tmp_path / "mosquitto", "sys_interval 1") as mosquitto,
        BrokerProcess(tmp_path / "data", "--dev", "--durability", "memory", schemes=("mqtt",), config=config) as broker,
    ):
        there, here = watched(mosquitto.port), watched(broker.ports["mqtt"])
    assert set(here) == set(there)
    assert {name: form(value) for name, value in here.items()} == {name: form(value) for name, value in there.items()}
    assert int(here["heap/current"]) > 1 << 20


# --- what they say --------------------------------------------------------------------------------------------------


def figures(client: Client, pattern: str = "#") -> dict[str, str]:
    """What a new subscription is sent, by the names below $SYS/broker/."""
    client.received()
    client.subscribe(f"{PREFIX}{pattern}", qos=0)
    found = {topic.removeprefix(PREFIX): payload.decode() for topic, payload, _ in client.messages()}
    client.unsubscribe(f"{PREFIX}{pattern}")
    return found


@pytest.mark.parametrize("version", [4, 5])
def test_what_goes_out_is_counted_by_packet_and_octet(version: int) -> None:
    house = House()
    counters = house.sessions.counters
    client = house.connect("s", version=version, properties={"topic_alias_maximum": 1} if version == 5 else {})
    before = counters.publishes_sent + counters.others_sent
    octets_before = counters.bytes_sent
    assert (before, octets_before > 0) == (1, True)
    client.send(p.Subscribe(1, [p.TopicFilter("t/#", 2)]))
    for qos in range(3):
        client.publish(f"t/{qos}", bytes(100), qos)
    client.publish("t/large", bytes(100_000))
    client.send(p.PingReq())
    arrived = len(client.arrived)
    packets = client.received()
    published = [each for each in packets if isinstance(each, p.Publish)]
    assert counters.publishes_sent + counters.others_sent - before == len(packets) == 8
    assert (counters.publishes_sent, counters.publish_bytes_sent) == (len(published), 100_300)
    assert (counters.publishes_received, counters.publish_bytes_received) == (4, 100_300)
    assert counters.bytes_sent - octets_before == arrived


def test_what_is_dropped_is_counted_once_and_for_good() -> None:
    """The figure went down when a session ended, for it was the sum over those that are there."""
    house = House(queued_messages_max=1, system_interval_s=10)
    away = house.connect("away", **KEEP)
    away.subscribe("t", qos=1)
    away.lose()
    client = house.connect("s", properties={"maximum_packet_size": 200})
    client.subscribe("t", qos=0)
    publisher = house.connect("p")
    for size in (1, 1, 300):
        publisher.publish("t", bytes(size), 1)
    assert figures(publisher, "publish/messages/dropped") == {"publish/messages/dropped": "3"}
    house.connect("away", clean_start=True)
    assert figures(publisher, "publish/messages/dropped") == {"publish/messages/dropped": "3"}


def test_clients_and_subscriptions_are_counted_over_restarts_and_ends() -> None:
    house = House(SimDisk(), system_interval_s=10)
    client = house.connect("s", **KEEP)
    client.subscribe("a", "b/#", "$share/g/t", qos=1)
    client.subscribe("a", qos=0)
    client.lose()
    house.connect("short", clean_start=False, properties={"session_expiry_interval": 60}).lose()
    assert house.disk is not None
    house = House(house.disk.after_kill(), house.now, system_interval_s=10)
    watcher = house.connect("w")
    wanted = {"clients/total": "3", "clients/disconnected": "2", "clients/connected": "1", "clients/maximum": "1"}
    assert figures(watcher, "clients/#").items() >= {**wanted, "clients/expired": "0"}.items()
    assert figures(watcher, "subscriptions/count") == {"subscriptions/count": "3"}  # with that of the watcher
    assert figures(watcher, "shared_subscriptions/count") == {"shared_subscriptions/count": "1"}
    house.wait(61)
    assert figures(watcher, "clients/expired") == {"clients/expired": "1"}
    client = house.connect("s", **KEEP)
    client.unsubscribe("a")
    assert figures(watcher, "subscriptions/count") == {"subscriptions/count": "2"}
    house.connect("s", clean_start=True).lose()
    counters = house.sessions.counters
    assert (counters.subscriptions, counters.shared_subscriptions, counters.system_subscriptions) == (0, 0, 0)
    assert (counters.clients_connected, counters.clients_connected_max) == (1, 2)


def test_the_store_is_what_waits_what_is_in_flight_and_what_is_retained() -> None:
    house = House(system_interval_s=10)
    house.connect("reader").subscribe("t", qos=1)
    away = house.connect("away", **KEEP)
    away.subscribe("t", qos=1)
    away.lose()
    publisher = house.connect("p")
    publisher.publish("t", b"12345", 1)
    publisher.publish("kept", b"123", retain=True)
    found = figures(publisher)
    assert {name: found[name] for name in ("store/messages/count", "messages/stored", "store/messages/bytes")} == {
        "store/messages/count": "3",
        "messages/stored": "3",
        "store/messages/bytes": "13",
    }
    assert found["retained messages/count"] == "1"


def test_averages_follow_what_happens_and_forget_it() -> None:
    """Per minute, over one, five and fifteen minutes, as Mosquitto weights them."""
    house = House(system_interval_s=10)
    publisher = house.connect("p")
    for _ in range(60):
        publisher.publish("t", b"12")
    house.wait(10)
    found = figures(publisher, "load/publish/received/+")
    for span in (1, 5, 15):
        value = 360 * (1 - exp(-10 / 60 / span))
        assert found[f"load/publish/received/{span}min"] == f"{value:.2f}"
    assert figures(publisher, "load/sockets/1min") == {"load/sockets/1min": f"{6 * (1 - exp(-1 / 6)):.2f}"}
    for _ in range(30):
        house.wait(10)
    assert float(figures(publisher, "load/publish/received/1min")["load/publish/received/1min"]) < 1


def test_a_subscription_is_sent_the_figures_that_it_matches_and_no_others() -> None:
    """With one subscription of $SYS topics another one brought those of the first once more."""
    house = House(system_interval_s=10)
    client = house.connect("s")
    client.subscribe(p.TopicFilter("$SYS/broker/clients/#", 0), subscription_identifier=1)
    assert {topic.split("/")[2] for topic, _, _ in client.messages()} == {"clients"}
    client.subscribe(p.TopicFilter("$SYS/broker/version", 0), subscription_identifier=2)
    message = client.one()
    assert (message.topic, message.retain) == ("$SYS/broker/version", True)
    assert message.properties == {"subscription_identifier": [2]}
    house.wait(11)
    later = [each for each in client.received() if isinstance(each, p.Publish)]
    assert {each.topic.split("/")[2] for each in later} == {"clients", "version"}
    assert not any(each.retain for each in later)


def test_without_an_interval_there_are_no_figures() -> None:
    house = House(system_interval_s=0)
    client = house.connect("s")
    client.subscribe("$SYS/#", qos=0)
    house.wait(100)
    assert client.messages() == []


def test_the_log_goes_to_topics_where_that_is_wanted(tmp_path: Path) -> None:
    """What was made for Mosquitto's `log_dest topic` saw nothing of the log."""
    config = "[mqtt]\nlog_topics = true\n"
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("mqtt",), config=config) as broker:
        with Paho(broker.ports["mqtt"], "watcher", 5) as watcher, Paho(broker.ports["mqtt"], "other", 5) as other:
            watcher.subscribe([("$SYS/broker/log/N", 0), ("$SYS/broker/log/W", 0)])
            with Paho(broker.ports["mqtt"], "coming", 4):
                pass
            with Paho(broker.ports["mqtt"], "other", 5):  # which takes the session over
                found = [watcher.message() for _ in range(3)]
            assert not other.messages.qsize()
        told = {each.topic: each.payload.decode() for each in found}
        assert any("'coming'" in each.payload.decode() for each in found if each.topic == "$SYS/broker/log/N")
        assert re.match(r"\d{10}: 127\.0\.0\.1:\d+ -> ", told["$SYS/broker/log/N"])
        assert not any(each.retain for each in found)
