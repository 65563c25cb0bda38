"""Journals of earlier versions open, say what they said, and go on in the present form."""

import pytest

from mqbroker.storage.log.segment import segment_names
from mqbroker.storage.recovery import Recovered
from tests.storage.house import KEYRING, NOW, Journal, an_entry
from tests.storage.old_journals import FILES, content_of
from tests.storage.simdisk import SimDisk


def disk_of(kind: str, end: str) -> SimDisk:
    """One of the old journals, on a disk."""
    disk = SimDisk()
    for name, text in FILES[kind, end].items():
        disk.put(name, content_of(text))
    return disk


def states(recovered: Recovered) -> dict[tuple[int, int], tuple[bytes, int, int, int]]:
    """Per queue and sequence: body, attempts, until when it is held, when it was first taken."""
    return {
        (queue, entry.sequence): (
            entry.message.content(), entry.attempts, entry.held_until, entry.first_taken_at,
        )
        for queue, entries in recovered.entries.items()
        for entry in entries
    }  # fmt: skip


SAID = {
    (1, 1): (b"both", 0, 0, 0),
    (1, 2): (b"two", 0, 0, 0),
    (1, 3): (b"three", 0, 0, 0),
    (1, 4): (b"four", 2, 0, 0),
    (3, 5): (b"five", 1, NOW + 9, NOW + 1),
}


@pytest.mark.parametrize(("kind", "end"), FILES)
def test_a_journal_of_0_1_0_opens_and_goes_on(kind: str, end: str) -> None:
    keyring = KEYRING if kind == "encrypted" else None
    said = SAID if end == "killed" else {**SAID, (1, 6): (b"six", 0, 0, 0)}
    journal = Journal(disk_of(kind, end), keyring=keyring)
    recovered = journal.recovered
    assert states(recovered) == said
    assert recovered.definitions == {"queue/1": b"durable"}
    assert (recovered.was_clean, recovered.note) == (end != "killed", "")
    journal.put(an_entry(7, body=b"seven"))
    journal.ledger.close()
    again = Journal(journal.disk.after_kill(), keyring=keyring)
    assert states(again.recovered) == {**said, (1, 7): (b"seven", 0, 0, 0)}
    assert len(segment_names(again.disk.names())) == len(FILES[kind, end]) + 2
