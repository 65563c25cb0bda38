"""What the storage tests share: messages, journals on a simulated disk, an executor that works when it is told to."""

from collections import deque
from collections.abc import Callable, Collection

import pytest

from mqbroker.core.message import Entry, Message, new_entry, new_message
from mqbroker.core.properties import Properties
from mqbroker.errors import DiskFailed
from mqbroker.storage.journal import assemble
from mqbroker.storage.keys.keyring import Keyring
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.executors import Done, Executor, InlineExecutor, Work
from mqbroker.storage.recovery import Recovered
from tests.storage.simdisk import SimDisk

NOW = 1_700_000_000_000
PROPERTIES = Properties(1, b"\x90\x00\x0atext/plain\x02")


def make_properties(raw: bytes) -> Properties:
    """The decoder of the tests' properties."""
    return Properties(1, raw)


KEYRING = Keyring([bytes(range(32))])
KEYRINGS = pytest.mark.parametrize("keyring", [None, KEYRING], ids=["plain", "encrypted"])

FORMATS: dict[int, Callable[[bytes], Properties]] = {1: make_properties}


def a_message(body: bytes = b"hello", key: str = "orders", properties: Properties = PROPERTIES) -> Message:
    """A message as the core makes it."""
    return new_message("amq.direct", key, properties, body, NOW)


def an_entry(sequence: int, queue: int = 1, message: Message | None = None, body: bytes = b"hello") -> Entry:
    """An entry as a queue makes it."""
    return new_entry(message or a_message(body), queue, sequence)


class ManualExecutor:
    """Does nothing until `step`."""

    def __init__(self) -> None:
        self.orders: deque[tuple[Work, Done]] = deque()

    def submit(self, work: Work, done: Done) -> None:
        self.orders.append((work, done))

    def wait(self) -> bool:
        return self.step()

    def close(self) -> None:
        return None

    def step(self) -> bool:
        """Does one piece of work and reports it. False when there is none."""
        if not self.orders:
            return False
        work, done = self.orders.popleft()
        try:
            work()
        except Exception as error:
            done(error)
        else:
            done(None)
        return True


class Fatal:
    """Collects what a ledger calls fatal."""

    def __init__(self) -> None:
        self.errors: list[DiskFailed] = []

    def __call__(self, error: DiskFailed) -> None:
        self.errors.append(error)


class Journal:
    """A ledger on a simulated disk, with what it recovered and what it called fatal."""

    def __init__(
        self, disk: SimDisk | None = None, segment_bytes: int = 4096, appends: Executor | None = None,
        background: Executor | None = None, sync: bool = True, entropy_start: int = 0, keyring: Keyring | None = None,
        epoch: int | None = None, required: Collection[str] = (), window: int = 0, reads: Executor | None = None,
    ) -> None:  # fmt: skip
        self.disk = disk or SimDisk()
        self.window = window
        self.keyring = keyring
        self.fatal = Fatal()
        opened = assemble(
            self.disk, FORMATS, sync, appends or InlineExecutor(), background or InlineExecutor(), self.fatal,
            segment_bytes, _counter(entropy_start), keyring, epoch=epoch,
            required=required, window=window, reads=reads,
        )  # fmt: skip
        self.ledger: JournalLedger = opened[0]
        self.recovered: Recovered = opened[1]

    def put(self, *entries: Entry) -> None:
        """Enqueues and seals."""
        for entry in entries:
            self.ledger.enqueue(entry)
        self.ledger.seal()

    def reopen(self) -> "Journal":
        """What the next process finds after this one was killed."""
        return Journal(self.disk.after_kill(), keyring=self.keyring, window=self.window)

    def reopen_with(self, capacity_bytes: int) -> "Journal":
        """The same, on a disk of another size."""
        disk = self.disk.after_kill()
        disk.capacity_bytes = capacity_bytes
        return Journal(disk, keyring=self.keyring)

    def found(self) -> dict[int, list[int]]:
        """The sequences that were recovered, per queue."""
        return sequences(self.recovered)


def sequences(recovered: Recovered) -> dict[int, list[int]]:
    """The sequences that were recovered, per queue."""
    return {queue: [entry.sequence for entry in entries] for queue, entries in recovered.entries.items()}


def _counter(start: int) -> Callable[[int], bytes]:
    count = start

    def entropy(size: int) -> bytes:
        nonlocal count
        count += 1
        return count.to_bytes(size, "little")

    return entropy
