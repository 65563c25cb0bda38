"""A real broker whose files were damaged while it was down: it starts with all that was confirmed, or says why not."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mqbroker.storage.log.frame import Frame
from mqbroker.storage.log.scan import Scan
from mqbroker.storage.log.segment import segment_names
from tests.crash.clients import declare, publish_at_once, take_all
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

TIMEOUT_S = 50


def newest(data_dir: Path) -> Path:
    """The newest file of the journal."""
    return data_dir / segment_names([path.name for path in data_dir.iterdir()])[-1]


def change(path: Path, edit: Callable[[bytearray, Scan], None]) -> None:
    content = bytearray(path.read_bytes())
    edit(content, Scan(path.name, bytes(content)))
    path.write_bytes(content)


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mqbroker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def assert_refused(broker: BrokerProcess, reason: str) -> None:
    """Neither does it start, nor does `verify` call it sound."""
    started = run(
        "serve", "--dev", "--log-level", "error", "--listen", "amqp://127.0.0.1:0", "--data-dir", str(broker.data_dir)
    )
    assert started.returncode == 1, started.stderr
    assert reason in started.stderr
    verified = run("journal", "verify", str(broker.data_dir))
    assert verified.returncode == 1, verified.stdout
    assert reason in verified.stdout


def end_with_the_largest(data: bytearray, scan: Scan) -> Frame:
    """Takes away what was written after the largest batch, as if the broker had been killed right then."""
    largest = max(scan.frames, key=lambda frame: frame.entries)
    data[largest.end :] = bytes(len(data) - largest.end)
    return largest


def test_a_bit_that_was_flipped_in_the_last_batch_before_a_kill_stops_the_start(tmp_path: Path) -> None:
    """499 of 500 confirmed messages were dropped as "torn write, never confirmed", and verify called that sound."""
    with BrokerProcess(tmp_path / "data", "--dev") as broker:
        declare(broker.url)
        publish_at_once(broker.url, [1])
        publish_at_once(broker.url, range(2, 501))
        broker.kill()

    def flip(data: bytearray, scan: Scan) -> None:
        frame = end_with_the_largest(data, scan)
        data[frame.start + frame.payload_bytes // 2] ^= 4

    change(newest(broker.data_dir), flip)
    assert_refused(broker, "no write that was cut off leaves this")


def test_a_write_that_was_cut_off_is_left_out_and_all_before_it_is_there(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev") as broker:
        declare(broker.url)
        publish_at_once(broker.url, range(1, 21))
        publish_at_once(broker.url, range(21, 501), 100)
        broker.kill()

    def cut_off(data: bytearray, scan: Scan) -> None:
        frame = end_with_the_largest(data, scan)
        border = (frame.start // 4096 + 1) * 4096
        data[border : frame.end] = bytes(frame.end - border)

    change(newest(broker.data_dir), cut_off)
    with broker:
        assert take_all(broker.url) == list(range(1, 21))
        assert "ends in a torn write" in broker.log()
        assert broker.stop() == 0


def test_the_last_batch_of_a_journal_that_rests_is_known_to_have_been_confirmed(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev") as broker:
        declare(broker.url)
        publish_at_once(broker.url, range(1, 501), 100)
        eventually(lambda: is_marked(newest(broker.data_dir)))
        broker.kill()

    def wipe(data: bytearray, scan: Scan) -> None:
        frame = max(scan.frames, key=lambda frame: frame.entries)
        border = (frame.start // 4096 + 1) * 4096
        data[border : border + 4096] = bytes(4096)

    change(newest(broker.data_dir), wipe)
    assert_refused(broker, "good batches follow")


def is_marked(path: Path) -> bool:
    """Whether the log ends with a batch that holds no message: a mark says no more than what time it is."""
    return Scan(path.name, path.read_bytes()).frames[-1].entries == 0


def test_a_newest_file_that_is_missing_after_an_orderly_stop_stops_the_start(tmp_path: Path) -> None:
    """300 of 400 confirmed messages were gone, and verify called what was left sound."""
    with BrokerProcess(tmp_path / "data", "--dev") as broker:
        declare(broker.url)
        publish_at_once(broker.url, range(1, 101))
        assert broker.stop() == 0
    with broker:
        publish_at_once(broker.url, range(101, 401))
        assert broker.stop() == 0
    newest(broker.data_dir).unlink()
    assert_refused(broker, "a newer file of the journal began, and that one is missing")
