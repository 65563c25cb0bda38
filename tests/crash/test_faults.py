"""What goes wrong around the broker: a full disk, a disk that fails, and starts that cannot succeed."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import find_program
from tests.crash.clients import Publisher, declare, take_all
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

DISK_BYTES = 96 << 20
SEGMENT_BYTES = 8 << 20
WAIT_S = 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("free_min_bytes", [32 << 20, 1], ids=["below the limit", "to the last byte"])
@pytest.mark.parametrize("durability", ["fsync", "write"])
@pytest.mark.timeout(120)
def test_a_full_disk_blocks_publishers_while_consumers_drain_and_recovers_by_itself(
    small_disk: Path, free_min_bytes: int, durability: str
) -> None:
    config = (
        f"[journal]\nsegment_bytes = {SEGMENT_BYTES}\n"
        f"[limits]\ndisk_free_min_bytes = {free_min_bytes}\nmemory_check_interval_ms = 100\n"
    )
    broker = BrokerProcess(small_disk / "data", "--dev", "--durability", durability, config=config)
    with broker:
        declare(broker.url)
        publisher = Publisher(broker.url, 500_000)
        assert publisher.blocked.wait(WAIT_S), f"not blocked after {publisher.sent} messages"
        assert publisher.reason == "low on disk"
        before = len(publisher.confirmed) + 1  # one is under way; once it goes on the disk may soon be full again
        taken = take_all(broker.url, len(publisher.confirmed))
        assert publisher.unblocked.wait(WAIT_S), "it does not recover"
        eventually(lambda: len(publisher.confirmed) > before, WAIT_S)
        publisher.stop()
        while publisher.is_running:  # the disk may be full again by now
            taken += take_all(broker.url)
        taken += take_all(broker.url)
        assert sorted(set(taken)) == taken
        assert set(publisher.confirmed) <= set(taken)
        assert broker.stop() == 0


@pytest.mark.parametrize("durability", ["fsync", "write"])
@pytest.mark.timeout(120)
def test_a_broker_that_is_killed_on_a_full_disk_starts_blocks_publishers_and_is_drained(
    small_disk: Path, durability: str
) -> None:
    """It did not start again: a whole new file of the journal did not fit, so nobody could drain it."""
    config = (
        f"[journal]\nsegment_bytes = {SEGMENT_BYTES}\n"
        "[limits]\ndisk_free_min_bytes = 1\nmemory_check_interval_ms = 100\n"
    )
    broker = BrokerProcess(small_disk / "data", "--dev", "--durability", durability, config=config)
    with broker:
        declare(broker.url)
        publisher = Publisher(broker.url, 500_000)
        assert publisher.blocked.wait(WAIT_S), f"not blocked after {publisher.sent} messages"
        broker.kill()
        publisher.wait(WAIT_S)
    fill_up(small_disk / "others")
    with broker:
        late = Publisher(broker.url, 1)
        assert late.blocked.wait(WAIT_S), "publishers are not blocked"
        assert late.reason == "low on disk"
        taken = take_all(broker.url, len(publisher.confirmed))
        assert taken[: len(publisher.confirmed)] == publisher.confirmed
        assert late.unblocked.wait(WAIT_S), "it does not recover"
        eventually(lambda: len(late.confirmed) > 100, WAIT_S)
        late.stop()
        eventually(lambda: not late.is_running, WAIT_S)
        assert broker.stop() == 0


def fill_up(path: Path) -> None:
    """Takes the rest of the disk, to the last byte."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"x"):
            pass


@pytest.fixture
def strace() -> str:
    """The program that makes system calls fail."""
    path = find_program("strace")
    if subprocess.run([path, "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")
    return path


class TracedBroker(BrokerProcess):
    """A broker one of whose system calls fails: `inject` is strace's expression."""

    def __init__(self, strace: str, data_dir: Path, inject: str, *options: str) -> None:
        super().__init__(data_dir, *options)
        self.strace = strace
        self.inject = inject

    def command(self) -> list[str]:
        # -D: the broker is our child and strace its observer, not the other way round.
        strace = [self.strace, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwritev,pwritev2"]
        return [*strace, "-e", f"inject={self.inject}", *super().command()]


FAILURES = [
    ("fsync", "pwritev,pwritev2:error=EIO:when=20"),
    ("fsync", "pwritev,pwritev2:error=ENOSPC:when=7"),
    ("write", "pwritev,pwritev2:error=EIO:when=20"),
    ("write", "pwritev,pwritev2:error=EROFS:when=9"),
]


@pytest.mark.parametrize(("durability", "inject"), FAILURES)
@pytest.mark.timeout(120)
def test_a_failed_write_ends_the_broker_and_nothing_is_confirmed_behind_it(
    strace: str, tmp_path: Path, durability: str, inject: str
) -> None:
    data_dir, options = tmp_path / "data", ("--dev", "--durability", durability)
    broker = TracedBroker(strace, data_dir, inject, *options)
    broker.start()
    declare(broker.url)
    publisher = Publisher(broker.url, 100)
    publisher.wait(WAIT_S)
    assert broker.process is not None
    assert broker.process.wait(WAIT_S) == 1
    assert broker.process.stdout is not None
    broker.process.stdout.close()
    assert "the journal failed, so the broker stops" in broker.log()
    assert "Traceback" not in broker.log()
    assert publisher.confirmed
    with BrokerProcess(data_dir, *options) as again:
        found = take_all(again.url)
        assert again.stop() == 0
    assert found[: len(publisher.confirmed)] == publisher.confirmed
    assert len(found) <= publisher.sent


def refused(*arguments: str) -> str:
    """What a start that cannot succeed says."""
    command = [sys.executable, "-m", "mqbroker", "serve", "--dev", "--log-level", "error", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    return result.stderr


def test_a_failed_first_write_is_one_sentence(strace: str, tmp_path: Path) -> None:
    inject = "pwritev,pwritev2:error=EIO:when=1"
    broker = TracedBroker(strace, tmp_path / "data", inject, "--dev", "--log-level", "error")
    result = subprocess.run(broker.command(), capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert result.returncode == 1
    said = f"mqbroker: the journal {tmp_path}/data could not be written: [Errno 5] Input/output error\n"
    assert result.stderr == said


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"amqp://127.0.0.1:{taken.getsockname()[1]}"
        said = refused("--listen", url, "--data-dir", str(tmp_path / "data"))
    assert said == f"mqbroker: cannot listen on {url}: Address already in use\n"


def test_a_data_directory_of_another_broker_is_one_sentence(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev"):
        said = refused("--listen", "amqp://127.0.0.1:0", "--data-dir", str(tmp_path / "data"))
    assert said == f"mqbroker: the journal directory {tmp_path}/data is in use by another broker\n"


def test_a_file_in_the_place_of_the_data_directory_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    said = refused("--listen", "amqp://127.0.0.1:0", "--data-dir", str(tmp_path / "data"))
    assert said == f"mqbroker: the journal directory {tmp_path}/data cannot be used: File exists\n"


def test_an_unreadable_configuration_is_one_sentence(tmp_path: Path) -> None:
    said = refused("--config", str(tmp_path))
    assert said == f"mqbroker: {tmp_path}: cannot be read: Is a directory\n"
