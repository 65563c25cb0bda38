"""The last message of each topic, for those who subscribe later: set, replaced, deleted, and found by pattern.

To the journal it looks like a queue with one entry a topic; a new message enters in the batch in which the old one is
settled. Topics are routing keys, kept in a tree of their words, so that a pattern costs what it matches.
"""

from collections.abc import Iterable, Iterator

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message, new_entry
from mqbroker.core.routing.topic_walk import Node, Walk
from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.core.timers import Timer, Timers

_SWEEP_MS = 60_000  # how often expired messages are looked for at most; it costs a walk over all of them


class RetainedMessages(Task):
    """The retained messages of one vhost. With `number` 0 they are not journalled. As a task it looks for what has
    expired."""

    __slots__ = (
        "_born", "_is_recorded", "_ledger", "_next_expiry", "_pending", "_root", "_scheduler", "_sequence", "_timer",
        "_timers", "byte_count", "bytes_max", "count", "count_max", "number",
    )  # fmt: skip

    def __init__(
        self, ledger: Ledger, timers: Timers, scheduler: Scheduler, number: int, count_max: int, bytes_max: int
    ) -> None:
        Task.__init__(self)
        self.number = number
        self.count = 0
        self.byte_count = 0
        self.count_max = count_max
        self.bytes_max = bytes_max
        self._ledger = ledger
        self._timers = timers
        self._scheduler = scheduler
        self._is_recorded = number > 0 and ledger.is_journalling
        self._root = Node(0)
        self._born = 0
        self._sequence = 1
        self._timer = Timer(self._sweep)
        self._pending: list[Iterator[Node]] = []
        """What is still to be looked at by the sweep that is under way."""
        self._next_expiry = 0

    def put(self, message: Message, now: int) -> bool:
        """Makes the message its topic's last one; an empty body deletes. False when there is no room for it."""
        key = message.routing_key
        if not message.size:
            self.delete(key)
            return True
        old = self.get(key)
        size = message.size - (old.message.size if old is not None else 0)
        if self.byte_count + size > self.bytes_max or (old is None and self.count >= self.count_max):
            return False
        ttl_ms = message.properties.ttl_ms
        self._enter(message, now + ttl_ms if ttl_ms >= 0 else 0)
        return True

    def _enter(self, message: Message, expires_at: int) -> None:
        entry = new_entry(message, self.number, self._sequence)
        self._sequence += 1
        entry.expires_at = expires_at
        if self._is_recorded:
            self._ledger.enqueue(entry)
        self._place(entry)

    def move(self, entry: Entry, message: Message) -> None:
        """Puts another message, with another key, in the place of an entry's; unless that key has a newer one."""
        self.delete(entry.message.routing_key)
        there = self.get(message.routing_key)
        if there is None or there.message.received_at <= message.received_at:
            self._enter(message, entry.expires_at)

    def delete(self, key: str) -> None:
        """Forgets a topic's message, if it has one."""
        path = [self._root]
        for word in key.split("."):
            node = path[-1].words.get(word)
            if node is None:
                return
            path.append(node)
        if path[-1].entry is not None:
            self._settle(path[-1])
            self._prune(key.split("."), path)

    def get(self, key: str) -> Entry | None:
        """The entry of a topic."""
        node: Node | None = self._root
        for word in key.split("."):
            node = node.words.get(word) if node is not None else None
        return None if node is None else node.entry

    def walk(self, pattern: str) -> Walk:
        """The way to the entries whose topics match a pattern, as they are at the time of the call."""
        return Walk(self._root, pattern, self._sequence)

    def restore(self, entries: Iterable[Entry]) -> None:
        """Takes over what the journal kept, in order of sequence."""
        for entry in entries:
            self._sequence = max(self._sequence, entry.sequence + 1)
            self._place(entry)

    def drop(self) -> dict[str, Node]:
        """Lets go of everything: what held it, to be freed by the caller."""
        self._timers.cancel(self._timer)
        self._pending.clear()
        root, self._root = self._root, Node(0)
        self.count = self.byte_count = 0
        return root.words

    def entries(self) -> list[Entry]:
        """The entries of all topics."""
        entries: list[Entry] = []
        pending = [self._root]
        while pending:
            node = pending.pop()
            pending.extend(node.words.values())
            if node.entry is not None:
                entries.append(node.entry)
        return entries

    # --- the tree ---------------------------------------------------------------------------------------------------

    def _place(self, entry: Entry) -> None:
        node = self._root
        for word in entry.message.routing_key.split("."):
            below = node.words.get(word)
            if below is None:
                self._born += 1
                below = node.words[word] = Node(self._born)
            node = below
        if node.entry is not None:
            self._settle(node)
        node.entry = entry
        self.count += 1
        self.byte_count += entry.message.size
        if entry.expires_at and not self._timer.is_armed:
            self._timers.move(self._timer, entry.expires_at)

    def _sweep(self, now: int) -> None:
        """Has what has expired deleted. There is one timer for all, because a topic may be set again at any rate; until
        then walks pass over what has expired."""
        if self._pending:
            self._note_expiry(now)  # of something that is younger than the sweep, which may have been there already
        else:
            self._pending = [iter((self._root,))]
            self._scheduler.add(self)

    def _note_expiry(self, expires_at: int) -> None:
        if not self._next_expiry or expires_at < self._next_expiry:
            self._next_expiry = expires_at

    def run(self, now: int, portion: int) -> bool:
        """Task: looks at a portion of the topics, and deletes what has expired."""
        pending = self._pending
        left = portion
        while pending and left > 0:
            left -= 1
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
                continue
            if node.words:
                pending.append(iter(list(node.words.values())))
            entry = node.entry
            if entry is not None and 0 < entry.expires_at <= now:
                self.delete(entry.message.routing_key)
            elif entry is not None and entry.expires_at:
                self._note_expiry(entry.expires_at)
        if pending:
            return True
        if self._next_expiry and self.count:
            self._timers.move(self._timer, max(self._next_expiry, now + _SWEEP_MS))
        self._next_expiry = 0
        return False

    def _settle(self, node: Node) -> None:
        entry = node.entry
        assert entry is not None
        node.entry = None
        self.count -= 1
        self.byte_count -= entry.message.size
        if entry.lsn:
            self._ledger.settle(entry)

    def _prune(self, words: list[str], path: list[Node]) -> None:
        while words and path[-1].entry is None and not path[-1].words:
            path.pop()
            del path[-1].words[words.pop()]
