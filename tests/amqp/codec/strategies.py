"""What hypothesis draws for the codec: names, field table values of every wire type, and octets with a flaw."""

import struct
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from mqbroker.core.values import (
    Decimal,
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
)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _signed(kind: type[int], bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1).map(kind)


def _unsigned(kind: type[int], bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1).map(kind)


def _from_octets(text: bytes) -> str:
    return text.decode(errors="surrogateescape")


short_texts = st.text(st.characters(codec="utf-8"), max_size=60)
"""Short strings that every client understands."""
short_octets = st.binary(max_size=255).map(_from_octets)
"""Short strings of any octets, as they are kept."""

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    _signed(Int8, 8),
    _unsigned(UInt8, 8),
    _signed(Int16, 16),
    _unsigned(UInt16, 16),
    _signed(Int32, 32),
    _unsigned(UInt32, 32),
    _signed(int, 64),
    _unsigned(UInt64, 64),
    st.floats(width=32, allow_nan=False).map(Float32),
    st.floats(),
    _unsigned(Timestamp, 64),
    st.builds(Decimal, st.integers(0, 255), st.integers(0, (1 << 32) - 1)),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.binary(max_size=20),
    st.binary(max_size=20).filter(lambda octets: not _is_utf8(octets)).map(RawString),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(short_octets, inner, max_size=4),
    max_leaves=12,
)
tables = st.dictionaries(short_octets, values, max_size=6)

plain_tables = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=30), st.one_of(st.booleans(), short_texts, st.none()), max_size=4
)
"""Tables that mean the same to pamqp, whose types are coarser than the wire's and whose names are shorter."""


@st.composite
def flawed(draw: st.DrawFn, octets: bytes) -> bytes:
    """`octets` with a piece replaced, cut out or put in."""
    start = draw(st.integers(0, len(octets)))
    stop = draw(st.integers(start, min(len(octets), start + 4)))
    return octets[:start] + draw(st.binary(max_size=4)) + octets[stop:]


def typed(value: Any) -> Any:
    """`value` so that == also compares types, the order of names, and what is not a number."""
    if isinstance(value, Mapping):
        return dict, [(name, typed(part)) for name, part in value.items()]
    if isinstance(value, list):
        return list, [typed(part) for part in value]
    return type(value), struct.pack(">d", value) if isinstance(value, float) else value
