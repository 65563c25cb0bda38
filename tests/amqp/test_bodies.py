"""Large bodies and bodies in pieces: received in place or from chunks, they are the same octets."""

from collections.abc import Callable, Iterator

import pytest

from mqbroker.limits import LARGE_PIECE_BYTES
from mqbroker.protocols.amqp.frames import body_frames, content_header_frame
from mqbroker.protocols.amqp.limits import AMQP_BODY_BUFFER_BYTES, AMQP_BODY_BUFFER_FACTOR, AMQP_CHANNELS_MAX
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.properties import build
from tests.support.amqp_house import DirectAmqp, House
from tests.support.refusals import closes_connection

FRAME = 131_072 - 8  # the payload of the largest frame
SIZES = (LARGE_PIECE_BYTES - 1, LARGE_PIECE_BYTES, FRAME, FRAME + 1, FRAME + LARGE_PIECE_BYTES, 3 * FRAME + 7)


def body_of(size: int, seed: int = 0) -> bytes:
    return bytes((index * 7 + seed) % 251 for index in range(size))


def start_of(queue: str, size: int) -> bytes:
    """The method and the content header of a publish."""
    return encode_method("basic.publish", 1, routing_key=queue) + content_header_frame(1, build().raw, size)


def publish(queue: str, body: bytes) -> bytes:
    return start_of(queue, len(body)) + b"".join(body_frames(1, body, FRAME + 8))


def place(client: DirectAmqp, data: bytes, received_at_once: int = 1 << 30) -> None:
    """Does as the network does: puts octets where the session wants them, and hands over no more than it asks for."""
    session = client.session
    view = memoryview(data)
    while len(view):
        if session.sink is not None:
            count = min(len(session.sink), len(view), received_at_once)
            session.sink[:count] = view[:count]
            session.sink_filled(count, client.house.now)
        else:
            count = min(session.appetite or len(view), len(view), received_at_once)
            session.receive_data(bytes(view[:count]), client.house.now)
        view = view[count:]
    client.house.turn()


def chunks(size: int) -> Callable[[DirectAmqp, bytes], None]:
    def write(client: DirectAmqp, data: bytes) -> None:
        for start in range(0, len(data), size):
            client.write(data[start : start + size])

    return write


WAYS: dict[str, Callable[[DirectAmqp, bytes], None]] = {
    "in place": place,
    "in place, a little at a time": lambda client, data: place(client, data, 5000),
    "in one chunk": lambda client, data: client.write(data),
    "in chunks": chunks(10_001),
    "in large chunks": chunks(100_003),
}


@pytest.fixture
def client() -> DirectAmqp:
    return House().connect()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", SIZES)
def test_bodies_arrive_as_they_were_sent(client: DirectAmqp, size: int, way: str) -> None:
    queue = client.declare()
    client.consume(queue, no_ack=True)
    bodies = [body_of(size, 1), body_of(size, 2), b"small", body_of(size, 3), body_of(size + 1, 4), body_of(size, 5)]
    WAYS[way](client, b"".join(publish(queue, body) for body in bodies))
    assert client.deliveries(len(bodies)) == bodies
    assert client.is_silent()


def boundaries(data: bytes) -> Iterator[int]:
    """Where a chunk may end: around everything that is not payload."""
    start = data.index(b"\x03\x00\x01", len(start_of("q", 0)))
    for frame in range(start, len(data), FRAME + 8):
        yield from range(frame - 1, frame + 9)
    yield from range(len(data) - 2, len(data))


def test_a_chunk_may_end_anywhere(client: DirectAmqp) -> None:
    queue = client.declare("q")
    client.consume(queue, no_ack=True)
    body = body_of(2 * FRAME + 100)
    data = publish(queue, body)
    for cut in boundaries(data):
        client.write(data[:cut])
        client.write(data[cut:])
        assert client.delivery().body == body, cut
    assert client.is_silent()


def test_pieces_of_one_octet(client: DirectAmqp) -> None:
    queue = client.declare()
    body = body_of(300)
    pieces = b"".join(b"".join(body_frames(1, body[index : index + 1], 0)) for index in range(len(body)))
    client.write(start_of(queue, len(body)) + pieces)
    assert client.drain(queue) == [body]


@pytest.mark.parametrize("frame_max", [4096, 65_536])
def test_large_bodies_are_cut_for_those_who_take_small_frames(client: DirectAmqp, frame_max: int) -> None:
    queue = client.declare("q", auto_delete=True)
    consumer = client.house.connect(frame_max=frame_max)
    consumer.consume(queue, no_ack=True)
    bodies = [body_of(size) for size in SIZES]
    for body in bodies:
        place(client, publish(queue, body))
    assert consumer.deliveries(len(bodies)) == bodies


def test_a_frame_without_its_end_is_a_violation(client: DirectAmqp) -> None:
    body = body_of(FRAME)
    place(client, publish("q", body)[:-1] + b"\xcf")
    text = "FRAME_ERROR - type 3, first 16 octets = <<0,7,14,21,28,35,42,49,56,63,70,77,84,91,98,105>>: "
    assert client.refusal() == closes_connection(501, text + "{invalid_frame_end_marker,207}")


def test_the_end_of_a_frame_that_is_missing_is_found_in_any_frame_of_the_body(client: DirectAmqp) -> None:
    data = bytearray(publish("q", bytes(2 * FRAME)))
    data[-FRAME - 9] = 0
    place(client, bytes(data))
    text = "FRAME_ERROR - type 3, first 16 octets = <<0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0>>: "
    assert client.refusal() == closes_connection(501, text + "{invalid_frame_end_marker,0}")


@pytest.mark.parametrize("size", [10, FRAME])
def test_a_body_longer_than_announced_is_a_violation(client: DirectAmqp, size: int) -> None:
    first, whole = body_of(1), body_of(size)
    place(client, start_of("q", size) + b"".join(body_frames(1, first, 0)) + b"".join(body_frames(1, whole, 0)))
    text = "UNEXPECTED_FRAME - expected method frame, got non method frame instead"
    assert client.refusal() == closes_connection(505, text, (60, 40))


def test_memory_is_taken_for_what_arrives_and_not_for_what_is_announced(client: DirectAmqp) -> None:
    frame = b"".join(body_frames(1, bytes(FRAME), 0))
    client.write(start_of("q", 128 << 20) + frame[: -FRAME // 2])
    buffer = client.session.channels[1].buffer
    assert buffer is not None
    assert len(buffer.memory) <= AMQP_BODY_BUFFER_FACTOR * FRAME
    place(client, frame[-FRAME // 2 :])
    for _ in range(64):
        place(client, frame)
        assert len(buffer.memory) <= 2 * buffer.filled + AMQP_BODY_BUFFER_BYTES


def many(house: House, channels: int) -> DirectAmqp:
    """A connection with so many channels."""
    client = house.connect()
    for number in range(2, channels + 1):
        client.call("channel.open", number)
    return client


def begin(channel: int, size: int, first: bytes) -> bytes:
    """The beginning of a message of that size."""
    method = encode_method("basic.publish", channel, routing_key="q")
    return method + content_header_frame(channel, build().raw, size) + b"".join(body_frames(channel, first, 0))


def test_announcing_much_on_every_channel_takes_nothing() -> None:
    house = House()
    client = many(house, AMQP_CHANNELS_MAX)
    client.write(b"".join(begin(number, 128 << 20, b"x") for number in range(1, AMQP_CHANNELS_MAX + 1)))
    assert house.services.body_budget.taken <= AMQP_BODY_BUFFER_FACTOR * AMQP_CHANNELS_MAX


@pytest.mark.parametrize("way", WAYS)
def test_bodies_that_never_end_have_a_bound(way: str) -> None:
    """One connection could take all memory with bodies that it began on 2,047 channels and ended on none."""
    house = House(bodies_bytes_max=8 << 20)
    client = many(house, 20)
    for number in range(1, 21):
        WAYS[way](client, begin(number, 16 << 20, bytes(FRAME)))
    assert house.services.body_budget.taken == 8 * AMQP_BODY_BUFFER_BYTES
    for number in range(9, 21):
        close = client.expect("channel.close", number)
        text = "CONTENT_TOO_LARGE - incomplete messages of all connections have 8388608 bytes, and 8388608 at most"
        assert (close.args["reply_code"], close.args["reply_text"]) == (311, text)
        assert (close.args["class_id"], close.args["method_id"]) == (60, 40)
        client.send("channel.close-ok", number)
    assert client.is_silent()


def test_the_bound_of_a_connection_concerns_no_other() -> None:
    house = House()
    client, other = many(house, 2), house.connect()
    client.session.body_budget.limit = 1 << 20
    client.write(begin(1, 16 << 20, bytes(FRAME)))
    other.write(begin(1, 16 << 20, bytes(FRAME)))
    client.write(begin(2, 16 << 20, bytes(FRAME)))
    text = "CONTENT_TOO_LARGE - incomplete messages of this connection have 1048576 bytes, and 1048576 at most"
    assert client.expect("channel.close", 2).args["reply_text"] == text
    assert other.is_silent()


@pytest.mark.parametrize("extra", [0, FRAME // 2])
@pytest.mark.parametrize("end", ["complete", "lost", "stopped", "stopped and lost"])
def test_what_was_taken_for_a_body_is_given_back(end: str, extra: int) -> None:
    house = House()
    client = house.connect()
    client.declare("q", auto_delete=True)
    start = begin(1, 4 * FRAME, bytes(FRAME))
    rest = b"".join(body_frames(1, bytes(3 * FRAME), FRAME + 8))
    place(client, start + rest[:extra])
    assert house.services.body_budget.taken == client.session.body_budget.taken > 0
    if "stopped" in end:
        client.session.shut_down(house.now)
        house.turn()
        client.expect("connection.close", 0)
    if "lost" in end:
        client.lose()
    else:
        place(client, rest[extra:])
    assert (house.services.body_budget.taken, client.session.body_budget.taken) == (0, 0)


def test_a_violation_gives_back_what_was_taken_for_a_body() -> None:
    house = House()
    client = house.connect()
    place(client, begin(1, 4 * FRAME, bytes(FRAME)) + encode_method("basic.qos", 1))
    assert client.refusal().code == 505
    assert house.services.body_budget.taken == 0


def test_a_publisher_is_held_back_in_the_middle_of_its_first_message() -> None:
    """It was no publisher before its message was complete, so that incomplete ones grew on while memory was low."""
    house = House()
    client = house.connect()
    client.declare("q")
    data = publish("q", body_of(2 * FRAME))
    client.write(data[:FRAME])
    house.change_alarm("low on memory")
    client.expect("connection.blocked", 0)
    assert not client.session.is_reading
    house.change_alarm("")
    client.expect("connection.unblocked", 0)
    client.write(data[FRAME:])
    assert client.drain("q") == [body_of(2 * FRAME)]


def test_a_broker_that_stops_in_the_middle_of_a_body_takes_the_rest_for_nothing(client: DirectAmqp) -> None:
    queue = client.declare()
    data = publish(queue, body_of(2 * FRAME))
    place(client, data[: FRAME // 2])
    client.session.shut_down(client.house.now)
    client.house.turn()
    place(client, data[FRAME // 2 :])
    assert client.expect("connection.close", 0).args["reply_code"] == 320
    client.send("connection.close-ok", 0)
    assert client.is_ended()
