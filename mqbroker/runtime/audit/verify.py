"""Whether the files of a trail are whole: every record in its place, none changed, none missing between two.

Without the newest hash from elsewhere nobody can tell that the last records were cut off: so it is shown, and may be
given. Older files go when their time has come, so the first record that is there need not be the first one ever.
"""

from dataclasses import dataclass, field
from pathlib import Path

from mqbroker.runtime.audit.chain import CURRENT, FIRST_HASH, Link, finished, lines_of, link_of


@dataclass(slots=True)
class Findings:
    """What was found in a trail."""

    first: int = 0
    last: Link = field(default_factory=Link)
    records: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.records:
            return "\n".join([*self.faults, "the trail has no records"])
        span = f"{self.records} records, {self.first} to {self.last.sequence}"
        older = f", after {self.first - 1} that were removed for their age" if self.first > 1 else ""
        end = "the chain is whole" if not self.faults else f"{len(self.faults)} faults"
        return "\n".join([*self.faults, f"{span}{older}: {end}", f"the last hash is {self.last.digest}"])


def verify(folder: Path, expected: str = "") -> Findings:
    """Checks every record. `expected` is a hash noted earlier: a record must have it. Raises OSError."""
    found = Findings()
    paths = [path for _, path in finished(folder)]
    if (folder / CURRENT).exists():
        paths.append(folder / CURRENT)
    is_expected_there = not expected or expected == FIRST_HASH
    for path in paths:
        for number, line in enumerate(_lines(path, found), 1):
            _check(f"{path.name}, record {number}", line, found)
            is_expected_there |= found.last.digest == expected
    if not is_expected_there:
        found.faults.append(f"no record has the hash {expected}: records were cut off or changed")
    return found


def _lines(path: Path, found: Findings) -> list[bytes]:
    try:
        return lines_of(path)
    except OSError as error:
        found.faults.append(f"{path.name} cannot be read: {error}")
        return []


def _check(place: str, line: bytes, found: Findings) -> None:
    try:
        link, previous = link_of(line)
    except ValueError as error:
        found.faults.append(f"{place}: no record of the trail: {error}")
        return
    if not found.records:
        found.first = link.sequence
        if link.sequence == 1 and previous != FIRST_HASH:
            found.faults.append(f"{place}: says that there is a record before the first")
    elif link.sequence != found.last.sequence + 1:
        found.faults.append(f"{place}: has the number {link.sequence} after {found.last.sequence}")
    elif previous != found.last.digest:
        found.faults.append(f"{place}: the record before it ({found.last.sequence}) was changed")
    found.records += 1
    found.last = link
