"""Message properties: literal octets, what the core is told, copies with changes, and what is malformed."""

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands, header

from mqbroker.core.properties import Properties
from mqbroker.core.values import Int32
from mqbroker.errors import PreconditionFailed, ProtocolViolation
from mqbroker.limits import EXPIRY_MS_MAX
from mqbroker.protocols.amqp import properties
from mqbroker.protocols.amqp.properties import FLAGS, BasicProperties, amqp_properties, build
from tests.amqp.codec.strategies import flawed, plain_tables, short_octets, short_texts, tables, typed

EVERYTHING = (
    b"\xff\xfc"
    b"\x0atext/plain"
    b"\x04gzip"
    b"\x00\x00\x00\x07\x01kI\x00\x00\x00\x07"
    b"\x02"
    b"\x09"
    b"\x01c\x01r\x0560000\x01m"
    b"\x00\x00\x00\x00\x65\x00\x00\x00"
    b"\x01t\x01u\x01a\x01i"
)
EVERYTHING_TEXTS = {
    "content_type": "text/plain",
    "content_encoding": "gzip",
    "delivery_mode": "2",
    "priority": "9",
    "correlation_id": "c",
    "reply_to": "r",
    "expiration": "60000",
    "message_id": "m",
    "timestamp": str(0x65000000),
    "type": "t",
    "user_id": "u",
    "app_id": "a",
    "cluster_id": "i",
}
_expirations = st.integers(0, EXPIRY_MS_MAX).map(str)
_fields = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(EVERYTHING_TEXTS, short_octets),
        "headers": tables,
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 255),
        "expiration": _expirations,
        "timestamp": st.integers(0, (1 << 64) - 1),
    },
)
_fields_for_pamqp = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(set(EVERYTHING_TEXTS) - {"cluster_id"}, short_texts.filter(bool)),
        "headers": plain_tables.filter(bool),
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 255),
        "expiration": _expirations,
        "timestamp": st.integers(0, (1 << 32) - 1),  # above that pamqp takes it for milliseconds
    },
)


def texts_of(found: BasicProperties) -> dict[str, str]:
    """Every property but the headers that is there."""
    texts = {name: found.text(name) for name in FLAGS if name != "headers"}
    return {name: text for name, text in texts.items() if text is not None}


def violation_of(raw: bytes) -> str:
    with pytest.raises(ProtocolViolation) as caught:
        BasicProperties(raw)
    return caught.value.reason


def test_no_properties_are_two_octets() -> None:
    found = BasicProperties(b"\x00\x00")
    assert (found.persistent, found.priority, found.ttl_ms, found.has_headers) == (False, 0, -1, False)
    assert (found.code, found.flags, found.delivery_mode) == (1, 0, 0)
    assert found.headers() == texts_of(found) == {}
    assert build().raw == b"\x00\x00"


def test_all_properties_are_found_where_they_are() -> None:
    found = BasicProperties(EVERYTHING)
    assert (found.persistent, found.priority, found.ttl_ms, found.has_headers) == (True, 9, 60_000, True)
    assert typed(found.headers()) == typed({"k": Int32(7)})
    assert texts_of(found) == EVERYTHING_TEXTS
    numbers = {name: int(EVERYTHING_TEXTS[name]) for name in ("delivery_mode", "priority", "timestamp")}
    assert build(**EVERYTHING_TEXTS | numbers, headers={"k": Int32(7)}).raw == EVERYTHING


@pytest.mark.parametrize(
    ("raw", "persistent"), [(b"\x10\x00\x02", True), (b"\x10\x00\x01", False), (b"\x90\x00\x03a/b\x02", True)]
)
def test_delivery_mode_two_is_persistent(raw: bytes, persistent: bool) -> None:
    assert BasicProperties(raw).persistent is persistent


@pytest.mark.parametrize("mode", [0, 3, 7, 255])
def test_another_delivery_mode_is_refused_in_the_words_of_rabbitmq(mode: int) -> None:
    with pytest.raises(PreconditionFailed, match=rf"^invalid message: {{delivery_mode_unknown,{mode}}}$"):
        BasicProperties(b"\x10\x00" + bytes((mode,)))


@pytest.mark.parametrize(("text", "ttl_ms"), [("0", 0), ("+5", 5), ("0010", 10), (str(EXPIRY_MS_MAX), EXPIRY_MS_MAX)])
def test_an_expiration_is_milliseconds(text: str, ttl_ms: int) -> None:
    found = build(expiration=text)
    assert (found.ttl_ms, found.text("expiration")) == (ttl_ms, text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_integer"),
        ("abc", "no_integer"),
        (" 5", "no_integer"),
        ("+", "no_integer"),
        ("٣", "no_integer"),
        ("-1", "{value_negative,-1}"),
        ("10s", '{leftover_string,"s"}'),
        ("10\x00\x01", "{leftover_string,[0,1]}"),
        ("1.5", '{leftover_string,".5"}'),
        ("9" * 20, "{value_too_large," + "9" * 20 + "}"),
        (str(EXPIRY_MS_MAX + 1), f"{{value_too_large,{EXPIRY_MS_MAX + 1}}}"),
    ],
)
def test_another_expiration_is_refused_in_the_words_of_rabbitmq(text: str, reason: str) -> None:
    with pytest.raises(PreconditionFailed) as caught:
        build(expiration=text)
    assert str(caught.value) == f"invalid expiration '{text}': {reason}"


def test_flags_tell_what_is_there() -> None:
    found = build(reply_to="r", user_id="u")
    assert found.flags == properties.REPLY_TO | properties.USER_ID


def test_the_mark_of_a_dead_letter_survives_the_journal_and_a_copy() -> None:
    found = build(headers={"k": 1})
    found.mark_dead_letter()
    restored = BasicProperties(found.raw, found.code)
    assert restored.is_dead_letter
    assert restored.with_headers({}).is_dead_letter
    assert not BasicProperties(found.raw).is_dead_letter


def test_properties_cut_short_anywhere_are_a_violation() -> None:
    for length in range(len(EVERYTHING)):
        assert violation_of(EVERYTHING[:length]) == "syntax"


@pytest.mark.parametrize("raw", [b"\x00\x00", b"\x10\x00\x02", EVERYTHING])
def test_octets_behind_the_last_property_are_a_violation(raw: bytes) -> None:
    assert violation_of(raw + b"\x00") == "syntax"


def test_a_malformed_header_table_is_found_before_anyone_reads_it() -> None:
    assert violation_of(b"\x20\x00\x00\x00\x00\x03\x01kZ") == "syntax"


@pytest.mark.parametrize("raw", [b"\x10\x01\x00\x00\x02", b"\x10\x01\x00\x01\x00\x00\x02"])
def test_empty_flag_words_behind_the_first_are_skipped(raw: bytes) -> None:
    found = BasicProperties(raw)
    assert found.persistent
    assert found.text("delivery_mode") == "2"
    assert found.with_headers({"k": None}).raw == b"\x30\x00\x00\x00\x00\x03\x01kV\x02"


@pytest.mark.parametrize("raw", [b"\x10\x01\x00\x02\x02", b"\x00\x01", b"\x00\x01\x00", b"\x00\x01\x00\x01"])
def test_flag_words_that_mean_nothing_are_a_violation(raw: bytes) -> None:
    assert violation_of(raw) == "syntax"


def test_the_flag_without_a_meaning_is_ignored_and_not_passed_on_to_copies() -> None:
    found = BasicProperties(b"\x10\x02\x02")
    assert found.persistent
    assert found.with_headers({}).raw == b"\x10\x00\x02"


def test_new_headers_leave_the_other_octets_alone() -> None:
    copy = BasicProperties(EVERYTHING).with_headers({"n": "v"})
    assert copy.raw == EVERYTHING.replace(b"\x07\x01kI\x00\x00\x00\x07", b"\x08\x01nS\x00\x00\x00\x01v")


def test_a_dead_letter_loses_its_expiration() -> None:
    copy = BasicProperties(EVERYTHING).with_headers({}, drop_expiration=True)
    assert (copy.ttl_ms, copy.has_headers) == (-1, False)
    assert texts_of(copy) == {name: text for name, text in EVERYTHING_TEXTS.items() if name != "expiration"}


def test_headers_and_fields_can_be_added_where_there_were_none() -> None:
    copy = BasicProperties(b"\x10\x00\x02").with_headers({"k": True}).with_fields(reply_to="r")
    assert copy.raw == b"\x32\x00\x00\x00\x00\x04\x01kt\x01\x02\x01r"
    assert copy.with_fields(reply_to=None, headers=None).raw == b"\x10\x00\x02"


def test_a_text_of_more_than_255_bytes_is_an_error_and_never_cut_short() -> None:
    with pytest.raises(ValueError, match="256 bytes"):
        build(message_id="x" * 256)


def test_an_unknown_property_is_an_error() -> None:
    with pytest.raises(KeyError, match="colour"):
        build(colour="red")


class Foreign(Properties):
    """Properties of a protocol that has longer texts and no expiration text."""

    def headers(self) -> Mapping[str, object]:
        return {"k": "v", "n" * 256: "v"}

    def text(self, name: str) -> str | None:
        return {"reply_to": "r" * 256, "correlation_id": "c", "timestamp": "7"}.get(name)


def test_properties_of_another_protocol_are_translated_as_far_as_they_fit() -> None:
    foreign = Foreign(2, b"")
    foreign.persistent = True
    foreign.ttl_ms = 5000
    translated = amqp_properties(foreign)
    assert (
        translated.raw
        == build(headers={"k": "v"}, delivery_mode=2, correlation_id="c", expiration="5000", timestamp=7).raw
    )


def test_properties_of_this_protocol_stay_as_they_are() -> None:
    found = build(message_id="m")
    assert amqp_properties(found) is found


@given(_fields)
def test_every_combination_survives_a_round_trip(fields: dict[str, Any]) -> None:
    found = BasicProperties(build(**fields).raw)
    assert typed(found.headers()) == typed(fields.get("headers", {}))
    assert texts_of(found) == {name: str(value) for name, value in fields.items() if name != "headers"}
    assert found.ttl_ms == int(fields.get("expiration", -1))
    assert found.priority == fields.get("priority", 0)
    assert found.with_fields().raw == found.raw
    without = fields | {"headers": None, "expiration": None}
    assert found.with_headers({}, drop_expiration=True).raw == build(**without).raw


def _for_pamqp(fields: dict[str, Any]) -> dict[str, Any]:
    renamed = {"message_type" if name == "type" else name: value for name, value in fields.items()}
    if "timestamp" in renamed:
        renamed["timestamp"] = datetime.datetime.fromtimestamp(renamed["timestamp"], datetime.UTC)
    return renamed


@given(_fields_for_pamqp)
def test_pamqp_reads_what_is_built(fields: dict[str, Any]) -> None:
    found = header.ContentHeader()
    found.unmarshal(b"\x00\x3c" + bytes(10) + build(**fields).raw)
    assert {name: value for name, value in found.properties if value not in (None, "")} == _for_pamqp(fields)


@given(_fields_for_pamqp)
def test_what_pamqp_writes_is_read(fields: dict[str, Any]) -> None:
    found = BasicProperties(commands.Basic.Properties(**_for_pamqp(fields)).marshal())
    assert found.headers() == fields.get("headers", {})
    assert texts_of(found) == {name: str(value) for name, value in fields.items() if name != "headers"}


@settings(max_examples=300)
@given(st.one_of(_fields.map(lambda fields: build(**fields).raw).flatmap(flawed), flawed(EVERYTHING), st.binary()))
def test_what_is_accepted_can_be_taken_apart_and_the_rest_is_a_documented_error(raw: bytes) -> None:
    try:
        found = BasicProperties(raw)
    except ProtocolViolation as violation:
        error = violation.reason
    except PreconditionFailed as refusal:
        error = str(refusal)
    else:
        error = "none"
        assert texts_of(found.with_headers(found.headers())) == texts_of(found)
    assert error.startswith(("none", "syntax", "invalid message: ", "invalid expiration "))
