"""What stands between the driver's sockets and its loops: the steps of QoS 2, and WebSocket frames."""

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from bench.driver import mqtt_records, websocket
from bench.driver.jobs import Endpoint, Limit, PublishJob, Variant
from bench.driver.mqtt_dialect import in_frames
from bench.driver.mqtt_streams import ConsumerSteps, PublisherSteps
from bench.driver.records import RecordSource
from bench.errors import ProtocolError

JOB = PublishJob(Endpoint("mqtt", "127.0.0.1", 1), (Variant("a/b"),), 40, Limit())
LAYOUT = mqtt_records.publish_layout(JOB, 2)


def steps(kind: int, *numbers: int) -> bytes:
    return mqtt_records.acks(kind, np.array(numbers, np.uint16))


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, broker = socket.socketpair()
    ours.setblocking(False)
    with ours, broker:
        yield ours, broker


def test_a_pubrec_is_answered_and_a_pubcomp_handed_on(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, broker = ends
    stream = PublisherSteps(ours, LAYOUT.size)
    broker.sendall(steps(mqtt_records.PUBREC, 1, 2) + steps(mqtt_records.PUBCOMP, 1)[:3])
    with pytest.raises(BlockingIOError):
        stream.recv(100)
    assert broker.recv(100) == steps(mqtt_records.PUBREL, 1, 2)
    broker.sendall(steps(mqtt_records.PUBCOMP, 1)[3:])
    assert stream.recv(100) == steps(mqtt_records.PUBCOMP, 1)


def test_an_answer_waits_for_the_end_of_a_record_that_is_half_sent(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, broker = ends
    stream = PublisherSteps(ours, LAYOUT.size)
    records = bytes(RecordSource(LAYOUT, 0).take(2))
    assert stream.send(records[:10]) == 10
    broker.sendall(steps(mqtt_records.PUBREC, 9))
    with pytest.raises(BlockingIOError):
        stream.recv(100)
    sent = 10 + stream.send(records[10:])
    assert sent == LAYOUT.size
    stream.send(records[sent:])
    assert broker.recv(1000) == records[:sent] + steps(mqtt_records.PUBREL, 9) + records[sent:]


def test_a_publisher_that_is_sent_something_else_says_so(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, broker = ends
    broker.sendall(steps(mqtt_records.PUBACK, 1))
    with pytest.raises(ProtocolError, match="40020001"):
        PublisherSteps(ours, LAYOUT.size).recv(100)


@pytest.mark.parametrize("piece", [1, 3, 7, 50, 1000])
def test_publishes_are_told_from_releases_however_they_arrive(
    ends: tuple[socket.socket, socket.socket], piece: int
) -> None:
    ours, broker = ends
    source = RecordSource(LAYOUT, 0)
    first, rest = bytes(source.take(2)), bytes(source.take(3))
    data = first + steps(mqtt_records.PUBREL, 1, 2) + rest + steps(mqtt_records.PUBREL, 3)
    stream, buffer, received = ConsumerSteps(ours, LAYOUT.size), memoryview(bytearray(1000)), b""
    for at in range(0, len(data), piece):
        broker.sendall(data[at : at + piece])
        try:
            received += buffer[: stream.recv_into(buffer)]
        except BlockingIOError:
            continue
    assert received == first + rest
    assert broker.recv(100) == steps(mqtt_records.PUBCOMP, 1, 2, 3)


def test_a_consumer_that_is_sent_something_else_says_so(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, broker = ends
    broker.sendall(steps(mqtt_records.PUBACK, 1))
    with pytest.raises(ProtocolError, match="40020001"):
        ConsumerSteps(ours, LAYOUT.size).recv_into(memoryview(bytearray(100)))


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_frame_says_its_length(size: int) -> None:
    """RFC 6455 §5.2; a server's frame is a client's without the mask."""
    frame = websocket.framed(bytes(size))
    header = frame[:1] + bytes((frame[1] & 0x7F,)) + frame[2 : len(frame) - size - 4]
    assert websocket.header_of(header) == (len(header), size)
    assert websocket.header_of(header[:-1]) is None


@pytest.mark.parametrize("frame", [b"\x81\x01x", b"\x82\x81\0\0\0\0x", b"\x88\x00"])
def test_what_is_no_binary_message_of_a_server_is_refused(frame: bytes) -> None:
    with pytest.raises(ProtocolError, match="binary"):
        websocket.header_of(frame)


def test_records_in_frames_are_the_same_records() -> None:
    framed = in_frames(LAYOUT)
    record = bytes(RecordSource(framed, 0).take(3))[-framed.size :]
    assert record == websocket.framed(bytes(RecordSource(LAYOUT, 0).take(3))[-LAYOUT.size :])
