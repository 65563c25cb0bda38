"""Batch frames and segment headers: whole, cut at every byte, flipped at every bit, forged."""

import pytest

from mqbroker.errors import StorageError
from mqbroker.storage.log.frame import FRAME_BYTES, Frame, pack_frame, read_frame
from mqbroker.storage.log.segment import SEGMENT_HEADER_BYTES, SegmentHeader, pack_segment_header, read_segment_header

SEED = 0x1234ABCD
PAYLOAD = b"entries" + b"facts"
FRAME = Frame(
    lsn=7, previous_lsn=5, committed=5, flags=1, entries_bytes=7, entries=2, facts=1, payload_bytes=len(PAYLOAD)
)
HEADER = SegmentHeader(4096, 0x1F, 0x1E, b"c" * 16, b"s" * 16)


def a_frame(seed: int = SEED) -> bytes:
    """An encoded frame after three other bytes."""
    return b"abc" + pack_frame(FRAME, PAYLOAD, 99, seed)[0] + PAYLOAD


def test_a_frame_is_read_as_it_was_written() -> None:
    data = a_frame()
    frame = read_frame(data, 3, SEED)
    assert frame is not None
    _, crc = pack_frame(FRAME, PAYLOAD, 99, SEED)
    assert frame == FRAME._replace(previous_crc=99, crc=crc, offset=3)
    assert data[frame.start : frame.end] == PAYLOAD
    assert frame.start == 3 + FRAME_BYTES


def test_bytes_behind_a_frame_do_not_matter() -> None:
    assert read_frame(a_frame() + b"more", 3, SEED) == read_frame(a_frame(), 3, SEED)


@pytest.mark.parametrize("length", range(3, 3 + FRAME_BYTES + len(PAYLOAD)))
def test_a_frame_cut_anywhere_is_none(length: int) -> None:
    assert read_frame(a_frame()[:length], 3, SEED) is None


@pytest.mark.parametrize("bit", range(8))
def test_a_frame_flipped_anywhere_is_none(bit: int) -> None:
    data = a_frame()
    for at in range(3, len(data)):
        flipped = data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
        assert read_frame(flipped, 3, SEED) is None


def test_a_frame_made_without_the_seed_is_none() -> None:
    assert read_frame(a_frame(0), 3, SEED) is None


def test_a_segment_header_is_read_as_it_was_written() -> None:
    data = pack_segment_header(HEADER)
    assert len(data) == SEGMENT_HEADER_BYTES
    header = read_segment_header(HEADER.name, data + b"frames")
    assert header is not None
    assert header == HEADER._replace(crc=header.crc)
    assert header.seed == HEADER.seed


@pytest.mark.parametrize("length", range(SEGMENT_HEADER_BYTES))
def test_a_segment_header_cut_anywhere_is_none(length: int) -> None:
    assert read_segment_header(HEADER.name, pack_segment_header(HEADER)[:length]) is None


@pytest.mark.parametrize("bit", range(8))
def test_a_segment_header_flipped_anywhere_is_none(bit: int) -> None:
    data = pack_segment_header(HEADER)
    for at in range(len(data)):
        flipped = data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
        assert read_segment_header(HEADER.name, flipped) is None


def test_a_segment_under_another_name_is_none() -> None:
    assert read_segment_header("0000000000000020.journal", pack_segment_header(HEADER)) is None


def test_another_format_is_refused_before_anything_else() -> None:
    data = pack_segment_header(HEADER._replace(version=3))
    with pytest.raises(StorageError, match="format 3 of a newer mqbroker; this one reads formats 1 and 2"):
        read_segment_header(HEADER.name, data)
