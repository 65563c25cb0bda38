"""The headers exchange's rules, each asked of RabbitMQ 3.10.8; and the index against trying every binding."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.rabbitmq.header_arguments import asked_by, check_headers_arguments
from mqbroker.core.routing.headers import HeadersTable
from mqbroker.core.values import Decimal, Int32, RawString, Timestamp, same_value
from mqbroker.errors import PreconditionFailed


@pytest.mark.parametrize(
    ("arguments", "headers", "expected"),
    [
        ({"x-match": "any"}, {"a": 1}, False),
        ({"x-match": "all"}, {"a": 1}, True),
        ({"x-match": "all"}, {}, True),
        ({"x-match": "any-with-x"}, {"a": 1}, False),
        ({"x-match": "all-with-x"}, {"a": 1}, True),
        ({}, {"a": 1}, True),
        ({}, {}, True),
        ({"x-match": "all", "x-a": 1}, {}, True),
        ({"x-match": "any", "x-a": 1}, {"x-a": 1}, False),
        ({"x-match": "any", "x-a": 1, "b": 2}, {"x-a": 1}, False),
        ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 1}, True),
        ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 2}, False),
        ({"x-match": "any-with-x", "x-a": 1}, {"x-a": 1}, True),
        ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 1, "x-match": "q"}, True),
        ({"x-match": "all", "X-a": 1}, {}, False),
        ({"x-match": "all", "k": None}, {"k": None}, True),
        ({"x-match": "all", "k": None}, {"k": "anything"}, True),
        ({"x-match": "all", "k": None}, {"j": 1}, False),
        ({"x-match": "any", "k": None, "z": 1}, {"k": 5}, True),
        ({"a": 1, "b": 1}, {"a": 1}, False),
        ({"x-match": "any", "a": 1, "b": 1}, {"a": 1}, True),
        ({"x-match": "any", "a": 1, "b": 1}, {"a": 2, "c": 1}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": None}, False),
    ],
)
def test_a_binding_takes_a_message_as_in_rabbitmq(
    arguments: dict[str, object], headers: dict[str, object], expected: bool
) -> None:
    check_headers_arguments(arguments)
    table: HeadersTable[str] = HeadersTable()
    table.add(asked_by(arguments), "q")
    assert list(table.match(headers)) == (["q"] if expected else [])
    assert matches(arguments, headers) is expected, "the naive matcher of this file knows the rules too"


# --- against a naive one --------------------------------------------------------------------------------------------


def matches(arguments: Mapping[str, object], headers: Mapping[str, object]) -> bool:
    """The rules word by word."""
    mode = str(arguments.get("x-match", "all"))
    with_x = mode.endswith("-with-x")
    asked = [
        name in headers and (value is None or same_value(value, headers[name]))
        for name, value in arguments.items()
        if name != "x-match" and (with_x or not name.startswith("x-"))
    ]
    return any(asked) if mode.startswith("any") else all(asked)


NAMES = st.sampled_from(["a", "b", "c", "x-d"])
VALUES = st.sampled_from(
    [None, True, False, 0, 1, 1.0, Int32(1), Timestamp(1), "1", b"1", "", Decimal(0, 1), [1], [1.0], {"a": 1}]
)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=4)
MODES = st.sampled_from([{}, *({"x-match": mode} for mode in ("all", "any", "all-with-x", "any-with-x"))])
BINDINGS = st.lists(st.tuples(MODES, HEADERS, st.integers(0, 3)), max_size=12)


@given(BINDINGS, st.lists(HEADERS, min_size=1, max_size=6), st.data())
def test_the_index_finds_what_trying_every_binding_finds(
    bindings: list[tuple[dict[str, str], dict[str, object], int]],
    messages: list[dict[str, object]],
    data: st.DataObject,
) -> None:
    table: HeadersTable[int] = HeadersTable()
    bound = [({**mode, **headers}, number) for mode, headers, number in bindings]
    for arguments, number in bound:
        table.add(asked_by(arguments), number)
    while True:
        for headers in messages:
            found = table.match(headers)
            assert set(found) == {number for arguments, number in bound if matches(arguments, headers)}
        if not bound:
            break
        arguments, number = bound.pop(data.draw(st.integers(0, len(bound) - 1)))
        table.remove(asked_by(arguments), number)


def test_what_a_message_costs_does_not_grow_with_bindings_that_differ_in_values() -> None:
    """The fault: every message was tried against each of 50,000 bindings, for a tenth of a second."""
    table: HeadersTable[int] = HeadersTable()
    for number in range(2000):
        table.add(asked_by({"x-match": "all", "format": "pdf", "user": number}), number)
        table.add(asked_by({"x-match": "any", "user": number, "id": number}), number)

    class Counting(dict[str, object]):
        looks = 0

        def get(self, key: str, default: object = None) -> object:
            Counting.looks += 1
            return dict.get(self, key, default)

    assert list(table.match(Counting({"format": "pdf", "user": 7, "id": 8}))) == [7, 8]
    assert Counting.looks <= 4


EXPECTED = "expected all, any, all-with-x, or any-with-x"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("v", f'Invalid x-match field value <<"v">>; {EXPECTED}'),
        ("ALL", f'Invalid x-match field value <<"ALL">>; {EXPECTED}'),
        ("", f"Invalid x-match field value <<>>; {EXPECTED}"),
        (RawString(b"\x00\x01"), f"Invalid x-match field value <<0,1>>; {EXPECTED}"),
        (5, "Invalid x-match field type long (value 5); expected longstr"),
        (True, "Invalid x-match field type bool (value true); expected longstr"),
        (None, "Invalid x-match field type void (value undefined); expected longstr"),
        (b"all", 'Invalid x-match field type binary (value <<"all">>); expected longstr'),
        (1.5, "Invalid x-match field type double (value 1.5); expected longstr"),
        ([Int32(1)], "Invalid x-match field type array (value [{signedint,1}]); expected longstr"),
        ({"a": Int32(1)}, 'Invalid x-match field type table (value [{<<"a">>,signedint,1}]); expected longstr'),
        (Timestamp(5), "Invalid x-match field type timestamp (value 5); expected longstr"),
        (Decimal(1, 5), "Invalid x-match field type decimal (value {1,5}); expected longstr"),
    ],
)
def test_an_invalid_x_match_is_refused_in_rabbitmqs_words(value: object, text: str) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        check_headers_arguments({"x-match": value})
    assert str(refusal.value) == text
