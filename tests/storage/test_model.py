"""Definitions and entries across clean restarts and kills, against a model that hypothesis shrinks when it fails."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, initialize, multiple, rule

from mqbroker.core.message import Entry, Message, new_entry
from mqbroker.storage.keys.keyring import Keyring
from tests.storage.house import KEYRING, Journal, a_message, sequences

QUEUES = st.integers(1, 3)
KEYS = st.sampled_from(["a", "b", "c"])
POLLED = 3  # the queue that holds its entries instead of having them come back
At = tuple[int, int]


class JournalMachine(RuleBasedStateMachine):
    """Facts are sealed one turn at a time; a kill loses the turn that is open."""

    keyring: Keyring | None = None
    messages: Bundle[Message] = Bundle("messages")
    places: Bundle[At] = Bundle("places")

    def __init__(self) -> None:
        super().__init__()
        self.journal = Journal(segment_bytes=2048, keyring=self.keyring)
        self.entries: dict[At, Entry] = {}
        self.model: dict[At, tuple[bytes, int, int, int]] = {}
        self.definitions: dict[str, bytes] = {}
        self.sealed_model = dict(self.model)
        self.sealed_definitions = dict(self.definitions)
        self.sequence = 0
        self.gone: set[int] = set()

    @initialize(target=messages)
    def first_message(self) -> Message:
        return a_message(b"first")

    @rule(target=messages, size=st.sampled_from([0, 10, 500, 3000]))
    def make_message(self, size: int) -> Message:
        return a_message(bytes(size), f"key{size}")

    @rule(target=places, message=messages, queue=QUEUES)
    def enqueue(self, message: Message, queue: int) -> MultipleResults[At] | At:
        if queue in self.gone:
            return multiple()
        self.sequence += 1
        entry = new_entry(message, queue, self.sequence)
        self.journal.ledger.enqueue(entry)
        self.entries[queue, self.sequence] = entry
        self.model[queue, self.sequence] = (message.body, 0, 0, 0)
        return (queue, self.sequence)

    @rule(at=consumes(places))
    def settle(self, at: At) -> None:
        if at in self.entries:
            self.journal.ledger.settle(self.entries.pop(at))
            del self.model[at]

    @rule(at=places)
    def attempt(self, at: At) -> None:
        if at in self.entries:
            entry = self.entries[at]
            entry.attempts += 1
            if at[0] == POLLED:
                entry.held_until, entry.first_taken_at = 1000 * entry.attempts, 7
                self.journal.ledger.defer(entry)
            else:
                self.journal.ledger.attempt(entry)
            self.model[at] = looks(entry)

    @rule(key=KEYS, value=st.none() | st.binary(max_size=5))
    def define(self, key: str, value: bytes | None) -> None:
        self.journal.ledger.define(key, value)
        self.definitions.pop(key, None) if value is None else self.definitions.update({key: value})

    @rule(queue=QUEUES)
    def forget(self, queue: int) -> None:
        if queue not in self.gone:
            self.gone.add(queue)
            self.entries = {at: entry for at, entry in self.entries.items() if at[0] != queue}
            self.journal.ledger.forget(queue)
            self.model = {at: state for at, state in self.model.items() if at[0] != queue}

    @rule()
    def seal(self) -> None:
        self.journal.ledger.seal()
        self.sealed_model, self.sealed_definitions = dict(self.model), dict(self.definitions)
        self._check_liveness()

    def _check_liveness(self) -> None:
        """Each segment counts exactly the entries that live in it, and a closed one without any is gone."""
        liveness = self.journal.ledger.encoder.liveness
        lsns = [entry.lsn for entry in self.entries.values()]
        for segment in liveness.by_first.values():
            assert segment.live == sum(segment.first_lsn <= lsn <= segment.last_lsn for lsn in lsns)
            assert segment.live or segment is liveness.current()

    @rule()
    def restart(self) -> None:
        self.seal()
        self.journal.ledger.close()
        self._reopen(was_clean=True)

    @rule()
    def kill(self) -> None:
        self._reopen(was_clean=False)

    def _reopen(self, was_clean: bool) -> None:
        self.journal = self.journal.reopen()
        recovered = self.journal.recovered
        assert recovered.was_clean == was_clean
        self.model, self.definitions = dict(self.sealed_model), dict(self.sealed_definitions)
        found = {(queue, entry.sequence): entry for queue, entries in recovered.entries.items() for entry in entries}
        assert {at: looks(entry) for at, entry in found.items()} == self.model
        assert list(recovered.definitions.items()) == list(self.definitions.items())
        assert all(found == sorted(found) for found in sequences(recovered).values())
        self.entries = found


def looks(entry: Entry) -> tuple[bytes, int, int, int]:
    """What has to survive of an entry."""
    return entry.message.body, entry.attempts, entry.held_until, entry.first_taken_at


class EncryptedJournalMachine(JournalMachine):
    """The same with a key."""

    keyring = KEYRING


TestJournal = JournalMachine.TestCase
TestJournal.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEncryptedJournal = EncryptedJournalMachine.TestCase
TestEncryptedJournal.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
