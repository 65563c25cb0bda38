"""What a FIFO queue remembers of the messages it took in the last five minutes, so that none is taken twice.

To the journal it looks like a queue of its own: for each message that has a deduplication id an entry of the same
sequence, which expires when the id counts no more. It stays when the message is deleted, and goes when the queue is
purged. The entry's message carries the group where another has its exchange, the id where another has its routing key,
and the message id of the original for a body.

In memory there may be millions of them. So an id is one key and one packed value, and an entry is made again when it
is to be settled:

    0          8            16      24                 26
    +----------+------------+-------+------------------+-------+------------+
    | sequence | expires at | batch | octets of group  | group | message id |
    | i64      | ms i64     | u64   | u16              |       |            |
    +----------+------------+-------+------------------+-------+------------+
"""

from collections import deque
from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message, new_entry, new_message
from mqbroker.core.properties import Formats, Properties
from mqbroker.core.queues.polled.group_lines import id_in
from mqbroker.limits import DEDUPLICATION_MS

if TYPE_CHECKING:
    from mqbroker.core.queues.leftovers import Container

NOTE_CODE = 0  # `Properties.code` of what no protocol sent

_HEAD = Struct("<qqQH")
_pack, _unpack = _HEAD.pack, _HEAD.unpack_from


class NoteProperties(Properties):
    """The properties of a note of our own: nothing but the message id of the original of a duplicate."""

    __slots__ = ("message_id",)

    def __init__(self, raw: bytes = b"", message_id: str | None = None) -> None:
        Properties.__init__(self, NOTE_CODE, raw)
        self.persistent = True
        self.message_id = message_id

    def text(self, name: str) -> str | None:
        return self.message_id if name == "message_id" else None


FORMATS: Formats = {NOTE_CODE: NoteProperties}

_NOTE = NoteProperties()


def deduplication_id_of(message: Message, by_content: bool) -> str:
    """The id that its sender gave the message; else the digest of its body if that is to count; else nothing."""
    properties = message.properties
    found = id_in(properties, "deduplication_id")
    return sha256(message.content()).hexdigest() if not found and by_content else found


class Deduplication:
    """The ids of one queue, oldest first: all of them count for the same time."""

    __slots__ = ("_again", "_by_group", "_is_recorded", "_keys", "_late", "_ledger", "_notes", "number")

    def __init__(self, ledger: Ledger, number: int, is_recorded: bool) -> None:
        self.number = number
        """Identifies the notes in the journal."""
        self._ledger = ledger
        self._is_recorded = is_recorded
        self._by_group = False
        self._notes: dict[str, bytes] = {}
        self._keys: deque[str] = deque()
        self._again: dict[str, int] = {}
        """How many of the oldest occurrences of a key in `_keys` mean nothing: its id was taken again since."""
        self._late: list[bytes] = []
        """Notes that were in the open batch still when they were to be settled: the disk has hung for so long."""

    def __len__(self) -> int:
        return len(self._notes)

    def configure(self, by_group: bool) -> None:
        """Says whether an id counts in its group only. What is known counts so from now on."""
        if by_group == self._by_group:
            return
        old = [(*self._names(key), note) for key, note in self._notes.items()]
        self._by_group = by_group
        self._notes.clear()
        self._keys.clear()
        self._again.clear()
        for group, name, note in old:
            self._remember(group, name, note)

    def _key(self, group: str, name: str) -> str:
        return f"{len(group)} {group}{name}" if self._by_group else name

    def _names(self, key: str) -> tuple[str, str]:
        """Group and id of a key."""
        group = _group(self._notes[key]).decode("utf-8", "surrogateescape")
        return group, key[len(f"{len(group)} {group}") :] if self._by_group else key

    def _remember(self, group: str, name: str, note: bytes) -> None:
        key = self._key(group, name)
        if key in self._notes:  # of another group, since the scope has become wider: the older one counts
            self._settle(note)
        else:
            self._notes[key] = note
            self._keys.append(key)

    def find(self, group: str, name: str, now: int) -> Entry | None:
        """A stand-in for the message that was taken with this id: its sequence, and its message id in the properties.

        None when there was none in the last five minutes.
        """
        key = self._key(group, name)
        note = self._notes.get(key)
        if note is None:
            return None
        sequence, expires_at, _, octets = _unpack(note)
        if expires_at <= now:  # its turn to be forgotten has not come yet
            self._settle(self._notes.pop(key))
            self._again[key] = self._again.get(key, 0) + 1
            return None
        message_id = note[_HEAD.size + octets :].decode("utf-8", "surrogateescape")
        properties = NoteProperties(message_id=message_id or None)
        return new_entry(new_message(group, name, properties, b"", now), self.number, sequence)

    def note(self, group: str, name: str, entry: Entry, now: int) -> None:
        """A message was taken: its id counts from now on."""
        message = entry.message
        message_id = (message.properties.text("message_id") or "").encode("utf-8", "surrogateescape")
        lsn = 0
        if self._is_recorded and message.properties.persistent:
            marker = new_entry(new_message(group, name, _NOTE, message_id, now), self.number, entry.sequence)
            marker.expires_at = now + DEDUPLICATION_MS
            self._ledger.enqueue(marker)
            lsn = marker.lsn
        self._remember(group, name, _packed(entry.sequence, now + DEDUPLICATION_MS, lsn, group, message_id))

    def restore(self, markers: Iterable[Entry], now: int) -> int:
        """Takes over what the journal kept; returns the highest sequence that was used, 0 for none."""
        last = 0
        for marker in markers:
            last = max(last, marker.sequence)
            group, name, body = marker.message.exchange, marker.message.routing_key, marker.message.content()
            note = _packed(marker.sequence, marker.expires_at, marker.lsn, group, body)
            if marker.expires_at > now:
                self._remember(group, name, note)
            else:
                self._settle(note)
        return last

    def next_deadline(self) -> int:
        """When the oldest id ends to count, 0 for never."""
        keys, again = self._keys, self._again
        while keys:
            key = keys[0]
            passed = again.get(key, 0) if again else 0
            if not passed:
                expires_at: int = _unpack(self._notes[key])[1]
                return expires_at
            keys.popleft()
            if passed == 1:
                del again[key]
            else:
                again[key] = passed - 1
        return 0

    def expire(self, now: int, most: int) -> int:
        """Forgets the ids that count no more, so many at most; how many it were."""
        late = self._late
        done = 0
        while done < most and late and _unpack(late[-1])[2] != self._ledger.position:
            self._settle(late.pop())
            done += 1
        while done < most and 0 < self.next_deadline() <= now:
            self._settle(self._notes.pop(self._keys.popleft()))
            done += 1
        return done

    def let_go(self) -> "list[Container]":
        """What holds it all, to be freed by the caller. It is not used any more."""
        return [self._notes, self._keys]

    def _settle(self, note: bytes) -> None:
        sequence, _, lsn, _ = _unpack(note)
        if lsn == self._ledger.position:
            self._late.append(note)
        elif lsn:
            marker = new_entry(new_message("", "", _NOTE, b"", 0), self.number, sequence)
            marker.lsn = lsn
            self._ledger.settle(marker)


def _packed(sequence: int, expires_at: int, lsn: int, group: str, message_id: bytes) -> bytes:
    octets = group.encode("utf-8", "surrogateescape")
    return _pack(sequence, expires_at, lsn, len(octets)) + octets + message_id


def _group(note: bytes) -> bytes:
    size: int = _unpack(note)[3]
    return note[_HEAD.size : _HEAD.size + size]
