"""How much memory this process may use: the machine's, or what its control group is given where that is less.

A container, a systemd unit and a batch system limit memory by control groups, of version 1 or 2. A process that takes
more is killed, so for the broker the limit is the machine. It reads /proc and /sys, once, and changes nothing.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from mqbroker.errors import StorageError
from mqbroker.limits import RECOVERY_MEMORY_SHARE_MAX

_PROC = Path("/proc/self")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CONTROLLER = "memory"
_LIMITS = {"cgroup": ("memory.limit_in_bytes",), "cgroup2": ("memory.max", "memory.high")}
"""Per type of file system: what bounds a group. Above memory.high its processes are slowed down until nothing moves."""


def usable_bytes() -> int:
    """The memory that there is for this process."""
    return group_limit_bytes() or os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES


def group_limit_bytes() -> int:
    """What its control groups leave of the machine's memory; 0 where they leave all of it."""
    machine = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES
    limit = min(group_limits(_text(_PROC / "cgroup"), _text(_PROC / "mountinfo")), default=machine)
    return limit if limit < machine else 0


def resident_bytes() -> int:
    """The memory of this process that is in use."""
    return int(_text(_PROC / "statm").split()[1]) * _PAGE_BYTES


class Budget:
    """What a recovery may take of its control group's memory, 0 for no bound: one sentence is better than one kill
    after another."""

    def __init__(self, limit_bytes: int, resident: Callable[[], int] = resident_bytes) -> None:
        self._limit = limit_bytes
        self._resident = resident

    def require(self, coming: int) -> None:
        """StorageError when too much is in use already, or so many bytes more do not fit at all."""
        if not self._limit:
            return
        resident = self._resident()
        if resident > self._limit * RECOVERY_MEMORY_SHARE_MAX or resident + coming > self._limit:
            text = (
                f"the messages in the journal need more memory than this control group may use ({self._limit >> 20} "
                "MiB): give it more until they are drained"
            )
            raise StorageError(text)


def group_limits(groups: str, mounts: str) -> Iterator[int]:
    """The limits of this process's control group and those around it, in bytes.

    `groups` and `mounts` are what /proc/self/cgroup and /proc/self/mountinfo say.
    """
    for kind, root, place in _hierarchies(mounts):
        group = _group(groups, kind)
        if group is None:
            continue
        # In a container the group's path may be that of the host, of which only the container's part is mounted.
        inside = group.relative_to(root) if group.is_relative_to(root) else PurePosixPath()
        folder = place / inside
        while folder.is_relative_to(place):
            yield from _limits_in(folder, _LIMITS[kind])
            folder = folder.parent


def _hierarchies(mounts: str) -> Iterator[tuple[str, PurePosixPath, Path]]:
    """The mounted hierarchies that may bound memory: type, which group is at the top, and where."""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        kind, *_, options = rest.split(" ") if rest else ("", "")
        if kind == "cgroup2" or (kind == "cgroup" and _CONTROLLER in options.split(",")):
            _, _, _, root, place, *_ = fields.split(" ")
            yield kind, PurePosixPath(root), Path(place)


def _group(groups: str, kind: str) -> PurePosixPath | None:
    """This process's group in such a hierarchy."""
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if _CONTROLLER in controllers.split(",") if kind == "cgroup" else not controllers:
            return PurePosixPath(path)
    return None


def _limits_in(folder: Path, names: tuple[str, ...]) -> Iterator[int]:
    for name in names:
        text = _text(folder / name).strip()
        if text.isdigit():  # "max" is none
            yield int(text)


def _text(path: Path) -> str:
    """What is in a file of the kernel's, nothing where there is none."""
    try:
        return path.read_text()
    except OSError:
        return ""
