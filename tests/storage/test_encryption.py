"""An encrypted journal: turning it on, changing keys, going without one, and what somebody can do who has none.

Whoever can write to the disk can make every checksum good: their seed follows from the header. So here they are.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from crc32c import crc32c

from mqbroker.errors import JournalCorrupt, KeyMissing, StorageError
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.frame import FLAG_FILLER, FRAME_BYTES, Frame, pack_frame
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.tools.verify import inspect, repair, verify
from tests.storage.house import KEYRING, Journal, a_message, an_entry, sequences
from tests.storage.simdisk import SimDisk
from tests.storage.test_verify import laid_out

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SECRETS = (b"a body", b"a-routing-key", b"amq.direct", b"queue/name", b"user/name", b"password-hash")


def a_journal(keyring: Keyring | None = KEYRING, batches: int = 4, size: int = 100) -> Journal:
    """A journal with that many entries, one in a batch."""
    return filled(Journal(keyring=keyring), batches, size)


def filled(journal: Journal, batches: int = 4, size: int = 100, first: int = 0) -> Journal:
    for sequence in range(first, first + batches):
        journal.put(an_entry(sequence, body=bytes([sequence % 251]) * size))
    return journal


def names_of(disk: SimDisk) -> list[str]:
    return segment_names(disk.names())


def scan_of(disk: SimDisk, index: int = -1, keyring: Keyring | None = KEYRING) -> Scan:
    name = names_of(disk)[index]
    return Scan(name, disk.read(name), keyring=keyring)


def changed(disk: SimDisk, change: Callable[[bytearray, Scan], None], index: int = -1) -> SimDisk:
    """The disk after a kill, with one segment changed."""
    after = disk.after_kill()
    scan = scan_of(after, index)
    content = bytearray(scan.data)
    change(content, scan)
    after.put(scan.name, bytes(content))
    return after


def make_good(data: bytearray, offset: int, seed: int) -> None:
    """Computes the checksums of the frame at `offset` anew, as anybody can."""
    (payload_bytes,) = struct.unpack_from("<I", data, offset + 16)
    payload = bytes(data[offset + FRAME_BYTES : offset + FRAME_BYTES + payload_bytes])
    struct.pack_into("<I", data, offset + 36, crc32c(payload, seed))
    struct.pack_into("<I", data, offset + 4, crc32c(bytes(data[offset + 8 : offset + FRAME_BYTES]), seed))


def seed_of(scan: Scan) -> int:
    assert scan.header is not None
    return scan.header.seed


def refused(disk: SimDisk, reason: str, keyring: Keyring | None = KEYRING) -> JournalCorrupt:
    before = {name: disk.read(name) for name in disk.names()}
    with pytest.raises(JournalCorrupt, match=reason) as caught:
        Journal(disk, keyring=keyring)
    assert {name: disk.read(name) for name in disk.names()} == before
    return caught.value


# --- what is on the disk --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyring", [None, KEYRING], ids=["plain", "encrypted"])
def test_nothing_that_was_said_is_on_the_disk_in_clear(keyring: Keyring | None) -> None:
    journal = Journal(keyring=keyring)
    journal.ledger.define("queue/name", b"durable")
    journal.ledger.define("user/name", b"password-hash")
    journal.put(an_entry(1, message=a_message(b"a body", "a-routing-key")))
    journal.ledger.close()
    found = b"".join(journal.disk.read(name) for name in journal.disk.names())
    assert [secret in found for secret in SECRETS] == [keyring is None] * len(SECRETS)
    assert journal.reopen().recovered.entries[1][0].message.routing_key == "a-routing-key"


def test_equal_batches_look_different() -> None:
    journal = Journal(keyring=KEYRING)
    for _ in range(3):
        journal.ledger.define("a", b"b" * 100)
        journal.ledger.seal()
    scan = scan_of(journal.disk)
    payloads = {scan.data[frame.start : frame.end] for frame in scan.frames}
    assert len(payloads) == len(scan.frames) == 4


def test_each_segment_has_a_key_of_its_own() -> None:
    journal = a_journal(batches=12, size=800)
    blocks = [scan_of(journal.disk, index).header for index in range(len(names_of(journal.disk)))]
    wrapped = {header.key_block.wrapped for header in blocks if header and header.key_block}
    assert len(wrapped) == len(blocks) >= 3


# --- keys -----------------------------------------------------------------------------------------------------------


def test_without_a_key_it_is_refused_with_the_key_and_the_option() -> None:
    journal = a_journal()
    with pytest.raises(KeyMissing) as caught:
        Journal(journal.disk.after_kill())
    name = names_of(journal.disk)[-1]
    sentence = f"{name} is encrypted with the key {KEYRING.key_id}, and no key is given"
    assert str(caught.value) == f"{sentence} (option journal.encryption_keys)"
    assert caught.value.key_id == KEYRING.key_id


def test_with_another_key_it_is_refused() -> None:
    with pytest.raises(KeyMissing, match=f"key {KEYRING.key_id}, and what is given is {Keyring([NEW]).key_id} "):
        Journal(a_journal().disk.after_kill(), keyring=Keyring([NEW]))


def test_a_new_key_in_front_encrypts_what_follows_and_the_old_one_may_go_with_its_segments() -> None:
    disk = a_journal(Keyring([OLD])).disk.after_kill()
    both = Keyring([NEW, OLD])
    journal = Journal(disk, keyring=both)
    assert journal.found() == {1: [0, 1, 2, 3]}
    journal.put(an_entry(9))
    with pytest.raises(KeyMissing, match=f"is encrypted with the key {Keyring([OLD]).key_id}"):
        Journal(journal.disk.after_kill(), keyring=Keyring([NEW]))
    again = journal.reopen()
    assert again.found() == {1: [0, 1, 2, 3, 9]}
    for entry in again.recovered.entries[1][:4]:
        again.ledger.settle(entry)
    again.ledger.seal()
    assert Journal(again.disk.after_kill(), keyring=Keyring([NEW])).found() == {1: [9]}


def test_a_plain_journal_is_encrypted_from_the_next_start_on() -> None:
    plain = a_journal(None)
    journal = Journal(plain.disk.after_kill(), keyring=KEYRING)
    assert journal.found() == {1: [0, 1, 2, 3]}
    assert journal.recovered.plain_segments == 1
    journal.put(an_entry(9, body=b"from here on"))
    assert [scan_of(journal.disk, index).is_encrypted for index in (0, -1)] == [False, True]
    again = journal.reopen()
    assert again.found() == {1: [0, 1, 2, 3, 9]}
    for entry in again.recovered.entries[1][:4]:
        again.ledger.settle(entry)
    again.ledger.seal()
    assert again.reopen().recovered.plain_segments == 0


def test_a_segment_of_which_nothing_is_needed_needs_no_key() -> None:
    journal = a_journal(Keyring([OLD]))
    name = names_of(journal.disk)[0]
    content = journal.disk.read(name)
    again = Journal(journal.disk.after_kill(), keyring=Keyring([NEW, OLD]))
    for entry in again.recovered.entries[1]:
        again.ledger.settle(entry)
    again.ledger.seal()
    disk = again.disk.after_kill()
    disk.put(name, content)
    assert Journal(disk, keyring=Keyring([NEW])).found() == {}


# --- somebody without the key, but with good checksums --------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, -1], ids=["first", "middle", "last"])
def test_a_changed_batch_is_refused_with_its_range_also_at_the_end(index: int) -> None:
    disk = a_journal().disk
    frame = scan_of(disk).frames[index]

    def change(data: bytearray, scan: Scan) -> None:
        data[frame.start + 3] ^= 1
        make_good(data, frame.offset, seed_of(scan))

    error = refused(changed(disk, change), "a batch was written by somebody without the key")
    assert error.start == frame.offset
    assert error.end >= frame.end


HEADER_FIELDS = {"flags": 10, "entries bytes": 20, "its highest byte": 23, "entries": 24, "facts": 28, "committed": 56}


@pytest.mark.parametrize("at", HEADER_FIELDS.values(), ids=HEADER_FIELDS)
def test_a_changed_header_of_the_last_batch_is_refused(at: int) -> None:
    def change(data: bytearray, scan: Scan) -> None:
        data[scan.frames[-1].offset + at] ^= 1
        make_good(data, scan.frames[-1].offset, seed_of(scan))

    refused(changed(a_journal().disk, change), "a batch was written by somebody without the key")


def test_two_batches_that_changed_places_are_refused() -> None:
    def change(data: bytearray, scan: Scan) -> None:
        one, two = scan.frames[1], scan.frames[2]
        assert one.payload_bytes == two.payload_bytes
        first, second = data[one.start : one.end], data[two.start : two.end]
        data[one.start : one.end], data[two.start : two.end] = second, first
        make_good(data, one.offset, seed_of(scan))
        struct.pack_into("<I", data, two.offset + 12, int.from_bytes(data[one.offset + 4 : one.offset + 8], "little"))
        make_good(data, two.offset, seed_of(scan))

    refused(changed(a_journal().disk, change), "a batch was written by somebody without the key")


def test_a_batch_that_was_cut_out_behind_a_forged_filler_is_refused() -> None:
    def change(data: bytearray, scan: Scan) -> None:
        lost = scan.frames[2]
        payload = bytes(lost.payload_bytes)
        filler = Frame(lost.lsn, lost.previous_lsn, 0, FLAG_FILLER, 0, 0, 0, cipher=1)
        header, _ = pack_frame(filler, payload, lost.previous_crc, seed_of(scan))
        data[lost.offset : lost.end] = header + payload

    refused(changed(a_journal().disk, change), "a batch was written by somebody without the key")


def test_a_segment_with_the_frames_of_another_one_is_refused() -> None:
    disk = a_journal(batches=12, size=800).disk
    other = scan_of(disk, 0)
    refused(changed(disk, lambda data, scan: data.__setitem__(slice(160, None), other.data[160:]), 1), "damaged")


def test_a_segment_under_the_name_of_another_one_is_refused() -> None:
    disk = a_journal(batches=12, size=800).disk.after_kill()
    first, second, *_ = names_of(disk)
    content = bytearray(disk.read(first))
    struct.pack_into("<Q", content, 24, int(second[:16], 16))
    struct.pack_into("<I", content, 8, crc32c(bytes(content[12:80])))
    disk.put(second, bytes(content))
    refused(disk, "damaged")


def test_a_key_block_of_another_segment_is_refused() -> None:
    disk = a_journal(batches=12, size=800).disk
    other = scan_of(disk, 0)
    forged = changed(disk, lambda data, scan: data.__setitem__(slice(80, 160), other.data[80:160]))
    refused(forged, "the beginning of the newest segment is not readable")


def test_a_plain_segment_in_the_place_of_an_encrypted_one_is_refused() -> None:
    """Somebody writes messages of his own: with the id of the journal, which is no secret, and the right numbers."""
    disk = a_journal(batches=12, size=800).disk.after_kill()
    name = names_of(disk)[0]
    forged = Journal()
    filled(forged, 4, 800, first=100)
    content = bytearray(forged.disk.read(name))
    content[48:64] = disk.read(name)[48:64]
    struct.pack_into("<I", content, 8, crc32c(bytes(content[12:80])))
    disk.put(name, bytes(content))
    refused(disk, "it is not encrypted, though the newest segment knows it as encrypted")


def test_a_plain_newest_segment_that_names_encrypted_ones_is_refused() -> None:
    """Somebody adds a user of his own in front of the messages of others, which he cannot read himself."""
    disk = a_plain_newest_segment()
    first, last = names_of(disk)[0], names_of(disk)[-1]
    error = refused(disk, f"it is not encrypted, though {first} before it is")
    assert error.path.endswith(last)


def a_plain_newest_segment() -> SimDisk:
    """An encrypted journal after whose last segment comes a plain one that keeps the messages of the others."""
    disk = a_journal(batches=12, size=800).disk.after_kill()
    journal = Journal(disk.after_kill(), keyring=KEYRING)
    encoder = journal.ledger.encoder
    encoder._keyring, encoder._cipher, encoder._frame_bytes = None, 0, FRAME_BYTES
    journal.ledger.define("user/mine", b"known")
    filled(journal, 4, 1000, first=50)
    after = journal.disk.after_kill()
    encrypted = [name for name in names_of(after) if after.read(name)[12] == 2]
    assert not scan_of(after).is_encrypted
    assert len(encrypted) >= 3
    return after


# --- looking at it and mending it -----------------------------------------------------------------------------------


def test_the_report_says_which_key_each_segment_needs(tmp_path: Path) -> None:
    journal = Journal(a_journal(Keyring([OLD])).disk.after_kill(), keyring=Keyring([NEW, OLD]))
    laid_out(journal.disk, tmp_path)
    report = verify(tmp_path, Keyring([NEW, OLD]))
    assert [segment.key_id for segment in report.segments] == [Keyring([OLD]).key_id, Keyring([NEW]).key_id]
    assert f" facts, encrypted with the key {Keyring([OLD]).key_id}\n" in str(report)
    with pytest.raises(KeyMissing):
        verify(tmp_path)


def test_the_listing_shows_what_the_keys_open_and_names_the_keys_that_are_missing(tmp_path: Path) -> None:
    journal = Journal(a_journal(Keyring([OLD])).disk.after_kill(), keyring=Keyring([NEW, OLD]))
    laid_out(journal.disk, tmp_path)
    text = "\n".join(inspect(tmp_path, Keyring([NEW])))
    assert f"is encrypted with the key {Keyring([OLD]).key_id}, and what is given is" in text
    assert f"after batch 5, encrypted with the key {Keyring([NEW]).key_id}" in text
    assert "    checkpoint" in text
    assert "published queue 1 sequence 3" not in text
    assert "published queue 1 sequence 3" in "\n".join(inspect(tmp_path, Keyring([OLD, NEW])))


@pytest.mark.parametrize("index", [1, -1], ids=["middle", "last"])
def test_a_forged_batch_is_reported_and_cut_out(tmp_path: Path, index: int) -> None:
    def change(data: bytearray, scan: Scan) -> None:
        data[scan.frames[index].start + 3] ^= 1
        make_good(data, scan.frames[index].offset, seed_of(scan))

    disk = a_journal().disk
    laid_out(changed(disk, change), tmp_path)
    (damage,) = verify(tmp_path, KEYRING).damage
    assert damage.start == scan_of(disk).frames[index].offset
    assert "a batch was written by somebody without the key" in damage.reason
    assert len(repair(tmp_path, keyring=KEYRING)) == 1
    assert verify(tmp_path, KEYRING).is_sound
    assert sequences(on_simulated_disk(tmp_path).recovered) == {1: [1, 2, 3] if index == 1 else [0, 1, 2]}


def test_what_a_repair_cut_out_cannot_be_stretched_by_others(tmp_path: Path) -> None:
    laid_out(changed(a_journal().disk, lambda data, scan: data.__setitem__(scan.frames[1].start, 0)), tmp_path)
    repair(tmp_path, keyring=KEYRING)
    disk = on_simulated_disk(tmp_path).disk.after_kill()
    name = names_of(disk)[0]
    (filler,) = [frame for frame in scan_of(disk, 0).frames if frame.flags & FLAG_FILLER]

    def change(data: bytearray, scan: Scan) -> None:
        following = scan.frames[scan.frames.index(filler) + 1]
        length = following.end - filler.start
        struct.pack_into("<I", data, filler.offset + 16, length)
        struct.pack_into("<Q", data, filler.offset + 40, following.lsn)
        data[following.offset : following.end] = bytes(following.end - following.offset)
        make_good(data, filler.offset, seed_of(scan))

    error = refused(changed(disk, change, 0), "a batch was written by somebody without the key")
    assert error.path.endswith(name)


def test_a_forged_newest_segment_is_set_aside(tmp_path: Path) -> None:
    disk = a_plain_newest_segment()
    laid_out(disk, tmp_path)
    assert "it is not encrypted, though" in str(verify(tmp_path, KEYRING))
    assert "the journal ends before this segment" in repair(tmp_path, keyring=KEYRING)[-1]
    assert verify(tmp_path, KEYRING).is_sound
    again = on_simulated_disk(tmp_path)
    assert "user/mine" not in again.recovered.definitions
    assert set(again.found()[1]) >= set(range(12))


def test_a_forged_older_segment_is_given_up(tmp_path: Path) -> None:
    disk = a_journal(batches=12, size=800).disk.after_kill()
    name = names_of(disk)[0]
    content = bytearray(filled(Journal(), 4, 800, first=100).disk.read(name))
    content[48:64] = disk.read(name)[48:64]
    struct.pack_into("<I", content, 8, crc32c(bytes(content[12:80])))
    disk.put(name, bytes(content))
    laid_out(disk, tmp_path)
    (sentence,) = repair(tmp_path, keyring=KEYRING)
    assert "its messages are given up" in sentence
    again = on_simulated_disk(tmp_path)
    assert all(sequence < 100 for sequence in again.found()[1])


def test_a_repair_without_the_key_changes_nothing(tmp_path: Path) -> None:
    laid_out(changed(a_journal().disk, lambda data, scan: data.__setitem__(scan.frames[1].start, 0)), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(StorageError, match="no key is given"):
        repair(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def on_simulated_disk(directory: Path) -> Journal:
    """What a broker with the key finds there."""
    disk = SimDisk()
    for path in directory.iterdir():
        disk.put(path.name, path.read_bytes())
    return Journal(disk, keyring=KEYRING)
