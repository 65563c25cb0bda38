"""What bounds the memory of a process: control groups of both versions, nested, in containers and out of them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mqbroker.errors import StorageError
from mqbroker.runtime import memory

V1_MOUNT = "36 25 0:31 {root} {place}/memory rw,nosuid shared:15 - cgroup cgroup rw,memory"
OTHER_V1_MOUNT = "37 25 0:32 / {place}/cpu rw,nosuid shared:16 - cgroup cgroup rw,cpu,cpuacct"
V2_MOUNT = "30 23 0:26 {root} {place} rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate"
DISK_MOUNT = "28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw"
NO_LIMIT_V1 = "9223372036854771712"


def limits(place: Path, groups: str, mounts: list[str], files: Mapping[str, str], root: str = "/") -> list[int]:
    """The limits found where these files are."""
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    text = "\n".join(mount.format(place=place, root=root) for mount in [DISK_MOUNT, *mounts])
    return sorted(memory.group_limits(groups, text + "\n"))


@pytest.mark.parametrize(
    ("resident", "coming", "fits"),
    [(90, 0, True), (91, 0, False), (60, 40, True), (60, 41, False), (10, 91, False)],
)
def test_a_recovery_that_does_not_fit_is_refused_before_it_takes_the_memory(
    resident: int, coming: int, fits: bool
) -> None:
    """It was looked at only after each segment, which may take half of the memory: the kernel was quicker."""
    budget = memory.Budget(100 << 20, lambda: resident << 20)
    if fits:
        budget.require(coming << 20)
        return
    with pytest.raises(StorageError, match=r"more memory than this control group may use \(100 MiB\)"):
        budget.require(coming << 20)


def test_without_a_control_group_nothing_is_refused() -> None:
    memory.Budget(0, lambda: 1 << 40).require(1 << 40)


def test_a_container_of_version_2_sees_its_own_group_at_the_top(tmp_path: Path) -> None:
    """The broker took the whole machine for its own, was killed at 1 GiB, and again at every start."""
    files = {"memory.max": "1073741824", "memory.high": "max"}
    assert limits(tmp_path, "0::/\n", [V2_MOUNT], files) == [1 << 30]


def test_a_unit_of_systemd_is_bounded_by_all_slices_around_it(tmp_path: Path) -> None:
    files = {
        "memory.stat": "",
        "system.slice/memory.max": "2147483648",
        "system.slice/mqbroker.service/memory.max": "max",
        "system.slice/mqbroker.service/memory.high": "805306368",
    }
    groups = "0::/system.slice/mqbroker.service\n"
    assert limits(tmp_path, groups, [V2_MOUNT], files) == [768 << 20, 2 << 30]


def test_version_1_has_a_hierarchy_of_its_own_for_memory(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": NO_LIMIT_V1,
        "memory/jobs/memory.limit_in_bytes": NO_LIMIT_V1,
        "memory/jobs/7/memory.limit_in_bytes": "536870912",
        "cpu/jobs/7/memory.limit_in_bytes": "1",
    }
    groups = "9:name=systemd:/\n5:cpu,cpuacct:/jobs/7\n4:memory:/jobs/7\n0::/\n"
    assert limits(tmp_path, groups, [OTHER_V1_MOUNT, V1_MOUNT], files) == [512 << 20, *[int(NO_LIMIT_V1)] * 2]


@pytest.mark.parametrize("root", ["/docker/4ba06a3c", "/docker/another"])
def test_in_a_container_the_path_may_be_that_of_the_host(tmp_path: Path, root: str) -> None:
    files = {"memory/memory.limit_in_bytes": "536870912"}
    assert limits(tmp_path, "4:memory:/docker/4ba06a3c\n", [V1_MOUNT], files, root) == [512 << 20]


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert limits(tmp_path, "", [], {}) == []
    assert limits(tmp_path, "0::/\n", [V2_MOUNT], {}) == []
    assert limits(tmp_path, "", [V1_MOUNT, V2_MOUNT], {"memory.max": "1", "memory/memory.limit_in_bytes": "1"}) == []


def test_this_process_has_some_memory() -> None:
    assert 1 << 26 < memory.usable_bytes() < 1 << 50
