"""What is kept of topics for those who subscribe later."""

import pytest

from mqbroker.core.broker import Broker
from mqbroker.core.destinations import recent, retroactive
from mqbroker.core.destinations.subscriptions import TopicSubscription, open_subscription
from mqbroker.core.ledger import Ledger
from tests.core.messages import PlainProperties, message


class Place:
    """A vhost that keeps the last messages of topics."""

    def __init__(self, each_max: int = 2) -> None:
        self.vhost = Broker(Ledger(), lambda: "name").add_vhost("/")
        self.exchange = self.vhost.exchange("amq.topic")
        for _ in range(2):
            retroactive.keep_recent(self.vhost, "amq.topic", each_max, 0)

    def publish(self, key: str, body: bytes, ttl_ms: int = -1) -> None:
        properties = PlainProperties({})
        properties.ttl_ms = ttl_ms
        self.vhost.publish(
            self.vhost.route("amq.topic", key), message(body, key, "amq.topic", properties=properties), 0
        )

    def caught_up(self, *patterns: str, now: int = 0) -> list[bytes]:
        queue = open_subscription(self.vhost, self.exchange, TopicSubscription("s", patterns), now)
        retroactive.catch_up(self.vhost, self.exchange, queue, patterns, now)
        found = [entry.message.content() for entry in queue.waiting()]
        self.vhost.delete_queue("s")
        return found


def test_a_new_subscription_begins_with_the_last_messages_of_its_topics() -> None:
    place = Place()
    for key, body in (("a.b", b"1"), ("a.b", b"2"), ("c", b"3"), ("a.b", b"4"), ("a.c", b"5")):
        place.publish(key, body)
    assert place.caught_up("a.*") == [b"2", b"4", b"5"]
    assert place.caught_up("a.b", "c") == [b"2", b"3", b"4"]
    assert place.caught_up("#") == [b"2", b"3", b"4", b"5"]
    assert place.caught_up("b") == []
    assert not list(place.vhost.bindings())


def test_what_has_expired_is_over() -> None:
    place = Place()
    place.publish("a", b"1", ttl_ms=100)
    assert place.caught_up("a", now=99) == [b"1"]
    assert place.caught_up("a", now=100) == []


def test_the_topic_without_news_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "RECENT_TOPICS_MAX", 2)
    monkeypatch.setattr(recent, "RECENT_MESSAGES_BYTES_MAX", 10)
    monkeypatch.setattr(recent, "RECENT_MESSAGE_OVERHEAD_BYTES", 0)
    place = Place()
    for key in ("a", "b", "a", "c"):
        place.publish(key, b"x")
    assert place.caught_up("#") == [b"x", b"x", b"x"]
    assert place.caught_up("b") == []
    place.publish("d", b"y" * 9)
    assert place.caught_up("#") == [b"x", b"y" * 9]
    place.publish("d", b"z" * 11)
    assert place.caught_up("#") == []


def test_a_subscription_begins_with_so_many_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscription to thousands of topics held up everybody else."""
    monkeypatch.setattr(retroactive, "RECENT_MESSAGES_AT_ONCE", 2)
    place = Place()
    for key in ("a", "b", "c"):
        place.publish(key, key.encode())
    assert place.caught_up("#") == [b"b", b"c"]


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    place = Place()
    vhost = Broker(Ledger(), lambda: "name").add_vhost("/")
    retroactive.keep_recent(vhost, "unknown", 1, 0)
    assert not vhost.reply_queues
    place.vhost = vhost
    place.exchange = vhost.exchange("amq.topic")
    place.publish("a", b"1")
    assert place.caught_up("a") == []
