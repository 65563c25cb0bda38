"""The real disk: the same contract as the simulated one, and what only a file system has."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqbroker.errors import ConfigError
from mqbroker.storage.log.disk import Disk, FileDisk
from tests.storage.simdisk import SimDisk


@pytest.fixture(params=["real", "simulated"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Each disk in turn."""
    each = SimDisk() if request.param == "simulated" else FileDisk(tmp_path / "journal")
    yield each
    each.close()


def test_a_prepared_file_is_zeros_of_its_size(disk: Disk) -> None:
    disk.prepare("a", 10_000)
    assert disk.read("a") == bytes(10_000)
    disk.prepare("a", 10)
    assert disk.read("a") == bytes(10)


def test_parts_are_written_behind_each_other(disk: Disk) -> None:
    disk.prepare("a", 20)
    disk.write("a", [b"one", b"", b"two"], 5, True)
    disk.write("a", [b"three"], 11, False)
    assert disk.read("a") == bytes(5) + b"onetwothree" + bytes(4)


def test_a_renamed_file_can_still_be_written_and_finished(disk: Disk) -> None:
    disk.prepare("a", 20)
    disk.rename("a", "b")
    disk.write("b", [b"body"], 0, True)
    disk.finish("b", 4)
    disk.sync_names()
    assert disk.names() == ["b"]
    assert disk.read("b") == b"body"
    disk.finish("b", 2)
    assert disk.read("b") == b"bo"


def test_a_part_of_a_file_is_read_and_its_size_told(disk: Disk) -> None:
    disk.prepare("a", 10)
    disk.write("a", [b"0123456789"], 0, True)
    assert (disk.read("a", 3, 4), disk.read("a", 8, 9), disk.read("a", 10, 1)) == (b"3456", b"89", b"")
    assert disk.size("a") == 10
    with pytest.raises(FileNotFoundError):
        disk.read("b")
    with pytest.raises(FileNotFoundError):
        disk.size("b")


def test_a_truncated_file_is_zeros_after_what_is_kept_and_can_be_written(disk: Disk) -> None:
    disk.prepare("a", 10)
    disk.write("a", [b"0123456789"], 0, True)
    disk.truncate("a", 4, 12)
    disk.write("a", [b"x"], 5, True)
    assert disk.read("a") == b"0123\0x" + bytes(6)
    disk.finish("a", 6)
    disk.truncate("a", 6, 8)
    disk.write("a", [b"y"], 6, True)
    assert disk.read("a") == b"0123\0xy\0"


def test_deleting_what_is_not_there_is_no_error(disk: Disk) -> None:
    disk.prepare("a", 20)
    disk.delete("a")
    disk.delete("a")
    assert disk.names() == []


def test_free_space_is_told(disk: Disk) -> None:
    assert disk.free_bytes() > 1 << 20


def test_without_space_nothing_is_left_behind(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path)
    with pytest.raises(OSError, match=r"No space left|File too large"):
        disk.prepare("a", disk.free_bytes() + (1 << 50))
    assert disk.names() == []
    disk.close()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FileDisk(tmp_path)
    disk.prepare("a", 100)
    real = os.pwritev

    def short(handle: int, parts: list[bytes], offset: int, flags: int) -> int:
        return real(handle, [b"".join(map(bytes, parts))[:7]], offset, flags)

    monkeypatch.setattr(os, "pwritev", short)
    disk.write("a", [b"0123456789", b"abcdefghij"], 3, True)
    assert disk.read("a")[3:23] == b"0123456789abcdefghij"
    disk.close()


def test_files_and_directory_are_for_their_owner_only(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path / "deep" / "journal")
    disk.prepare("a", 10)
    assert stat.S_IMODE((tmp_path / "deep" / "journal").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "deep" / "journal" / "a").stat().st_mode) == 0o600
    disk.close()


def test_space_is_really_allocated(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path)
    disk.prepare("a", 1 << 20)
    assert (tmp_path / "a").stat().st_blocks * 512 >= 1 << 20
    disk.close()


def test_one_directory_is_for_one_broker(tmp_path: Path) -> None:
    disk = FileDisk(tmp_path)
    with pytest.raises(ConfigError, match=f"journal directory {tmp_path} is in use by another broker"):
        FileDisk(tmp_path)
    imports = "from mqbroker.storage.log.disk import FileDisk; from pathlib import Path"
    program = f"{imports}; FileDisk(Path({str(tmp_path)!r}))"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert "in use by another broker" in other.stderr
    FileDisk(tmp_path, exclusive=False).close()
    disk.close()
    FileDisk(tmp_path).close()


def test_a_file_in_place_of_the_directory_is_one_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be used: "):
        FileDisk(tmp_path / "file")
