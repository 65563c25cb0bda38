"""The operator's tools for a journal: is it good, what is in it, and mend it.

`verify` and `inspect` only read, and work beside a running broker too; `repair` needs the journal for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mqbroker.errors import KeyMissing
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.disk import Disk, FileDisk
from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.recovery import TORN
from mqbroker.storage.tools.index_check import wrong_indexes
from mqbroker.storage.tools.listing import list_segment
from mqbroker.storage.tools.repair import Repair
from mqbroker.storage.tools.survey import Damage, Finding, Role, Survey

SURVEYS_MAX = 5  # how often to look again when a running broker changed the journal meanwhile


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """One segment. `state` is its role in the journal."""

    name: str
    state: str
    size_bytes: int
    batches: int
    entries: int
    facts: int
    key_id: str
    """The id of the master key that it is encrypted with, empty for a plain one."""

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.state}, {self.size_bytes} bytes, {self.batches} batches, {self.entries} entries, "
            f"{self.facts} facts{f', encrypted with the key {self.key_id}' if self.key_id else ''}"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What `verify` found. `str(report)` is it in lines."""

    path: str
    segments: list[SegmentReport]
    damage: list[Damage]
    notes: list[str]

    @property
    def is_sound(self) -> bool:
        """Whether a broker would start with this journal."""
        return not self.damage

    def __str__(self) -> str:
        lines = [*map(str, self.segments), *self.notes, *(f"damaged: {damage}" for damage in self.damage)]
        batches = sum(segment.batches for segment in self.segments)
        verdict = "sound" if self.is_sound else "DAMAGED"
        return "\n".join([*lines, f"{self.path}: {len(self.segments)} segments, {batches} batches: {verdict}"])


def verify(directory: Path, keyring: Keyring | None = None) -> Report:
    """Checks every batch of the journal in `directory`.

    StorageError for a format of another version, KeyMissing for a segment that is encrypted with another key.
    """
    return report(FileDisk(directory, exclusive=False), keyring)


def inspect(directory: Path, keyring: Keyring | None = None) -> Iterator[str]:
    """One line for each segment, batch and record of the journal in `directory`, without bodies and values.

    Of a segment whose key is not given it says only which key that is.
    """
    disk = FileDisk(directory, exclusive=False)
    try:
        for name in segment_names(disk.names()):
            yield from _lines(name, disk.read(name), keyring)
    finally:
        disk.close()


def _lines(name: str, data: bytes, keyring: Keyring | None) -> Iterator[str]:
    try:
        scan = Scan(name, data, keyring=keyring)
    except KeyMissing as error:
        return iter((str(error),))
    return list_segment(scan)


def repair(directory: Path, dry_run: bool = False, keyring: Keyring | None = None) -> list[str]:
    """Cuts the damage out of the journal in `directory`; returns one sentence for each. With `dry_run` only those.

    ConfigError when a broker has it open, KeyMissing when a segment that is needed is encrypted with another key.
    """
    disk = FileDisk(directory)
    try:
        work = Repair(disk, keyring)
        if not dry_run:
            work.run()
        return work.plan
    finally:
        disk.close()


def report(disk: Disk, keyring: Keyring | None = None) -> Report:
    """Checks every batch of the journal on `disk`, and closes it."""
    try:
        survey = _survey(disk, keyring)
    finally:
        disk.close()
    return Report(
        disk.path, [_segment_report(finding) for finding in survey.findings if finding.scan],
        survey.damage + [damage for finding in survey.findings for damage in _wrong_indexes(finding)],
        [note for finding in survey.findings for note in _notes(finding)],
    )  # fmt: skip


def _survey(disk: Disk, keyring: Keyring | None) -> Survey:
    """A survey during which no running broker changed what it depends on."""
    before = None
    for _ in range(SURVEYS_MAX):
        try:
            survey = Survey(disk, keyring)
        except FileNotFoundError:
            continue
        newest = survey.newest and (survey.newest.name, survey.newest.last_lsn)
        if not survey.damage or newest == before:
            return survey
        before = newest
    return Survey(disk, keyring)


def _segment_report(finding: Finding) -> SegmentReport:
    scan = finding.scan
    assert scan is not None
    frames = scan.batches
    block = scan.header and scan.header.key_block
    return SegmentReport(
        finding.name, finding.role.value, len(scan.data), len(frames), sum(frame.entries for frame in frames),
        sum(frame.facts for frame in frames), block.key_id if block else "",
    )  # fmt: skip


def _wrong_indexes(finding: Finding) -> Iterator[Damage]:
    scan = finding.scan
    if scan is not None and finding.role in (Role.NEEDED, Role.NEWEST) and len(scan.frames) == len(scan.batches):
        for frame in wrong_indexes(scan):
            yield Damage(finding.name, frame.offset, frame.end, "its index does not say what its batches hold")


def _notes(finding: Finding) -> Iterator[str]:
    scan = finding.scan
    if scan is None:
        return
    fillers = len(scan.frames) - len(scan.batches)
    if fillers:
        yield f"{finding.name}: a repair cut out batches in {fillers} places"
    if scan.tail is Tail.TORN and finding.role is Role.NEWEST:
        yield TORN.format(finding.name, scan.end)
