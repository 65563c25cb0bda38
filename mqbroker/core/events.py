"""What happens in the broker beside messages: things are declared and deleted, sessions open and close, users change.

Whoever knows of such a thing calls `Events.tell` once, on the one object that the broker owns, and whoever wants to
know subscribes: an audit log, a management API, an exchange of events. Nothing is told per message: what happens to
many of them is told once in a while, with a count (runtime/sampler.py), and otherwise read from core/stats.py.

A subscriber is called at once, in the midst of the work that it is told of. It must be quick and must change nothing in
the broker: what it wants done, it does later. One that fails is logged and costs the broker nothing else.
"""

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

log = logging.getLogger(__name__)

EVENTS: Mapping[str, tuple[str, ...]] = {
    "vhost.created": ("vhost",),
    "vhost.deleted": ("vhost",),  # told when nobody finds it any more; what is in it goes afterwards
    "vhost.limits.set": ("vhost", "limits"),
    "user.put": ("user", "tags"),  # created, or another password, or other tags
    "user.deleted": ("user",),
    "user.limits.set": ("user", "limits"),
    "user.refused": ("user", "protocol", "peer", "reason"),  # a log-in that failed; the reason is not for the peer
    "credential.put": ("user", "kind", "id"),
    "credential.deleted": ("kind", "id"),
    "permission.set": ("user", "vhost", "configure", "write", "read"),
    "permission.cleared": ("user", "vhost"),
    "topic.permission.set": ("user", "vhost", "exchange", "write", "read"),
    "topic.permission.cleared": ("user", "vhost", "exchange"),
    "policy.set": ("vhost", "policy", "pattern", "definition", "priority", "apply_to", "is_operator"),
    "policy.deleted": ("vhost", "policy", "is_operator"),
    "exchange.created": ("vhost", "exchange", "kind", "durable", "auto_delete", "internal", "arguments"),
    "exchange.deleted": ("vhost", "exchange"),
    "queue.created": ("vhost", "queue", "kind", "durable", "exclusive", "auto_delete", "arguments"),
    "queue.deleted": ("vhost", "queue", "messages"),  # its bindings and consumers go with it, and are not told of
    "queue.purged": ("vhost", "queue", "messages"),
    "queue.overflowed": ("vhost", "queue", "dropped", "refused"),  # once a sample at most
    "queue.dead.lettered": ("vhost", "queue", "messages"),  # the same
    "queue.expired": ("vhost", "queue", "messages"),  # the same
    "binding.created": ("vhost", "source", "destination", "destination_kind", "key", "arguments"),
    "binding.deleted": ("vhost", "source", "destination", "destination_kind", "key", "arguments"),
    "consumer.created": ("vhost", "queue", "consumer", "acknowledges", "exclusive", "prefetch", "priority"),
    "consumer.deleted": ("vhost", "queue", "consumer"),
    "producer.created": (
        "vhost",
        "exchange",
        "key",
        "producer",
    ),  # a link of AMQP 1.0 to one key; others come and publish
    "producer.deleted": ("vhost", "exchange", "key", "producer"),
    "session.opened": ("session", "protocol", "user", "vhost"),  # a connection whose peer has logged in
    "session.closed": ("session", "protocol", "user", "vhost"),
    "channel.opened": ("session", "channel", "user", "vhost"),
    "channel.closed": ("session", "channel", "user", "vhost"),
    "subscriber.created": ("vhost", "subscriber", "user", "protocol"),  # what is kept for a client that may be away
    "subscriber.ended": ("vhost", "subscriber", "user", "protocol", "has_expired"),
    "parameter.set": ("component", "vhost", "parameter", "value"),  # with an empty component and vhost for global ones
    "parameter.cleared": ("component", "vhost", "parameter"),
    "alarm.set": ("reason",),  # publishers are held back: "low on memory", "low on disk" or both
    "alarm.cleared": (),
    "pair.promoted": ("node", "epoch"),  # this node is the active one from now on
    "pair.in.sync.changed": ("nodes", "epoch"),  # on which nodes everything is that is confirmed
    "journal.segment.begun": ("segments", "bytes_written"),  # how many are needed now
}
"""Every event with its fields. Names are texts; `arguments`, `limits` and `definition` mappings of neutral values;
counts integers. A session is called `address:port -> address:port`, a consumer as its protocol calls it."""


class Event(NamedTuple):
    """Something has happened."""

    name: str
    at_ms: int
    fields: Mapping[str, object]


Subscriber = Callable[[Event], None]


def _no_time() -> int:
    return 0


class Events:
    """Who tells, and who wants to know."""

    __slots__ = ("_clock", "_subscribers")

    def __init__(self, clock: Callable[[], int] = _no_time) -> None:
        """`clock` says what time it is, in milliseconds."""
        self._clock = clock
        self._subscribers: tuple[Subscriber, ...] = ()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Has the subscriber called with every event from now on."""
        self._subscribers += (subscriber,)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """It is called no more; one that is not there is gone already."""
        self._subscribers = tuple(each for each in self._subscribers if each != subscriber)

    def tell(self, name: str, **fields: object) -> None:
        """Tells of an event of EVENTS, with all its fields."""
        if not self._subscribers:
            return
        event = Event(name, self._clock(), fields)
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:
                log.exception("a subscriber of events failed at %s", name)
