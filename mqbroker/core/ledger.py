"""What the core tells the journal: facts, in order. The core calls it; storage implements it; here nothing is kept.

Facts collect in an open batch. `seal` ends the batch; when it is durable the commit position moves to it, and every
promise made for it is kept, in the order in which the promises were made. A batch is all or nothing, so the facts of
one loop turn (a dead-letter move, a transaction) need no bracket of their own.

This base class is `durability = "memory"`: a batch is durable as soon as it is sealed. It has no shortcut for that
case, so confirms leave through the same place in every mode.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from mqbroker.core.message import Entry

if TYPE_CHECKING:
    from mqbroker.core.queues.extent import Extent, Place
    from mqbroker.core.queues.page import Loaded, Page


class Pageable(Protocol):
    """A queue whose entries may leave memory."""

    number: int

    def page_out(self, extent: "Extent", place: "Place", window: int, least: int) -> int:
        """Lets go of what the extent says the journal has at that place, but for the first `window` entries, unless
        that is less than `least`. How many it were."""


class Ledger:
    """The journal as the core sees it; and the whole of it when nothing is durable."""

    __slots__ = ("backlog_max", "committed", "is_journalling", "position", "room", "waiting", "window")

    def __init__(self) -> None:
        self.position = 1
        """The number of the open batch."""
        self.committed = 0
        """The number of the newest durable batch; everything before it is durable too."""
        self.is_journalling = False
        """False when entries need not be recorded at all."""
        self.waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self.backlog_max = 1
        """How long the backlog may become before publishers are held."""
        self.window = 0
        """How many entries a queue keeps in memory at least; 0 for all."""
        self.room = 0
        """How many of them at present: fewer while memory is short."""

    def enqueue(self, entry: Entry) -> None:
        """A persistent message has entered a durable queue, or any message is to leave memory (spill.py). Sets
        `entry.lsn`."""

    def settle(self, entry: Entry) -> None:
        """A recorded entry (`lsn` is not 0) has left its queue for good: acknowledged, expired, dropped, moved."""

    def attempt(self, entry: Entry) -> None:
        """A recorded entry came back to its queue: its attempts and redelivered flag have changed."""

    def defer(self, entry: Entry) -> None:
        """A recorded entry is not to be delivered before its `held_until`, and was taken as it says: its attempts,
        `held_until`, `first_taken_at` and redelivered flag have changed."""

    def define(self, key: str, value: bytes | None) -> None:
        """A definition (queue, exchange, binding, user, policy, ...) has this value now; None when it is gone."""

    def forget(self, queue_number: int) -> None:
        """A durable queue is gone, with all its entries; the number is never used again."""

    def watch(self, queue: "Pageable", top: int = 0) -> None:
        """The entries of a recorded queue may leave memory: it is told of what the journal has (`page_out`). `top` is
        the highest of its lanes, one for each priority."""

    def restored(self) -> None:
        """Everything that was kept is back in its queues."""

    def load(self, page: "Page", done: "Loaded") -> None:
        """Has a page read; `done` is told its entries."""

    def glance(self, page: "Page", done: "Loaded") -> None:
        """The same for somebody who takes nothing: of the page, some may have been settled meanwhile."""

    def read(self, _page: "Page") -> list[Entry]:
        """Reads a page at once."""
        return []

    def refuse(self, page: "Page", reason: str) -> None:
        """What was read of a page cannot be right."""

    def settle_page(self, page: "Page") -> None:
        """Everything in a page has left its queue for good. It is one run of sequences."""

    def may_spill(self) -> bool:
        """Whether there is room for what nobody was promised."""
        return False

    def promise(self, position: int, keep: Callable[[], None]) -> None:
        """Calls `keep` once the batch `position` is durable: never at once, always from `commit`."""
        self.waiting.append((position, keep))

    def seal(self) -> None:
        """Ends the open batch, if it has facts or promises, and has it made durable."""
        while self.waiting:  # keeping a promise may lead to another
            position = self.position
            self.position = position + 1
            self.commit(position)

    def added(self) -> int:
        """How many bytes of facts there have been so far, about. The difference is what somebody has added."""
        return 0

    def backlog(self) -> int:
        """How many bytes wait to be sent on their way to the disk, about."""
        return 0

    def commit(self, position: int) -> None:
        """Moves the commit position and keeps the promises that it covers."""
        self.committed = position
        waiting = self.waiting
        while waiting and waiting[0][0] <= position:
            waiting.popleft()[1]()
