"""Properties as protocols see each other's: what the broker writes on a message, and who owns which encoding."""

import pytest

from mqbroker.aws.sns.properties import SNS
from mqbroker.aws.sqs import message_attributes
from mqbroker.aws.sqs.properties import SQS_OCTETS
from mqbroker.aws.sqs.properties import make_properties as make_sqs
from mqbroker.core.properties import ANNOTATED, DEAD_LETTER_BIT, Properties, RedrivenProperties, registered, restored
from mqbroker.core.values import Timestamp
from mqbroker.errors import StorageError
from mqbroker.protocols.amqp.properties import FORMATS as AMQP_FORMATS
from mqbroker.protocols.amqp.properties import amqp_properties, build
from mqbroker.protocols.amqp1.properties import AMQP1
from mqbroker.protocols.mqtt.codec.constants import PUBLISH
from mqbroker.protocols.mqtt.codec.property_table import join_properties
from mqbroker.protocols.mqtt.properties import EXACT_MAPPING, mqtt_octets
from mqbroker.protocols.mqtt.properties import make_properties as make_mqtt
from mqbroker.protocols.mqtt.topics import RABBITMQ
from mqbroker.protocols.stomp.properties import STOMP
from mqbroker.server import formats_of
from mqbroker.spoken import PROTOCOLS

FORMATS = formats_of(PROTOCOLS)

DEATH = {
    "count": 1, "reason": "expired", "queue": "q", "time": Timestamp(7), "exchange": "",
    "routing-keys": ["a", "\udcff"],
}  # fmt: skip
OCTETS = join_properties(
    {
        "content_type": "text/plain",
        "correlation_data": b"\xff\x00",
        "response_topic": "answers/1",
        "message_expiry_interval": 5,
        "user_property": [("a", "1"), ("b", "2"), ("a", "3")],
    },
    PUBLISH,
)
LONG = join_properties({"content_type": "t" * 300, "response_topic": "r" * 255}, PUBLISH)
ATTRIBUTES = message_attributes.pack(
    message_attributes.from_headers(
        {"n": 5, "f": 1.5, "b": b"\x01", "ContentType": "x/y", "mqbroker.timestamp": "12", "ReplyTo": "r"}
    )
)
EXAMPLES: list[Properties] = [
    make_mqtt(2, "me", OCTETS),
    make_mqtt(EXACT_MAPPING, "", OCTETS),
    make_mqtt(1, "", LONG),
    make_mqtt(0, "", b""),
    make_sqs(bytes(16), "sender", "group", "again", "", "trace", ATTRIBUTES),
    make_sqs(bytes(16), "sender"),
]


@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("properties", EXAMPLES, ids=range(len(EXAMPLES)))
def test_a_dead_letter_looks_to_every_protocol_as_it_did(properties: Properties, drops: bool) -> None:
    """Dead letters of MQTT and SQS used to be turned into AMQP's encoding; nobody must see that they are not now."""
    headers = {**properties.headers(), "x-death": [DEATH], "x-first-death-queue": "q"}
    before = amqp_properties(properties).with_headers(headers, drops)
    letter = properties.with_headers(headers, drops)
    assert letter.code == ANNOTATED
    assert amqp_properties(letter).raw == before.raw
    assert mqtt_octets(letter, RABBITMQ) == mqtt_octets(before, RABBITMQ)
    fields = ("persistent", "priority", "ttl_ms", "has_headers")
    assert [getattr(letter, each) for each in fields] == [getattr(before, each) for each in fields]
    for name in ("message_id", "timestamp", "type", "group_id", "deduplication_id", "expiration", "correlation_id"):
        assert letter.text(name) == before.text(name)
    again = letter.with_headers({"x": 1})
    assert amqp_properties(again).raw == before.with_headers({"x": 1}).raw


@pytest.mark.parametrize("properties", EXAMPLES, ids=range(len(EXAMPLES)))
def test_a_dead_letter_is_the_same_after_a_restart(properties: Properties) -> None:
    letter = properties.with_headers({"x-death": [DEATH]}, drop_expiration=True)
    letter.mark_dead_letter()
    found = restored(FORMATS, letter.code, letter.raw)
    assert (found.code, found.raw, found.is_dead_letter) == (letter.code, letter.raw, True)
    assert found.ttl_ms == -1
    assert amqp_properties(found).raw == amqp_properties(letter).raw


def test_a_header_too_long_for_other_protocols_does_not_keep_a_letter_from_being_written() -> None:
    """The bug: an MQTT message with such a user property made the broker fail when it was dead-lettered."""
    octets = join_properties({"user_property": [("n" * 256, "1"), ("short", "2")]}, PUBLISH)
    properties = make_mqtt(1, "", octets)
    letter = properties.with_headers({**properties.headers(), "x-death": [DEATH]})
    assert set(amqp_properties(letter).headers()) == {"short", "x-death"}


def test_a_redriven_message_with_blind_copies_is_there_after_a_restart() -> None:
    """The bug: AMQP's mark on the inner properties was taken for another encoding, and the broker did not start."""
    inner = build(headers={"BCC": ["other"], "a": 1}).with_blind_copies()
    found = restored(FORMATS, 5, RedrivenProperties(inner, "source", 3).raw)
    assert isinstance(found, RedrivenProperties)
    assert found.blind_copies() == []
    assert found.inner.blind_copies() == ["other"]
    assert found.headers() == {"a": 1}


def test_an_encoding_of_a_newer_version_refuses_the_start() -> None:
    """It was a KeyError."""
    with pytest.raises(StorageError, match=r"written by a newer mqbroker: .* in the encoding 63"):
        restored(FORMATS, 63 | DEAD_LETTER_BIT, b"")


def test_an_encoding_has_one_owner() -> None:
    with pytest.raises(StorageError, match="two encodings of properties have the number 1"):
        registered(AMQP_FORMATS, AMQP_FORMATS)
    with pytest.raises(StorageError, match="two encodings of properties have the number 6"):
        registered({ANNOTATED: lambda raw: make_mqtt(0, "", b"")})
    assert sorted(FORMATS) == [1, 2, 3, SQS_OCTETS, 5, ANNOTATED, STOMP, AMQP1, SNS]
