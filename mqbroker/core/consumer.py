"""A consumer as its queue sees it: may it take a message now, and here is one.

Protocols subclass `Consumer` and encode in `deliver`. Whether it may take one depends on three windows, each open most
of the time: its own prefetch, the window it shares with the other consumers of its channel, and the gate of its
connection, which closes while the peer does not read.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Entry, Message

if TYPE_CHECKING:
    from mqbroker.core.queue import Queue


class Gate:
    """Whether a connection takes deliveries."""

    __slots__ = ("is_open",)

    def __init__(self) -> None:
        self.is_open = True


class Window:
    """What several consumers of a channel share: a number of unacknowledged deliveries, and whether it takes any.

    `limit` 0 is no limit (AMQP's global prefetch); a window is shut while the channel's flow is off and when it ends.
    """

    __slots__ = ("in_flight", "is_open", "limit")

    def __init__(self) -> None:
        self.is_open = True
        self.limit = 0
        self.in_flight = 0


class Consumer:
    """One subscription to one queue."""

    __slots__ = (
        "gate", "in_flight", "is_active", "is_exclusive", "is_waiting", "no_ack", "prefetch", "priority", "queue",
        "window",
    )  # fmt: skip

    def __init__(self, queue: "Queue", gate: Gate, window: Window) -> None:
        self.queue = queue
        self.gate = gate
        self.window = window
        self.no_ack = False
        """Deliveries count as acknowledged at once."""
        self.prefetch = 0
        """The most deliveries it holds unacknowledged; 0 for no limit."""
        self.priority = 0
        self.is_exclusive = False
        self.is_active = True
        """False for those that wait behind a single active consumer."""
        self.in_flight = 0
        self.is_waiting = False
        """True while it stands in its queue's ring of consumers that can take a message."""

    def can_take(self) -> bool:
        """Whether every window is open."""
        window = self.window
        if not self.gate.is_open or not window.is_open or not self.is_active:
            return False
        if self.no_ack:
            return True
        if self.prefetch and self.in_flight >= self.prefetch:
            return False
        return not window.limit or window.in_flight < window.limit

    def deliver(self, entry: Entry) -> None:
        """Encodes the entry into its connection's output. No I/O, no call back into the core. Overridden."""
        raise NotImplementedError

    def pass_on(self, message: Message) -> None:
        """Encodes a message that nobody will settle: it was never in a queue, and the consumer acknowledges nothing.

        Overridden.
        """
        raise NotImplementedError

    def cancelled(self) -> None:
        """The queue has gone or has ended this subscription: tell the client. Overridden."""
