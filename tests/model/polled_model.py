"""Polled queues in the simplest words: one list of messages for each, looked through from one end to the other.

The rules of SQS are written down here a second time: who is next, what locks a group, when a message is visible, where
it goes when it fails, and what of all that a restart may change.
"""

from dataclasses import dataclass, field, replace

BACK_AFTER = 3
COUNTS_MS = 300_000


@dataclass(eq=False)
class Item:
    """A message in one queue. `place` orders it: its number, or a later one when it was put at the back."""

    ident: int
    group: str
    sent_at: int
    place: int
    attempts: int = 0
    taken_at: int = 0
    until: int = 0
    """Until when it is delayed or in flight; 0 for neither."""
    recorded_until: int = 0
    """The same as the journal knows it: that the time has come is no fact of its own."""
    is_held: bool = False
    """A client of AMQP has it."""
    number: int = 0
    """How many were sent before it."""

    @property
    def is_visible(self) -> bool:
        return not self.until and not self.is_held

    @property
    def is_in_flight(self) -> bool:
        return self.taken_at > 0 and not self.is_visible

    def shown(self) -> tuple[int, int, int, int]:
        return self.ident, self.attempts, self.taken_at, self.until


@dataclass
class PolledModel:
    """One queue."""

    fifo: bool
    delay_ms: int = 0
    retention_ms: int = 600_000
    receive_max: int = 0
    by_group: bool = False
    items: list[Item] = field(default_factory=list)
    ids: list[tuple[str, str, int, int]] = field(default_factory=list)
    """Group, deduplication id, the message that has it, and until when it counts."""
    places: int = 0
    turns: dict[str, int] = field(default_factory=dict)
    """FIFO: the place of a group whose first message came back; it stands after all that was there then."""

    def next_place(self) -> int:
        self.places += 1
        return self.places

    # --- coming in --------------------------------------------------------------------------------------------------

    def original(self, group: str, name: str, now: int) -> int | None:
        """The message that was sent with this id, if it counts."""
        for known_group, known, ident, until in self.ids:
            if known == name and until > now and (not self.by_group or known_group == group):
                return ident
        return None

    def send(self, ident: int, group: str, name: str, delay_ms: int, now: int) -> int:
        """Takes a message; the one that was taken: another if this is a duplicate."""
        if self.fifo and name:
            original = self.original(group, name, now)
            if original is not None:
                return original
            self.ids.append((group, name, ident, now + COUNTS_MS))
        self._enter(ident, group, now, now + delay_ms if delay_ms else 0)
        return ident

    def _enter(self, ident: int, group: str, sent_at: int, until: int) -> None:
        if self.fifo:  # never visible before an older one of its group
            delayed = [each.until for each in self.items if each.group == group and each.until and not each.taken_at]
            until = max([until, *delayed])
        place = self.next_place()
        self.items.append(Item(ident, group, sent_at, place, until=until, recorded_until=until, number=place))

    def accept(self, item: Item, sent_at: int) -> None:
        """Takes what another queue gives away."""
        self._enter(item.ident, item.group, sent_at, 0)

    # --- what may be delivered --------------------------------------------------------------------------------------

    def is_blocked(self, item: Item) -> bool:
        """Whether something of the group that is in flight stands before it."""
        before = (each for each in self.items if each.group == item.group and each.number < item.number)
        return self.fifo and any(each.is_in_flight for each in before)

    def available(self) -> list[Item]:
        """What may be delivered, in the order in which it is."""
        found = sorted((each for each in self.items if each.is_visible), key=lambda each: each.place)
        found = [each for each in found if not self.is_blocked(each)]
        if self.fifo:
            first: dict[str, int] = {}
            for item in found:
                turn = self.turns.get(item.group, item.place) if item.taken_at else item.place
                first.setdefault(item.group, turn)
            found.sort(key=lambda each: (first[each.group], each.place))
        return found

    def forget_groups(self) -> None:
        """A group of which nothing is left is new when it comes again. The one without a name always is there."""
        self.turns = {group: turn for group, turn in self.turns.items() if group in {"", *self.groups()}}

    def groups(self) -> set[str]:
        return {item.group for item in self.items}

    def draw(self, dead: "PolledModel | None", now: int, group: str | None = None) -> Item | None:
        """The next message, of that group if one is given; those that failed too often are moved on the way."""
        while True:
            found = [each for each in self.available() if group in (None, each.group)]
            if not found:
                return None
            item = found[0]
            if not 0 < self.receive_max <= item.attempts or dead is None:
                return item
            dead.accept(item, now if self.fifo else item.sent_at)
            self.items.remove(item)

    def take(self, item: Item, until: int, now: int) -> Item:
        item.attempts += 1
        item.taken_at = item.taken_at or now
        item.until = item.recorded_until = until
        item.is_held = until == 0
        return item

    def receive(self, count: int, visibility_ms: int, dead: "PolledModel | None", now: int) -> list[Item]:
        found: list[Item] = []
        while len(found) < count and (available := self.available()):
            group, most = (available[0].group, count - len(found)) if self.fifo else (None, 1)
            together = self._draw_several(most, group, dead, now)
            found += [self.take(each, now + visibility_ms, now) for each in together]
        self.fall_due(now)
        return found

    def _draw_several(self, most: int, group: str | None, dead: "PolledModel | None", now: int) -> list[Item]:
        found: list[Item] = []
        while len(found) < most and (item := self.draw(dead, now, group)) is not None:
            self.items.remove(item)
            found.append(item)
        self.items += found
        return found

    # --- what becomes of it -----------------------------------------------------------------------------------------

    def bring_back(self, item: Item) -> None:
        others = (each for each in self.items if each.group == item.group and each is not item)
        visible = [each.number for each in others if each.is_visible]
        if self.fifo and (not visible or item.number < min(visible)):
            self.turns[item.group] = self.next_place()
        item.until, item.is_held = 0, False
        if not self.fifo and item.attempts >= BACK_AFTER:
            item.place = self.next_place()

    def fall_due(self, now: int) -> None:
        """Everything that is due, in the order of the deadlines."""
        for item in sorted(self.items, key=lambda each: (self.deadline(each), each.number)):
            if item.is_held or self.deadline(item) > now:
                continue
            if item.sent_at + self.retention_ms <= now:
                self.items.remove(item)
            elif item.taken_at:
                self.bring_back(item)
            else:
                item.until = 0
        self.forget_groups()

    def deadline(self, item: Item) -> int:
        expiry = item.sent_at + self.retention_ms
        return min(item.until, expiry) if item.until else expiry

    def restart(self, order: list[int], groups: list[str], now: int) -> None:
        """What changes in a restart: nobody holds anything, and the back of the queue is filled anew, or groups stand
        behind others. In what order depends on how much of what passed was written, so that is the broker's."""
        for item in self.items:
            item.until, item.is_held = item.recorded_until, False
            item.place = item.number
        self.fall_due(now)
        self.turns = {group: self.next_place() for group in groups}
        back = [each for each in self.items if each.is_visible and each.attempts >= BACK_AFTER and not self.fifo]
        for item in sorted(back, key=lambda each: order.index(each.ident)):
            item.place = self.next_place()


@dataclass
class World:
    """All queues by name."""

    queues: dict[str, PolledModel]

    def copy(self) -> "World":
        return World({name: _copy(queue) for name, queue in self.queues.items()})


def _copy(queue: PolledModel) -> PolledModel:
    items = [replace(item) for item in queue.items]
    return replace(queue, items=items, ids=list(queue.ids), turns=dict(queue.turns))
