"""The anonymous relay: where a message goes that says it itself."""

from typing import Any

from mqbroker.core.destinations.naming import Naming
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.values import UInt8
from mqbroker.limits import ROUTE_CACHE_ENTRIES_MAX
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Rejected, Released, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import Attach, Disposition, Transfer
from mqbroker.protocols.amqp1.codec.types import Symbol
from tests.amqp1.house import Client, House
from tests.amqp1.raw import data, said


class Relay:
    """A client with a link to no address, and what became of its messages."""

    def __init__(self, house: House) -> None:
        self.client: Client = house.open()
        attach = Attach("relay", 0, False, source=Source(), target=Target(None), initial_delivery_count=0)
        self.client.receive(frames.performative(0, attach))
        self.client.frames()
        self.number = 0

    def send(self, to: str | None, body: bytes, kind: int | None = None) -> Any:
        annotations = b"" if kind is None else b"\x00\x53\x72" + encode({Symbol("x-opt-jms-dest"): UInt8(kind)})
        payload = annotations + b"\x00\x53\x73" + encode([None, None, to]) + data(body)
        self.client.receive(said(Transfer(0, self.number, b"t", 0, False), payload))
        self.number += 1
        (found,) = [each for each, _ in self.client.frames() if isinstance(each, Disposition)]
        return found.state


def waiting(house: House) -> dict[str, int]:
    return {name: queue.waiting_count() for name, queue in house.vhost.queues.items()}


def test_composites_of_the_configuration_are_known_to_it() -> None:
    """What was sent to a composite destination waited in a queue of its name, and its parts got nothing."""
    house = House()
    house.services.naming = Naming(composites={"queue://all": ("queue://a", "queue://b")})
    relay = Relay(house)
    for _ in range(2):
        assert isinstance(relay.send("queue://all", b"x"), Accepted)
    assert isinstance(relay.send("queue://a", b"x"), Accepted)
    assert waiting(house) == {"a": 3, "b": 2}


def test_queues_may_have_mirrors() -> None:
    house = House()
    house.services.naming = Naming(mirror=("Mirror.", ""))
    topics = house.vhost.exchange("amq.topic")
    house.vhost.bind(topics, house.vhost.declare(QueueSpec("watcher"), 0), "Mirror.a", {})
    relay = Relay(house)
    for address in ("queue://a", "/queues/a"):  # only the first is an address of ActiveMQ's
        assert isinstance(relay.send(address, b"x"), Accepted)
    assert waiting(house) == {"a": 2, "watcher": 1}


def test_queues_of_virtual_topics_may_take_only_what_is_wanted() -> None:
    house = House()
    house.services.naming = Naming(is_selector_aware=True)
    relay = Relay(house)
    for address in ("queue://Consumer.A.VirtualTopic.x", "topic://VirtualTopic.x"):
        assert isinstance(relay.send(address, b"x"), Accepted)
    assert waiting(house) == {"Consumer.A.VirtualTopic.x": 1}


def test_a_name_without_a_kind_is_what_a_client_of_jms_says_beside_it() -> None:
    """A topic was taken for a queue that was not there."""
    house = House()
    relay = Relay(house)
    house.vhost.bind(house.vhost.exchange("amq.topic"), house.vhost.declare(QueueSpec("subscription"), 0), "t", {})
    assert isinstance(relay.send("t", b"x", 1), Accepted)
    assert isinstance(relay.send("t", b"x", 0), Accepted)
    assert isinstance(relay.send("queue://t", b"x", 1), Accepted)  # what the address says counts
    assert waiting(house) == {"subscription": 1, "t": 2}
    assert isinstance(relay.send("nobody", b"x"), Released)
    assert isinstance(relay.send(None, b"x", 1), Rejected)


def test_copies_outlast_a_flood_of_other_addresses() -> None:
    """What a composite has besides was forgotten before its first part: from then on only that got anything."""
    house = House()
    names = [f"queue://all{number}" for number in range(ROUTE_CACHE_ENTRIES_MAX + 2)]
    house.services.naming = Naming(composites=dict.fromkeys(names, ("queue://a", "queue://b")))
    relay = Relay(house)
    relay.send("queue://single", b"x")
    for name in (*names, *names[500:520]):
        assert isinstance(relay.send(name, b"x"), Accepted)
    assert waiting(house) == {"single": 1, "a": len(names) + 20, "b": len(names) + 20}
