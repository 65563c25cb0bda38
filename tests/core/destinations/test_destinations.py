"""Names of destinations, and subscriptions to topics."""

import pytest

from mqbroker.core.broker import Broker
from mqbroker.core.destinations.names import (
    Destination,
    destinations_in,
    pattern_of,
    without_options,
)
from mqbroker.core.destinations.naming import Naming
from mqbroker.core.destinations.subscriptions import TopicSubscription, open_subscription
from mqbroker.core.ledger import Ledger
from mqbroker.errors import InvalidSelector, NotAllowed, ResourceLocked
from tests.core.messages import PlainProperties, Taker, message


def test_a_composite_name_has_several() -> None:
    assert destinations_in("a.b, c,topic://d,,queue://e", "queue") == [
        Destination("queue", "a.b"), Destination("queue", "c"), Destination("topic", "d"), Destination("queue", "e"),
    ]  # fmt: skip
    assert destinations_in("", "topic") == []


@pytest.mark.parametrize(
    ("topic", "key"), [("a.b", "a.b"), ("a.*.c", "a.*.c"), ("a.>", "a.#"), (">", "#"), ("a>", "a>")]
)
def test_wildcards_become_those_of_binding_keys(topic: str, key: str) -> None:
    assert pattern_of(topic) == key


@pytest.mark.parametrize(
    ("queue", "topic"),
    [
        ("Consumer.A.VirtualTopic.x.y", "VirtualTopic.x.y"), ("Consumer.A.x", ""), ("A.VirtualTopic.x", ""),
        ("Consumer.VirtualTopic.x", ""), ("Consumer.A.VirtualTopic", ""),
        ("Consumer.A.VirtualTopic.>", "VirtualTopic.>"),
    ],
)  # fmt: skip
def test_a_queue_of_a_virtual_topic_says_which(queue: str, topic: str) -> None:
    assert Naming().virtual_topic_of(queue) == topic


@pytest.mark.parametrize(
    ("queue", "topic"),
    [("VTQ.a.b.orders.x", "orders.x"), ("VTQ.a.orders.x", ""), ("VTQ.a.b.orders.x.y", ""), ("VTQ.a.b.all", "all")],
)
def test_virtual_topics_are_named_by_setting(queue: str, topic: str) -> None:
    assert Naming(("orders.*", "all"), "VTQ.*.*.").virtual_topic_of(queue) == topic


def test_a_queue_may_have_a_mirror() -> None:
    naming = Naming(composites={"queue://a": ("queue://b", "topic://c")}, mirror=("Mirror.", ".x"))
    topics = [Destination("topic", f"Mirror.{name}.x") for name in ("b", "q")]
    assert naming.places_of(Destination("queue", "q")) == [Destination("queue", "q"), topics[1]]
    assert naming.places_of(Destination("topic", "q")) == [Destination("topic", "q")]
    assert naming.places_of(Destination("queue", "a")) == [
        Destination("queue", "b"), Destination("topic", "c"), topics[0],
    ]  # fmt: skip


def test_a_composite_destination_stands_for_others() -> None:
    naming = Naming(composites={"queue://a": ("queue://b", "topic://c"), "topic://a": ("topic://a", "queue://a")})
    queue, topic = Destination("queue", "a"), Destination("topic", "a")
    assert naming.places_of(queue) == [Destination("queue", "b"), Destination("topic", "c")]
    assert naming.places_of(topic) == [topic, queue]  # which does not lead further
    assert naming.places_of(Destination("queue", "b")) == [Destination("queue", "b")]


def test_options_stand_behind_a_name() -> None:
    assert without_options("q?consumer.prefetchSize=1&x=2&consumer.priority=") == (
        "q",
        {"prefetchSize": "1", "priority": ""},
    )
    assert without_options("q") == ("q", {})


class Place:
    def __init__(self) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        self.vhost = self.broker.add_vhost("/")
        self.exchange = self.vhost.exchange("amq.topic")

    def open(self, pattern: str, selector: str = "", **options: object) -> Taker:
        wanted = TopicSubscription("s", (pattern,), selector, **options)  # type: ignore[arg-type]
        taker = Taker(open_subscription(self.vhost, self.exchange, wanted, 0))
        taker.queue.add_consumer(taker, 0)
        taker.queue.offer(taker, 0)
        return taker

    def publish(self, key: str, number: int) -> None:
        route = self.vhost.route("amq.topic", key)
        self.vhost.publish(route, message(b"%d" % number, key, "amq.topic", PlainProperties({"n": number})), 0)


def close(taker: Taker) -> None:
    taker.queue.remove_consumer(taker, 0)


def test_a_durable_subscription_keeps_what_it_selects() -> None:
    place = Place()
    close(place.open("a.*", "n > 1", durable=True, auto_delete=False))
    for number in range(4):
        place.publish("a.b", number)
    assert place.open("a.*", "n > 1", durable=True, auto_delete=False).bodies == [b"2", b"3"]


@pytest.mark.parametrize(("pattern", "selector"), [("a.c", ""), ("a.b", "n = 1")])
def test_another_topic_or_selector_is_a_new_subscription(pattern: str, selector: str) -> None:
    place = Place()
    first = place.open("a.b", durable=True, auto_delete=False)
    wanted = TopicSubscription("s", (pattern,), selector, durable=True, auto_delete=False)
    with pytest.raises(NotAllowed, match="is in use"):
        open_subscription(place.vhost, place.exchange, wanted, 0)
    close(first)
    place.publish("a.b", 1)
    assert place.open(pattern, selector, durable=True, auto_delete=False).bodies == []
    assert len(place.vhost.queues) == 1


def test_several_share_a_subscription() -> None:
    place = Place()
    first, second = place.open("a.#"), place.open("a.#")
    for number in range(4):
        place.publish("a.b", number)
    assert sorted(first.bodies + second.bodies) == [b"0", b"1", b"2", b"3"]
    assert len(first.bodies) == len(second.bodies) == 2


def test_a_subscription_with_an_owner_is_the_owners() -> None:
    place, owner = Place(), object()
    wanted = TopicSubscription("s", ("a",), owner=owner)
    open_subscription(place.vhost, place.exchange, wanted, 0)
    with pytest.raises(ResourceLocked):
        open_subscription(place.vhost, place.exchange, TopicSubscription("s", ("a",)), 0)


def test_a_wrong_selector_leaves_nothing() -> None:
    place = Place()
    with pytest.raises(InvalidSelector):
        place.open("a", "n ==")
    assert len(place.vhost.queues) == 0
