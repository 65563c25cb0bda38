"""What breaks the protocol: frames, orders and methods that no library sends. It ends the culprit and nobody else."""

import pytest

from mqbroker.protocols.amqp.frames import content_header_frame, method_frame
from mqbroker.protocols.amqp.methods import SPECS_BY_NAME, encode_method
from mqbroker.protocols.amqp.properties import build
from tests.amqp.conftest import Connect
from tests.support.amqp_talk import Closed, Refusal
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_connection

PUBLISH = encode_method("basic.publish", 1, exchange="", routing_key="k")
EMPTY = content_header_frame(1, build().raw, 0)


def frame(kind: int, channel: int, payload: bytes, size: int | None = None, end: int = 0xCE) -> bytes:
    length = len(payload) if size is None else size
    return bytes((kind,)) + channel.to_bytes(2, "big") + length.to_bytes(4, "big") + payload + bytes((end,))


def after(client: RawAmqp, octets: bytes) -> Refusal:
    """How the connection ends when these octets are sent, and that it does end."""
    client.write(octets)
    refusal = client.refusal()
    if refusal.method == "connection.close":
        with pytest.raises(Closed):
            client.read_frame()
    return refusal


def test_a_frame_above_the_agreed_size_is_501(connect: Connect) -> None:
    client = connect()
    client.open(frame_max=4096)
    text = "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,8000,4088}"
    assert after(client, PUBLISH + frame(3, 1, bytes(8000))) == closes_connection(501, text)


@pytest.mark.parametrize("size", [131_073, 1 << 24, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
def test_a_frame_of_any_size_is_too_large(client: RawAmqp, size: int) -> None:
    """Compiled, a size above two gigabytes was negative, and an internal error."""
    text = f"FRAME_ERROR - type 1, all octets = <<>>: {{frame_too_large,{size},131064}}"
    assert after(client, frame(1, 1, b"", size)) == closes_connection(501, text)


def test_the_largest_frame_is_just_allowed(connect: Connect) -> None:
    client = connect()
    client.open(frame_max=4096)
    queue = client.declare()
    client.publish(queue, bytes(4088))
    client.publish(queue, bytes(4089))
    assert [len(body) for body in client.drain(queue)] == [4088, 4089]


def test_eight_octets_too_many_are_forgiven(connect: Connect) -> None:
    """RabbitMQ takes them since clients get this wrong; they were refused."""
    client = connect()
    client.open(frame_max=4096)
    queue = client.declare()
    client.write(encode_method("basic.publish", 1, exchange="", routing_key=queue))
    client.write(content_header_frame(1, build().raw, 4096) + frame(3, 1, bytes(4096)))
    client.consume(queue, no_ack=True)
    assert client.delivery().body == bytes(4096)
    assert after(client, PUBLISH + frame(3, 1, bytes(4097))).text == (
        "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}"
    )


def test_a_wrong_end_of_frame_is_501(client: RawAmqp) -> None:
    text = "FRAME_ERROR - type 1, all octets = <<0,20,0,10,0>>: {invalid_frame_end_marker,0}"
    assert after(client, frame(1, 1, b"\0\x14\0\x0a\0", end=0)) == closes_connection(501, text)


def test_a_long_frame_is_shown_in_part(client: RawAmqp, ours: None) -> None:
    # RabbitMQ 3.10.8 breaks this text into lines, as its terms are printed for people.
    text = "FRAME_ERROR - type 1, first 16 octets = <<0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0>>: {invalid_frame_end_marker,1}"
    assert after(client, frame(1, 1, bytes(40), end=1)) == closes_connection(501, text)


@pytest.mark.parametrize("kind", [0, 4, 5, 6, 7, 9, 255])
def test_an_unknown_type_of_frame_is_501(client: RawAmqp, kind: int) -> None:
    text = f"FRAME_ERROR - type {kind}, all octets = <<>>: unknown_frame"
    assert after(client, frame(kind, 1, b"")) == closes_connection(501, text)


def test_an_unknown_method_is_540(client: RawAmqp, ours: None) -> None:
    # RabbitMQ 3.10.8 drops the connection without a word.
    text = "NOT_IMPLEMENTED - unknown method 99 of class 60"
    assert after(client, method_frame(1, b"\0\x3c\0\x63")) == closes_connection(540, text, (60, 99))


@pytest.mark.parametrize("number", [0, 1])
def test_an_unknown_method_of_the_highest_class_is_540(client: RawAmqp, ours: None, number: int) -> None:
    # The bug: compiled, a class above 32767 did not fit into the field for the method at hand.
    text = "NOT_IMPLEMENTED - unknown method 65535 of class 65535"
    expected = closes_connection(540, text, (0xFFFF, 0xFFFF))
    assert after(client, method_frame(number, b"\xff\xff\xff\xff")) == expected


@pytest.mark.parametrize("method", ["queue.declare-ok", "channel.open-ok", "confirm.select-ok"])
def test_a_method_of_the_server_is_503(client: RawAmqp, method: str) -> None:
    refusal = client.refused(method)
    index = SPECS_BY_NAME[method]
    text = "COMMAND_INVALID - unimplemented method"
    assert refusal == closes_connection(503, text, (index.class_id, index.method_id))


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (
            PUBLISH + encode_method("basic.qos", 1),
            "expected content header for class 60, got non content header frame instead",
        ),
        (
            PUBLISH + frame(3, 1, b"body"),
            "expected content header for class 60, got non content header frame instead",
        ),
        (
            PUBLISH + frame(2, 1, b"\0\x32" + bytes(12)),
            "expected content header for class 60, got one for class 50 instead",
        ),
        (
            PUBLISH + content_header_frame(1, build().raw, 4) + encode_method("basic.qos", 1),
            "expected content body, got non content body frame instead",
        ),
        (EMPTY, "expected method frame, got non method frame instead"),
        (frame(3, 1, b"body"), "expected method frame, got non method frame instead"),
    ],
)
def test_frames_in_the_wrong_order_are_505(client: RawAmqp, octets: bytes, text: str) -> None:
    refusal = after(client, octets)
    assert (refusal.method, refusal.code, refusal.text) == ("connection.close", 505, f"UNEXPECTED_FRAME - {text}")


def test_a_body_that_is_too_long_is_505(client: RawAmqp, ours: None) -> None:
    # RabbitMQ 3.10.8 takes what is too much for content without a method as well, after it has published the message.
    octets = PUBLISH + content_header_frame(1, build().raw, 4) + frame(3, 1, b"bo") + frame(3, 1, b"dy and more")
    assert after(client, octets).code == 505


def test_a_body_of_several_frames_may_have_empty_ones(client: RawAmqp) -> None:
    queue = client.declare()
    client.write(encode_method("basic.publish", 1, exchange="", routing_key=queue))
    client.write(content_header_frame(1, build().raw, 4))
    client.write(frame(3, 1, b"bo") + frame(3, 1, b"") + frame(3, 1, b"dy"))
    assert client.drain(queue) == [b"body"]


def test_content_of_two_channels_may_be_interleaved(client: RawAmqp) -> None:
    client.call("channel.open", 2)
    queue = client.declare()
    for octets in zip(*(interleaved(number, queue) for number in (1, 2)), strict=True):
        client.write(b"".join(octets))
    client.sync(2)
    assert sorted(client.drain(queue)) == [b"body 1", b"body 2"]


def interleaved(channel: int, queue: str) -> list[bytes]:
    body = b"body %d" % channel
    return [
        encode_method("basic.publish", channel, exchange="", routing_key=queue),
        content_header_frame(channel, build().raw, len(body)),
        frame(3, channel, body[:2]),
        frame(3, channel, body[2:]),
    ]


def test_a_channel_that_was_closed_can_be_opened_again(client: RawAmqp) -> None:
    client.call("channel.close")
    client.call("channel.open")
    client.sync()


def test_what_comes_for_a_channel_between_its_close_and_close_ok_is_dropped(client: RawAmqp, name: str) -> None:
    client.send("queue.declare", queue=name, passive=True)
    client.publish("x", b"dropped", exchange=name)
    client.send("basic.ack", delivery_tag=99)
    client.send("queue.declare", queue=name)
    assert client.refusal().code == 404
    assert client.refused("queue.declare", queue=name, passive=True).code == 404


def test_both_sides_may_close_a_channel_at_once(client: RawAmqp, name: str) -> None:
    client.send("queue.declare", queue=name, passive=True)
    client.send("channel.close")
    close = client.expect("channel.close")
    assert close.args["reply_code"] == 404
    client.expect("channel.close-ok")
    client.send("channel.close-ok")
    client.call("channel.open", 2)


@pytest.mark.parametrize("closes_too", [False, True])
def test_a_channel_is_not_free_before_its_close_ok(client: RawAmqp, name: str, closes_too: bool) -> None:
    """The client that opened it too early was not answered at all, and waited for ever."""
    client.send("queue.declare", queue=name, passive=True)
    if closes_too:
        client.send("channel.close")
    client.send("channel.open")
    assert client.expect("channel.close").args["reply_code"] == 404
    if closes_too:
        client.expect("channel.close-ok")
    refusal = client.refusal()
    assert refusal == closes_connection(504, "CHANNEL_ERROR - second 'channel.open' seen", (20, 10))


@pytest.mark.parametrize(
    ("octets", "refusal"),
    [
        (frame(8, 0, b"x"), closes_connection(501, 'FRAME_ERROR - type 8, all octets = <<"x">>: unknown_frame')),
        (frame(8, 1, b""), closes_connection(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>")),
        (frame(1, 7, b"\0\x14"), closes_connection(501, "FRAME_ERROR - type 1, all octets = <<0,20>>: unknown_frame")),
        (encode_method("basic.qos", 7), closes_connection(504, "CHANNEL_ERROR - expected 'channel.open'", (60, 10))),
        (
            encode_method("channel.open", 1),
            closes_connection(504, "CHANNEL_ERROR - second 'channel.open' seen", (20, 10)),
        ),
        (method_frame(1, b"\0\x3c\0\x0a"), closes_connection(501, "FRAME_ERROR - cannot decode <<>>", (60, 10))),
        (
            method_frame(1, b"\0\x3c\0\x0a" + bytes(9)),
            closes_connection(501, "FRAME_ERROR - cannot decode <<0,0,0,0,0,0,0,0,0>>", (60, 10)),
        ),
        (
            PUBLISH + frame(2, 1, b"\0\x3c\0\0\0"),
            closes_connection(501, "FRAME_ERROR - type 2, all octets = <<0,60,0,0,0>>: unknown_frame"),
        ),
        (
            encode_method("queue.declare", 0),
            closes_connection(504, "CHANNEL_ERROR - unexpected method in connection state running", (50, 10)),
        ),
        (
            encode_method("connection.open", 0, virtual_host="/"),
            closes_connection(504, "CHANNEL_ERROR - unexpected method in connection state running", (10, 40)),
        ),
    ],
)
def test_everything_else_that_is_wrong_has_its_code_too(client: RawAmqp, octets: bytes, refusal: Refusal) -> None:
    assert after(client, octets) == refusal


def test_content_on_channel_0_is_505(client: RawAmqp) -> None:
    refusal = after(client, content_header_frame(0, build().raw, 0))
    assert (refusal.method, refusal.code) == ("connection.close", 505)


def test_a_heartbeat_may_come_at_any_time(client: RawAmqp) -> None:
    queue = client.declare()
    client.write(encode_method("basic.publish", 1, exchange="", routing_key=queue))
    client.write(frame(8, 0, b""))
    client.write(content_header_frame(1, build().raw, 1) + frame(8, 0, b"") + frame(3, 1, b"x"))
    assert client.drain(queue) == [b"x"]


def test_a_bad_table_is_refused(client: RawAmqp, ours: None) -> None:
    # RabbitMQ 3.10.8 drops the connection without a word.
    good = encode_method("queue.declare", 1, queue="q", arguments={"a": True})
    bad = good.replace(b"\1at\1", b"\1aq\1")
    refusal = after(client, bad)
    assert (refusal.method, refusal.code) == ("connection.close", 502)


def test_a_table_may_be_nested_a_hundred_times(client: RawAmqp, name: str) -> None:
    """More than 32 levels ended the connection, and with it the work of a client that nests a tree."""
    tree: object = "leaf"
    for level in range(98):
        tree = [tree] if level % 2 else {"branch": tree}
    dead = client.declare()
    arguments = {"x-tree": tree, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    for _ in range(2):
        client.declare(name, arguments=arguments)
    client.publish(name, headers={"tree": tree})
    client.get(name, no_ack=False)
    client.send("basic.reject", delivery_tag=1, requeue=False)
    letter = client.get(dead)
    while letter is None:
        letter = client.get(dead)
    assert letter.headers["tree"] == tree


def test_others_are_not_disturbed(client: RawAmqp, other: RawAmqp) -> None:
    queue = other.declare()
    after(client, frame(9, 1, b""))
    other.publish(queue, b"still here")
    assert other.drain(queue) == [b"still here"]


def test_a_reply_text_is_cut_at_255_octets(client: RawAmqp) -> None:
    queue = "q" * 255
    refusal = client.refused("queue.declare", queue=queue, passive=True)
    assert len(refusal.text) == 255
    assert refusal.text.endswith("...")


def test_access_request_gets_its_ticket(client: RawAmqp) -> None:
    assert client.call("access.request", realm="/data", active=True).args == {"ticket": 1}


def test_flow_can_only_be_on(client: RawAmqp) -> None:
    assert client.call("channel.flow", active=True).args == {"active": True}
    assert client.refused("channel.flow", active=False) == closes_connection(
        540, "NOT_IMPLEMENTED - active=false", (20, 20)
    )
