"""Methods: literal octets, every method there and back, pamqp as a second opinion, and what is malformed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands, frame

from mqbroker.core.values import Int32
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.methods import SPECS, MethodSpec, decode_method, encode_method, encode_payload
from tests.amqp.codec.strategies import flawed, plain_tables, short_texts, typed

DECLARE = (
    b"\x00\x32\x00\x0a"  # queue.declare
    b"\x00\x00\x03q-1\x0a"  # ticket, queue, bits: durable and auto-delete
    b"\x00\x00\x00\x13\x0dx-message-ttlI\x00\x00\x03\xe8"
)
LITERALS: list[tuple[str, bytes, dict[str, Any]]] = [
    (
        "queue.declare",
        DECLARE,
        {
            "ticket": 0,
            "queue": "q-1",
            "passive": False,
            "durable": True,
            "exclusive": False,
            "auto_delete": True,
            "nowait": False,
            "arguments": {"x-message-ttl": Int32(1000)},
        },
    ),
    (
        "queue.declare-ok",
        b"\x00\x32\x00\x0b\x01q\x00\x00\x00\x05\x00\x00\x00\x02",
        {"queue": "q", "message_count": 5, "consumer_count": 2},
    ),
    (
        "connection.start-ok",
        b"\x00\x0a\x00\x0b\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x04\x00a\x00\xff\x05en_US",
        {"client_properties": {}, "mechanism": "PLAIN", "response": b"\x00a\x00\xff", "locale": "en_US"},
    ),
    (
        "connection.tune",
        b"\x00\x0a\x00\x1e\x07\xff\x00\x02\x00\x00\x00\x3c",
        {"channel_max": 2047, "frame_max": 131072, "heartbeat": 60},
    ),
    ("connection.update-secret", b"\x00\x0a\x00\x46\x00\x00\x00\x01s\x01r", {"new_secret": b"s", "reason": "r"}),
    ("connection.update-secret-ok", b"\x00\x0a\x00\x47", {}),
    ("connection.blocked", b"\x00\x0a\x00\x3c\x0dlow on memory", {"reason": "low on memory"}),
    ("connection.unblocked", b"\x00\x0a\x00\x3d", {}),
    (
        "channel.close",
        b"\x00\x14\x00\x28\x01\x94\x09NOT_FOUND\x00\x32\x00\x0a",
        {"reply_code": 404, "reply_text": "NOT_FOUND", "class_id": 50, "method_id": 10},
    ),
    (
        "access.request",
        b"\x00\x1e\x00\x0a\x05/data\x16",
        {"realm": "/data", "exclusive": False, "passive": True, "active": True, "write": False, "read": True},
    ),
    ("access.request-ok", b"\x00\x1e\x00\x0b\x00\x01", {"ticket": 1}),
    (
        "exchange.bind",
        b"\x00\x28\x00\x1e\x00\x00\x01d\x01s\x01k\x01\x00\x00\x00\x00",
        {"ticket": 0, "destination": "d", "source": "s", "routing_key": "k", "nowait": True, "arguments": {}},
    ),
    ("exchange.unbind-ok", b"\x00\x28\x00\x33", {}),
    (
        "basic.nack",
        b"\x00\x3c\x00\x78\x00\x00\x00\x00\x00\x00\x00\x07\x03",
        {"delivery_tag": 7, "multiple": True, "requeue": True},
    ),
    ("basic.recover-async", b"\x00\x3c\x00\x64\x01", {"requeue": True}),
    (
        "basic.qos",
        b"\x00\x3c\x00\x0a\x00\x00\x00\x00\x00\x64\x01",
        {"prefetch_size": 0, "prefetch_count": 100, "global_": True},
    ),
    ("confirm.select", b"\x00\x55\x00\x0a\x00", {"nowait": False}),
    ("tx.rollback-ok", b"\x00\x5a\x00\x1f", {}),
]
_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "octet": st.integers(0, (1 << 8) - 1),
    "short": st.integers(0, (1 << 16) - 1),
    "long": st.integers(0, (1 << 32) - 1),
    "longlong": st.integers(0, (1 << 63) - 1),  # pamqp reads it signed
    "bit": st.booleans(),
    "shortstr": short_texts,
    "longstr": short_texts.map(str.encode),
    "table": plain_tables,
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[MethodSpec, dict[str, Any]]:
    """Any method with any arguments."""
    spec = draw(st.sampled_from(sorted(SPECS.values(), key=lambda spec: spec.index)))
    return spec, {name: draw(_BY_TYPE[kind]) for name, kind in spec.arguments}


def reason_of(payload: bytes) -> str:
    with pytest.raises(ProtocolViolation) as caught:
        decode_method(payload)
    return caught.value.reason


@pytest.mark.parametrize(("name", "payload", "args"), LITERALS)
def test_a_method_is_its_octets_both_ways(name: str, payload: bytes, args: dict[str, Any]) -> None:
    method = decode_method(payload)
    assert (method.name, method.index) == (name, int.from_bytes(payload[:4], "big"))
    assert typed(method.args) == typed(args)
    assert encode_payload(name, **args) == payload
    assert encode_method(name, 513, **args) == b"\x01\x02\x01%b%b\xce" % (len(payload).to_bytes(4, "big"), payload)


@pytest.mark.parametrize(("name", "payload", "args"), LITERALS)
def test_a_method_cut_short_anywhere_is_a_frame_error(name: str, payload: bytes, args: dict[str, Any]) -> None:
    for length in range(4, len(payload)):
        assert reason_of(payload[:length]) == "frame"


@pytest.mark.parametrize(("name", "payload", "args"), LITERALS)
def test_octets_behind_the_arguments_are_a_frame_error_as_in_rabbitmq(
    name: str, payload: bytes, args: dict[str, Any]
) -> None:
    assert reason_of(payload + b"\x00") == "frame"


def test_a_frame_error_shows_the_octets_of_the_arguments() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        decode_method(b"\x00\x32\x00\x0a\x00\x00\x01q\x02\x00\x00")
    assert caught.value.text == "cannot decode <<0,0,1,113,2,0,0>>"


def test_the_octets_shown_are_bounded() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        decode_method(b"\x00\x32\x00\x0b" + b"\xff" * 100_000)
    assert len(caught.value.text) < 600


@pytest.mark.parametrize("payload", [b"\x00\x3c\x00\x63", b"\x00\x63\x00\x0a", b"\xff\xff\xff\xff"])
def test_an_unknown_method_is_not_implemented(payload: bytes) -> None:
    assert reason_of(payload) == "not_implemented"


def test_a_malformed_table_is_a_syntax_error() -> None:
    assert reason_of(DECLARE.replace(b"ttlI", b"ttlZ")) == "syntax"


def test_a_name_that_is_not_utf8_is_a_frame_error() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        decode_method(DECLARE.replace(b"q-1", b"q\xff1"))
    assert (caught.value.reason, caught.value.text) == ("frame", "Malformed UTF-8 in shortstr")


def test_a_publish_may_use_any_octets_in_its_names() -> None:
    payload = b"\x00\x3c\x00\x28\x00\x00\x01x\x02\xff\xfe\x01"
    method = decode_method(payload)
    assert method.args["routing_key"].encode(errors="surrogateescape") == b"\xff\xfe"
    assert encode_payload("basic.publish", **method.args) == payload


def test_unused_bits_of_an_octet_are_ignored() -> None:
    assert decode_method(b"\x00\x55\x00\x0a\xfe").args == {"nowait": False}


def test_arguments_that_are_not_given_are_empty() -> None:
    assert encode_payload("queue.declare-ok", queue="q") == b"\x00\x32\x00\x0b\x01q" + b"\x00" * 8


def test_text_is_accepted_where_the_wire_has_a_long_string() -> None:
    assert encode_payload("connection.secure", challenge="?") == b"\x00\x0a\x00\x14\x00\x00\x00\x01?"


def test_an_argument_that_the_method_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError, match="colour"):
        encode_payload("queue.declare-ok", colour="red")


def test_a_short_string_of_more_than_255_bytes_is_an_error_and_never_cut_short() -> None:
    with pytest.raises(ValueError, match="256 bytes"):
        encode_payload("queue.declare-ok", queue="é" * 128)


def test_no_method_of_pamqp_is_missing() -> None:
    assert set(commands.INDEX_MAPPING) == set(SPECS) - {0x001E000A, 0x001E000B}


def test_a_method_does_not_show_its_arguments_in_logs() -> None:
    assert repr(decode_method(LITERALS[2][1])) == "<connection.start-ok>"


@given(calls())
def test_every_method_survives_a_round_trip(call: tuple[MethodSpec, dict[str, Any]]) -> None:
    spec, args = call
    method = decode_method(encode_payload(spec.name, **args))
    assert (method.name, method.index, method.args) == (spec.name, spec.index, args)
    assert (spec.class_id, spec.method_id) == (spec.index >> 16, spec.index & 0xFFFF)


@pytest.mark.filterwarnings("ignore:This command is deprecated")  # basic.recover-async, which RabbitMQ answers
@given(calls().filter(lambda call: call[0].class_id != 30))
def test_pamqp_reads_what_is_written(call: tuple[MethodSpec, dict[str, Any]]) -> None:
    spec, args = call
    _, channel, method = frame.unmarshal(encode_method(spec.name, 7, **args))
    read = {name: value.encode() if kind == "longstr" else value for name, value, kind in _pamqp_args(spec, method)}
    assert channel == 7
    assert read == args


def _pamqp_args(spec: MethodSpec, method: Any) -> list[tuple[str, Any, str]]:
    return [(name, getattr(method, name), kind) for name, kind in spec.arguments]


@settings(max_examples=300)
@given(
    st.one_of(
        calls().map(lambda call: encode_payload(call[0].name, **call[1])).flatmap(flawed),
        st.builds(lambda index, rest: index.to_bytes(4, "big") + rest, st.sampled_from(sorted(SPECS)), st.binary()),
    ).filter(lambda payload: len(payload) >= 4)
)
def test_any_octets_are_a_method_or_a_documented_violation(payload: bytes) -> None:
    try:
        method = decode_method(payload)
    except ProtocolViolation as violation:
        reason = violation.reason
    else:
        reason = "none"
        encode_payload(method.name, **method.args)
    assert reason in {"none", "frame", "syntax", "not_implemented"}
