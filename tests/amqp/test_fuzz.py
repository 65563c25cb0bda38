"""Whatever a client sends, a session answers with the protocol's own errors, and others go on.

Sequences of methods with arguments of the right types and any values, content, damaged frames and noise go into a
session. Nothing may come out of it as an exception: that would be a fault of the broker. In the end everybody else
must be served as before.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.core.rabbitmq.arguments import arguments_of
from mqbroker.protocols.amqp.frames import body_frames, content_header_frame
from mqbroker.protocols.amqp.methods import SPECS, MethodSpec, encode_method
from mqbroker.protocols.amqp.properties import build
from tests.amqp.codec.strategies import flawed, short_texts, values
from tests.support.amqp_house import DirectAmqp, House
from tests.support.amqp_talk import HEADER

NAMES = (
    "", "q", "r", "x", "k", "a.b", "amq.direct", "amq.topic", "amq.headers", "amq.fanout", "direct", "fanout", "topic",
    "headers", "x-delayed-message", "x-consistent-hash", "amq.rabbitmq.reply-to", "/", "1", "guest",
)  # fmt: skip
KEYS = (
    *arguments_of("classic"), *arguments_of("quorum"), "x-consumer-timeout", "x-priority", "x-match", "CC", "BCC",
    "x-delay", "x-delayed-type", "alternate-exchange", "hash-header", "hash-property", "x-death",
)  # fmt: skip
FITTING = st.sampled_from(
    ("classic", "quorum", "reject-publish", "reject-publish-dlx", "drop-head", "direct", "fanout", "x", "q", 0, 1, 2,
     50, True, ["q", "r"], "all", "any", None)
)  # fmt: skip

names = st.sampled_from(NAMES) | short_texts
tables = st.dictionaries(st.sampled_from(KEYS) | short_texts, FITTING | values, max_size=3)
numbers = st.integers(0, 3)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "bit": st.booleans(),
    "octet": numbers | st.integers(0, 255),
    "short": numbers | st.integers(0, 65_535),
    "long": numbers | st.integers(0, (1 << 32) - 1),
    "longlong": numbers | st.integers(0, (1 << 64) - 1),
    "shortstr": names,
    "longstr": st.sampled_from((b"", b"\0guest\0guest", b"PLAIN")) | st.binary(max_size=20),
    "table": tables,
}
COMMON = ("exchange.declare", "queue.declare", "queue.bind", "basic.consume", "basic.get", "basic.ack", "basic.nack",
          "confirm.select", "tx.select", "tx.commit", "basic.qos", "channel.open")  # fmt: skip
SPEC = st.sampled_from(list(SPECS.values()))
COMMON_SPEC = st.sampled_from([spec for spec in SPECS.values() if spec.name in COMMON])
channels = st.sampled_from((1, 1, 1, 2, 0))


@st.composite
def methods(draw: st.DrawFn) -> bytes:
    """A method with arguments of the right types."""
    spec: MethodSpec = draw(COMMON_SPEC | COMMON_SPEC | SPEC)
    args = {name: draw(KINDS[kind]) for name, kind in spec.arguments}
    if spec.name.endswith(".declare") and "passive" in args:
        args["passive"] = args["passive"] and draw(st.booleans())
    return encode_method(spec.name, draw(channels), **args)


@st.composite
def publishes(draw: st.DrawFn) -> bytes:
    """One to three equal messages."""
    channel = draw(st.sampled_from((1, 2)))
    method = encode_method(
        "basic.publish", channel, exchange=draw(names), routing_key=draw(names), mandatory=draw(st.booleans())
    )
    properties = build(
        headers=draw(tables | st.none()),
        delivery_mode=draw(st.sampled_from((None, 1, 2))),
        priority=draw(st.sampled_from((None, 0, 9, 255))),
        expiration=draw(st.sampled_from((None, "0", "50", "100000"))),
        reply_to=draw(st.sampled_from((None, "q", "amq.rabbitmq.reply-to"))),
        user_id=draw(st.sampled_from((None, None, "guest", "other"))),
    )
    body = draw(st.binary(max_size=12))
    header = content_header_frame(channel, properties.raw, len(body))
    return (method + header + b"".join(body_frames(channel, body, draw(st.sampled_from((9, 4096)))))) * draw(
        st.integers(1, 3)
    )


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Frames with a flaw: most end the connection."""
    return draw(flawed(draw(methods() | publishes())))


steps = st.lists(
    st.tuples(st.sampled_from((0, 0, 0, 60, 20_000)), st.booleans(), methods() | publishes() | publishes()), max_size=25
)


def send(client: DirectAmqp, octets: bytes, in_pieces: bool) -> None:
    """Hands octets to the session, whole or one by one. Exceptions of the session come through."""
    for piece in [octets[at : at + 1] for at in range(len(octets))] if in_pieces else [octets]:
        client.write(piece)
    client.arrived = b""


def check_house(house: House, client: DirectAmqp) -> None:
    """The session ends without a trace but what is durable, and others are served."""
    client.lose()
    house.pass_time(20_000, 1_000)
    other = house.connect()
    queue = other.declare()
    other.publish(queue, b"x")
    assert other.drain(queue) == [b"x"]
    vhost = house.broker.vhosts["/"]
    assert all(not each.unacked_count for each in vhost.queues.values())
    assert all(not each.consumers for each in vhost.queues.values())
    assert house.services.registry.user_count("guest") == 1


@given(steps)
@settings(max_examples=250, deadline=None)
def test_any_sequence_of_methods_is_answered(sequence: list[tuple[int, bool, bytes]]) -> None:
    house = House()
    client = house.connect()
    client.call("channel.open", 2)
    for duration_ms, in_pieces, octets in sequence:
        if client.session.close_sent or client.session.is_closing:
            break
        send(client, octets, in_pieces)
        for number, channel in list(client.session.channels.items()):
            if channel.state == 2:
                send(client, encode_method("channel.close-ok", number) + encode_method("channel.open", number), False)
        house.pass_time(duration_ms, 1_000)
    check_house(house, client)


@given(st.lists(methods() | publishes() | damaged() | st.binary(max_size=40), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_any_noise_is_answered(pieces: list[bytes]) -> None:
    house = House()
    client = house.connect()
    for octets in pieces:
        send(client, octets, False)
    check_house(house, client)


@given(st.lists(methods() | damaged() | st.binary(max_size=40), min_size=1, max_size=6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_noise_before_the_login_is_answered(pieces: list[bytes], with_header: bool) -> None:
    house = House()
    client = house.begin()
    if with_header:
        client.write(HEADER)
    for octets in pieces:
        send(client, octets, False)
    assert client.session.user in ("", "guest")
    client.lose()
    house.pass_time(20_000, 1_000)
    house.connect().sync()
