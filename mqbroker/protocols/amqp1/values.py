"""Values of AMQP 1.0 as the neutral ones of headers, and back (core/values.py).

    1.0                 neutral, and AMQP 0-9-1's            back
    utf8, symbol        str, longstr                         utf8; binary when it is longer than 4096, or has a NUL
    binary              RawString, longstr                   binary
    ulong               int, long                            long
    timestamp (ms)      Timestamp, seconds                   timestamp
    uuid                str, urn:uuid:...                    utf8
    list, map, array    list, dict                           list, map
    other integers, floats, boolean, null: each its own type, both ways
    decimals, described values: left out

What 0-9-1 has and 1.0 has not (its decimals) is left out too.
"""

from collections.abc import Mapping
from uuid import UUID

from mqbroker.core.values import Decimal as NeutralDecimal
from mqbroker.core.values import (
    Float32,
    Int8,
    Int16,
    Int32,
    RawString,
    Timestamp,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    octets,
)
from mqbroker.protocols.amqp1.codec.types import Char, Described, Milliseconds, Symbol, WireDecimal
from mqbroker.protocols.amqp1.limits import UTF8_HEADER_BYTES_MAX

MISSING = object()
"""Instead of a value that has no form on the other side."""

_LONG_MAX = (1 << 63) - 1
_KEPT = (bool, Int8, Int16, Int32, UInt8, UInt16, UInt32, Float32)
_URN = "urn:uuid:"


def neutral(value: object) -> object:
    """A value of 1.0 as others see it; MISSING for one that they cannot."""
    if value is None or isinstance(value, _KEPT):
        return value
    if isinstance(value, Milliseconds):
        return Timestamp(max(0, value // 1000))
    if isinstance(value, int):
        return min(int(value), _LONG_MAX)
    if isinstance(value, Described | WireDecimal):
        return MISSING
    if isinstance(value, str | bytes | UUID):
        return _neutral_octets(value)
    return _neutral_compound(value)


def _neutral_octets(value: str | bytes | UUID) -> object:
    if isinstance(value, UUID):
        return f"{_URN}{value}"
    return str(value) if isinstance(value, str) else RawString(value)


def _neutral_compound(value: object) -> object:
    if isinstance(value, list):
        return [each for each in map(neutral, value) if each is not MISSING]
    if isinstance(value, dict):
        pairs = ((str(key), neutral(each)) for key, each in value.items() if isinstance(key, str))
        return {key: each for key, each in pairs if each is not MISSING}
    return value  # a float


def wire(value: object) -> object:
    """A neutral value as one of 1.0; MISSING for one that it has no form for."""
    if isinstance(value, Timestamp):
        return Milliseconds(min(value * 1000, _LONG_MAX))
    if isinstance(value, NeutralDecimal):
        return MISSING
    if isinstance(value, RawString):
        return bytes(value)
    if isinstance(value, str):
        return _wire_text(value)
    if isinstance(value, list | tuple):
        return [each for each in map(wire, value) if each is not MISSING]
    if isinstance(value, Mapping):
        pairs = ((_readable(key), wire(each)) for key, each in value.items())
        return {key: each for key, each in pairs if each is not MISSING}
    return value


def wire_scalar(value: object) -> object:
    """The same for application properties, which hold simple values only (AMQP 1.0 part 3, 3.2.5)."""
    return MISSING if isinstance(value, list | tuple | Mapping) else wire(value)


def _wire_text(value: str) -> object:
    if "\0" in value or len(value) > UTF8_HEADER_BYTES_MAX or not is_utf8(value):
        return octets(value)
    return value if type(value) is str else str(value)


def is_utf8(text: str) -> bool:
    """Whether a text has a form in UTF-8; one that was decoded from other octets has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _readable(text: str) -> str:
    return text if is_utf8(text) else text.encode(errors="replace").decode()


def id_text(value: object) -> str | None:
    """A message-id or correlation-id as text; None for octets."""
    if isinstance(value, UUID):
        return f"{_URN}{value}"
    if isinstance(value, UInt64):
        return str(int(value))
    return str(value) if isinstance(value, str) else None


def text_id(text: str) -> object:
    """A text as message-id or correlation-id."""
    if text.startswith(_URN):
        try:
            return UUID(text.removeprefix(_URN))
        except ValueError:
            return text
    return text if is_utf8(text) else octets(text)


def symbol_keys(pairs: Mapping[str, object]) -> dict[object, object]:
    """Annotations: keys are symbols, so ASCII."""
    return {Symbol(key): value for key, value in pairs.items() if key.isascii()}


def plain_text(value: object) -> bytes | None:
    """The body of an amqp-value section as octets that anybody reads; None for one that is no text or octets."""
    if isinstance(value, str):
        return value.encode(errors="replace")
    if isinstance(value, bytes) and not isinstance(value, WireDecimal):
        return bytes(value)
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int | float | UUID | Char):
        return str(value).encode()
    return None
