"""A consumer as its queue sees it: may it take a message now, and here is one.

Protocols subclass `Consumer` and encode in `deliver`. Whether it may take one depends on three windows, each open most
of the time: its own prefetch, the window it shares with the other consumers of its channel, and the gate of its
connection, which closes while the peer does not read. Who finds one of the shared ones shut stands in line at it; who
has used up its own prefetch is offered to its queue again by whoever acknowledges.
"""

from typing import TYPE_CHECKING

from mqbroker.core.line import Line, Member
from mqbroker.core.message import Entry, Message
from mqbroker.core.scheduler import Task
from mqbroker.limits import COUNT_MAX, PORTION

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue

# C integers when compiled
_COUNT_MAX = COUNT_MAX
_PORTION = PORTION


class Gate(Line):
    """Whether a connection takes deliveries, and which of its consumers is next when it does."""

    __slots__ = ("is_open",)

    def __init__(self) -> None:
        Line.__init__(self)
        self.is_open = True

    def room(self) -> int:
        """Any number while it is open."""
        return _COUNT_MAX if self.is_open else 0


class Window(Line):
    """What several consumers of a channel share: a number of unacknowledged deliveries, and whether it takes any.

    `limit` 0 is no limit (AMQP's global prefetch); a window is shut while the channel's flow is off and when it ends.
    """

    __slots__ = ("in_flight", "is_open", "limit")

    def __init__(self) -> None:
        Line.__init__(self)
        self.is_open = True
        self.limit = 0
        self.in_flight = 0

    def room(self) -> int:
        """How many more deliveries may be unacknowledged."""
        if not self.is_open:
            return 0
        return max(0, self.limit - self.in_flight) if self.limit else _COUNT_MAX

    def freed(self, consumer: "Consumer", now: int) -> None:
        """The consumer may hold less than before, and others stand in line: it is their turn first."""
        if consumer.is_active and not consumer.is_waiting and consumer.line is None:
            consumer.join(self)
        if not self.is_scheduled and self.run(now, _PORTION):
            self.go_on()


class Consumer(Member):
    """One subscription to one queue."""

    __slots__ = (
        "gate", "in_flight", "is_active", "is_exclusive", "is_new", "is_waiting", "no_ack", "prefetch", "priority",
        "queue", "wants_all", "window",
    )  # fmt: skip

    def __init__(self, queue: "Queue", gate: Gate, window: Window) -> None:
        Member.__init__(self)
        self.queue = queue
        self.gate = gate
        self.window = window
        self.no_ack = False
        """Deliveries count as acknowledged at once."""
        self.prefetch = 0
        """The most deliveries it holds unacknowledged; 0 for no limit."""
        self.priority = 0
        self.is_exclusive = False
        self.wants_all = False
        """Whether it wants nobody else to be served while it is there."""
        self.is_active = True
        """False for those that wait behind a single active consumer."""
        self.is_new = True
        """Whether it never had a turn: then it goes first where others wait."""
        self.in_flight = 0
        self.is_waiting = False
        """True while it stands in its queue's ring of consumers that can take a message."""

    def label(self) -> str:
        """What its protocol calls it. Overridden where it has a name."""
        return ""

    def describe(self) -> dict[str, object]:
        """Whose it is, for operators, by neutral names. Overridden where that is known."""
        return {}

    def given(self) -> list[Entry]:
        """What it was given and has not settled, oldest first. Overridden where that is known."""
        return []

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

    def wait(self) -> None:
        """It cannot take a message: stands in line for what it lacks, unless only its own acknowledgements can help."""
        if not self.is_active:
            return
        if not self.gate.is_open:
            self.join(self.gate)
        elif not self.no_ack and not (self.prefetch and self.in_flight >= self.prefetch) and self.window.room() <= 0:
            self.join(self.window)

    def join(self, line: Line) -> None:
        """Stands in a line: at its end, or first when it never had a turn."""
        if self.is_new:
            line.join_first(self)
        else:
            line.join(self)

    def take_turn(self, portion: int, now: int) -> int:
        """Takes up to a portion of what waits in its queue."""
        queue: Queue = self.queue
        return queue.deliver_to(self, portion, now)

    def schedule(self, task: Task) -> None:
        """Has the task run in portions."""
        self.queue.host.schedule(task)

    def deliver(self, entry: Entry) -> None:
        """Encodes the entry into its connection's output. No I/O, no call back into the core. Overridden."""
        raise NotImplementedError

    def pass_on(self, message: Message) -> None:
        """Encodes a message that nobody will settle: it was never in a queue, and the consumer acknowledges nothing.

        Overridden.
        """
        raise NotImplementedError

    def group_begins(self, message: Message) -> None:
        """The message that it is given next is the first of its group that it gets. Overridden where its client is
        told so in that message, and `group_has_begun` too."""

    def group_has_begun(self) -> None:
        """It was given that message."""

    def active_changed(self) -> None:
        """Where one alone is served, this is now it, or is not any more. Overridden where the client is told."""

    def cancelled(self) -> None:
        """The queue has gone or has ended this subscription: tell the client. Overridden."""
