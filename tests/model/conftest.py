"""What the model tests of pages share."""

import pytest

from mqbroker.storage.pages import relocator


@pytest.fixture
def moves_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments are emptied sooner than where disks are large."""
    monkeypatch.setattr(relocator, "DISK_USE_MAX", 1.2)
    monkeypatch.setattr(relocator, "DISK_SLACK_SEGMENTS", 0)
