"""The properties of a basic message: as they came, checked once, taken apart only when somebody asks.

    0        2
    +--------+----------------------------------+
    | flags  | one value for each flag that is  |      AMQP 0-9-1 §4.2.6.1, without the twelve octets of class,
    | short  | set, from the highest to the     |      weight and body size before it
    +--------+----------------------------------+

    8000 content-type      shortstr    0400 correlation-id  shortstr    0020 type        shortstr
    4000 content-encoding  shortstr    0200 reply-to        shortstr    0010 user-id     shortstr
    2000 headers           table       0100 expiration      shortstr    0008 app-id      shortstr
    1000 delivery-mode     octet       0080 message-id      shortstr    0004 cluster-id  shortstr
    0800 priority          octet       0040 timestamp       longlong    0001 another short of flags follows

It owns these octets and the neutral view of them that core/message.py declares. It must not know queues or routing.
Construction walks once over the octets, because a message whose properties are malformed has to be refused at its
publisher and not where it is dead-lettered; it makes no object per property. Flag 0002 means nothing, and what further
flag words announce has never been defined: the first is ignored as RabbitMQ ignores it, the second is refused.
"""

import re
import struct
from collections.abc import Mapping
from typing import Any, cast

from mqbroker.core.properties import BLIND_COPIES_BIT, Formats, Properties, RedrivenProperties
from mqbroker.core.rabbitmq.erlang_text import term_text
from mqbroker.core.rabbitmq.x_death import carbon_copies
from mqbroker.core.recent import remember
from mqbroker.core.values import Table, Value
from mqbroker.errors import PreconditionFailed, ProtocolViolation
from mqbroker.limits import EXPIRY_MS_MAX, RECENT_PROPERTIES_BYTES_MAX, RECENT_PROPERTIES_MAX
from mqbroker.protocols.amqp.limits import AMQP_SHORTSTR_BYTES_MAX
from mqbroker.protocols.amqp.tables import check_table, read_table, write_short_string, write_table
from mqbroker.protocols.grouping import group_text

AMQP = 1  # the journal's number for this encoding
BLIND_COPIES = "BCC"  # the header whose routing keys count, and which is not shown to consumers

CONTENT_TYPE = 0x8000
CONTENT_ENCODING = 0x4000
HEADERS = 0x2000
DELIVERY_MODE = 0x1000
PRIORITY = 0x0800
CORRELATION_ID = 0x0400
REPLY_TO = 0x0200
EXPIRATION = 0x0100
MESSAGE_ID = 0x0080
TIMESTAMP = 0x0040
TYPE = 0x0020
USER_ID = 0x0010
APP_ID = 0x0008
CLUSTER_ID = 0x0004
CONTINUED = 0x0001

FLAGS: dict[str, int] = {
    "content_type": CONTENT_TYPE,
    "content_encoding": CONTENT_ENCODING,
    "headers": HEADERS,
    "delivery_mode": DELIVERY_MODE,
    "priority": PRIORITY,
    "correlation_id": CORRELATION_ID,
    "reply_to": REPLY_TO,
    "expiration": EXPIRATION,
    "message_id": MESSAGE_ID,
    "timestamp": TIMESTAMP,
    "type": TYPE,
    "user_id": USER_ID,
    "app_id": APP_ID,
    "cluster_id": CLUSTER_ID,
}  # in the order of the wire

_FIXED_BYTES = {DELIVERY_MODE: 1, PRIORITY: 1, TIMESTAMP: 8}
_STRINGS_BEHIND_PRIORITY = (CORRELATION_ID, REPLY_TO, EXPIRATION, MESSAGE_ID)
_STRINGS_BEHIND_TIMESTAMP = (TYPE, USER_ID, APP_ID, CLUSTER_ID)
_BEHIND_PRIORITY = (PRIORITY - 1) & ~3
_TEXTS = CONTENT_TYPE | CONTENT_ENCODING | CORRELATION_ID | REPLY_TO | MESSAGE_ID | TYPE | USER_ID | APP_ID
_PERSISTENT = 2

_INTEGER = re.compile(r"[+-]?[0-9]+")
_unpack_short = struct.Struct(">H").unpack_from
_unpack_long = struct.Struct(">I").unpack_from
_pack_short = struct.Struct(">H").pack


def _malformed() -> ProtocolViolation:
    return ProtocolViolation("syntax", "content header has malformed properties")


class BasicProperties(Properties):
    """Properties as they came in a content header frame, in `raw`.

    `flags` tells which are there (`flags & REPLY_TO`); `delivery_mode` is 0 when absent.
    """

    __slots__ = ("_headers_at", "delivery_mode", "flags")

    def __init__(self, raw: bytes, code: int = AMQP) -> None:
        """Raises ProtocolViolation("syntax") for malformed octets, and PreconditionFailed with RabbitMQ's text for a
        delivery mode or an expiration that has no meaning: whichever comes first. `code` is what the journal kept."""
        Properties.__init__(self, code, raw)
        self.flags = 0
        self.delivery_mode = 0
        self._headers_at = 0
        try:
            end = self._scan(raw)
        except (IndexError, struct.error):
            raise _malformed() from None
        if end != len(raw):
            raise _malformed()

    def _scan(self, raw: bytes) -> int:
        """Notes what the core asks for and returns where the last property ends, which may be beyond the octets."""
        flags = self.flags = raw[0] << 8 | raw[1]
        at = _end_of_flags(raw) if flags & CONTINUED else 2
        if flags & CONTENT_TYPE:
            at += 1 + raw[at]
        if flags & CONTENT_ENCODING:
            at += 1 + raw[at]
        if flags & HEADERS:
            self.has_headers = True
            self._headers_at = at
            at = check_table(raw, at)
        if flags & DELIVERY_MODE:
            self._take_delivery_mode(raw[at])
            at += 1
        if flags & PRIORITY:
            self.priority = raw[at]
            at += 1
        return self._scan_rest(raw, at, flags) if flags & _BEHIND_PRIORITY else at

    def _scan_rest(self, raw: bytes, at: int, flags: int) -> int:
        for flag in _STRINGS_BEHIND_PRIORITY:
            if flags & flag:
                start = at + 1
                at = start + raw[at]
                if flag == EXPIRATION:
                    if at > len(raw):
                        raise _malformed()
                    self.ttl_ms = expiration_ms(raw[start:at])
        if flags & TIMESTAMP:
            at += 8
        for flag in _STRINGS_BEHIND_TIMESTAMP:
            if flags & flag:
                at += 1 + raw[at]
        return at

    def _take_delivery_mode(self, mode: int) -> None:
        if mode == _PERSISTENT:
            self.persistent = True
        elif mode != 1:
            raise PreconditionFailed(f"invalid message: {{delivery_mode_unknown,{mode}}}")
        self.delivery_mode = mode

    def headers(self) -> Mapping[str, object]:
        """The headers, decoded anew at each call: a dictionary per queued message would cost more than it saves."""
        headers = self._all_headers()
        if self.code & BLIND_COPIES_BIT:
            del headers[BLIND_COPIES]
        return headers

    def _all_headers(self) -> dict[str, Value]:
        return read_table(self.raw, self._headers_at)[0] if self.has_headers else {}

    def blind_copies(self) -> list[str]:
        """The routing keys in the header BCC of a message that was published with it."""
        return carbon_copies(self._all_headers(), BLIND_COPIES) if self.code & BLIND_COPIES_BIT else []

    def with_blind_copies(self) -> "BasicProperties":
        """A copy whose header BCC, which must be there, is seen by nobody from now on."""
        return BasicProperties(self.raw, self.code | BLIND_COPIES_BIT)

    def without_blind_copies(self) -> "BasicProperties":
        """What is shown to clients."""
        if not self.code & BLIND_COPIES_BIT:
            return self
        shown = self.with_fields(headers=self.headers() or None)
        shown.restore_marks(self.code & ~BLIND_COPIES_BIT)
        return shown

    def text(self, name: str) -> str | None:
        """One property by name (FLAGS, without "headers"), numbers as decimal digits, None when it is not there."""
        flag = FLAGS.get(name, 0)
        if not self.flags & flag:
            return group_text(self, name) if not flag else None
        for found, start, stop in self._spans():
            if found == flag:
                return _text(flag, self.raw[start:stop])
        raise AssertionError("every flag has its span")

    def _spans(self) -> list[tuple[int, int, int]]:
        """Each property that is there: its flag, and where its octets start and stop, length prefix included."""
        raw, flags = self.raw, self.flags
        at = _end_of_flags(raw)
        found = []
        for flag in FLAGS.values():
            if flags & flag:
                start = at
                at = _end_of_property(raw, at, flag)
                found.append((flag, start, at))
        return found

    def with_headers(self, headers: Mapping[str, object], drop_expiration: bool = False) -> "BasicProperties":
        """A copy with other headers, none if empty, and without the expiration on request (dead-lettering)."""
        if self.code & BLIND_COPIES_BIT:
            headers = {**headers, BLIND_COPIES: self._all_headers()[BLIND_COPIES]}
        changes: dict[str, Any] = {"headers": headers or None}
        if drop_expiration:
            changes["expiration"] = None
        return self.with_fields(**changes)

    def with_fields(self, **changes: Any) -> "BasicProperties":
        """A copy in which each of `changes` (see `build`) replaces the property of that name, or removes it if None.
        What is not named keeps its octets."""
        octets = {flag: self.raw[start:stop] for flag, start, stop in self._spans()}
        for name, value in changes.items():
            flag = FLAGS[name]
            octets.pop(flag, None)
            if value is not None:
                octets[flag] = _encode(flag, value)
        return BasicProperties(_joined(octets), self.code)


FORMATS: Formats = {AMQP: BasicProperties}


class RecentProperties:
    """The properties that publishers have used lately: equal ones are one object, taken apart and kept once."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, BasicProperties] = {}

    def of(self, raw: bytes) -> BasicProperties:
        """The properties with these octets. Raises what `BasicProperties` raises."""
        found = self._known.get(raw)
        if found is None:
            found = BasicProperties(raw)
            if len(raw) <= RECENT_PROPERTIES_BYTES_MAX:
                remember(self._known, raw, found, RECENT_PROPERTIES_MAX)
        return found


def build(**fields: Any) -> BasicProperties:
    """Properties made by the broker or for a message of another protocol.

    Text for most names of FLAGS; `headers` a mapping of neutral values, `delivery_mode`, `priority` and `timestamp`
    (seconds since the epoch) integers, `expiration` the text of milliseconds. None is the same as not given. Raises
    KeyError for an unknown name and ValueError for what does not fit.
    """
    present = {FLAGS[name]: value for name, value in fields.items() if value is not None}
    return BasicProperties(_joined({flag: _encode(flag, value) for flag, value in present.items()}))


def amqp_properties(properties: Properties) -> BasicProperties:
    """`properties` as a client of AMQP may see them: themselves, or those of another protocol in this encoding.

    What has no place here is left out: a text or the name of a header that exceeds a short string.
    """
    if isinstance(properties, RedrivenProperties):
        properties = properties.inner
    if isinstance(properties, BasicProperties):
        return properties.without_blind_copies()
    texts = {name: _fitting(properties.text(name)) for name, flag in FLAGS.items() if flag & _TEXTS}
    timestamp = properties.text("timestamp")
    return build(
        **texts,
        headers={name: value for name, value in properties.headers().items() if _fitting(name) is not None} or None,
        delivery_mode=_PERSISTENT if properties.persistent else 1,
        priority=properties.priority or None,
        expiration=None if properties.ttl_ms < 0 else str(properties.ttl_ms),
        timestamp=None if timestamp is None else int(timestamp),
    )


def _fitting(text: str | None) -> str | None:
    if text is None or len(text.encode(errors="surrogateescape")) > AMQP_SHORTSTR_BYTES_MAX:
        return None
    return text


def expiration_ms(octets: bytes) -> int:
    """The expiration property as milliseconds. Raises PreconditionFailed with RabbitMQ's text."""
    text = octets.decode(errors="surrogateescape")
    found = _INTEGER.match(text)
    if found is None:
        reason = "no_integer"
    elif found.end() < len(text):
        reason = f"{{leftover_string,{_list_text(octets[found.end() :])}}}"
    else:
        number = int(text)
        if 0 <= number <= EXPIRY_MS_MAX:
            return number
        reason = f"{{{'value_negative' if number < 0 else 'value_too_large'},{number}}}"
    raise PreconditionFailed(f"invalid expiration '{text}': {reason}")


def _list_text(octets: bytes) -> str:
    """Octets as Erlang prints a list of characters: `"abc"`, or `[1,2]` where `term_text` has `<<1,2>>`."""
    inner = term_text(octets).removeprefix("<<").removesuffix(">>")
    return inner if inner.startswith('"') else f"[{inner}]"


def _end_of_flags(raw: bytes) -> int:
    """Where the property list starts. Flag words after the first must be empty but for their continuation."""
    at = 2
    word: int = _unpack_short(raw, 0)[0]
    while word & CONTINUED:
        word = _unpack_short(raw, at)[0]
        at += 2
        if word & ~CONTINUED:
            raise _malformed()
    return at


def _end_of_property(raw: bytes, at: int, flag: int) -> int:
    size = _FIXED_BYTES.get(flag)
    if size is not None:
        return at + size
    if flag == HEADERS:
        return at + 4 + cast(int, _unpack_long(raw, at)[0])
    return at + 1 + raw[at]


def _text(flag: int, octets: bytes) -> str:
    if flag in _FIXED_BYTES:
        return str(int.from_bytes(octets, "big"))
    return octets[1:].decode(errors="surrogateescape")


def _encode(flag: int, value: object) -> bytes:
    if flag == HEADERS:
        return write_table(cast(Table, value))
    if flag in _FIXED_BYTES:
        return cast(int, value).to_bytes(_FIXED_BYTES[flag], "big")
    return write_short_string(cast(str, value))


def _joined(octets: Mapping[int, bytes]) -> bytes:
    flags = sorted(octets, reverse=True)
    return _pack_short(sum(flags)) + b"".join([octets[flag] for flag in flags])
