"""Queues that belong to one subscriber, such as an MQTT session: what it is sent at once, and what waits for it.

They differ from other queues in what a publisher may notice of them, which is nothing. A subscriber that is away or too
slow never makes a publish fail: what has no room is dropped here, and counted.
"""

from typing import TYPE_CHECKING, Protocol

from mqbroker.core.message import Entry, Message, new_entry
from mqbroker.core.queues.base import ROUTED, Queue
from mqbroker.core.queues.classic import DROP_HEAD, ClassicQueue
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.lane import Lane
from mqbroker.limits import SHARED_QUEUE_HIGH

if TYPE_CHECKING:
    from mqbroker.core.consumer import Consumer
    from mqbroker.core.ledger import Ledger


class Losses:
    """What several queues have dropped together."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def begun(self, queue: "SubscriberQueue") -> None:
        """A queue that is not `is_reported` has dropped a message. Overridden by whoever wants to say so."""


class Forerunner(Protocol):
    """Who may have older messages for a subscriber that have to reach it before a newer one of their topic."""

    def precede(self, message: Message, now: int) -> None:
        """A message is about to enter a queue of the subscriber: puts there first what has to come before it."""


class SubscriberQueue(ClassicQueue):
    """Keeps persistent messages while its subscriber is away. Others only on request: nobody was promised them."""

    role = "subscriber"
    """The name of the kind."""

    can_pause = False

    takes_long_keys = True

    __slots__ = ("dropped", "forerunner", "is_reported", "keeps_transient", "losses")

    def __init__(self, host: QueueHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        ClassicQueue.__init__(self, host, ledger, name, number, durable)
        self.keeps_transient = False
        self.dropped = 0
        """Messages that had no room."""
        self.losses: Losses | None = None
        self.is_reported = False
        """Whether `losses` knows that this queue drops messages, and will look at it again."""
        self.forerunner: Forerunner | None = None

    def publish(self, message: Message, now: int) -> int:
        """Takes a message, or drops it. Always ROUTED."""
        if not message.properties.persistent and not self.consumers and not self.keeps_transient:
            return ROUTED
        if self.forerunner is not None:
            self.forerunner.precede(message, now)
        if not self.is_plain and self.overflow != DROP_HEAD and self.would_overflow(message):
            self.counts.dropped += 1
            self.lose()
            return ROUTED
        return ClassicQueue.publish(self, message, now)

    def discard(self, entry: Entry, reason: str, now: int) -> None:
        """The same as in any queue, but counted when there was no room."""
        if reason == "maxlen":
            self.lose()
        ClassicQueue.discard(self, entry, reason, now)

    def lose(self) -> None:
        """Counts a message that had no room."""
        self.dropped += 1
        if self.losses is not None:
            self.losses.count += 1
            if not self.is_reported:
                self.is_reported = True
                self.losses.begun(self)


class LiveQueue(Queue):
    """Hands every message to its one subscriber at once and keeps none."""

    role = "live"

    takes_long_keys = True

    __slots__ = ("forerunner", "subscriber")

    def __init__(self, host: QueueHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        Queue.__init__(self, host, ledger, name, number, durable)
        self.subscriber: Consumer | None = None
        """None while the subscriber is away."""
        self.forerunner: Forerunner | None = None

    def publish(self, message: Message, now: int) -> int:
        """Passes the message on. Always ROUTED."""
        if self.subscriber is not None:
            if self.forerunner is not None:
                self.forerunner.precede(message, now)
            self.counts.passed += 1
            if self.tap is not None:
                self.tap.delivered(self.name, new_entry(message, 0, 0), self.subscriber)
            self.subscriber.pass_on(message)
        return ROUTED


class Watcher(Protocol):
    """Who wants to know whether more is published than is taken."""

    def grew(self) -> None:
        """The queue is too long, and there is one message more."""

    def shrank(self) -> None:
        """It is not too long any more."""


class SharedQueue(SubscriberQueue):
    """What a group of subscribers shares: each message goes to one of them, in turns or to the same if it can."""

    role = "shared"

    __slots__ = ("is_long", "is_sticky", "watcher")

    def __init__(self, host: QueueHost, ledger: "Ledger", name: str, number: int, durable: bool) -> None:
        SubscriberQueue.__init__(self, host, ledger, name, number, durable)
        self.is_sticky = False
        self.is_long = False
        self.watcher: Watcher | None = None

    def publish(self, message: Message, now: int) -> int:
        """Takes a message, or drops it. Always ROUTED."""
        outcome = SubscriberQueue.publish(self, message, now)
        if self.lane.count > SHARED_QUEUE_HIGH and self.consumers and self.watcher is not None:
            self.is_long = True
            self.watcher.grew()
        return outcome

    def pop(self) -> Entry:
        """Takes the entry whose turn it is."""
        entry = ClassicQueue.pop(self)
        if self.is_long:
            self.look_again()
        return entry

    def detach(self) -> list[Lane]:
        """Lets go of everything that waits."""
        lanes: list[Lane] = ClassicQueue.detach(self)
        self.look_again()
        return lanes

    def look_again(self) -> None:
        """There is less than there was: if that was too much, it may not be any more."""
        if self.is_long and self.lane.count <= SHARED_QUEUE_HIGH // 2:
            self.is_long = False
            if self.watcher is not None:
                self.watcher.shrank()

    def next_consumer(self) -> "Consumer | None":
        """The consumer whose turn it is; the same one again while it can take more, if the group is sticky."""
        consumer = ClassicQueue.next_consumer(self)
        if consumer is not None and self.is_sticky and self.cursor:
            self.cursor -= 1
        return consumer
