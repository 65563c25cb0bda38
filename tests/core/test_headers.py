"""The headers exchange's rules, each asked of RabbitMQ 3.10.8."""

import pytest

from mqbroker.core.headers import HeadersPattern, check_headers_arguments
from mqbroker.core.values import Decimal, Int32, RawString, Timestamp
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
    assert HeadersPattern(arguments).matches(headers) is expected


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
