"""A queue whose messages have priorities: one lane for each, and the highest that has something goes first.

It owns which lane an entry belongs to; all else is the queue's (classic.py).
"""

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.lane import Lane
from mqbroker.core.queues.page import Page


class PriorityQueue(ClassicQueue):
    """A queue with one lane for each priority from 0 to `top`; higher ones first. A message without one counts as 0."""

    __slots__ = ("highest", "lanes", "total")

    def __init__(self, host: QueueHost, ledger: Ledger, name: str, number: int, durable: bool, top: int) -> None:
        ClassicQueue.__init__(self, host, ledger, name, number, durable)
        self.lanes = [Lane() for _ in range(top + 1)]
        self.highest = 0
        """No lane above this one has anything in it."""
        self.total = 0
        if self.is_recorded:
            ledger.watch(self, top)

    def restore_pages(self, pages: list[Page], entries: list[Entry]) -> None:
        """Takes over what the journal kept, with what was left on the disk."""
        parts: list[tuple[list[Page], list[Entry]]] = [([], []) for _ in self.lanes]
        for page in pages:
            parts[page.lane][0].append(page)
        for entry in entries:
            parts[min(entry.message.properties.priority, len(self.lanes) - 1)][1].append(entry)
        for index, (lane, part) in enumerate(zip(self.lanes, parts, strict=True)):
            self.restore_lane(lane, *part)
            self.total += lane.count
            if lane.count:
                self.highest = index

    def waiting_count(self) -> int:
        """How many entries wait, over all lanes."""
        return self.total

    def lane_of(self, entry: Entry) -> Lane:
        """The lane that an entry is about to enter: its priority, or the highest one there is."""
        index = entry.message.properties.priority
        if index >= len(self.lanes):
            index = len(self.lanes) - 1
        if index > self.highest:
            self.highest = index
        lane: Lane = self.lanes[index]
        return lane

    def store(self, entry: Entry) -> None:
        """Appends an entry to the lane of its priority."""
        self.lane_of(entry).push(entry)
        self.total += 1

    def first_lane(self) -> Lane | None:
        """The highest lane with something in it."""
        index = self.highest
        while index >= 0:
            lane: Lane = self.lanes[index]
            if lane.count:
                self.highest = index
                return lane
            index -= 1
        self.highest = 0
        return None

    def peek(self) -> Entry | None:
        """The oldest entry of the highest priority."""
        lane = self.first_lane()
        return None if lane is None else lane.peek()

    def pop(self) -> Entry:
        """Takes the oldest entry of the highest priority."""
        lane = self.first_lane()
        assert lane is not None
        self.total -= 1
        return lane.pop()

    def put_back(self, entries: list[Entry]) -> None:
        """Returns entries to their old places in their lanes."""
        for entry in entries:
            self.lane_of(entry).put_back([entry])
        self.total += len(entries)

    def waiting(self) -> list[Entry]:
        """Every waiting entry, in the order of delivery."""
        return [entry for lane in reversed(self.lanes) for entry in lane.entries()]

    def lanes_in_order(self) -> list[Lane]:
        """The lanes, the highest priority first."""
        return list(reversed(self.lanes))

    def take_at(self, lane: Lane, index: int) -> Entry:
        """Takes one of those that came back to a lane."""
        self.total -= 1
        return ClassicQueue.take_at(self, lane, index)

    def detach(self) -> list[Lane]:
        """Lets go of everything that waits: the lanes that hold it."""
        lanes, self.lanes = self.lanes, [Lane() for _ in self.lanes]
        self.highest = self.total = 0
        self.byte_count = 0
        self.leave_pages(lanes)
        return lanes

    def lane_at(self, index: int) -> Lane:
        """The lane of a priority."""
        lane: Lane = self.lanes[index]
        return lane

    def drop(self, now: int, most: int) -> int:
        """The same; what has expired at the head of any lane goes, for a low priority must not outlive its deadline
        unseen."""
        dropped = 0
        for lane in self.lanes if self.has_deadlines else ():
            while lane.count and dropped < most:
                entry = lane.peek()
                if entry is None and self.paging is not None:
                    entry = self.paging.head_if_due(lane, now)
                if entry is None or not entry.expires_at or entry.expires_at > now:
                    break
                lane.pop()
                self.total -= 1
                self.byte_count -= entry.message.size
                self.discard(entry, "expired", now)
                dropped += 1
        return dropped + ClassicQueue.drop(self, now, most - dropped)

    def has_expired(self, now: int) -> bool:
        """Whether something at the head of any lane has expired."""
        if not self.has_deadlines:
            return False
        for lane in self.lanes:
            entry = lane.peek()
            if entry is not None and 0 < entry.expires_at <= now:
                return True
        return False

    def rearm(self) -> None:
        """Arms the timer for the earliest head of all lanes."""
        deadlines = [head.expires_at for lane in self.lanes if (head := lane.peek()) is not None and head.expires_at]
        if deadlines:
            self.arm(min(deadlines))
        self.rearm_for_pages()
