"""The codec of types: every value, whole, truncated, with trailing octets, and octets that are no values."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.core.values import Float32, Int8, Int16, Int32, UInt8, UInt16, UInt32, UInt64
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.types import (
    Array,
    Char,
    Described,
    Milliseconds,
    Symbol,
    WireDecimal,
    decode,
    decode_all,
    skip,
    validate,
)

EXAMPLES = {  # AMQP 1.0 part 1, 1.6
    "null": ("40", None),
    "true": ("41", True),
    "false": ("42", False),
    "true in an octet": ("5601", True),
    "false in an octet": ("5600", False),
    "ubyte": ("50ff", UInt8(255)),
    "ushort": ("60ffff", UInt16(65535)),
    "uint": ("70ffffffff", UInt32(0xFFFFFFFF)),
    "small uint": ("52ff", UInt32(255)),
    "uint 0": ("43", UInt32(0)),
    "ulong": ("80ffffffffffffffff", UInt64(0xFFFFFFFFFFFFFFFF)),
    "small ulong": ("53ff", UInt64(255)),
    "ulong 0": ("44", UInt64(0)),
    "byte": ("51ff", Int8(-1)),
    "short": ("61fffe", Int16(-2)),
    "int": ("71fffffffd", Int32(-3)),
    "small int": ("54fc", Int32(-4)),
    "long": ("81fffffffffffffffb", -5),
    "small long": ("55fa", -6),
    "float": ("723fc00000", Float32(1.5)),
    "double": ("823ff8000000000000", 1.5),
    "decimal32": ("7422500001", WireDecimal(bytes.fromhex("22500001"))),
    "decimal64": ("842234000000000001", WireDecimal(bytes.fromhex("2234000000000001"))),
    "decimal128": ("94" + "22" * 16, WireDecimal(b"\x22" * 16)),
    "char": ("7300000041", Char("A")),
    "timestamp": ("83000000000000000a", Milliseconds(10)),
    "uuid": ("98" + "01" * 16, UUID(bytes=b"\x01" * 16)),
    "binary": ("a0020102", b"\x01\x02"),
    "long binary": ("b0000000020102", b"\x01\x02"),
    "string": ("a1026869", "hi"),
    "long string": ("b1000000026869", "hi"),
    "symbol": ("a3026869", Symbol("hi")),
    "long symbol": ("b3000000026869", Symbol("hi")),
    "empty list": ("45", []),
    "list": ("c003024142", [True, False]),
    "long list": ("d000000006000000024142", [True, False]),
    "map": ("c10502a1016141", {"a": True}),
    "long map": ("d10000000800000002a1016141", {"a": True}),
    "array": ("e00402500102", Array(0x50, [UInt8(1), UInt8(2)])),
    "long array": ("f00000000700000002500102", Array(0x50, [UInt8(1), UInt8(2)])),
    "array of nothing": ("e0020050", Array(0x50, [])),
    "described": ("005324a10161", Described(UInt64(0x24), "a")),
}

SIMPLE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 255).map(UInt8),
    st.integers(0, 65535).map(UInt16),
    st.integers(0, 2**32 - 1).map(UInt32),
    st.integers(0, 2**64 - 1).map(UInt64),
    st.integers(-128, 127).map(Int8),
    st.integers(-(2**15), 2**15 - 1).map(Int16),
    st.integers(-(2**31), 2**31 - 1).map(Int32),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32, allow_nan=False).map(Float32),
    st.floats(allow_nan=False),
    st.characters(exclude_categories=["Cs"]).map(Char),
    st.integers(-(2**63), 2**63 - 1).map(Milliseconds),
    st.uuids(),
    st.binary(max_size=300),
    st.text(max_size=300),
    st.text(st.characters(max_codepoint=127), max_size=300).map(Symbol),
    st.binary(min_size=4, max_size=4).map(WireDecimal),
)
KEYS = st.one_of(
    st.text(max_size=5), st.text(st.characters(max_codepoint=127), max_size=5).map(Symbol), st.integers(0, 99)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(KEYS, inner, max_size=4),
        st.builds(Described, st.integers(0, 2**64 - 1).map(UInt64), inner),
        st.lists(st.integers(0, 2**32 - 1).map(UInt32), max_size=5).map(lambda items: Array(0x70, items)),
        st.lists(st.text(max_size=9), min_size=1, max_size=5).map(lambda items: Array(0xB1, items)),
    ),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal and of the same types, all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return len(left) == len(right) and all(map(same, left.items(), right.items()))
    if isinstance(left, tuple):
        return all(map(same, left, right))
    if isinstance(left, Described):
        return same(left.descriptor, right.descriptor) and same(left.value, right.value)
    return bool(left == right)


def is_value_or_violation(data: bytes) -> bool:
    """Decodes octets: True for a value, and for the violation of those that are none."""
    try:
        decode_all(data)
    except ProtocolViolation as error:
        return error.reason == "decode"
    return True


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_constructor_is_read(name: str) -> None:
    """A constructor that was written down wrongly would be met by the one client that uses it."""
    octets, value = EXAMPLES[name]
    data = bytes.fromhex(octets)
    assert same(decode_all(data), value)
    assert skip(data, 0, len(data)) == len(data)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_value_is_read_beyond_its_end(name: str) -> None:
    data = bytes.fromhex(EXAMPLES[name][0])
    for end in range(len(data)):
        with pytest.raises(ProtocolViolation):
            decode_all(data[:end])
        with pytest.raises(ProtocolViolation):
            decode(data, 0, end)
    value, at = decode(data + b"\xff\xff", 0, len(data) + 2)
    assert at == len(data)
    assert same(value, EXAMPLES[name][1])
    with pytest.raises(ProtocolViolation, match="octets follow a value"):
        decode_all(data + b"\x40")


@given(VALUES)
def test_what_is_encoded_is_decoded_to_the_same(value: Any) -> None:
    data = encode(value)
    assert same(decode_all(data), value)
    assert skip(data, 0, len(data)) == len(data)
    assert encode(decode_all(data)) == data


@given(st.binary(max_size=200))
def test_any_octets_are_a_value_or_a_violation(data: bytes) -> None:
    """An exception of another kind would end in a traceback."""
    assert is_value_or_violation(data)


@given(VALUES, st.data())
def test_changed_octets_are_a_value_or_a_violation(value: Any, draw: st.DataObject) -> None:
    data = bytearray(encode(value))
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    assert is_value_or_violation(bytes(data))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("00" * 40 + "40", "nested too deeply"),
        ("c0ff01" * 40, "ends before"),
        ("d0000000ff7fffffff" + "40" * 251, "items in"),
        ("f00000000600ffffff4000"[:22], "items in|ends before"),
        ("f0000000057fffffff40", "items in"),
        ("f00000000700ffffff500000", "items in"),
        ("c10403a1016140", "key without a value"),
        ("c1090440404040", "ends before"),
        ("c10504a1016140a1016140"[:4] + "04" + "a1016140a1016140", "longer than its items|ends before|key twice"),
        ("5602", "boolean"),
        ("730000d800", "Unicode"),
        ("7300110000", "Unicode"),
        ("a101ff", "UTF-8"),
        ("a301ff", "ASCII"),
        ("4f", "no constructor"),
        ("a20100", "no constructor"),
        ("c2020040", "no constructor"),
        ("57", "no constructor"),
        ("c003014140", "octets follow|longer"),
        ("00c0010040", "descriptor"),
        ("", "ends before"),
    ],
)
def test_what_is_no_value_is_refused(octets: str, reason: str) -> None:
    with pytest.raises(ProtocolViolation, match=reason):
        decode_all(bytes.fromhex(octets))


def test_deep_nesting_is_refused_and_costs_no_stack() -> None:
    data = b"\x40"
    for _ in range(60):
        data = b"\xd0" + (len(data) + 4).to_bytes(4, "big") + b"\0\0\0\1" + data
    with pytest.raises(ProtocolViolation, match="nested"):
        decode_all(data)


def test_an_array_of_nothing_much_takes_no_memory() -> None:
    """Two octets of an item could stand for four billion of them."""
    with pytest.raises(ProtocolViolation, match="items in"):
        decode_all(bytes.fromhex("f000000005ffffffff40"))


def test_many_arrays_of_nothing_much_take_no_memory() -> None:
    """A frame had room for thousands of arrays of thousands of items each: gigabytes."""
    with pytest.raises(ProtocolViolation, match="items in"):
        decode_all(bytes.fromhex("f0000000050001000040"))
    assert decode_all(bytes.fromhex("f0000000050000004040")) == [None] * 64


def test_keys_with_one_hash_are_bounded() -> None:
    """The time for a map went with the square of its keys."""
    keys = b"".join(b"\x98" + (number * ((1 << 61) - 1)).to_bytes(16, "big") + b"\x40" for number in range(1, 66))
    with pytest.raises(ProtocolViolation, match="uuids"):
        decode_all(b"\xd1" + (len(keys) + 4).to_bytes(4, "big") + (130).to_bytes(4, "big") + keys)


@given(VALUES)
def test_what_is_decoded_is_valid(value: object) -> None:
    data = encode(value)
    assert validate(data, 0, len(data)) == len(data)


@settings(max_examples=300)
@given(VALUES, st.data())
def test_what_cannot_be_decoded_is_not_valid(value: object, draw: st.DataObject) -> None:
    """A body was taken as it came, of which its readers could make nothing."""
    octets = bytearray(encode(value))
    octets[draw.draw(st.integers(0, len(octets) - 1))] = draw.draw(st.integers(0, 255))
    data = bytes(octets)
    try:
        end = decode(data, 0, len(data))[1]
    except ProtocolViolation as error:
        if "key" in error.text or "descriptor" in error.text:
            return  # what maps and descriptors may hold is looked at by who decodes them
        with pytest.raises(ProtocolViolation):
            validate(data, 0, len(data))
    else:
        assert validate(data, 0, len(data)) == end
