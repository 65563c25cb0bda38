"""Frames: literal octets, bodies split at the negotiated size, and RabbitMQ's texts (measured on 3.10.8)."""

import pytest
from pamqp import body, frame, header

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp import frames


def test_frames_are_their_octets() -> None:
    assert frames.HEARTBEAT == b"\x08\x00\x00\x00\x00\x00\x00\xce"
    assert frames.method_frame(258, b"abcd") == b"\x01\x01\x02\x00\x00\x00\x04abcd\xce"
    assert frames.content_header_frame(1, b"\x10\x00\x02", 5) == (
        b"\x02\x00\x01\x00\x00\x00\x0f\x00\x3c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x10\x00\x02\xce"
    )


def test_pamqp_reads_a_content_header() -> None:
    found = frame.unmarshal(frames.content_header_frame(3, b"\x88\x00\x04text\x05", 1 << 40))[2]
    assert isinstance(found, header.ContentHeader)
    assert (found.body_size, found.properties.content_type, found.properties.priority) == (1 << 40, "text", 5)


def test_an_empty_body_has_no_frame() -> None:
    assert frames.body_frames(1, b"", 4096) == []


@pytest.mark.parametrize(("size", "sizes"), [(1, [1]), (92, [92]), (93, [92, 1]), (184, [92, 92]), (185, [92, 92, 1])])
def test_a_body_is_split_so_that_each_frame_fits(size: int, sizes: list[int]) -> None:
    content = bytes(range(256))[:size]
    octets = b"".join(frames.body_frames(1, content, 100))
    found = []
    while octets:
        consumed, channel, part = frame.unmarshal(octets)
        assert isinstance(part, body.ContentBody)
        assert channel == 1
        assert consumed <= 100
        found.append(part.value)
        octets = octets[consumed:]
    assert [len(part) for part in found] == sizes
    assert b"".join(found) == content


@pytest.mark.parametrize("frame_max", [0, 1008])
def test_a_body_that_fits_is_not_copied(frame_max: int) -> None:
    content = bytes(1000)
    pieces = frames.body_frames(1, content, frame_max)
    assert pieces == [b"\x03\x00\x01\x00\x00\x03\xe8", content, b"\xce"]
    assert pieces[1] is content


@pytest.mark.parametrize(
    ("violation", "reason", "text"),
    [
        (frames.frame_too_large(1, 8000, 4096), "frame", "type 1, all octets = <<>>: {frame_too_large,8000,4088}"),
        (
            frames.invalid_end_marker(1, b"ab", 0),
            "frame",
            'type 1, all octets = <<"ab">>: {invalid_frame_end_marker,0}',
        ),
        (
            frames.invalid_end_marker(1, b"\x80b", 5),
            "frame",
            "type 1, all octets = <<128,98>>: {invalid_frame_end_marker,5}",
        ),
        (frames.unknown_frame(1, b"\x00<"), "frame", "type 1, all octets = <<0,60>>: unknown_frame"),
        (frames.unknown_frame(4, b'n\xc3\xa9"\n'), "frame", 'type 4, all octets = <<"né\\"\\n">>: unknown_frame'),
        (
            frames.unknown_frame(4, b"abcdefghijklmnopqrst"),
            "frame",
            'type 4, first 16 octets = <<"abcdefghijklmnop">>: unknown_frame',
        ),
        (
            frames.unknown_frame(4, bytes(range(20))),
            "frame",
            "type 4, first 16 octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>: unknown_frame",
        ),
        (frames.unexpected_frame(8, b""), "unexpected", "type 8, all octets = <<>>"),
        (frames.unexpected_frame(3, b"abc"), "unexpected", 'type 3, all octets = <<"abc">>'),
        (frames.expected_method(), "unexpected", "expected method frame, got non method frame instead"),
        (
            frames.expected_header(),
            "unexpected",
            "expected content header for class 60, got non content header frame instead",
        ),
        (
            frames.expected_header(50),
            "unexpected",
            "expected content header for class 60, got one for class 50 instead",
        ),
        (frames.expected_body(), "unexpected", "expected content body, got non content body frame instead"),
    ],
)
def test_frame_errors_have_the_texts_of_rabbitmq(violation: ProtocolViolation, reason: str, text: str) -> None:
    assert (violation.reason, violation.text) == (reason, text)
