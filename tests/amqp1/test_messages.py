"""The sections of a message: kept octet for octet, seen by others by neutral names, refused when they are none."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.message import new_message
from mqbroker.core.properties import registered, restored
from mqbroker.core.values import Int32, Timestamp, UInt8, UInt64
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.properties import FORMATS as AMQP_FORMATS
from mqbroker.protocols.amqp.properties import amqp_properties, build
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.types import Milliseconds, Symbol, decode
from mqbroker.protocols.amqp1.properties import FORMATS, Amqp1Properties, RecentProperties, data_start
from mqbroker.protocols.amqp1.sections import take_apart
from mqbroker.protocols.amqp1.translation import shown
from tests.amqp1.test_types import SIMPLE, VALUES

ALL_FORMATS = registered(AMQP_FORMATS, FORMATS)


def taken(payload: bytes) -> tuple[Amqp1Properties, bytes]:
    """The properties and the body that are kept of a message."""
    found = take_apart(payload)
    properties = RecentProperties().of(payload, found)
    start, end = (found.body_at, found.body_end) if found.is_coded else found.body
    return properties, payload[start:end]


def given_back(properties: Any, body: bytes, exchange: str = "x", key: str = "k") -> bytes:
    """What a consumer is sent of it, after the header."""
    place = shown(new_message(exchange, key, properties, body, 0))
    start = b"" if place.is_coded else data_start(len(body), place.is_wide)
    return place.middle + start + body + place.footer


def section(code: int, value: object) -> bytes:
    return b"\x00\x53" + bytes((code,)) + encode(value)


ANNOTATIONS = st.dictionaries(
    st.text(st.characters(min_codepoint=97, max_codepoint=122), max_size=8).map(lambda text: Symbol(f"x-{text}")),
    VALUES,
    max_size=4,
)
APPLICATION = st.dictionaries(st.text(max_size=8), SIMPLE, max_size=4)
FIELDS = st.lists(st.one_of(st.none(), SIMPLE), max_size=13)
BODIES = st.one_of(
    st.binary(max_size=400).map(lambda body: section(0x75, body)),
    st.binary(max_size=40).map(lambda body: b"\x00\x53\x75\xb0" + len(body).to_bytes(4, "big") + body),
    st.binary(max_size=40).map(lambda body: b"\x00\x80\0\0\0\0\0\0\0\x75" + encode(body)),
    st.lists(st.binary(max_size=40), min_size=2, max_size=3).map(
        lambda bodies: b"".join(section(0x75, body) for body in bodies)
    ),
    VALUES.map(lambda value: section(0x77, value)),
    st.lists(st.lists(VALUES, max_size=3), min_size=1, max_size=2).map(
        lambda lists: b"".join(section(0x76, each) for each in lists)
    ),
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A message in three parts: header and delivery annotations, annotations, and everything after them."""
    before = draw(st.sampled_from([b"", section(0x70, [True, UInt8(3)]), b"\x00\x53\x70\x45"]))
    before += draw(st.sampled_from([b"", section(0x71, {Symbol("x-hop"): 1})]))
    annotations = draw(st.one_of(st.just(b""), ANNOTATIONS.map(lambda pairs: section(0x72, pairs))))
    after = draw(st.one_of(st.just(b""), FIELDS.map(lambda fields: section(0x73, fields))))
    after += draw(st.one_of(st.just(b""), APPLICATION.map(lambda pairs: section(0x74, pairs))))
    after += draw(BODIES)
    after += draw(st.one_of(st.just(b""), ANNOTATIONS.map(lambda pairs: section(0x78, pairs))))
    return before, annotations, after


@given(messages())
def test_every_section_from_the_properties_on_is_kept_octet_for_octet(parts: tuple[bytes, bytes, bytes]) -> None:
    """A field in its long form came back in its short one, and a signature over the message was wrong."""
    before, annotations, after = parts
    properties, body = taken(before + annotations + after)
    result = given_back(properties, body)
    assert result.endswith(after)
    own, _ = decode(annotations, 3, len(annotations)) if annotations else ({}, 0)
    found, at = decode(result, 3, len(result))
    assert isinstance(found, dict)
    assert isinstance(own, dict)
    assert result[at:] == after
    assert {key: encode(value) for key, value in found.items() if key in own} == {
        key: encode(value) for key, value in own.items()
    }
    assert set(found) == {*own, "x-exchange", "x-routing-key"}


@given(messages())
def test_what_the_journal_keeps_is_the_same_again(parts: tuple[bytes, bytes, bytes]) -> None:
    properties, body = taken(b"".join(parts))
    again = restored(ALL_FORMATS, properties.code, properties.raw)
    assert given_back(again, body) == given_back(properties, body)
    assert (again.persistent, again.priority, again.ttl_ms) == (
        properties.persistent, properties.priority, properties.ttl_ms,
    )  # fmt: skip


@given(messages())
def test_others_can_ask_for_everything(parts: tuple[bytes, bytes, bytes]) -> None:
    """A value that AMQP 0-9-1 has no form for closed the connection of whoever read the message."""
    properties, body = taken(b"".join(parts))
    translated = amqp_properties(properties)
    assert translated.headers() is not None
    assert isinstance(properties.readable(body), bytes)
    dead = properties.with_headers({**properties.headers(), "x-death": [{"queue": "q", "count": 1}]})
    assert given_back(dead, body).endswith(parts[2])
    assert dead.headers()["x-death"] == [{"queue": "q", "count": 1}]


@given(messages(), st.data())
def test_a_message_that_is_cut_or_changed_is_one_or_a_violation(
    parts: tuple[bytes, bytes, bytes], draw: st.DataObject
) -> None:
    payload = bytearray(b"".join(parts))
    if draw.draw(st.booleans()):
        payload = payload[: draw.draw(st.integers(0, len(payload)))]
    else:
        payload[draw.draw(st.integers(0, len(payload) - 1))] = draw.draw(st.integers(0, 255))
    assert is_message_or_violation(bytes(payload))


@given(st.binary(max_size=200))
def test_any_octets_are_a_message_or_a_violation(payload: bytes) -> None:
    assert is_message_or_violation(payload)


def is_message_or_violation(payload: bytes) -> bool:
    try:
        properties, body = taken(payload)
    except ProtocolViolation as error:
        return error.reason == "decode"
    return bool(given_back(properties, body))


# --- by neutral names -------------------------------------------------------------------------------------------------


def test_the_neutral_view_of_a_message() -> None:
    payload = (
        section(0x70, [True, UInt8(7), *[None] * 3])
        + section(0x72, {Symbol("x-basic-type"): "kind", Symbol("x-cc"): ["other"], Symbol("x-mine"): Int32(1)})
        + section(
            0x73,
            [
                UUID(int=1), b"guest", "to", "subject", "/queues/answers%2F1", UInt64(5), Symbol("text/plain"),
                Symbol("gzip"), None, Milliseconds(1_700_000_000_999), "group",
            ],
        )
        + section(
            0x74,
            {
                "text": "a", "octets": b"\xff", "ulong": UInt64(1 << 63), "when": Milliseconds(2000), "nothing": None,
                "uuid": UUID(int=2), "double": 1.5, "truth": True, "ubyte": UInt8(9),
            },
        )
        + section(0x75, b"body")
    )  # fmt: skip
    properties, body = taken(payload)
    texts = {
        "message_id": "urn:uuid:00000000-0000-0000-0000-000000000001",
        "correlation_id": "5",
        "user_id": "guest",
        "reply_to": "answers/1",
        "content_type": "text/plain",
        "content_encoding": "gzip",
        "timestamp": "1700000000",
        "app_id": "group",
        "group_id": "group",
        "type": "kind",
        "priority": "7",
        "delivery_mode": "2",
        "expiration": None,
    }
    assert {name: properties.text(name) for name in texts} == texts
    headers = properties.headers()
    assert headers == {
        "CC": ["other"], "x-mine": 1, "text": "a", "octets": b"\xff", "ulong": (1 << 63) - 1, "when": Timestamp(2),
        "nothing": None, "uuid": "urn:uuid:00000000-0000-0000-0000-000000000002", "double": 1.5, "truth": True,
        "ubyte": 9,
    }  # fmt: skip
    assert body == b"body"
    old = amqp_properties(properties)
    assert (old.text("type"), old.delivery_mode, old.priority) == ("kind", 2, 7)


@pytest.mark.parametrize(
    ("field", "value", "name", "header"),
    [
        (0, b"\x01\x02", "message_id", "x-message-id"),
        (5, "x" * 300, "correlation_id", "x-correlation-id"),
    ],
)
def test_an_id_that_has_no_place_becomes_a_header(field: int, value: object, name: str, header: str) -> None:
    """In RabbitMQ 3.10 a ulong for a message id closed the connections of those who read by AMQP 0-9-1."""
    fields: list[object] = [None] * 6
    fields[field] = value
    properties, _ = taken(section(0x73, fields) + section(0x75, b""))
    assert properties.text(name) is None
    assert properties.headers() == {header: value}


def test_a_message_of_amqp_0_9_1_in_the_sections_of_1_0() -> None:
    properties = build(
        content_type="text/plain", content_encoding="gzip", correlation_id="c", reply_to="answers/1", message_id="m",
        type="kind", user_id="guest", app_id="app", timestamp=5, delivery_mode=2, priority=3, expiration="60000",
        headers={"colour": "red", "x-mine": Int32(1), "CC": ["b"], "table": {"a": 1}, "when": Timestamp(2)},
    )  # fmt: skip
    result = given_back(properties, b"body", "amq.topic", "a.b")
    annotations, at = decode(result, 3, len(result))
    assert annotations == {
        "x-mine": 1, "x-cc": ["b"], "x-basic-type": "kind", "x-exchange": "amq.topic", "x-routing-key": "a.b",
    }  # fmt: skip
    fields, at = decode(result, at + 3, len(result))
    assert fields == [
        "m", b"guest", None, None, "/queues/answers%2F1", "c", "text/plain", "gzip", None, 5000, "app",
    ]  # fmt: skip
    application, at = decode(result, at + 3, len(result))
    assert application == {"colour": "red", "when": 2000}
    assert result[at:] == section(0x75, b"body")
    again, body = taken(result)
    back = amqp_properties(again)
    assert body == b"body"
    for name in ("content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "type", "user_id"):
        assert back.text(name) == properties.text(name), name
