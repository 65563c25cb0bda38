"""What processes used, from /proc: CPU seconds, context switches, resident memory, of whole process trees.

Owns the parsing of /proc. Linux only; a process that vanished counts nothing.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """Totals of some processes. Differences of two are what a run used; rss_bytes is a level, not a total.

    machine_cpu_seconds is what all processes of the machine together used.
    """

    cpu_seconds: float = 0.0
    context_switches: int = 0
    rss_bytes: int = 0
    machine_cpu_seconds: float = 0.0

    def __sub__(self, earlier: "Usage") -> "Usage":
        return Usage(
            self.cpu_seconds - earlier.cpu_seconds,
            self.context_switches - earlier.context_switches,
            self.rss_bytes - earlier.rss_bytes,
            self.machine_cpu_seconds - earlier.machine_cpu_seconds,
        )


def usage(roots: Iterable[int]) -> Usage:
    """The usage of these processes and all their descendants together."""
    parts = [_usage_of(pid) for pid in process_tree(roots)]
    return Usage(
        sum(part.cpu_seconds for part in parts),
        sum(part.context_switches for part in parts),
        sum(part.rss_bytes for part in parts),
        machine_cpu_seconds(),
    )


def machine_cpu_seconds() -> float:
    """CPU time that all processes of the machine have used since it was started, the kernel's included."""
    names = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, interrupts, soft_interrupts = map(int, names[:7])
    return (user + nice + system + interrupts + soft_interrupts) / _TICKS


def process_tree(roots: Iterable[int]) -> list[int]:
    """The pids of these processes and all their descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat_fields(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    tree = list(roots)
    for pid in tree:
        tree.extend(children.get(pid, []))
    return tree


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third one on; the command name before them may contain anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _usage_of(pid: int) -> Usage:
    fields = _stat_fields(pid)
    if not fields:
        return Usage()
    ticks = int(fields[11]) + int(fields[12])
    return Usage(ticks / _TICKS, _context_switches(pid), int(fields[21]) * _PAGE_BYTES)


def _context_switches(pid: int) -> int:
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return total
