"""Cuts the damage out of a journal, on the operator's word only. What is good stays, also after the damage.

Every file that changes is first kept whole as `NAME.damaged` (`.damaged.2`, ...). In a damaged segment a filler frame
takes the place of the lost batches; a lost segment is replaced by one that holds only a filler; what cannot be read at
all is set aside. After a crash in between, the next repair finishes the work. A filler in an encrypted journal is
marked with the key of its segment, so nobody without the key can cut anything out.
"""

import os

from mqbroker.storage.keys.cipher import DataKey
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.frame import FLAG_FILLER, FRAME_BYTES, SEALED, TAG_BYTES, Frame, pack_frame
from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import (
    DAMAGED_SUFFIX,
    ID_BYTES,
    SegmentHeader,
    encrypted,
    first_lsn_of,
    opening_bytes,
    opening_crc,
    pack_segment_header,
)
from mqbroker.storage.tools.survey import Finding, Role, Survey

MENDED = "mended"
"""The name under which a segment is written before it takes the place of the damaged one."""


class Repair:
    """One repair. `plan` says what is done; nothing changes before `run`."""

    def __init__(self, disk: Disk, keyring: Keyring | None = None) -> None:
        """KeyMissing when a segment that is needed is encrypted with another key."""
        self._disk = disk
        self._keyring = keyring
        self._survey = Survey(disk, keyring)
        self._findings = [finding for finding in self._survey.findings if finding.damage]
        self.plan = [f"{damage}; {self._remedy(finding)}" for finding in self._findings for damage in finding.damage]

    def _remedy(self, finding: Finding) -> str:
        kept = f"the file is kept as {finding.name}{DAMAGED_SUFFIX}"
        if finding.role is Role.UNREADABLE:
            return f"the journal ends before this segment, and {kept}"
        if finding.scan is None:
            return "its messages are given up"
        if finding.role is Role.NEWEST and finding.scan.resume < 0:
            return f"the journal ends there, and {kept}"
        if self._is_ours(finding):
            return f"the batches in there are cut out, and {kept}"
        return f"its messages are given up, and {kept}"

    def run(self) -> None:
        """Carries the plan out."""
        for finding in self._findings:
            if finding.scan is not None:
                self._write(self._kept_name(finding.name), finding.scan.data)
            if finding.role is Role.UNREADABLE:
                self._disk.delete(finding.name)
            else:
                self._write(MENDED, self._mended(finding))
                self._disk.rename(MENDED, finding.name)
            self._disk.sync_names()

    def _kept_name(self, name: str) -> str:
        """An earlier repair may have kept a file of this name already."""
        names = self._disk.names()
        kept = name + DAMAGED_SUFFIX
        number = 2
        while kept in names:
            kept = f"{name}{DAMAGED_SUFFIX}.{number}"
            number += 1
        return kept

    def _write(self, name: str, content: bytes) -> None:
        self._disk.prepare(name, max(1, len(content)))
        self._disk.write(name, [content], 0, True)
        self._disk.finish(name, len(content))
        self._disk.sync_names()

    def _is_ours(self, finding: Finding) -> bool:
        newest = self._survey.newest
        if newest is None or newest.scan is None or finding.scan is None or finding.scan.header is None:
            return False
        if finding.scan.is_plain and finding.is_encrypted:
            return False
        assert newest.scan.header is not None
        return finding.scan.header.cluster_id == newest.scan.header.cluster_id

    def _mended(self, finding: Finding) -> bytes:
        if not self._is_ours(finding):
            return self._substitute(finding)
        scan = finding.scan
        assert scan is not None
        if finding.role is Role.NEWEST:
            return _mend_newest(scan)
        return _mend_needed(scan, finding.last_lsn)

    def _substitute(self, finding: Finding) -> bytes:
        """A segment that holds nothing, in the place of one that is lost."""
        newest = self._survey.newest
        assert newest is not None
        assert newest.scan is not None
        assert newest.scan.header is not None
        first_lsn = first_lsn_of(finding.name)
        cipher = newest.scan.header.cipher
        size = _filler_bytes_min(cipher)
        header = SegmentHeader(
            opening_bytes(cipher) + size, first_lsn, first_lsn - 1, newest.scan.header.cluster_id,
            os.urandom(ID_BYTES), epoch=newest.scan.header.epoch,
        )  # fmt: skip
        key = None
        if cipher == SEALED:
            assert self._keyring is not None
            header, key = encrypted(header, self._keyring, os.urandom)
        opening = pack_segment_header(header)
        crc = opening_crc(opening)
        return opening + _filler(header, key, finding.last_lsn, first_lsn - 1, size, crc)


def _filler_bytes_min(cipher: int) -> int:
    return FRAME_BYTES + TAG_BYTES * cipher


def _filler(
    header: SegmentHeader, key: DataKey | None, lsn: int, previous_lsn: int, size: int, previous_crc: int
) -> bytes:
    """A frame of `size` bytes that says nothing."""
    payload_bytes = size - FRAME_BYTES
    frame = Frame(
        lsn, previous_lsn, previous_lsn, FLAG_FILLER, payload_bytes - TAG_BYTES * header.cipher, 0, 0,
        cipher=header.cipher, epoch=header.epoch,
    )  # fmt: skip
    payload = bytes(payload_bytes) if key is None else key.mark(frame, payload_bytes, previous_crc)
    return pack_frame(frame, payload, previous_crc, header.seed)[0] + payload


def _mend_newest(scan: Scan) -> bytes:
    """With fillers in the gaps; what follows the last good batch becomes zeros."""
    while _has_room(scan):
        scan = _fill_gap(scan)
    assert scan.header is not None
    content = scan.data[: scan.end]
    if scan.is_closed and scan.tail is Tail.FINISHED:
        # A lost newer segment may have said that these messages were delivered: they count as delivered before.
        lsn, crc = _end_of(scan)
        content += _filler(scan.header, scan.key, lsn + 1, lsn, _filler_bytes_min(scan.header.cipher), crc)
    return content + bytes(max(scan.header.size_bytes - len(content), 1))


def _mend_needed(scan: Scan, last_lsn: int) -> bytes:
    """With fillers in the gaps, and one at the end if the last batches are lost."""
    while scan.last_lsn != last_lsn and _has_room(scan):
        scan = _fill_gap(scan, last_lsn)
    if scan.last_lsn == last_lsn:
        return scan.data
    assert scan.header is not None
    lsn, crc = _end_of(scan)
    size = _filler_bytes_min(scan.header.cipher)
    return scan.data[: scan.end] + _filler(scan.header, scan.key, last_lsn, lsn, size, crc)


def _has_room(scan: Scan) -> bool:
    """Whether a good frame follows, with a filler's room before it. Lost batches leave more than that."""
    assert scan.header is not None
    return scan.resume - scan.end >= _filler_bytes_min(scan.header.cipher)


def _fill_gap(scan: Scan, last_lsn: int = -1) -> Scan:
    """The segment with a filler from its last good batch to the next one, read up to `last_lsn`."""
    assert scan.header is not None
    resumed = scan.header.read_frame(scan.data, scan.resume)
    assert resumed is not None
    lsn, crc = _end_of(scan)
    size = scan.resume - scan.end
    filler = _filler(scan.header, scan.key, resumed.previous_lsn, lsn, size, crc)
    return scan.changed(scan.data[: scan.end] + filler + scan.data[scan.resume :], last_lsn)


def _end_of(scan: Scan) -> tuple[int, int]:
    """The number and checksum that the next frame has to name."""
    assert scan.header is not None
    if scan.frames:
        return scan.frames[-1].lsn, scan.frames[-1].crc
    return scan.header.previous_lsn, scan.header.crc
