"""Neutral values: type names, and the two ways in which RabbitMQ compares them."""

import pytest
from hypothesis import given
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
    identity,
    same_value,
    type_name,
)

ONES = [1, Int32(1), 1.0, Float32(1.0), Timestamp(1), UInt8(1)]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "void"),
        (True, "bool"),
        (Int8(1), "byte"),
        (UInt8(1), "unsignedbyte"),
        (Int16(1), "short"),
        (UInt16(1), "unsignedshort"),
        (Int32(1), "signedint"),
        (UInt32(1), "unsignedint"),
        (1, "long"),
        (UInt64(1), "unsignedlong"),
        (Float32(1.5), "float"),
        (1.5, "double"),
        ("a", "longstr"),
        (RawString(b"\xff"), "longstr"),
        (b"a", "binary"),
        (Timestamp(1), "timestamp"),
        (Decimal(1, 5), "decimal"),
        ([1], "array"),
        ({"a": 1}, "table"),
    ],
)
def test_every_type_has_rabbitmqs_name(value: object, name: str) -> None:
    assert type_name(value) == name


# Measured with a headers exchange of RabbitMQ 3.10.8: which data match a binding with the value on the left.
@pytest.mark.parametrize("left", ONES)
def test_numbers_of_all_types_are_equal_by_value(left: object) -> None:
    assert [right for right in ONES if same_value(left, right)] == ONES
    for other in (True, "1", b"1", Decimal(0, 1), None, [1]):
        assert not same_value(left, other)
        assert not same_value(other, left)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (True, True, True),
        (True, False, False),
        ("1", b"1", True),
        ("1", "2", False),
        ("é", "é".encode(), True),
        (RawString(b"\xff"), b"\xff", True),
        (0.1, Float32(0.10000000149011612), False),
        (Decimal(0, 1), Decimal(1, 10), False),
        (Decimal(1, 5), Decimal(1, 5), True),
        (None, None, True),
        ([1], [1], True),
        ([1], [Int32(1)], False),
        ([1], [True], False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": Int32(1)}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
    ],
)
def test_other_values_compare_as_in_rabbitmq(left: object, right: object, expected: bool) -> None:
    assert same_value(left, right) is expected


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 100).map(Int32)
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(Decimal, st.integers(0, 5), st.integers(0, 9)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values, values)
def test_identity_is_hashable_equal_to_itself_and_stricter_than_same_value(left: object, right: object) -> None:
    assert hash(identity(left)) == hash(identity(left))
    assert identity(left) == identity(left)
    if identity(left) == identity(right) and left == left and right == right:
        assert same_value(left, right)


def test_identity_tells_wire_types_apart_but_not_the_order_of_a_table() -> None:
    assert identity({"a": Int32(1)}) != identity({"a": 1})
    assert identity({"a": 1}) != identity({"a": True})
    assert identity({"a": "s"}) != identity({"a": b"s"})
    assert identity({"a": 1, "b": 2}) == identity({"b": 2, "a": 1})
