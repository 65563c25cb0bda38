"""Field tables: every wire type as literal octets, what is malformed, and round trips."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import decode, encode

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
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.limits import AMQP_TABLE_DEPTH_MAX
from mqbroker.protocols.amqp.tables import check_table, read_pairs, read_table, write_table
from tests.amqp.codec.strategies import flawed, plain_tables, tables, typed

WIRE_VALUES: list[tuple[bytes, Any]] = [
    (b"t\x01", True),
    (b"t\x00", False),
    (b"b\xff", Int8(-1)),
    (b"B\xff", UInt8(255)),
    (b"s\xff\xfe", Int16(-2)),
    (b"u\xff\xfe", UInt16(65534)),
    (b"I\xff\xff\xff\xfd", Int32(-3)),
    (b"i\xff\xff\xff\xfd", UInt32(4294967293)),
    (b"l\xff\xff\xff\xff\xff\xff\xff\xfc", -4),
    (b"L\xff\xff\xff\xff\xff\xff\xff\xfc", UInt64((1 << 64) - 4)),
    (b"f\x3f\xc0\x00\x00", Float32(1.5)),
    (b"d\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5),
    (b"T\x00\x00\x00\x00\x65\x00\x00\x00", Timestamp(0x65000000)),
    (b"D\x02\x00\x00\x01\x3a", Decimal(2, 314)),
    (b"V", None),
    (b"S\x00\x00\x00\x03h\xc3\xa9", "hé"),
    (b"S\x00\x00\x00\x00", ""),
    (b"S\x00\x00\x00\x02h\xe9", RawString(b"h\xe9")),
    (b"x\x00\x00\x00\x02h\xe9", b"h\xe9"),
    (b"x\x00\x00\x00\x00", b""),
    (b"A\x00\x00\x00\x00", []),
    (b"A\x00\x00\x00\x05t\x01Vb\x05", [True, None, Int8(5)]),
    (b"F\x00\x00\x00\x00", {}),
    (b"F\x00\x00\x00\x04\x01kt\x01", {"k": True}),
]


def sized(pairs: bytes) -> bytes:
    return len(pairs).to_bytes(4, "big") + pairs


def refuses(octets: bytes) -> bool:
    """True when both the reader and the checker refuse `octets` as a syntax error; both must agree."""
    refusals = []
    for parse in (read_table, check_table):
        try:
            parse(octets, 0)
        except ProtocolViolation as violation:
            refusals.append(violation.reason)
    assert refusals in ([], ["syntax", "syntax"])
    return bool(refusals)


@pytest.mark.parametrize(("wire", "value"), WIRE_VALUES)
def test_each_wire_type_becomes_its_value_and_its_own_octets_again(wire: bytes, value: Any) -> None:
    octets = sized(b"\x01k" + wire)
    table, end = read_table(octets, 0)
    assert typed(table) == typed({"k": value})
    assert end == check_table(octets, 0) == len(octets)
    assert write_table({"k": value}) == octets


@pytest.mark.parametrize(("wire", "value"), WIRE_VALUES)
def test_each_wire_type_works_in_an_array_too(wire: bytes, value: Any) -> None:
    octets = sized(b"\x01kA" + sized(wire + wire))
    assert typed(read_table(octets, 0)[0]) == typed({"k": [value, value]})
    assert write_table({"k": (value, value)}) == octets


@pytest.mark.parametrize(("wire", "value"), WIRE_VALUES)
def test_a_table_cut_short_anywhere_is_refused(wire: bytes, value: Any) -> None:
    pairs = b"\x01k" + wire
    for length in range(1, len(pairs)):
        assert refuses(sized(pairs[:length])), "the size agrees with what is left"
    for length in range(len(pairs) + 4):
        assert refuses(sized(pairs)[:length]), "the octets end before the size says"


@pytest.mark.parametrize(("wire", "value"), WIRE_VALUES)
def test_what_follows_a_table_is_left_alone(wire: bytes, value: Any) -> None:
    octets = b"before" + sized(b"\x01k" + wire)
    table, end = read_table(octets + b"\x01after", 6)
    assert typed(table) == typed({"k": value})
    assert end == check_table(octets + b"\x01after", 6) == len(octets)


def test_the_first_of_two_equal_names_wins() -> None:
    assert read_pairs(b"\x01kb\x01\x01kb\x02") == {"k": 1}


def test_a_boolean_is_true_for_every_octet_but_zero() -> None:
    assert read_pairs(b"\x01kt\x07") == {"k": True}


def test_a_name_that_is_not_utf8_returns_to_its_octets() -> None:
    octets = sized(b"\x02k\xffV")
    assert write_table(read_table(octets, 0)[0]) == octets


def test_an_empty_name_is_a_name() -> None:
    assert read_pairs(b"\x00V") == {"": None}


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(b"tbBsuIilLfdTDVSxAF")))
def test_a_value_of_unknown_type_is_refused(kind: int) -> None:
    assert refuses(sized(b"\x01k" + bytes((kind,)) + b"\x00" * 8))


@pytest.mark.parametrize("inner", [b"S\x00\x00\x00\x05abcd", b"S\xff\xff\xff\xffabcd", b"F\x00\x00\x00\x04\x01kV"])
def test_a_size_that_exceeds_the_table_around_it_is_refused(inner: bytes) -> None:
    assert refuses(sized(b"\x01k" + inner) + b"xxxxxxxx")


def nested(kind: bytes, levels: int) -> bytes:
    """A table that holds `levels` - 1 tables or arrays, each in the one before."""
    inner = b""
    for _ in range(levels - 1):
        inner = kind + sized(inner) if kind == b"A" else b"F" + sized(inner)
        inner = inner if kind == b"A" else b"\x01k" + inner
    return sized(b"\x01k" + inner if kind == b"A" else inner)


@pytest.mark.parametrize("kind", [b"A", b"F"])
def test_nesting_ends_at_the_limit(kind: bytes) -> None:
    assert not refuses(nested(kind, AMQP_TABLE_DEPTH_MAX))
    assert refuses(nested(kind, AMQP_TABLE_DEPTH_MAX + 1))
    assert refuses(nested(kind, 3000))


@pytest.mark.parametrize("table", [{"k" * 256: None}, {"k": 1 << 63}, {"k": Int8(128)}, {"k": Decimal(256, 0)}])
def test_what_does_not_fit_the_wire_is_an_error_and_never_cut_short(table: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        write_table(table)


def test_a_foreign_value_is_an_error() -> None:
    with pytest.raises(TypeError, match="complex"):
        write_table({"k": 1j})  # type: ignore[dict-item]


@given(tables)
def test_every_table_survives_a_round_trip(table: dict[str, Any]) -> None:
    octets = write_table(table)
    read, end = read_table(octets, 0)
    assert typed(read) == typed(table)
    assert end == check_table(octets, 0) == len(octets)
    assert write_table(read) == octets


@given(plain_tables)
def test_pamqp_reads_what_is_written(table: dict[str, Any]) -> None:
    assert decode.field_table(write_table(table))[1] == table


@given(plain_tables)
def test_what_pamqp_writes_is_read(table: dict[str, Any]) -> None:
    assert read_table(encode.field_table(table), 0)[0] == table


@settings(max_examples=300)
@given(st.one_of(tables.map(write_table).flatmap(flawed), st.binary(max_size=60).map(sized)))
def test_any_octets_are_a_table_or_a_syntax_error(octets: bytes) -> None:
    if not refuses(octets):
        table, end = read_table(octets, 0)
        assert end == check_table(octets, 0) <= len(octets)
        write_table(table)
