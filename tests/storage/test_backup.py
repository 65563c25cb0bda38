"""Copies of journals that are written meanwhile: what was confirmed before is in them."""

import os
from pathlib import Path

import pytest

from mqbroker.errors import StorageError
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.log.disk import FileDisk
from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.tools.backup import backup
from mqbroker.storage.tools.verify import verify
from tests.storage.house import KEYRINGS, Journal, an_entry, sequences
from tests.storage.test_pages import SEGMENT_BYTES


def on_files(directory: Path, keyring: Keyring | None) -> Journal:
    """A journal in real files, open."""
    return Journal(FileDisk(directory), SEGMENT_BYTES, keyring=keyring, window=1)  # type: ignore[arg-type]


@KEYRINGS
def test_a_backup_of_an_open_journal_has_everything_so_far(tmp_path: Path, keyring: Keyring | None) -> None:
    """To copy the files of a running broker was to copy different moments of them."""
    source, target = tmp_path / "data", tmp_path / "backup"
    journal = on_files(source, keyring)
    entries = [an_entry(number, body=bytes(200)) for number in range(1, 120)]
    for entry in entries:
        journal.put(entry)
    for entry in entries[:40]:
        journal.ledger.settle(entry)
    journal.ledger.seal()
    assert backup(source, target) == len(segment_names(os.listdir(target))) > 3
    for number in range(200, 260):
        journal.put(an_entry(number, body=bytes(200)))
    for entry in entries[40:]:
        journal.ledger.settle(entry)
    journal.ledger.close()
    assert verify(target, keyring).is_sound
    restored = on_files(target, keyring)
    assert sequences(restored.recovered) == {1: list(range(41, 120))}
    restored.put(an_entry(500))
    restored.ledger.close()
    assert sequences(on_files(source, keyring).recovered) == {1: list(range(200, 260))}, "the original is as it was"


def test_a_backup_does_not_write_over_anything(tmp_path: Path) -> None:
    on_files(tmp_path / "data", None).ledger.close()
    target = tmp_path / "backup"
    target.mkdir()
    (target / "precious").write_text("mine")
    with pytest.raises(StorageError, match="is not empty"):
        backup(tmp_path / "data", target)
    with pytest.raises(StorageError, match="holds no journal"):
        backup(target, tmp_path / "other")
