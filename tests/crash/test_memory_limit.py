"""A real broker in a control group with little memory: it holds publishers before it is killed, and starts again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.clients import Publisher, declare, publish_at_once, take_all
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

LIMIT_BYTES = 256 << 20
ROOMY_BYTES = 1 << 30
MESSAGES = 800  # of 200 KB: what is published in full, and does not fit into 160 MiB
WAIT_S = 60
HIERARCHIES = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"))


class Group:
    """A control group that bounds memory."""

    def __init__(self, path: Path, limit: str) -> None:
        self.path = path
        self.limit = path / limit

    def set_limit(self, size: int) -> None:
        self.limit.write_text(str(size))

    def enclosing(self, command: list[str]) -> list[str]:
        """The command, run in this group."""
        return ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh", *command]


@pytest.fixture
def group() -> Iterator[Group]:
    """A group with 256 MiB."""
    for mount, limit in HIERARCHIES:
        made = Group(Path(mount, f"mqbroker-test-{os.getpid()}"), limit)
        try:
            made.path.mkdir()
        except OSError:
            continue
        try:
            if made.limit.exists():
                made.set_limit(LIMIT_BYTES)
                yield made
                return
        finally:
            made.path.rmdir()
    pytest.skip("no control group for memory can be made here")


class GroupedBroker(BrokerProcess):
    """A broker in a control group."""

    def __init__(self, group: Group, data_dir: Path, durability: str = "write", more: str = "") -> None:
        config = f"[limits]\ndisk_free_min_bytes = 1\n{more}"
        super().__init__(data_dir, "--dev", "--durability", durability, config=config)
        self.group = group

    def command(self) -> list[str]:
        return self.group.enclosing(super().command())


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_broker_in_a_control_group_blocks_publishers_before_it_is_killed_and_starts_again(
    group: Group, tmp_path: Path
) -> None:
    """It took the machine's memory for its own, was killed at the group's limit, and then at every start."""
    with GroupedBroker(group, tmp_path / "data") as broker:
        declare(broker.url)
        publisher = Publisher(broker.url, 200_000)
        assert publisher.blocked.wait(WAIT_S), f"not blocked after {publisher.sent} messages"
        assert publisher.reason == "low on memory"
        broker.kill()
        publisher.wait(WAIT_S)
    with broker:
        eventually(lambda: broker.log().count("publishers are blocked: low on memory") == 2, WAIT_S)
        assert set(publisher.confirmed) <= set(take_all(broker.url))
        assert broker.stop() == 0


@pytest.mark.timeout(240)
def test_a_recovery_that_does_not_fit_ends_in_a_sentence_and_not_in_a_kill(group: Group, tmp_path: Path) -> None:
    group.set_limit(ROOMY_BYTES)
    # With a window nearly all of it would stay on the disk, and fit.
    with GroupedBroker(group, tmp_path / "data", "fsync", "[journal]\nqueue_window = 0\n") as broker:
        declare(broker.url)
        for start in range(0, MESSAGES, 50):
            publish_at_once(broker.url, range(start, start + 50), 200_000)
        broker.kill()
    group.set_limit(160 << 20)
    command = [*broker.command(), "--log-level", "error"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert "need more memory than this control group may use (160 MiB)" in result.stderr
    group.set_limit(ROOMY_BYTES)
    with broker:
        assert set(range(MESSAGES)) <= set(take_all(broker.url))
        assert broker.stop() == 0


def test_the_limit_of_a_control_group_is_the_machine(group: Group) -> None:
    program = "from mqbroker.runtime import memory; print(memory.usable_bytes(), memory.group_limit_bytes())"
    command = group.enclosing([sys.executable, "-c", program])
    result = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=True)
    assert result.stdout.split() == [str(LIMIT_BYTES)] * 2
