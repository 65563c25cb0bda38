"""The records of the messages that a batch put into queues. They are coded once per message, so this is compiled.

They stand at the beginning of a payload, and facts (facts.py) follow. Little endian, names in UTF-8 with stray bytes
kept (surrogateescape). A record refers to another one of its batch by its byte offset in the payload.

    PUBLISHED: a message and its first queue
     0    1     2        4     6      8     12     16     20        24        32         40          48
    +----+-----+--------+-----+------+-----+------+------+---------+---------+----------+-----------+----------+
    | 1  |flags|exchange| key | code | raw | body | queue| attempts| sequence| expires  | received  | exchange,|
    | u8 | u8  |bytes   |bytes| u16  |bytes| bytes| u32  | u32     | i64     | at ms i64| at ms i64 | key, raw,|
    +----+-----+--------+-----+------+-----+------+------+---------+---------+----------+-----------+ body     |
                                                                                                    +----------+
    REPEATED: the same, with the names and properties of an earlier PUBLISHED record
     0    1     2   4          8       12     16         20         28         36          44
    +----+-----+---+----------+-------+------+----------+----------+----------+-----------+------+
    | 2  |flags| 0 | names at | body  | queue| attempts | sequence | expires  | received  | body |
    +----+-----+---+----------+-------+------+----------+----------+----------+-----------+------+

    ENQUEUED: another queue of a message that this batch holds already
     0    1     2   4            8       12         16         24         32
    +----+-----+---+------------+-------+----------+----------+----------+
    | 3  |flags| 0 | message at | queue | attempts | sequence | expires  |
    +----+-----+---+------------+-------+----------+----------+----------+

flags: 1 = was delivered before. In a queue's number the bit 1 << 30 says that a restart ignores the entry (FLEETING).
A changed layout takes a new first byte: 4, 5 and 6 are 1, 2 and 3 with the state of an entry of a polled queue after
everything else.

     0            8                16
    +------------+----------------+
    | held until | first taken at |
    | at ms i64  | at ms i64      |
    +------------+----------------+
"""

from collections.abc import Mapping
from struct import Struct

from mqbroker.core.message import Entry, Message, new_entry, new_message
from mqbroker.core.properties import Formats, Properties, restored
from mqbroker.core.queues.extent import FLEETING, POLLED_TOP, Extent, extent_key
from mqbroker.core.queues.lanes import lane_of
from mqbroker.storage.intervals import NUMBER_MAX
from mqbroker.storage.liveness import Share

PUBLISHED = 1
REPEATED = 2
ENQUEUED = 3
HELD_STEP = 3  # from a record's first byte to that of the same with a polled queue's state

PUBLISHED_LAYOUT = Struct("<BBHHHIIIIqqq")
REPEATED_LAYOUT = Struct("<BBHIIIIqqq")
ENQUEUED_LAYOUT = Struct("<BBHIIIqq")
PUBLISHED_BYTES = PUBLISHED_LAYOUT.size
REPEATED_BYTES = REPEATED_LAYOUT.size
ENQUEUED_BYTES = ENQUEUED_LAYOUT.size
STATE_LAYOUT = Struct("<qq")
STATE_BYTES = STATE_LAYOUT.size
assert (PUBLISHED_BYTES, REPEATED_BYTES, ENQUEUED_BYTES) == (48, 44, 32)

NO_TOPS: dict[int, int] = {}

_HELD_STEP = HELD_STEP  # C integers when compiled
_STATE_BYTES = STATE_BYTES
_POLLED_TOP = POLLED_TOP
_pack_published = PUBLISHED_LAYOUT.pack
_pack_repeated = REPEATED_LAYOUT.pack
_pack_enqueued = ENQUEUED_LAYOUT.pack
_pack_state = STATE_LAYOUT.pack
_unpack_state = STATE_LAYOUT.unpack_from
_unpack_published = PUBLISHED_LAYOUT.unpack_from
_unpack_repeated = REPEATED_LAYOUT.unpack_from
_unpack_enqueued = ENQUEUED_LAYOUT.unpack_from


class EntryEncoder:
    """Encodes the entries of one batch. `size` is the number of bytes in `pieces`, `extents` what each queue has there.

    `tops` names the queues that have a lane for each priority, up to their highest one.
    """

    __slots__ = ("count", "extents", "lsn", "pieces", "size", "tops")

    def __init__(self, lsn: int, tops: Mapping[int, int] = NO_TOPS) -> None:
        self.lsn = lsn
        self.tops = tops
        self.pieces: list[bytes] = []
        self.size = 0
        self.count = 0
        self.extents: dict[int, Extent] = {}
        """By queue and lane (`extent_key`)."""

    def encode(self, entries: list[Entry | None]) -> None:  # noqa: C901  once for each frame, packet or record
        """Encodes every entry but the elided ones, and tells each message where it is."""
        lsn = self.lsn
        pieces = self.pieces
        offset = 0
        names_at = 0
        queue = -1
        run = 0
        run_bytes = first = last = deadline = top = lane = 0
        before: Message | None = None
        for entry in entries:
            if entry is None:
                continue
            message = entry.message
            if entry.queue_number != queue or (top and lane_of(entry, top) != lane):
                self._count(queue, lane, run, run_bytes, first, last, deadline)
                queue = entry.queue_number
                top = self.tops.get(queue, 0)
                lane = lane_of(entry, top) if top else 0
                first = last = entry.sequence
                run = 0
                run_bytes = deadline = 0
            run += 1
            run_bytes += message.size
            if entry.sequence > last:
                last = entry.sequence
            elif entry.sequence < first:
                first = entry.sequence
            expires_at = entry.expires_at if top != _POLLED_TOP or lane else message.received_at
            if expires_at and (not deadline or expires_at < deadline):
                deadline = expires_at
            step = _HELD_STEP if entry.held_until | entry.first_taken_at else 0
            attempts = entry.attempts
            if message.lsn == lsn:
                pieces.append(_pack_enqueued(
                    ENQUEUED + step, entry.is_redelivered, 0, message.slot, queue, attempts, entry.sequence,
                    entry.expires_at,
                ))  # fmt: skip
                offset += ENQUEUED_BYTES
                if step:
                    offset += self._encode_state(entry)
                continue
            body = message.content()
            message.lsn = lsn
            message.slot = offset
            if (
                before is not None
                and message.properties is before.properties
                and message.routing_key == before.routing_key
                and message.exchange == before.exchange
            ):
                pieces.append(_pack_repeated(
                    REPEATED + step, entry.is_redelivered, 0, names_at, len(body), queue, attempts, entry.sequence,
                    entry.expires_at, message.received_at,
                ))  # fmt: skip
                offset += REPEATED_BYTES + len(body)
            else:
                names_at = offset
                offset += self._encode_names(entry, message, len(body), step) + len(body)
                before = message
            pieces.append(body)
            if step:
                offset += self._encode_state(entry)
        self._count(queue, lane, run, run_bytes, first, last, deadline)
        self.size = offset

    def _encode_state(self, entry: Entry) -> int:
        # It may be GONE already, in a later batch than this one.
        self.pieces.append(_pack_state(max(entry.held_until, 0), entry.first_taken_at))
        return STATE_BYTES

    def _encode_names(self, entry: Entry, message: Message, body_bytes: int, step: int) -> int:
        exchange = message.exchange.encode("utf-8", "surrogateescape")
        key = message.routing_key.encode("utf-8", "surrogateescape")
        raw = message.properties.raw
        self.pieces.append(_pack_published(
            PUBLISHED + step, entry.is_redelivered, len(exchange), len(key), message.properties.code, len(raw),
            body_bytes, entry.queue_number, entry.attempts, entry.sequence, entry.expires_at, message.received_at,
        ))  # fmt: skip
        names = exchange + key + raw
        self.pieces.append(names)
        return PUBLISHED_BYTES + len(names)

    def _count(self, queue: int, lane: int, run: int, run_bytes: int, first: int, last: int, deadline: int) -> None:
        if not run:
            return
        self.count += run
        key = extent_key(queue, lane)
        extent = self.extents.get(key)
        if extent is None:
            self.extents[key] = Extent(queue, lane, run, run_bytes, first, last, deadline, self.tops.get(queue, 0))
        else:
            extent.add(run, run_bytes, first, last, deadline)


class EntryDecoder:
    """Decodes the live entries of the batches of one segment: `shares` says for each queue what is settled.

    With `shares_only` a queue without a share has nothing left in the segment; otherwise it has everything, and what is
    FLEETING is left out.
    """

    __slots__ = (
        "code", "data", "exchange", "formats", "is_redelivered", "key", "lists", "lsn", "made", "names_at",
        "properties", "shares", "shares_only", "start",
    )  # fmt: skip

    def __init__(
        self,
        data: bytes,
        formats: Formats,
        shares: Mapping[int, Share],
        shares_only: bool,
        is_redelivered: bool,
    ) -> None:
        self.data = data
        self.formats = formats
        self.shares = shares
        self.shares_only = shares_only
        self.is_redelivered = is_redelivered
        self.lists: dict[int, list[Entry]] = {}
        """What was found: per queue number its entries in the order of the journal."""
        self.lsn = 0
        self.start = 0
        self.made: dict[int, Message] = {}
        self.names_at = -1
        self.exchange = ""
        self.key = ""
        self.properties: Properties | None = None
        self.code = 0

    def decode(self, lsn: int, start: int, end: int) -> None:  # noqa: C901  once for each frame, packet or record
        """Decodes the entry records of batch `lsn`, which are `data[start:end]`."""
        self.lsn = lsn
        self.start = start
        self.made = {}
        self.names_at = -1
        data = self.data
        position = start
        queue = -1
        first = 1
        last = 0
        is_settled = False
        found: list[Entry] = []
        share: Share | None = None
        names_at = length = received_at = 0
        while position < end:
            carrier = position - start
            kind = data[position]
            is_held = ENQUEUED < kind <= ENQUEUED + _HELD_STEP
            if is_held:
                kind -= _HELD_STEP
            if kind == REPEATED:
                (_, flags, _, names_at, length, number, attempts, sequence, expires_at,
                 received_at) = _unpack_repeated(data, position)  # fmt: skip
                position += REPEATED_BYTES + length
            elif kind == PUBLISHED:
                (_, flags, exchange_bytes, key_bytes, _, raw_bytes, length, number, attempts, sequence, expires_at,
                 received_at) = _unpack_published(data, position)  # fmt: skip
                names_at = carrier
                position += PUBLISHED_BYTES + exchange_bytes + key_bytes + raw_bytes + length
            elif kind == ENQUEUED:
                _, flags, _, carrier, number, attempts, sequence, expires_at = _unpack_enqueued(data, position)
                position += ENQUEUED_BYTES
            else:
                raise ValueError(f"record type {kind} is not known")
            body_end = position
            if is_held:
                position += _STATE_BYTES
            if number != queue:
                queue = number
                share = self.shares.get(queue)
                first, last, is_settled = self._whole(queue, share)
                found = self._list(queue)
            if sequence < first or sequence > last:
                assert share is not None
                is_settled, first, last = share.settled.span(sequence)
            if is_settled:
                continue
            if kind == ENQUEUED:
                message = self._message(carrier)
            else:
                if names_at != self.names_at:
                    self._read_names(names_at)
                message = self._make(carrier, data[body_end - length : body_end], received_at)
            entry = new_entry(message, queue, sequence)
            entry.expires_at = expires_at
            entry.attempts = attempts
            entry.is_redelivered = self.is_redelivered or flags & 1 == 1
            entry.lsn = lsn
            if is_held:
                entry.held_until, entry.first_taken_at = _unpack_state(data, body_end)
            if share is not None and share.attempts:
                self._apply_attempts(entry, share)
            found.append(entry)

    def _whole(self, queue: int, share: Share | None) -> tuple[int, int, bool]:
        if queue & FLEETING and not self.shares_only:
            return -NUMBER_MAX, NUMBER_MAX, True
        if share is None:
            return -NUMBER_MAX, NUMBER_MAX, self.shares_only
        return 1, 0, False

    def _list(self, queue: int) -> list[Entry]:
        found = self.lists.get(queue)
        if found is None:
            found = self.lists[queue] = []
        return found

    def _apply_attempts(self, entry: Entry, share: Share) -> None:
        known = share.attempts.get(entry.sequence)
        if known is not None:
            entry.attempts, was_delivered, entry.held_until, entry.first_taken_at = known
            entry.is_redelivered = self.is_redelivered or was_delivered

    def _message(self, carrier: int) -> Message:
        """The message of the record at `carrier`: made already, or only now if that one's entry is settled."""
        known = self.made.get(carrier)
        if known is not None:
            return known
        data = self.data
        at = self.start + carrier
        if data[at] in (REPEATED, REPEATED + HELD_STEP):
            _, _, _, names_at, length, _, _, _, _, received_at = _unpack_repeated(data, at)
            at += REPEATED_BYTES
        else:
            names_at = carrier
            _, _, exchange_bytes, key_bytes, _, raw_bytes, length, _, _, _, _, received_at = _unpack_published(data, at)
            at += PUBLISHED_BYTES + exchange_bytes + key_bytes + raw_bytes
        if names_at != self.names_at:
            self._read_names(names_at)
        return self._make(carrier, data[at : at + length], received_at)

    def _make(self, carrier: int, body: bytes, received_at: int) -> Message:
        properties = self.properties
        assert properties is not None
        message = new_message(self.exchange, self.key, properties, body, received_at)
        message.lsn = self.lsn
        message.slot = carrier
        self.made[carrier] = message
        return message

    def _read_names(self, names_at: int) -> None:
        data = self.data
        at = self.start + names_at
        _, _, exchange_bytes, key_bytes, code, raw_bytes, *_ = _unpack_published(data, at)
        at += PUBLISHED_BYTES
        self.exchange = data[at : at + exchange_bytes].decode("utf-8", "surrogateescape")
        at += exchange_bytes
        self.key = data[at : at + key_bytes].decode("utf-8", "surrogateescape")
        at += key_bytes
        raw = data[at : at + raw_bytes]
        if self.properties is None or raw != self.properties.raw or code != self.code:
            self.properties = self._make_properties(code, raw)
            self.code = code
        self.names_at = names_at

    def _make_properties(self, code: int, raw: bytes) -> Properties:
        return restored(self.formats, code, raw)
