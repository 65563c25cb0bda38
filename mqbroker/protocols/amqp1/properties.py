"""The properties of a message that came by AMQP 1.0, in the form in which the core and the journal keep them.

     0       1             2
    +-------+-------------+--------+-------------------------------------+---------------------------------+-------+
    | flags | size of the | header | message-annotations, properties,    | footer as it came, and its size | sizes | raw
    | u8    | header, u8  |        | application-properties as they came | in four octets, if flagged      |       |
    +-------+-------------+--------+-------------------------------------+---------------------------------+-------+

    flags: 1 = the body is sections as they came, else the octets of one data section;
    2 = that one had a size of four octets where one would do; 4 = there is a footer;
    8 = the sections are one text, number or octets, or data in parts, which others are given as plain octets;
    16 = the body is the octets of several data sections: sizes are of each, and their count, in four octets each

The core is told what the header says: durable, priority, ttl. Everything else is decoded when somebody asks. To others
annotations whose keys begin with x-, and application properties, are headers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mqbroker.core.properties import Formats, Properties
from mqbroker.core.recent import remember
from mqbroker.limits import EXPIRY_MS_MAX, RECENT_PROPERTIES_BYTES_MAX, RECENT_PROPERTIES_MAX
from mqbroker.protocols.amqp1 import addresses
from mqbroker.protocols.amqp1.codec.encode import compound, encode, encode_list, encode_map, symbol
from mqbroker.protocols.amqp1.codec.types import Milliseconds, decode, decode_all, malformed, skip
from mqbroker.protocols.amqp1.sections import (
    ANNOTATIONS,
    APPLICATION,
    DATA,
    PROPERTIES,
    VALUE,
    Sections,
    check_body,
    check_footer,
    check_middle,
    descriptor_at,
)
from mqbroker.protocols.amqp1.values import MISSING, id_text, neutral, plain_text, symbol_keys, wire
from mqbroker.protocols.grouping import group_text

AMQP1 = 16  # the journal's number for this encoding

CODED = 1
WIDE = 2
FOOTER = 4
PLAIN = 8
PARTS = 16

CODED_TYPE = "amqp-1.0"
"""The type under which AMQP 0-9-1 knows a body that is sections."""
CODED_CONTENT_TYPE = "message/vnd.rabbitmq.amqp"
"""The content type of one that others cannot be given in plain octets, unless its sender has said another."""

_FIELDS = {
    "message_id": 0, "user_id": 1, "reply_to": 4, "correlation_id": 5, "content_type": 6, "content_encoding": 7,
    "timestamp": 9, "app_id": 10, "group_id": 10, "group_sequence": 11, "subject": 3,
}  # fmt: skip
"""Where the neutral properties are in the section of properties."""
_ID_BYTES_MAX = 255
_HALF, _MASK = 1 << 31, (1 << 32) - 1  # Qpid JMS writes a sequence below 0 as the uint with the same bits
_IDS_IN_HEADERS = {"message_id": "x-message-id", "correlation_id": "x-correlation-id"}

ANNOTATED_HEADERS = {
    "x-cc": "CC",
    "x-opt-deaths": "x-death",
    "x-opt-rabbitmq-received-time": "timestamp_in_ms",
}
"""Annotations that others know by another name."""
HEADERS_ANNOTATED = {header: annotation for annotation, header in ANNOTATED_HEADERS.items()}
TYPE_ANNOTATION = "x-basic-type"
DELIVERY_PREFIX = "x-opt-delivery-"
"""What the annotations begin with that say when a message is to be delivered."""
_DELIVERY_NAMES = "delivery_"


def encode_header(durable: bool, priority: int | None, ttl_ms: int, first: bool, count: int) -> bytes:
    """A header section."""
    ttl = b"\x40" if ttl_ms < 0 else b"\x70" + min(ttl_ms, 0xFFFF_FFFF).to_bytes(4, "big")
    fields = [
        b"\x41" if durable else b"\x42",
        b"\x40" if priority is None else bytes((0x50, priority)),
        ttl,
        b"\x41" if first else b"\x42",
        b"\x43" if not count else b"\x70" + count.to_bytes(4, "big"),
    ]
    return b"\x00\x53\x70" + encode_list(fields)


class Amqp1Properties(Properties):
    """Properties of a transfer."""

    __slots__ = ("flags", "header_priority", "middle_at", "middle_end", "parts_at")

    def __init__(self, raw: bytes, code: int = AMQP1) -> None:
        """Raises ProtocolViolation for a malformed header."""
        Properties.__init__(self, code, raw)
        self.flags = raw[0]
        self.middle_at = 2 + raw[1]
        self.parts_at = len(raw)
        if self.flags & PARTS:
            self.parts_at -= 4 + 4 * int.from_bytes(raw[-4:], "big")
        self.middle_end = self.parts_at
        if self.flags & FOOTER:
            self.middle_end -= 4 + int.from_bytes(raw[self.parts_at - 4 : self.parts_at], "big")
        self.is_coded = bool(self.flags & PLAIN)
        self.header_priority: int | None = None
        if raw[1]:
            self._take_header(decode_all(raw[2 : self.middle_at]))
        self.has_headers = self._has_headers()

    def _take_header(self, header: object) -> None:
        if not isinstance(header, list) or len(header) > 5:
            raise malformed("a message's header is no list of five fields at most")
        durable, priority, ttl = (*header, None, None, None)[:3]
        self.persistent = durable is True
        if isinstance(priority, int):
            self.priority = self.header_priority = min(int(priority), 255)
        if isinstance(ttl, int) and not isinstance(ttl, bool):
            self.ttl_ms = min(int(ttl), EXPIRY_MS_MAX)

    def _has_headers(self) -> bool:
        return any(code in (ANNOTATIONS, APPLICATION) for code, _ in self._middle())

    # --- sections ---------------------------------------------------------------------------------------------------

    @property
    def middle(self) -> bytes:
        """Annotations, properties and application properties, as they came."""
        return self.raw[self.middle_at : self.middle_end]

    @property
    def footer(self) -> bytes:
        """The footer section as it came; empty for none."""
        return self.raw[self.middle_end : self.parts_at - 4] if self.flags & FOOTER else b""

    @property
    def parts(self) -> list[int]:
        """The size of each data section, if there are several."""
        raw, at = self.raw, self.parts_at
        return [int.from_bytes(raw[each : each + 4], "big") for each in range(at, len(raw) - 4, 4)]

    def _middle(self) -> list[tuple[int, Any]]:
        """Each section before the body with its value, decoded anew at each call."""
        found = []
        raw, at, end = self.raw, self.middle_at, self.middle_end
        while at < end:
            code, at = descriptor_at(raw, at, end)
            value, at = decode(raw, at, end)
            found.append((code, value))
        return found

    def section(self, wanted: int) -> Any:
        """The value of one section; None when there is none."""
        return next((value for code, value in self._middle() if code == wanted), None)

    def field(self, index: int) -> object:
        """A field of the section of properties."""
        fields = self.section(PROPERTIES)
        return fields[index] if fields is not None and index < len(fields) else None

    # --- the neutral view -------------------------------------------------------------------------------------------

    def headers(self) -> Mapping[str, object]:
        """Annotations and application properties; and what has no place in the properties of others."""
        found: dict[str, object] = {}
        for code, value in self._middle():
            if code == ANNOTATIONS:
                found.update(_from_annotations(value))
            elif code == APPLICATION:
                found.update(_visible({key: each for key, each in value.items() if not key.startswith("x-")}))
            else:
                found.update(_long_ids(value))
        return found

    def text(self, name: str) -> str | None:
        """A property by its neutral name."""
        if name == "type":
            return CODED_TYPE if self.flags & CODED else self._annotated_type()
        if name == "priority":
            return None if self.header_priority is None else str(self.header_priority)
        if name == "delivery_mode":
            return "2" if self.persistent else "1"
        if name == "expiration":
            return None if self.ttl_ms < 0 else str(self.ttl_ms)
        index = _FIELDS.get(name)
        if index is None:
            return self._delivery(name) if name.startswith(_DELIVERY_NAMES) else group_text(self, name)
        found = _as_text(name, self.field(index))
        if found is None and name == "content_type" and self.flags & (CODED | PLAIN) == CODED:
            return CODED_CONTENT_TYPE
        return group_text(self, name) if found is None else found

    def _delivery(self, name: str) -> str | None:
        """What an annotation says about when it is to be delivered."""
        value = (self.section(ANNOTATIONS) or {}).get(DELIVERY_PREFIX + name.removeprefix(_DELIVERY_NAMES))
        return None if value is None else str(value)

    def _annotated_type(self) -> str | None:
        found = (self.section(ANNOTATIONS) or {}).get(TYPE_ANNOTATION)
        return found if isinstance(found, str) else None

    def with_headers(self, headers: Mapping[str, object], drop_expiration: bool = False) -> "Amqp1Properties":
        """A copy with what the broker writes among its annotations; what its sender has said stays octet for octet."""
        before = self.headers()
        gone = {key for key in before if key not in headers}
        new = {key: value for key, value in headers.items() if key not in before or before[key] != value}
        annotations = dict(self.section(ANNOTATIONS) or {})
        for key in gone:
            annotations.pop(HEADERS_ANNOTATED.get(key, key), None)
        annotations.update(symbol_keys(to_annotations(new)))
        header = self.raw[2 : self.middle_at]
        if drop_expiration and self.ttl_ms >= 0:
            header = encode_header(self.persistent, self.header_priority, -1, False, 0)[3:]
        section = b"\x00\x53\x72" + encode_map(annotations) if annotations else b""
        raw = bytes((self.flags, len(header))) + header + section + self._after_annotations()
        return Amqp1Properties(raw, self.code)

    def with_annotations(self, added: Mapping[object, object]) -> "Amqp1Properties":
        """A copy with more annotations (the outcome modified)."""
        annotations = {**(self.section(ANNOTATIONS) or {}), **added}
        section = b"\x00\x53\x72" + encode_map(annotations)
        return Amqp1Properties(self.raw[: self.middle_at] + section + self._after_annotations(), self.code)

    def middle_with(self, added: Mapping[str, object]) -> bytes:
        """The sections before the body with more annotations; all that came stays octet for octet."""
        own = self.section(ANNOTATIONS) or {}
        items = [symbol(key) + encode(value) for key, value in added.items() if key not in own]
        count, before = 2 * (len(own) + len(items)), self._annotation_items()
        section = b"\x00\x53\x72" + compound(0xC1, count, before + b"".join(items))
        rest: bytes = self.raw[self._annotations_end() : self.middle_end]
        return section + rest

    def _annotation_items(self) -> bytes:
        """The keys and values of its annotations as they came."""
        end = self._annotations_end()
        if end == self.middle_at:
            return b""
        _, at = descriptor_at(self.raw, self.middle_at, end)
        return self.raw[at + (3 if self.raw[at] == 0xC1 else 9) : end]

    def _annotations_end(self) -> int:
        """Where they end, which is where the sections begin if there are none."""
        raw, at = self.raw, self.middle_at
        if at < self.middle_end:
            code, value_at = descriptor_at(raw, at, self.middle_end)
            if code == ANNOTATIONS:
                return skip(raw, value_at, self.middle_end)
        return at

    def _after_annotations(self) -> bytes:
        """Everything from the properties on."""
        return self.raw[self._annotations_end() :]

    def readable(self, body: bytes) -> bytes:
        """The body of a text, octets or a number that was sent as an amqp-value; other sections as they are."""
        if not self.is_coded:
            return body
        code, at = descriptor_at(body, 0, len(body))
        if code == DATA:
            return _joined_data(body)
        found = plain_text(decode(body, at, len(body))[0]) if code == VALUE else None
        return body if found is None else found

    def body_map(self, body: bytes) -> Mapping[str, object] | None:
        """An amqp-value that is a map, with its texts for keys."""
        if self.flags & (CODED | PLAIN) != CODED:
            return None
        code, at = descriptor_at(body, 0, len(body))
        found = neutral(decode(body, at, len(body))[0]) if code == VALUE else None
        return found if isinstance(found, Mapping) else None


def _joined_data(body: bytes) -> bytes:
    parts, at = [], 0
    while at < len(body):
        _, at = descriptor_at(body, at, len(body))
        value, at = decode(body, at, len(body))
        assert isinstance(value, bytes)
        parts.append(value)
    return b"".join(parts)


FORMATS: Formats = {AMQP1: Amqp1Properties}


def _as_text(name: str, value: object) -> str | None:
    if value is None:
        return None
    if name == "timestamp":
        return str(max(0, value // 1000)) if isinstance(value, Milliseconds) else None
    if name == "group_sequence":
        return str(((value + _HALF) & _MASK) - _HALF) if isinstance(value, int) else None
    if name == "user_id":
        return _user_text(value)
    if name in _IDS_IN_HEADERS:
        found = id_text(value)
        return found if found is not None and len(found.encode()) <= _ID_BYTES_MAX else None
    text = str(value) if isinstance(value, str) else None
    return addresses.reply_key(text) if name == "reply_to" and text is not None else text


def _user_text(value: object) -> str | None:
    if not isinstance(value, bytes) or len(value) > _ID_BYTES_MAX:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _long_ids(fields: list[object]) -> dict[str, object]:
    """Ids that are octets, or too long for a property of AMQP 0-9-1, as headers."""
    found: dict[str, object] = {}
    for name, header in _IDS_IN_HEADERS.items():
        index = _FIELDS[name]
        value = fields[index] if index < len(fields) else None
        if value is not None and _as_text(name, value) is None:
            found[header] = neutral(value)
    return {header: value for header, value in found.items() if value is not MISSING}


def _visible(pairs: Mapping[Any, object]) -> dict[str, object]:
    values = ((key, neutral(value)) for key, value in pairs.items())
    return {key: value for key, value in values if value is not MISSING}


def _from_annotations(pairs: Mapping[Any, object]) -> dict[str, object]:
    """The headers that annotations are to others."""
    shown = {ANNOTATED_HEADERS.get(key, str(key)): value for key, value in pairs.items() if key != TYPE_ANNOTATION}
    return _visible(shown)


def to_annotations(headers: Mapping[str, object]) -> dict[str, object]:
    """The annotations that headers are: those that begin with x-, and those that have another name there."""
    found = {}
    for name, value in headers.items():
        key = HEADERS_ANNOTATED.get(name) or (name if name.startswith("x-") else None)
        value = wire(value)
        if key is not None and value is not MISSING:
            found[key] = value
    return found


# --- making them ------------------------------------------------------------------------------------------------------


class RecentProperties:
    """The properties that publishers have used lately: equal ones are one object, checked and kept once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Amqp1Properties] = {}

    def of(self, data: bytes, found: Sections) -> Amqp1Properties:
        """The properties of a message whose sections are these. Raises ProtocolViolation."""
        header = data[found.header_at : found.header_end]
        flags = _body_flags(data, found)
        middle = data[found.middle_at : found.body_at]
        if found.footer_at < len(data):
            footer = data[found.footer_at :]
            check_footer(data, found.footer_at)
            raw = bytes((flags | FOOTER, len(header))) + header + middle + footer + len(footer).to_bytes(4, "big")
        else:
            raw = bytes((flags, len(header))) + header + middle
        if flags & PARTS:
            sizes = [end - start for start, end in found.parts]
            raw += b"".join([size.to_bytes(4, "big") for size in (*sizes, len(sizes))])
        known = self._known.get(raw)
        if known is None:
            check_middle(middle)
            known = Amqp1Properties(raw)
            if len(raw) <= RECENT_PROPERTIES_BYTES_MAX:
                remember(self._known, raw, known, RECENT_PROPERTIES_MAX)
        return known


def _body_flags(data: bytes, found: Sections) -> int:
    """What the flags say of a body. Raises ProtocolViolation."""
    if not found.is_coded:
        return WIDE if found.is_wide else 0
    if found.parts:
        return PARTS
    check_body(data, found.body_at, found.body_end)
    code, at = descriptor_at(data, found.body_at, found.body_end)
    if code == VALUE:
        return CODED | PLAIN if _is_plain(data, at, found.body_end) else CODED
    return CODED | PLAIN if code == DATA else CODED


def _is_plain(data: bytes, at: int, end: int) -> bool:
    """Whether the value of a body is one text, number or octets."""
    is_simple = at < end and 0x40 <= data[at] < 0xC0
    return is_simple and plain_text(decode(data, at, end)[0]) is not None


def in_parts(body: bytes, sizes: Sequence[int]) -> bytes:
    """A body as the data sections that it came in."""
    pieces: list[bytes] = []
    at = 0
    for size in sizes:
        pieces += (data_start(size), body[at : at + size])
        at += size
    return b"".join(pieces)


def data_start(size: int, is_wide: bool = False) -> bytes:
    """What a data section of so many octets begins with."""
    if size < 256 and not is_wide:
        return b"\x00\x53\x75\xa0" + bytes((size,))
    return b"\x00\x53\x75\xb0" + size.to_bytes(4, "big")
