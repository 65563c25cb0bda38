"""Sealed frames and key blocks: their bytes, as another implementation of AES-GCM makes them; cut, flipped, swapped."""

import pytest

from mqbroker.errors import KeyMissing
from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import KEY_BLOCK_BYTES, KeyBlock, Keyring, key_id_of, pack_key_block, read_key_block
from mqbroker.storage.log.frame import FLAG_FILLER, FRAME_BYTES, SEALED, TAG_BYTES, Frame, pack_frame, read_frame
from mqbroker.storage.log.segment import SEGMENT_HEADER_BYTES, encrypted, pack_segment_header, read_segment_header
from tests.storage.test_frame import HEADER, SEED

SECRET = bytes(range(32))
KEY = DataKey(SECRET)
PAYLOAD = b"entries" + b"facts"
FRAME = Frame(7, 5, 5, flags=1, entries_bytes=7, entries=2, facts=1, cipher=SEALED)
FILLER = Frame(7, 5, 5, flags=FLAG_FILLER, entries_bytes=12, entries=0, facts=0, cipher=SEALED)
SEALED_PAYLOAD = bytes.fromhex("8503676d7e722d9ca53c9b5ca6236d18ee56cedf2367a8d924f51c11")
MARKED_PAYLOAD = bytes(12) + bytes.fromhex("2c26942b386288cb7e698e5ba10385c7")
WRAPPED = bytes.fromhex(
    "c33f730dd138d39b0f480e3e8d2fb3ea9b1a8a58463ca595b4babbcfd68786cf0f433184d498f1df25b1434d2d5fac0d"
)
KEY_ID = "1d7a0476ce43d53a"
BLOCK = KeyBlock(KEY_ID, b"n" * 12, WRAPPED)


def entropy(size: int) -> bytes:
    """The data key is all d, the nonce all n."""
    return (b"d" if size == 32 else b"n") * size


def read_back(frame: Frame, payload: bytes) -> Frame:
    """The frame as it is read from a segment in which it is packed with this payload."""
    found = read_frame(pack_frame(frame, payload, 99, SEED)[0] + payload, 0, SEED, SEALED)
    assert found is not None
    return found


def opened(frame: Frame, payload: bytes) -> bytes | None:
    return KEY.open(read_back(frame, payload), memoryview(payload))


def test_a_payload_is_sealed_with_the_header_and_the_batch_as_nonce() -> None:
    assert KEY.seal(FRAME, PAYLOAD, 99) == SEALED_PAYLOAD
    assert opened(FRAME, SEALED_PAYLOAD) == PAYLOAD
    frame = read_back(FRAME, SEALED_PAYLOAD)
    assert (frame.start, frame.content_end) == (FRAME_BYTES, FRAME_BYTES + len(PAYLOAD))
    assert frame.end == frame.content_end + TAG_BYTES


def test_a_filler_is_marked() -> None:
    assert KEY.mark(FILLER, len(MARKED_PAYLOAD), 99) == MARKED_PAYLOAD
    assert opened(FILLER, MARKED_PAYLOAD) == bytes(12)


@pytest.mark.parametrize(("frame", "payload"), [(FRAME, SEALED_PAYLOAD), (FILLER, MARKED_PAYLOAD)])
def test_a_payload_flipped_anywhere_does_not_open_though_its_checksum_is_good(frame: Frame, payload: bytes) -> None:
    for at in range(len(payload)):
        for bit in range(8):
            assert opened(frame, payload[:at] + bytes((payload[at] ^ 1 << bit,)) + payload[at + 1 :]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"lsn": 8}, {"previous_lsn": 4}, {"committed": 4}, {"flags": 0}, {"flags": FLAG_FILLER}, {"entries_bytes": 6},
        {"entries": 1}, {"facts": 2},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_changed_anywhere_does_not_open_though_its_checksum_is_good(change: dict[str, int]) -> None:
    assert opened(FRAME._replace(**change), SEALED_PAYLOAD) is None


def test_another_place_in_the_chain_does_not_open() -> None:
    frame = read_back(FRAME, SEALED_PAYLOAD)
    assert KEY.open(frame._replace(previous_crc=98), memoryview(SEALED_PAYLOAD)) is None


def test_another_key_does_not_open() -> None:
    frame = read_back(FRAME, SEALED_PAYLOAD)
    assert DataKey(SECRET[::-1]).open(frame, memoryview(SEALED_PAYLOAD)) is None


def test_a_batch_cannot_be_turned_into_a_filler_nor_a_filler_into_a_batch() -> None:
    assert opened(FRAME._replace(flags=FLAG_FILLER), SEALED_PAYLOAD) is None
    assert opened(FILLER._replace(flags=0), MARKED_PAYLOAD) is None


@pytest.mark.parametrize("frame", [FRAME, FILLER])
@pytest.mark.parametrize("length", range(TAG_BYTES))
def test_a_payload_without_room_for_a_tag_does_not_open(frame: Frame, length: int) -> None:
    assert opened(frame, bytes(length)) is None


@pytest.mark.parametrize(("written", "expected"), [(0, 1), (1, 0)])
def test_a_frame_of_the_other_kind_is_none(written: int, expected: int) -> None:
    data = pack_frame(FRAME._replace(cipher=written), SEALED_PAYLOAD, 99, SEED)[0] + SEALED_PAYLOAD
    assert read_frame(data, 0, SEED, expected) is None


def test_an_encrypted_segment_has_its_key_block_behind_the_header() -> None:
    header, _ = encrypted(HEADER, Keyring([SECRET]), entropy)
    data = pack_segment_header(header)
    assert header.key_block == BLOCK
    block = bytes.fromhex(KEY_ID) + b"n" * 12 + WRAPPED + bytes(8) + bytes.fromhex("45858c51")
    assert data[SEGMENT_HEADER_BYTES:] == block
    assert len(block) == KEY_BLOCK_BYTES
    found = read_segment_header(HEADER.name, data + b"frames")
    assert found is not None
    assert found == header._replace(crc=found.crc)
    assert found.frames_at == len(data)


@pytest.mark.parametrize("length", range(SEGMENT_HEADER_BYTES + KEY_BLOCK_BYTES))
def test_the_opening_of_an_encrypted_segment_cut_anywhere_is_none(length: int) -> None:
    header, _ = encrypted(HEADER, Keyring([SECRET]), entropy)
    assert read_segment_header(HEADER.name, pack_segment_header(header)[:length]) is None


@pytest.mark.parametrize("bit", range(8))
def test_a_key_block_flipped_anywhere_is_none(bit: int) -> None:
    block = pack_key_block(BLOCK)
    assert read_key_block(b"abc" + block, 3) == BLOCK
    for at in range(len(block)):
        assert read_key_block(block[:at] + bytes((block[at] ^ 1 << bit,)) + block[at + 1 :], 0) is None


def test_the_id_of_a_key_is_a_hash_of_it() -> None:
    assert key_id_of(SECRET) == KEY_ID
    assert Keyring([SECRET]).key_id == KEY_ID


def test_a_data_key_is_unwrapped_behind_its_own_header_only() -> None:
    header = pack_segment_header(HEADER._replace(version=2))
    key = Keyring([SECRET]).unwrap("name", header, BLOCK)
    assert key is not None
    assert key.seal(FRAME, PAYLOAD, 99) == DataKey(b"d" * 32).seal(FRAME, PAYLOAD, 99)
    other = pack_segment_header(HEADER._replace(version=2, previous_lsn=1))
    assert Keyring([SECRET]).unwrap("name", other, BLOCK) is None


def test_a_second_key_unwraps_and_the_first_one_wraps() -> None:
    header = pack_segment_header(HEADER._replace(version=2))
    keyring = Keyring([b"x" * 32, SECRET])
    assert keyring.unwrap("name", header, BLOCK) is not None
    assert keyring.wrap(header, entropy)[1].key_id == key_id_of(b"x" * 32)


def test_a_missing_key_is_named_with_the_option_and_what_is_given() -> None:
    with pytest.raises(KeyMissing) as caught:
        Keyring([b"x" * 32, b"y" * 32]).unwrap("1.journal", b"", BLOCK)
    given = f"{key_id_of(b'x' * 32)} and {key_id_of(b'y' * 32)}"
    expected = f"1.journal is encrypted with the key {KEY_ID}, and what is given is {given} "
    assert str(caught.value) == expected + "(option journal.encryption_keys)"


def test_no_secret_is_in_a_repr() -> None:
    shown = repr((KEY, Keyring([SECRET]), encrypted(HEADER, Keyring([SECRET]), entropy)))
    assert SECRET.hex() not in shown
    assert repr(SECRET) not in shown
    assert "dddd" not in shown
