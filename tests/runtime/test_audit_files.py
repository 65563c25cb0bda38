"""The files of the audit trail: a chain that goes on over hours, restarts and crashes, and shows every change."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mqbroker.runtime.audit.chain import CURRENT, Link, finished, newest_first, sealed
from mqbroker.runtime.audit.verify import Findings, verify
from mqbroker.runtime.audit.writer import Writer

HOURS = [f"2026-11-30T{hour:02}:{minute:02}:00Z" for hour in (8, 9, 10) for minute in (0, 30)]


def write(folder: Path, *records: tuple[str, str]) -> Writer:
    """Writes records with a time and a name, and ends."""
    writer = Writer(folder, keep_days=90)
    for at, name in records:
        writer.put({"eventTime": at, "eventName": name})
    writer.close(10)
    return writer


def filled(folder: Path) -> Findings:
    """A trail of six records in three hours."""
    write(folder, *((at, f"Event{number}") for number, at in enumerate(HOURS)))
    return verify(folder)


def test_the_chain_goes_on_through_hours_and_restarts(tmp_path: Path) -> None:
    """A restart began the chain anew, and so anybody could take out what was before."""
    found = filled(tmp_path)
    assert (found.faults, found.records, found.last.sequence) == ([], 6, 6)
    assert [first for first, _ in finished(tmp_path)] == [1, 3]
    with gzip.open(finished(tmp_path)[0][1]) as file:
        records: dict[str, Any] = json.load(file)
    assert [each["eventName"] for each in records["Records"]] == ["Event0", "Event1"]
    write(tmp_path, (HOURS[-1], "Event6"))
    again = verify(tmp_path, found.last.digest)
    assert (again.faults, again.records) == ([], 7)
    assert [each["eventName"] for each in newest_first(tmp_path)][:2] == ["Event6", "Event5"]


@pytest.mark.parametrize("number", range(6))
def test_a_change_of_any_record_is_found(tmp_path: Path, number: int) -> None:
    """Somebody who had changed a record of the trail was not found out."""
    before = filled(tmp_path)
    for path in [*(path for _, path in finished(tmp_path)), tmp_path / CURRENT]:
        octets = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        octets = octets.replace(b"Event%d" % number, b"Other%d" % number)
        path.write_bytes(gzip.compress(octets) if path.suffix == ".gz" else octets)
    assert verify(tmp_path, before.last.digest).faults


def test_a_file_that_is_missing_is_found(tmp_path: Path) -> None:
    """The records of an hour could be removed without a trace."""
    before = filled(tmp_path)
    finished(tmp_path)[1][1].unlink()
    assert verify(tmp_path).faults == [f"{CURRENT}, record 1: has the number 5 after 2"]
    (tmp_path / CURRENT).unlink()
    assert not verify(tmp_path).faults
    assert verify(tmp_path, before.last.digest).faults, "the end was cut off"


def test_a_torn_last_record_is_cut_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a crash in the midst of a write the trail could not be opened, or verified, any more."""
    filled(tmp_path)
    current = tmp_path / CURRENT
    current.write_bytes(current.read_bytes() + b'{"eventTime":"2026-')
    write(tmp_path, (HOURS[-1], "Later"))
    found = verify(tmp_path)
    assert (found.faults, found.records) == ([], 7)
    assert "cut off" in caplog.text


def test_a_file_that_was_packed_before_a_crash_is_not_there_twice(tmp_path: Path) -> None:
    """The process was killed between packing a file and removing the current one, and all its records were double."""
    filled(tmp_path)
    last = finished(tmp_path)[1][1]
    lines = gzip.decompress(last.read_bytes()).splitlines()[1:-1]
    (tmp_path / CURRENT).write_bytes(b"".join(line.removesuffix(b",") + b"\n" for line in lines))
    write(tmp_path, (HOURS[-1], "Later"))
    found = verify(tmp_path)
    assert (found.faults, found.records, found.last.sequence) == ([], 5, 5)


def test_octets_that_are_no_trail_are_faults_and_no_tracebacks(tmp_path: Path) -> None:
    """A damaged file ended the command that looks for damage."""
    filled(tmp_path)
    finished(tmp_path)[0][1].write_bytes(b"not gzip")
    (tmp_path / CURRENT).write_bytes(b'[]\n{"chain":{"sequence":"x"}}\nnothing\n')
    assert len(verify(tmp_path).faults) == 4


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_packed_file_that_is_damaged_inside_is_a_fault(tmp_path: Path, damage: str) -> None:
    """Octets changed amidst a packed file ended the command that looks for damage, and the start, by a traceback."""
    filled(tmp_path)
    path = finished(tmp_path)[-1][1]
    octets = bytearray(path.read_bytes())
    octets[20:40] = bytes(each ^ 0x55 for each in octets[20:40])
    path.write_bytes(octets if damage == "flipped" else octets[:20])
    assert any(fault.startswith(f"{path.name} cannot be read: ") for fault in verify(tmp_path).faults)
    assert [each["eventName"] for each in newest_first(tmp_path)] == ["Event5", "Event4", "Event1", "Event0"]
    (tmp_path / CURRENT).unlink()
    with pytest.raises(OSError, match=r"."):
        Writer(tmp_path, keep_days=90)


@pytest.mark.parametrize("name", ["\udc80\udcff", "\ud800"])
def test_a_name_that_is_no_text_does_not_end_the_trail(name: str) -> None:
    """The thread that writes the trail ended with the first path that was no UTF-8: nothing was recorded after it."""
    line, end = sealed({"requestParameters": {"name": name, name: [name]}}, Link())
    assert end.sequence == 1
    assert set(json.loads(line)["requestParameters"]["name"]) == {"?"}
