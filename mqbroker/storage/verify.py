"""What an operator may ask of a journal that no broker has open: is it good, what is in it, and mend it.

`verify` and `inspect` read only, and work beside a running broker too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mqbroker.storage.disk import Disk, FileDisk
from mqbroker.storage.listing import list_segment
from mqbroker.storage.repair import Repair
from mqbroker.storage.scan import Scan, Tail
from mqbroker.storage.segment import segment_names
from mqbroker.storage.survey import Damage, Finding, Survey

SURVEYS_MAX = 5  # how often to look again when a running broker changed the journal meanwhile


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """One segment. `state` is what it is to the journal."""

    name: str
    state: str
    size_bytes: int
    batches: int
    entries: int
    facts: int

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.state}, {self.size_bytes} bytes, {self.batches} batches, {self.entries} entries, "
            f"{self.facts} facts"
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


def verify(directory: Path) -> Report:
    """Checks every batch of the journal in `directory`. StorageError for a format of another version."""
    return report(FileDisk(directory, exclusive=False))


def inspect(directory: Path) -> Iterator[str]:
    """One line for each segment, batch and record of the journal in `directory`, without bodies and values."""
    disk = FileDisk(directory, exclusive=False)
    try:
        for name in segment_names(disk.names()):
            yield from list_segment(Scan(name, disk.read(name)))
    finally:
        disk.close()


def repair(directory: Path, dry_run: bool = False) -> list[str]:
    """Cuts the damage out of the journal in `directory`; returns one sentence for each. With `dry_run` only those.

    ConfigError when a broker has it open.
    """
    disk = FileDisk(directory)
    try:
        work = Repair(disk)
        if not dry_run:
            work.run()
        return work.plan
    finally:
        disk.close()


def report(disk: Disk) -> Report:
    """Checks every batch of the journal on `disk`, and closes it."""
    try:
        survey = _survey(disk)
    finally:
        disk.close()
    return Report(
        disk.path, [_segment_report(finding) for finding in survey.findings if finding.scan], survey.damage,
        [note for finding in survey.findings for note in _notes(finding)],
    )  # fmt: skip


def _survey(disk: Disk) -> Survey:
    """A survey during which no running broker changed what it depends on."""
    before = None
    for _ in range(SURVEYS_MAX):
        try:
            survey = Survey(disk)
        except FileNotFoundError:
            continue
        newest = survey.newest and (survey.newest.name, survey.newest.last_lsn)
        if not survey.damage or newest == before:
            return survey
        before = newest
    return Survey(disk)


def _segment_report(finding: Finding) -> SegmentReport:
    scan = finding.scan
    assert scan is not None
    frames = scan.batches
    return SegmentReport(
        finding.name, finding.role.value, len(scan.data), len(frames), sum(frame.entries for frame in frames),
        sum(frame.facts for frame in frames),
    )  # fmt: skip


def _notes(finding: Finding) -> Iterator[str]:
    scan = finding.scan
    if scan is None:
        return
    fillers = len(scan.frames) - len(scan.batches)
    if fillers:
        yield f"{finding.name}: a repair cut out batches in {fillers} places"
    if scan.tail is Tail.JUNK and scan.last_lsn == finding.last_lsn:
        yield f"{finding.name}: ends in a torn write at byte {scan.end}"
