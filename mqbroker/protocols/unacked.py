"""The deliveries of a channel that wait for their acknowledgement, by delivery tag.

Tags grow by one, so a list indexed by `tag - base` finds any of them at once, and `multiple` takes a run from its head.
Slots of settled deliveries stay as None until the head reaches them. A client that keeps one old delivery while it
settles millions of newer ones would make that list grow without end: when most of it is None, what is alive at its
older end moves to a dictionary.
"""

from collections import OrderedDict

from mqbroker.core.message import Entry

_SPARSE_AT = 4096  # slots, before the list is looked at for being mostly empty


class Unacked:
    """Entries by delivery tag."""

    __slots__ = ("base", "head", "live", "slots", "stragglers")

    def __init__(self) -> None:
        self.slots: list[Entry | None] = []
        self.base = 1
        """The tag of the first slot."""
        self.head = 0
        """The first slot that may be in use."""
        self.live = 0
        self.stragglers: OrderedDict[int, Entry] = OrderedDict()
        """In the order of tags."""

    def add(self, tag: int, entry: Entry) -> None:
        """Notes a delivery. Tags are added in growing order."""
        slots = self.slots
        if self.head == len(slots):
            slots.clear()
            self.head = 0
            self.base = tag
        if self.base + len(slots) != tag:
            self.bridge(tag)
        slots.append(entry)
        self.live += 1
        if len(slots) >= _SPARSE_AT:
            self.compact()

    def put_back(self, entries: list[Entry]) -> None:
        """Returns deliveries that were taken (a transaction was rolled back)."""
        old = []
        for entry in entries:
            index = entry.tag - self.base
            if 0 <= index < len(self.slots):
                self.slots[index] = entry
                self.head = min(self.head, index)
            else:
                old.append((entry.tag, entry))
            self.live += 1
        if old:
            self.stragglers = OrderedDict(sorted([*self.stragglers.items(), *old]))

    def bridge(self, tag: int) -> None:
        """Makes the list end just below `tag` when deliveries without acknowledgement have used up tags in between."""
        slots = self.slots
        gap = tag - self.base - len(slots)
        if gap <= _SPARSE_AT:
            slots.extend([None] * gap)
            return
        for index in range(self.head, len(slots)):
            entry = slots[index]
            if entry is not None:
                self.stragglers[self.base + index] = entry
        slots.clear()
        self.head = 0
        self.base = tag

    def take(self, tag: int) -> Entry | None:
        """Removes one delivery; None for a tag that is not waiting."""
        index = tag - self.base
        slots = self.slots
        if index < self.head or index >= len(slots):
            entry = self.stragglers.pop(tag, None)
            if entry is not None:
                self.live -= 1
            return entry
        entry = slots[index]
        if entry is None:
            return None
        slots[index] = None
        self.live -= 1
        if index == self.head:
            self.skip()
        return entry

    def take_through(self, tag: int, most: int) -> list[Entry]:
        """Removes the deliveries up to and including `tag`, oldest first, so many at most."""
        taken: list[Entry] = []
        stragglers = self.stragglers
        while stragglers and len(taken) < most and next(iter(stragglers)) <= tag:
            taken.append(stragglers.popitem(last=False)[1])
        slots = self.slots
        index = self.head
        end = min(tag - self.base + 1, len(slots))
        while index < end and len(taken) < most:
            entry = slots[index]
            if entry is not None:
                taken.append(entry)
                slots[index] = None
            index += 1
        self.head = max(self.head, index)
        self.live -= len(taken)
        self.skip()
        return taken

    def has(self, tag: int) -> bool:
        """Whether the tag is waiting."""
        index = tag - self.base
        if self.head <= index < len(self.slots):
            return self.slots[index] is not None
        return tag in self.stragglers

    def below(self, tag: int) -> list[Entry]:
        """The deliveries under a tag that are waiting, oldest first; they are left as they are."""
        waiting = [entry for each, entry in self.stragglers.items() if each < tag]
        end = max(self.head, min(tag - self.base, len(self.slots)))
        waiting.extend([entry for entry in self.slots[self.head : end] if entry is not None])
        return waiting

    def between(self, start: int, end: int) -> list[Entry]:
        """The deliveries from one tag to below another that are waiting, oldest first; they are left as they are."""
        waiting = [entry for each, entry in self.stragglers.items() if start <= each < end]
        first = max(self.head, start - self.base)
        last = max(first, min(end - self.base, len(self.slots)))
        waiting.extend([entry for entry in self.slots[first:last] if entry is not None])
        return waiting

    def skip(self) -> None:
        """Moves the head past settled slots."""
        slots = self.slots
        count = len(slots)
        head = self.head
        while head < count and slots[head] is None:
            head += 1
        self.head = head

    def compact(self) -> None:
        """Cuts off what the head has passed; moves old survivors to the stragglers if the rest is mostly empty."""
        slots = self.slots
        if self.head * 2 >= len(slots):
            del slots[: self.head]
            self.base += self.head
            self.head = 0
        elif (self.live - len(self.stragglers)) * 4 < len(slots):
            half = len(slots) // 2
            for index in range(self.head, half):
                entry = slots[index]
                if entry is not None:
                    self.stragglers[self.base + index] = entry
            del slots[:half]
            self.base += half
            self.head = 0
            self.skip()
