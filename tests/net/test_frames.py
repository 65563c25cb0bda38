"""Short frames are taken apart as the library would, and the boundaries of all others are known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from mqbroker.net.frames import Boundary, put_texts_together, put_together, take_short

MAX = 70_000


def masked(data: bytes, opcode: Opcode = Opcode.BINARY, is_last: bool = True) -> bytes:
    return Frame(opcode, data, is_last).serialize(mask=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535])
def test_a_short_frame_gives_its_payload_and_is_nothing_while_it_is_not_whole(size: int) -> None:
    payload = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    octets = masked(payload)
    assert take_short(octets, 0, MAX) == ([payload], len(octets))
    assert take_short(b"x" + octets + b"\x82", 1, MAX) == ([payload], len(octets) + 1)
    for cut in range(min(10, len(octets))):
        assert take_short(octets[:cut], 0, MAX) == ([], 0)
    assert take_short(octets[:-1], 0, MAX) == ([], 0)


@pytest.mark.parametrize(
    "octets",
    [
        masked(b"x" * 65_536),
        masked(b"x", Opcode.TEXT),
        masked(b"x", Opcode.PING),
        masked(b"x", is_last=False),
        masked(b"x", Opcode.CONT),
        Frame(Opcode.BINARY, b"x" * 10).serialize(mask=False),
        b"\xc2" + masked(b"x")[1:],
    ],
    ids=["long", "text", "ping", "first fragment", "last fragment", "not masked", "extension"],
)
def test_every_other_frame_is_left_to_the_library(octets: bytes) -> None:
    assert take_short(masked(b"a") + octets, 0, MAX) == ([b"a"], 7)


def test_a_frame_over_the_limit_is_left_to_the_library() -> None:
    octets = masked(b"x" * 200)
    assert take_short(octets, 0, 199) == ([], 0)
    assert take_short(octets, 0, 200)[1] == len(octets)


@given(st.lists(st.sampled_from([1, 2, 125, 126, 127, 300, 999, 1000, 1001, 2500]), max_size=30))
def test_frames_are_put_together_as_the_library_would(sizes: list[int]) -> None:
    """A part that is too long is cut; no two parts share a frame."""
    parts = [bytes((number % 256,)) * size for number, size in enumerate(sizes)]
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    pieces = [part[start : start + 1000] for part in parts for start in range(0, len(part), 1000)]
    expected = b"".join(Frame(Opcode.BINARY, piece).serialize(mask=False) for piece in pieces)
    assert put_together(b"".join(parts), ends, 1000) == expected


@given(st.text("aä€😀", max_size=400), st.integers(4, 300))
def test_texts_are_cut_between_characters(text: str, size_max: int) -> None:
    """A client that is sent a part of a character in a text message has to close the connection."""
    data, pieces = put_texts_together(text.encode(), size_max), []
    while data:
        assert data[0] == 0x81
        size, start = (data[1], 2) if data[1] < 126 else (data[2] << 8 | data[3], 4)
        pieces.append(data[start : start + size].decode())
        assert size <= size_max
        data = data[start + size :]
    assert "".join(pieces) == text


def test_what_is_no_text_leaves_as_it_is() -> None:
    assert put_texts_together(b"a\xff", 10) == b"\x82\x02a\xff"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 125, 126, 300, 65_536]), st.booleans())),
    st.integers(1, 500),
)
def test_the_boundaries_of_frames_are_found_however_they_arrive(frames: list[tuple[int, bool]], piece: int) -> None:
    wire = [Frame(Opcode.BINARY, bytes(size)).serialize(mask=mask) for size, mask in frames]
    data, boundary, ends, position = b"".join(wire), Boundary(), [], 0
    for start in range(0, len(data), piece):
        chunk, at = data[start : start + piece], 0
        while at < len(chunk):
            at = boundary.advance(chunk, at)
            if not boundary.is_inside:
                ends.append(start + at)
    for octets in wire:
        position += len(octets)
        assert position in ends
    assert len(ends) == len(wire)
    assert not boundary.is_inside
