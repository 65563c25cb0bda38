"""Looks through a whole journal and collects all damage, where recovery stops at the first. It changes nothing.

`verify` reports what it finds and `repair` mends it; both judge segments by the tables of recovery.py.
"""

from dataclasses import dataclass, field
from enum import Enum

from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.disk import Disk
from mqbroker.storage.log.facts import Facts, read_facts
from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import first_lsn_of, segment_name, segment_names
from mqbroker.storage.recovery import NOT_ALL_GOOD, PLAIN_BEHIND, PLAIN_INSTEAD, REASONS


class Role(Enum):
    """What a segment is to the journal."""

    NEWEST = "newest"
    NEEDED = "needed"
    OBSOLETE = "not needed"
    UNREADABLE = "unreadable"
    """Newer than the newest readable one."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A byte range of a segment and what is wrong with it."""

    name: str
    start: int
    end: int
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: bytes {self.start} to {self.end}: {self.reason}"


@dataclass(slots=True)
class Finding:
    """One segment. `scan` is None when it is missing or was not read; `last_lsn` is where it has to reach.

    `is_encrypted` says that the newest segment knows it as encrypted.
    """

    name: str
    role: Role
    scan: Scan | None = None
    last_lsn: int = -1
    live: int = 0
    is_encrypted: bool = False
    damage: list[Damage] = field(default_factory=list)


class Survey:
    """All segments of a journal, oldest first, and everything that is wrong with them."""

    def __init__(self, disk: Disk, keyring: Keyring | None = None) -> None:
        """KeyMissing when a segment that is needed is encrypted with another key."""
        self.findings: list[Finding] = []
        self.facts = Facts(0)
        self._disk = disk
        self._keyring = keyring
        names = segment_names(disk.names())
        while names and not self._find_all(names):
            names.pop()
        self.findings.sort(key=lambda finding: finding.name)

    @property
    def damage(self) -> list[Damage]:
        """All damage, oldest segment first."""
        return [damage for finding in self.findings for damage in finding.damage]

    @property
    def newest(self) -> Finding | None:
        """The segment with which the log ends."""
        return next((finding for finding in self.findings if finding.role is Role.NEWEST), None)

    def _find_all(self, names: list[str]) -> bool:
        """Looks at all segments if the log ends with the last one; otherwise only at that one, and returns False."""
        newest = self._find_newest(names[-1])
        if newest.role is Role.UNREADABLE:
            return False
        older = self._find_older(names[:-1])
        first = next((finding.name for finding in older if finding.scan and finding.scan.is_encrypted), "")
        assert newest.scan is not None
        if first and newest.scan.is_plain:
            newest.role = Role.UNREADABLE
            newest.damage = [Damage(newest.name, 0, len(newest.scan.data), PLAIN_BEHIND.format(first))]
            return False
        for finding in older:
            if finding.role is Role.NEEDED:
                self._judge_needed(finding)
        self.findings += older
        return True

    def _find_newest(self, name: str) -> Finding:
        scan = Scan(name, self._disk.read(name), keyring=self._keyring)
        facts = self._read_facts(scan)
        role = Role.NEWEST if facts is not None else Role.UNREADABLE
        self.facts = facts or self.facts
        finding = Finding(name, role, scan, scan.last_lsn)
        if role is Role.UNREADABLE:
            reason = REASONS.get(scan.tail, REASONS[Tail.NOTHING])
            finding.damage.append(Damage(name, scan.end, len(scan.data), reason))
        elif scan.tail in REASONS:
            finding.damage.append(Damage(name, scan.end, scan.damage_end, REASONS[scan.tail]))
        self.findings.append(finding)
        return finding

    def _read_facts(self, scan: Scan) -> Facts | None:
        """The facts of the newest segment, as far as it is good; None without the checkpoint that it opens with."""
        facts = Facts(first_lsn_of(scan.name))
        for frame in scan.batches:
            read_facts(scan.content, frame.start + frame.entries_bytes, frame.content_end, facts)
        return facts if facts.is_checkpointed else None

    def _find_older(self, names: list[str]) -> list[Finding]:
        needed = {segment_name(first): segment for first, segment in self.facts.older.items() if segment.shares}
        older = [Finding(name, Role.OBSOLETE) for name in names if name not in needed]
        for name, segment in needed.items():
            finding = Finding(name, Role.NEEDED, None, segment.last_lsn, segment.live, segment.is_encrypted)
            if name in names:
                finding.scan = Scan(name, self._disk.read(name), segment.last_lsn, self._keyring)
            older.append(finding)
        return older

    def _judge_needed(self, finding: Finding) -> None:
        scan, name = finding.scan, finding.name
        if scan is None:
            finding.damage.append(Damage(name, 0, 0, f"it is missing, with {finding.live} live messages"))
        elif scan.is_plain and finding.is_encrypted:
            finding.damage.append(Damage(name, 0, len(scan.data), PLAIN_INSTEAD))
        elif scan.last_lsn != finding.last_lsn:
            reason = REASONS[scan.tail] if scan.tail is Tail.FORGED else NOT_ALL_GOOD
            finding.damage.append(Damage(name, scan.end, scan.damage_end, reason))
        elif not self._is_ours(scan):
            finding.damage.append(Damage(name, 0, len(scan.data), "it belongs to the journal of another broker"))

    def _is_ours(self, scan: Scan) -> bool:
        newest = self.newest
        assert newest is not None
        assert newest.scan is not None
        assert newest.scan.header is not None
        assert scan.header is not None
        return scan.header.cluster_id == newest.scan.header.cluster_id
