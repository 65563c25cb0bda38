"""A journal that a newer version has written to: a real broker does not start with a part of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from mqbroker.core import definitions
from mqbroker.server import formats_of, kinds_of
from mqbroker.spoken import PROTOCOLS
from mqbroker.storage.journal import WRITE, open_journal
from mqbroker.storage.log.disk import FileDisk
from tests.storage.house import Fatal

KINDS = kinds_of(PROTOCOLS)
TIMEOUT_S = 50


def written(directory: Path, key: str, value: dict[str, object]) -> dict[str, bytes]:
    """Makes a journal with this definition; its files."""
    ledger, _ = open_journal(FileDisk(directory), formats_of(PROTOCOLS), WRITE, lambda _: None, Fatal(), 1 << 20)
    ledger.define(definitions.key("vhost", "/"), b"{}")
    ledger.define(key, definitions.pack(value))
    ledger.close()
    return files(directory)


def files(directory: Path) -> dict[str, bytes]:
    """The journal in the directory."""
    return {path.name: path.read_bytes() for path in directory.glob("*.journal")}


def refused(directory: Path) -> str:
    """What a start says that cannot succeed."""
    options = ("--dev", "--log-level", "error", "--listen", "amqp://127.0.0.1:0", "--data-dir", str(directory))
    command = [sys.executable, "-m", "mqbroker", "serve", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr


def test_definitions_of_an_unknown_kind_stop_the_start_and_nothing_changes(tmp_path: Path) -> None:
    """They were ignored without a word: a stream, a function or whatever it was had gone."""
    before = written(tmp_path / "data", definitions.key("stream", "/", "orders"), {"number": 1})
    text = "the journal was written by a newer mqbroker: this one does not know definitions of the kind stream"
    assert refused(tmp_path / "data") == f"mqbroker: {text}\n"
    assert files(tmp_path / "data") == before


def test_a_queue_with_an_unknown_role_stops_the_start(tmp_path: Path) -> None:
    value: dict[str, object] = {"number": 1, "auto_delete": False, "arguments": {}, "role": "stream"}
    written(tmp_path / "data", definitions.key("queue", "/", "orders"), value)
    said = refused(tmp_path / "data")
    assert said.endswith("written by a newer mqbroker: this one does not know queues with the role stream\n")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_one_owner(kind: str) -> None:
    assert KINDS.count(kind) == 1
