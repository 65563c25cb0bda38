"""What the broker tells those who watch it."""

from collections.abc import Iterator

import pytest

from mqbroker.core.access.access import Permissions, TopicPermissions
from mqbroker.core.broker import Broker
from mqbroker.core.events import EVENTS, Event, Events
from mqbroker.core.ledger import Ledger
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from mqbroker.core.rabbitmq.policy import Policy
from tests.core.messages import Taker, nothing


class Notes:
    """Everything that was told."""

    def __init__(self, broker: Broker) -> None:
        self.events: list[Event] = []
        broker.events.subscribe(self.events.append)

    def __iter__(self) -> Iterator[str]:
        return (each.name for each in self.events)

    def take(self) -> dict[str, dict[str, object]]:
        """The fields of each event since the last call, by name."""
        found = {each.name: dict(each.fields) for each in self.events}
        assert all(EVENTS[name] == tuple(fields) for name, fields in found.items())
        self.events.clear()
        return found


def made() -> tuple[Broker, Notes]:
    broker = Broker(Ledger(), lambda: "name", Events(lambda: 5))
    return broker, Notes(broker)


def test_what_is_declared_bound_consumed_and_deleted_is_told() -> None:
    """Nothing could be observed: a test had to patch the vhost to see anything."""
    broker, notes = made()
    vhost = broker.add_vhost("/")
    exchange = declare_exchange(vhost, "e", "topic", True, False, False, {})
    queue = declare_queue(vhost, "q", False, False, False, {}, 0)
    vhost.bind(exchange, queue, "a.*", {})
    vhost.bind(exchange, queue, "a.*", {})
    assert list(notes) == ["vhost.created", "exchange.created", "queue.created", "binding.created"]
    found = notes.take()
    assert found["queue.created"]["queue"] == "q"
    assert found["binding.created"] == {
        "vhost": "/", "source": "e", "destination": "q", "destination_kind": "queue", "key": "a.*", "arguments": {},
    }  # fmt: skip
    taker = Taker(queue, prefetch=3)
    queue.add_consumer(taker, 0)
    queue.remove_consumer(taker, 0)
    queue.purge(0, nothing)
    vhost.unbind(exchange, queue, "a.*", {})
    vhost.delete_queue("q")
    vhost.delete_exchange("e")
    broker.delete_vhost("/")
    broker.scheduler.finish(0)
    assert [name for name in notes if name != "exchange.deleted"] == [
        "consumer.created", "consumer.deleted", "queue.purged", "binding.deleted", "queue.deleted", "vhost.deleted",
    ]  # fmt: skip
    assert notes.take()["consumer.created"]["prefetch"] == 3


def test_changes_of_users_and_policies_are_told() -> None:
    broker, notes = made()
    broker.add_vhost("/")
    notes.take()
    broker.put_user("ann", "hash", ["b", "a"])
    broker.set_permissions("ann", "/", Permissions("c", "w", "r"))
    broker.set_topic_permissions("ann", "/", "amq.topic", TopicPermissions("w", "r"))
    broker.set_user_limits("ann", {"max-channels": 1})
    broker.set_vhost_limits("/", {"max-queues": 1})
    broker.set_policy(Policy("/", "p", ".*", {"max-length": 1}, 0, "queues"), 0)
    broker.delete_policy("/", "p", 0)
    broker.clear_permissions("ann", "/")
    broker.delete_user("ann")
    assert list(notes) == [
        "user.put", "permission.set", "topic.permission.set", "user.limits.set", "vhost.limits.set", "policy.set",
        "policy.deleted", "permission.cleared", "user.deleted",
    ]  # fmt: skip
    assert notes.take()["user.put"] == {"user": "ann", "tags": ["a", "b"]}


def test_a_subscriber_that_fails_costs_nobody_anything(caplog: pytest.LogCaptureFixture) -> None:
    """An audit log with a full disk must not keep anybody from declaring a queue."""
    broker = Broker(Ledger(), lambda: "name", Events(lambda: 5))

    def fails(event: Event) -> None:
        raise OSError("no space")

    broker.events.subscribe(fails)
    notes = Notes(broker)
    broker.add_vhost("/")
    assert notes.events == [Event("vhost.created", 5, {"vhost": "/"})]
    assert "a subscriber of events failed at vhost.created" in caplog.text
    broker.events.unsubscribe(fails)
    broker.events.unsubscribe(fails)
    caplog.clear()
    broker.add_vhost("other")
    assert not caplog.records
    assert len(notes.events) == 2
