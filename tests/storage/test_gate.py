"""The gate as scripts: what is told on the left, what is committed after it on the right."""

import pytest

from mqbroker.storage.gate import Gate
from tests.storage.house import Journal, ManualExecutor, an_entry

SCRIPTS = {
    "one node commits what it has synced": """
        durable 1          -> 1
        durable 2          -> 2
    """,
    "numbers of batches skip, and a batch of which nothing was left has no frame": """
        durable 1          -> 1
        empty 2            -> 2
        durable 5          -> 5
    """,
    "a confirm went out before the standby had the message": """
        durable 1          -> 1
        require b 1        -> 1
        durable 2          -> 1
        acknowledged b 2   -> 2
    """,
    "the standby is faster than the local disk": """
        require b 0        -> 0
        acknowledged b 1   -> 0
        durable 1          -> 1
        acknowledged b 3   -> 1
        durable 2          -> 2
        durable 3          -> 3
    """,
    "the slowest of two members decides": """
        require b 0        -> 0
        require c 0        -> 0
        durable 3          -> 0
        acknowledged b 3   -> 0
        acknowledged c 2   -> 2
        acknowledged c 3   -> 3
    """,
    "a promise for a batch without a frame waited for ever, because no standby acknowledges such a batch": """
        require b 0        -> 0
        durable 1          -> 0
        empty 2            -> 0
        empty 3            -> 0
        acknowledged b 1   -> 3
        empty 4            -> 4
        durable 5          -> 4
    """,
    "a member that is required when it is not as far yet stops the position, and takes nothing back": """
        durable 5          -> 5
        require b 2        -> 5
        durable 6          -> 5
        acknowledged b 5   -> 5
        acknowledged b 6   -> 6
    """,
    "a member that is let go of holds nothing up": """
        require b 0        -> 0
        durable 4          -> 0
        release b          -> 4
        acknowledged b 1   -> 4
        durable 5          -> 5
    """,
    "an acknowledgement that comes late or twice moves nothing back": """
        require b 0        -> 0
        durable 4          -> 0
        acknowledged b 3   -> 3
        acknowledged b 2   -> 3
        durable 5          -> 3
        acknowledged b 4   -> 4
    """,
    "a late acknowledgement does not undo a newer one that the local disk was waited for": """
        require b 0        -> 0
        acknowledged b 5   -> 0
        acknowledged b 2   -> 0
        durable 5          -> 5
    """,
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_the_gate_follows_its_script(script: str) -> None:
    gate = Gate(0)
    for line in filter(None, map(str.strip, script.splitlines())):
        told, _, committed = line.partition("->")
        deed, *words = told.split()
        numbers = [int(word) if word.isdigit() else word for word in words]
        assert getattr(gate, deed)(*numbers) == int(committed), line
        assert gate.committed == int(committed), line


def test_promises_wait_for_every_required_member() -> None:
    """A promise was kept as soon as the local disk had the batch."""
    journal = Journal()
    ledger, kept = journal.ledger, list[str]()
    ledger.gate.require("b", ledger.committed)
    ledger.enqueue(an_entry(1))
    ledger.promise(ledger.position, lambda: kept.append("with a frame"))
    ledger.seal()
    ledger.promise(ledger.position, lambda: kept.append("without"))
    ledger.seal()
    ledger.seal()
    assert kept == []
    assert journal.reopen().found() == {1: [1]}
    ledger.gate.acknowledged("b", ledger.encoder.last_lsn)
    ledger.keep_promises()
    assert kept == ["with a frame", "without"]


def test_a_promise_of_what_is_committed_already_does_not_wait_for_a_member() -> None:
    ledger, kept = Journal().ledger, list[str]()
    ledger.gate.require("b", ledger.committed)
    committed = ledger.committed
    ledger.enqueue(an_entry(1))
    ledger.seal()
    ledger.promise(committed, lambda: kept.append("old"))
    ledger.seal()
    assert kept == ["old"]


def test_batches_go_on_to_the_disk_while_a_member_is_awaited() -> None:
    """The log stood still for a slow standby, so that it had to catch up with everything at once."""
    appends = ManualExecutor()
    journal = Journal(appends=appends)
    ledger, kept = journal.ledger, list[int]()
    ledger.gate.require("b", ledger.committed)
    for number in range(3):
        ledger.enqueue(an_entry(number))
        ledger.promise(ledger.position, lambda number=number: kept.append(number))  # type: ignore[misc]
        ledger.seal()
        appends.step()
    assert (kept, journal.reopen().found()) == ([], {1: [0, 1, 2]})
    ledger.gate.release("b")
    ledger.keep_promises()
    assert kept == [0, 1, 2]
