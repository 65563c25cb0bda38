"""How many descriptors are open, as far as the system says so."""

import os
from pathlib import Path

import pytest

from mqbroker.runtime import descriptors


def test_descriptors_are_counted(tmp_path: Path) -> None:
    before = descriptors.open_count()
    with (tmp_path / "file").open("wb"):
        assert descriptors.open_count() == before + 1
    assert descriptors.open_count() == before


def test_a_system_that_does_not_say_it_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The broker stopped where the system has no such folder, or no descriptor was left to read it with."""
    monkeypatch.setattr(descriptors, "_FOLDER", str(tmp_path / "missing"))
    assert descriptors.open_count() == 0


def test_an_older_system_lists_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux says the number since 6.2: before, none would be open."""
    real = os.stat

    def old(path: str) -> os.stat_result:
        return os.stat_result((*real(path)[:6], 0, *real(path)[7:]))

    expected = descriptors.open_count()
    monkeypatch.setattr(os, "stat", old)
    assert descriptors.open_count() in (expected, expected + 1)
