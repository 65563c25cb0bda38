"""Message attributes: rules, digests, filters, and the way to other protocols and back."""

from math import inf, nan
from typing import Any

import pytest

from mqbroker.aws.sqs import message_attributes as attributes
from mqbroker.core.values import Decimal, RawString, UInt64
from mqbroker.errors import AwsError

TEXT = {"DataType": "String", "StringValue": "There"}


def refused(given: dict[str, Any]) -> str:
    with pytest.raises(AwsError) as error:
        attributes.encode_attributes(given)
    assert error.value.code == "InvalidParameterValue"
    return error.value.message


def test_the_digest_is_that_of_aws() -> None:
    kept = attributes.encode_attributes(
        {
            "Hello": TEXT,
            "General": {"DataType": "String", "StringValue": "Kenobi"},
            "Help.Me": {"DataType": "String", "StringValue": "Me"},
        }
    )
    assert attributes.digest(kept) == "4c360f3fdafd970e05fae2f149d997f5"  # recorded from AWS
    assert attributes.digest(attributes.encode_attributes({"Hello": TEXT})) == "a311262e065454b75da111d535b8dacd"


def test_the_digest_of_octets_is_that_of_aws() -> None:
    value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    kept = attributes.encode_attributes({"attr1": {"DataType": "Binary", "BinaryValue": value}})
    assert attributes.digest(kept) == "8cbe4db156db8a94db8b801b7addb984"  # recorded from AWS


def test_what_was_encoded_comes_back_with_its_labels() -> None:
    given: dict[str, dict[str, object]] = {
        "a": {"DataType": "Number.int", "StringValue": "12"},
        "b": {"DataType": "String.colour", "StringValue": "grün"},
        "c": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    assert attributes.shown(attributes.unpack(attributes.encode_attributes(given))) == given


def test_no_attributes_are_no_octets() -> None:
    assert attributes.encode_attributes(None) == attributes.encode_attributes({}) == b""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a" * 256, "shorter than 256 Bytes"),
        ("a b", "name can only contain"),
        ("", "name can only contain"),
        ("AWS.x", "beginning with 'AWS.' or 'Amazon.'"),
        ("amazon.x", "beginning with 'AWS.' or 'Amazon.'"),
        (".x", "cannot start or end with '.'"),
        ("x.", "cannot start or end with '.'"),
    ],
)
def test_a_bad_name_is_refused(name: str, text: str) -> None:
    assert text in refused({name: TEXT})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "must contain a non-empty data type"),
        ({"DataType": "Strange", "StringValue": "x"}, 'must be prefixed with "String", "Binary", or "Number"'),
        ({"DataType": "String"}, "Message (user) attribute 'X' must contain a non-empty value of type 'String'."),
        ({"DataType": "Binary"}, "Message (user) attribute 'X' must contain a non-empty value of type 'Binary'."),
        ({"DataType": "Number", "StringValue": "many"}, "Can't cast the value of message (user) attribute 'X'"),
        ({"DataType": "String", "StringValue": "\x01"}, "Invalid characters found"),
        ({"DataType": "String." + "x" * 250, "StringValue": "x"}, "types must be shorter than 256 Bytes"),
        ({"DataType": "String", "StringListValues": ["x"]}, "list values in SendMessage operation are not supported"),
    ],
)
def test_a_bad_value_is_refused(value: dict[str, Any], text: str) -> None:
    assert text in refused({"X": value})


def test_eleven_are_too_many() -> None:
    assert refused({f"a{number}": TEXT for number in range(11)}) == (
        "Number of message attributes [11] exceeds the allowed maximum [10]."
    )


@pytest.mark.parametrize(
    ("filters", "is_wanted"),
    [(["All"], True), ([".*"], True), (["Help.*"], True), (["Help.Me"], True), (["Help"], False), ([], False),
     (["Me"], False)],
)  # fmt: skip
def test_a_filter_names_all_or_a_prefix_or_one(filters: list[str], is_wanted: bool) -> None:
    assert attributes.is_wanted("Help.Me", filters) is is_wanted


def test_headers_are_attributes_and_attributes_headers() -> None:
    kept = attributes.pack(
        attributes.from_headers(
            {
                "text": "x", "whole": 12, "part": 1.5, "truth": True, "octets": b"\x00", "raw": RawString(b"\xff"),
                "table": {"a": [1, None]}, "nothing": None, "empty": "", "a name": "x", "list": ["a", "b"],
                "bell": "\a",
                "price": Decimal(2, 150), "nested": [Decimal(2, 150), b"\xff", inf, "\ufffe\udc80"], "not": nan,
                "\udcff": UInt64(2**64 - 1),
            }
        )
    )  # fmt: skip
    assert attributes.as_headers(kept) == {
        "text": "x", "whole": 12, "part": 1.5, "truth": "true", "octets": b"\x00", "raw": b"\xff",
        "table": '{"a":[1,null]}', "nothing": "null", "empty": "", "a name": "x", "list": '["a","b"]', "bell": b"\a",
        "price": "1.50", "nested": '[1.50,"/w==",null,"\\ufffe\\udc80"]', "not": "null",
        "\ufffd": str(2**64 - 1),
    }  # fmt: skip


def test_a_number_that_no_integer_holds_stays_text() -> None:
    digits = "1" * 38
    kept = attributes.encode_attributes({"n": {"DataType": "Number", "StringValue": digits}})
    assert attributes.as_headers(kept) == {"n": digits}


@pytest.mark.parametrize("text", ["1.50", "1e3", "007", "+5", "-0", ".5", "1.", "1e999"])
def test_a_number_that_would_be_written_otherwise_stays_text(text: str) -> None:
    """The bug: the price 1.50 was 1.5 after a queue, and 1e3 was 1000.0."""
    kept = attributes.encode_attributes({"n": {"DataType": "Number", "StringValue": text}})
    assert attributes.as_headers(kept) == {"n": text}


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-3", -3), ("1.5", 1.5), ("1e+16", 1e16)])
def test_a_number_that_is_written_back_the_same_is_one(text: str, number: float) -> None:
    kept = attributes.encode_attributes({"n": {"DataType": "Number", "StringValue": text}})
    assert attributes.as_headers(kept) == {"n": number}
