"""Packets and their octets: literal cases, whole, truncated and with trailing bytes, round trips, and rubbish."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.decode import decode
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.reasons import Reason, reason_of
from mqbroker.protocols.mqtt.codec.wire import encode_varint, scan_varint
from tests.mqtt.codec.strategies import packets

USER = {"user_property": [("a", "b")]}

CASES: list[tuple[int, p.Packet, bytes]] = [
    (3, p.Connect("x", 3, True, 10), b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x0a\x00\x01x"),
    (4, p.Connect("x", 4, True, 10), b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x0a\x00\x01x"),
    (
        4,
        p.Connect("x", 4, False, 0, "u", b"p", p.Will("w", b"bye", 1, True)),
        b"\x10\x1b\x00\x04MQTT\x04\xec\x00\x00\x00\x01x\x00\x01w\x00\x03bye\x00\x01u\x00\x01p",
    ),
    (
        5,
        p.Connect("", 5, True, 0, None, b"p", None, {"session_expiry_interval": 10, "receive_maximum": 2}),
        b"\x10\x18\x00\x04MQTT\x05\x42\x00\x00\x08\x11\x00\x00\x00\x0a\x21\x00\x02\x00\x00\x00\x01p",
    ),
    (
        5,
        p.Connect("x", will=p.Will("w", b"", 2, properties={"will_delay_interval": 1})),
        b"\x10\x19\x00\x04MQTT\x05\x16\x00\x00\x00\x00\x01x\x05\x18\x00\x00\x00\x01\x00\x01w\x00\x00",
    ),
    (4, p.ConnAck(5), b"\x20\x02\x00\x05"),
    (5, p.ConnAck(0, True, {"maximum_qos": True}), b"\x20\x05\x01\x00\x02\x24\x01"),
    (4, p.Publish("a/b", b"hi"), b"\x30\x07\x00\x03a/bhi"),
    (4, p.Publish("t", b"", 2, True, True, 258), b"\x3d\x05\x00\x01t\x01\x02"),
    (5, p.Publish("t", b"hi", 1, packet_id=1), b"\x32\x08\x00\x01t\x00\x01\x00hi"),
    (
        5,
        p.Publish("", b"", properties={"topic_alias": 2, **USER}),
        b"\x30\x0d\x00\x00\x0a\x23\x00\x02\x26\x00\x01a\x00\x01b",
    ),
    (
        5,
        p.Publish("t", b"", properties={"subscription_identifier": [1, 300]}),
        b"\x30\x09\x00\x01t\x05\x0b\x01\x0b\xac\x02",
    ),
    (4, p.Ack(c.PUBACK, 1), b"\x40\x02\x00\x01"),
    (5, p.Ack(c.PUBREC, 1, 0x97), b"\x50\x03\x00\x01\x97"),
    (5, p.Ack(c.PUBREL, 1, 0, {"reason_string": "r"}), b"\x62\x08\x00\x01\x00\x04\x1f\x00\x01r"),
    (4, p.Ack(c.PUBCOMP, 0xFFFF), b"\x70\x02\xff\xff"),
    (
        4,
        p.Subscribe(1, [p.TopicFilter("a", 1), p.TopicFilter("b/#", 2)]),
        b"\x82\x0c\x00\x01\x00\x01a\x01\x00\x03b/#\x02",
    ),
    (
        5,
        p.Subscribe(1, [p.TopicFilter("a", 1, True, True, 2)], {"subscription_identifier": [5]}),
        b"\x82\x09\x00\x01\x02\x0b\x05\x00\x01a\x2d",
    ),
    (4, p.SubAck(1, [0, 2, 0x80]), b"\x90\x05\x00\x01\x00\x02\x80"),
    (5, p.SubAck(1, [0x87]), b"\x90\x04\x00\x01\x00\x87"),
    (4, p.Unsubscribe(1, ["a"]), b"\xa2\x05\x00\x01\x00\x01a"),
    (4, p.UnsubAck(1), b"\xb0\x02\x00\x01"),
    (5, p.UnsubAck(1, [0x11]), b"\xb0\x04\x00\x01\x00\x11"),
    (4, p.PingReq(), b"\xc0\x00"),
    (4, p.PingResp(), b"\xd0\x00"),
    (4, p.Disconnect(), b"\xe0\x00"),
    (5, p.Disconnect(0x8E), b"\xe0\x01\x8e"),
    (5, p.Auth(0x18, {"authentication_method": "m"}), b"\xf0\x06\x18\x04\x15\x00\x01m"),
]


def outcome(first: int, body: bytes, version: int) -> p.Packet | Reason:
    """The packet, or the documented reason why there is none."""
    try:
        return decode(first, body, version)
    except ProtocolViolation as error:
        return reason_of(error)


def parse(octets: bytes, version: int) -> p.Packet:
    size, at = scan_varint(octets, 1, len(octets))
    assert at + size == len(octets)
    return decode(octets[0], octets[at:], version)


@pytest.mark.parametrize(("version", "packet", "octets"), CASES)
def test_a_packet_is_these_octets(version: int, packet: p.Packet, octets: bytes) -> None:
    assert encode(packet, version) == octets
    assert parse(octets, version) == packet


@pytest.mark.parametrize(("version", "packet", "octets"), CASES)
def test_a_packet_cut_anywhere_or_with_octets_behind_it_is_refused_or_another_one(
    version: int, packet: p.Packet, octets: bytes
) -> None:
    body = octets[2:]
    for cut in [*(body[:size] for size in range(len(body))), body + b"\xff"]:
        assert outcome(octets[0], cut, version) not in (packet, None)


@pytest.mark.parametrize("version", [3, 4, 5])
@settings(deadline=None)
@given(data=st.data())
def test_every_packet_comes_back_as_it_was(version: int, data: st.DataObject) -> None:
    packet = data.draw(packets(version))
    assert parse(encode(packet, version), version) == packet


@settings(deadline=None)
@given(st.integers(0, 255), st.binary(max_size=40), st.sampled_from([3, 4, 5]))
def test_rubbish_is_refused_with_a_documented_error(first: int, body: bytes, version: int) -> None:
    assert outcome(first, body, version) is not None


@settings(deadline=None)
@given(st.data(), st.sampled_from([3, 4, 5]))
def test_a_packet_with_a_changed_octet_is_read_or_refused(data: st.DataObject, version: int) -> None:
    octets = bytearray(encode(data.draw(packets(version)), version))
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(octets[0], bytes(octets[2:]), version) is not None


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (0, b"\0"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (268_435_455, b"\xff\xff\xff\x7f"),
    ],
)
def test_variable_byte_integers(value: int, octets: bytes) -> None:
    """[MQTT-1.5.5-1]"""
    assert encode_varint(value) == octets
    assert scan_varint(octets, 0, len(octets)) == (value, len(octets))
    for size in range(len(octets)):
        assert scan_varint(octets, 0, size) == (0, -1)


@pytest.mark.parametrize("octets", [b"\xff\xff\xff\xff\x01", b"\x80\x80\x80\x80", b"\x80\x00"])
def test_overlong_variable_byte_integers_are_malformed(octets: bytes) -> None:
    """[MQTT-1.5.5-1]"""
    with pytest.raises(ProtocolViolation):
        scan_varint(octets, 0, len(octets))


M, P = Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR
V = Reason.UNSUPPORTED_PROTOCOL_VERSION

WRONG = [
    ("a reserved type", 5, b"\x00\x00", M),
    ("AUTH below version 5", 4, b"\xf0\x00", M),
    ("wrong flags [MQTT-2.1.3-1]", 5, b"\xc1\x00", M),
    ("SUBSCRIBE without its flags [MQTT-3.8.1-1]", 4, b"\x80\x06\x00\x01\x00\x01a\x00", M),
    ("UNSUBSCRIBE without its flags [MQTT-3.10.1-1]", 4, b"\xa0\x05\x00\x01\x00\x01a", M),
    ("PUBREL without its flags [MQTT-3.6.1-1]", 4, b"\x60\x02\x00\x01", M),
    ("QoS 3 [MQTT-3.3.1-4]", 4, b"\x36\x05\x00\x01t\x00\x01", M),
    ("DUP at QoS 0 [MQTT-3.3.1-2]", 4, b"\x38\x03\x00\x01t", M),
    ("packet identifier 0 [MQTT-2.2.1-3]", 4, b"\x32\x05\x00\x01t\x00\x00", M),
    ("invalid UTF-8 [MQTT-1.5.4-1]", 4, b"\x30\x04\x00\x02\xc3\x28", M),
    ("a surrogate [MQTT-1.5.4-1]", 4, b"\x30\x05\x00\x03\xed\xa0\x80", M),
    ("U+0000 [MQTT-1.5.4-2]", 4, b"\x30\x03\x00\x01\x00", M),
    ("SUBSCRIBE without filters [MQTT-3.8.3-2]", 4, b"\x82\x02\x00\x01", P),
    ("UNSUBSCRIBE without filters [MQTT-3.10.3-2]", 4, b"\xa2\x02\x00\x01", P),
    ("reserved subscription options [MQTT-3.8.3-5]", 5, b"\x82\x07\x00\x01\x00\x00\x01a\x40", M),
    ("reserved subscription options of 3.1.1 [MQTT-3-8.3-4]", 4, b"\x82\x06\x00\x01\x00\x01a\x04", M),
    ("subscription QoS 3", 5, b"\x82\x07\x00\x01\x00\x00\x01a\x03", M),
    ("retain handling 3", 5, b"\x82\x07\x00\x01\x00\x00\x01a\x30", P),
    ("subscription identifier 0", 5, b"\x82\x09\x00\x01\x02\x0b\x00\x00\x01a\x00", P),
    ("subscription identifier twice", 5, b"\x82\x0b\x00\x01\x04\x0b\x01\x0b\x02\x00\x01a\x00", P),
    ("a property twice", 5, b"\x30\x0a\x00\x01t\x06\x23\x00\x01\x23\x00\x01", P),
    ("a property of another packet", 5, b"\x30\x07\x00\x01t\x03\x21\x00\x01", M),
    ("an unknown property", 5, b"\x30\x06\x00\x01t\x02\x7f\x00", M),
    ("properties longer than the packet", 5, b"\x30\x05\x00\x01t\x09\x23", M),
    ("payload format 2", 5, b"\x30\x06\x00\x01t\x02\x01\x02", P),
    ("an unknown reason [MQTT-3.4.2-1]", 5, b"\x40\x03\x00\x01\x42", M),
    ("an unknown reason to disconnect [MQTT-3.14.2-1]", 5, b"\xe0\x01\x01", M),
    ("an unknown reason to authenticate [MQTT-3.15.2-1]", 5, b"\xf0\x01\x01", M),
    ("AUTH without a method", 5, b"\xf0\x01\x18", P),
    ("another protocol [MQTT-3.1.2-1]", 4, b"\x10\x0d\x00\x04MQTX\x04\x02\x00\x0a\x00\x01x", M),
    ("another level [MQTT-3.1.2-2]", 4, b"\x10\x0d\x00\x04MQTT\x06\x02\x00\x0a\x00\x01x", V),
    ("the wrong name for the level", 4, b"\x10\x0d\x00\x04MQTT\x03\x02\x00\x0a\x00\x01x", V),
    ("the reserved connect flag [MQTT-3.1.2-3]", 4, b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x0a\x00\x01x", M),
    ("will QoS 3 [MQTT-3.1.2-12]", 4, b"\x10\x12\x00\x04MQTT\x04\x1e\x00\x0a\x00\x01x\x00\x01w\x00\x00", M),
    ("will QoS without a will [MQTT-3.1.2-11]", 4, b"\x10\x0d\x00\x04MQTT\x04\x0a\x00\x0a\x00\x01x", M),
    ("will retain without a will [MQTT-3.1.2-13]", 4, b"\x10\x0d\x00\x04MQTT\x04\x22\x00\x0a\x00\x01x", M),
    ("a password without a user [3.1.1-3.1.2-22]", 4, b"\x10\x10\x00\x04MQTT\x04\x42\x00\x0a\x00\x01x\x00\x01p", M),
    ("a user name that is missing [3.1.1 MQTT-3.1.2-19]", 4, b"\x10\x0d\x00\x04MQTT\x04\x82\x00\x0a\x00\x01x", M),
    ("a password that is missing [MQTT-3.1.2-19]", 5, b"\x10\x0e\x00\x04MQTT\x05\x42\x00\x0a\x00\x00\x01x", M),
    ("a will that is missing [MQTT-3.1.2-9]", 4, b"\x10\x0d\x00\x04MQTT\x04\x06\x00\x0a\x00\x01x", M),
    ("a client id that is no UTF-8 [MQTT-3.1.3-4]", 4, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x0a\x00\x01\xff", M),
    ("no client id [MQTT-3.1.3-3]", 4, b"\x10\x0a\x00\x04MQTT\x04\x02\x00\x0a", M),
    (
        "a will topic that is no UTF-8 [MQTT-3.1.3-11]",
        4,
        b"\x10\x12\x00\x04MQTT\x04\x06\x00\x0a\x00\x01x\x00\x01\xff\x00\x00",
        M,
    ),
    (
        "a user name that is no UTF-8 [MQTT-3.1.3-12]",
        4,
        b"\x10\x10\x00\x04MQTT\x04\x82\x00\x0a\x00\x01x\x00\x01\xff",
        M,
    ),
    ("a user property that is no UTF-8 [MQTT-1.5.7-1]", 5, b"\x30\x0b\x00\x01t\x07\x26\x00\x01\xff\x00\x01a", M),
    ("a response topic that is no UTF-8 [MQTT-3.3.2-13]", 5, b"\x30\x08\x00\x01t\x04\x08\x00\x01\xff", M),
    ("a content type that is no UTF-8 [MQTT-3.3.2-19]", 5, b"\x30\x08\x00\x01t\x04\x03\x00\x01\xff", M),
    ("a filter that is no UTF-8 [MQTT-3.8.3-1]", 4, b"\x82\x06\x00\x01\x00\x01\xff\x00", M),
    ("a filter to unsubscribe that is no UTF-8 [MQTT-3.10.3-1]", 4, b"\xa2\x05\x00\x01\x00\x01\xff", M),
    ("SUBSCRIBE with identifier 0 [MQTT-2.2.1-3]", 4, b"\x82\x06\x00\x00\x00\x01a\x00", M),
    ("UNSUBSCRIBE with identifier 0 [MQTT-2.2.1-3]", 4, b"\xa2\x05\x00\x00\x00\x01a", M),
    ("PUBLISH without the length of its properties [MQTT-2.2.2-1]", 5, b"\x30\x03\x00\x01t", M),
    ("octets after the end", 4, b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x0a\x00\x01xx", M),
    ("receive maximum 0", 5, b"\x10\x11\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x01x", P),
    ("authentication data without a method", 5, b"\x10\x11\x00\x04MQTT\x05\x02\x00\x00\x03\x16\x00\x00\x00\x01x", P),
]


@pytest.mark.parametrize(("version", "octets", "reason"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_has_the_reason_of_the_specification(version: int, octets: bytes, reason: Reason) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        parse(octets, version)
    assert reason_of(caught.value) == reason


def test_a_byte_order_mark_is_a_character() -> None:
    """[MQTT-1.5.4-3]"""
    assert parse(b"\x30\x05\x00\x03\xef\xbb\xbf", 4).topic == "\ufeff"
