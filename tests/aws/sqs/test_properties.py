"""Properties of SQS messages: kept in one piece, seen by other protocols as their own."""

import pytest

from mqbroker.aws.sqs.message_attributes import encode_attributes
from mqbroker.aws.sqs.properties import SQS_OCTETS, SqsProperties, make_properties
from mqbroker.protocols.amqp.properties import amqp_properties

ID = bytes(range(16))
ATTRIBUTES = encode_attributes(
    {
        "ContentType": {"DataType": "String", "StringValue": "text/plain"},
        "n": {"DataType": "Number", "StringValue": "5"},
    }
)
FULL = make_properties(ID, "AIDA", "group", "once", "source", "Root=1", ATTRIBUTES, 3)


def test_every_part_comes_back_from_the_octets() -> None:
    kept = SqsProperties(FULL.raw)
    assert kept.message_id == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert (kept.sender_id, kept.group_id, kept.deduplication_id) == ("AIDA", "group", "once")
    assert (kept.source, kept.trace, kept.attributes) == ("source", "Root=1", ATTRIBUTES)


def test_parts_that_are_not_there_are_empty() -> None:
    kept = SqsProperties(make_properties(ID, "x").raw)
    assert (kept.group_id, kept.deduplication_id, kept.source, kept.trace, kept.attributes) == ("", "", "", "", b"")
    assert not kept.has_headers
    assert kept.text("group_id") is None


def test_it_counts_as_persistent_and_lives_for_ever() -> None:
    assert FULL.persistent
    assert FULL.ttl_ms == -1


def test_a_dead_letter_says_where_it_comes_from_and_keeps_the_rest() -> None:
    moved = make_properties(ID, "AIDA", "group", "once", "", "Root=1", ATTRIBUTES).redriven("source", 3)
    assert (moved.raw, moved.receives) == (FULL.raw, 3)
    assert moved.redriven("further", 2).receives == 5
    assert moved.redriven("", 0).receives == 0


def test_other_protocols_see_headers_and_properties() -> None:
    seen = amqp_properties(FULL)
    assert seen.headers() == {
        "ContentType": "text/plain", "n": 5, "MessageGroupId": "group", "MessageDeduplicationId": "once",
        "AWSTraceHeader": "Root=1",
    }  # fmt: skip
    assert seen.text("content_type") == "text/plain"
    assert seen.text("message_id") == FULL.message_id
    assert seen.persistent


def test_attributes_that_are_named_so_are_properties_of_amqp() -> None:
    """The bug: type, app_id, timestamp and content_encoding were lost both ways."""
    names = {"type": "order", "app_id": "shop", "timestamp": "1700000000", "content_encoding": "gzip"}
    given = {f"mqbroker.{name}": {"DataType": "String", "StringValue": text} for name, text in names.items()}
    seen = amqp_properties(make_properties(ID, "x", attributes=encode_attributes(given)))
    assert {name: seen.text(name) for name in names} == names


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "9" * 20])
def test_a_timestamp_that_amqp_cannot_have_is_a_header_only(text: str) -> None:
    given = {"mqbroker.timestamp": {"DataType": "String", "StringValue": text}}
    seen = amqp_properties(make_properties(ID, "x", attributes=encode_attributes(given)))
    assert seen.text("timestamp") is None
    assert seen.headers() == {"mqbroker.timestamp": text}


def test_a_body_that_is_kept_decoded_has_no_encoding_for_others_also_after_a_redrive() -> None:
    given = {"mqbroker.encoding": {"DataType": "String", "StringValue": "base64"}}
    kept = make_properties(ID, "x", attributes=encode_attributes(given), code=SQS_OCTETS)
    for each in (kept, kept.redriven("source", 1)):
        assert each.is_octets
        assert each.headers() == {}
