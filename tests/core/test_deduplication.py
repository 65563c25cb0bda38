"""Deduplication on a FIFO queue: what counts as the same message, for how long, and what the sender is told."""

from hashlib import sha256

import pytest

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, new_entry, new_message
from mqbroker.core.queues.polled.deduplication import Deduplication, NoteProperties
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.limits import DEDUPLICATION_MS, PORTION
from tests.core.messages import PlainProperties, nothing
from tests.core.polled import Lab, bodies, counts


@pytest.fixture
def lab() -> Lab:
    return Lab()


def told(entry: Entry) -> tuple[int, str | None]:
    """What the sender of a message is told."""
    return entry.sequence, entry.message.properties.text("message_id")


def test_a_duplicate_is_not_taken_and_its_sender_is_told_of_the_original(lab: Lab) -> None:
    queue = lab.fifo()
    first, second = lab.send(queue, *"ab", group="1", deduplication="same")
    assert told(second) == told(first) == (first.sequence, "id-a")
    assert second.message.properties.text("group_id") is None
    assert (queue.sent_count, queue.deduplicated_count) == (1, 1)
    assert lab.get(queue) == "a"


def test_an_id_counts_for_five_minutes_from_the_original(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, "a", group="1", deduplication="same")
    lab.wait(DEDUPLICATION_MS - 1)
    lab.send(queue, "b", group="1", deduplication="same")
    assert counts(queue) == (1, 0, 0)
    lab.wait(1)
    lab.send(queue, "c", group="1", deduplication="same")
    assert bodies(queue.lines.first_entries(9)) == "ac"
    lab.send(queue, "d", group="1", deduplication="same")
    assert bodies(queue.lines.first_entries(9)) == "ac"


def test_ids_of_deleted_messages_count_still(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, "a", group="1", deduplication="1")
    queue.delete(lab.receive(queue, 1)[0], lab.now)
    lab.send(queue, "b", group="1", deduplication="1")
    assert counts(queue) == (0, 0, 0)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_purge_clears_the_ids_also_of_a_queue_that_is_empty(lab: Lab, is_deleted: bool) -> None:
    """The bug: after a purge a message with an id from before it was dropped for five minutes."""
    queue = lab.fifo()
    lab.send(queue, "a", group="1", deduplication="1")
    if is_deleted:
        queue.delete(lab.receive(queue, 1)[0], lab.now)
    assert queue.purge(lab.now, nothing) == (0 if is_deleted else 1)
    assert len(queue.deduplication) == 0
    lab.send(queue, "b", group="1", deduplication="1")
    lab.send(queue, "c", group="1", deduplication="1")
    assert bodies(queue.lines.first_entries(9)) == "b"


def test_content_counts_only_when_the_queue_says_so_and_no_id_is_given(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"aa", group="1")
    assert counts(queue) == (2, 0, 0)
    lab.vhost.change_polling(queue, PollSettings(deduplicates_by_content=True), lab.now)
    lab.send(queue, *"bb", group="1")
    lab.send(queue, "b", group="1", deduplication="other")
    lab.send(queue, "c", group="1", deduplication=sha256(b"b").hexdigest())
    assert counts(queue) == (4, 0, 0)


def test_the_scope_of_an_id_may_be_its_group_and_may_be_changed(lab: Lab) -> None:
    queue = lab.fifo(deduplicates_by_group=True)
    first = lab.send(queue, "a", group="1", deduplication="same")[0]
    lab.send(queue, "b", group="2", deduplication="same")
    lab.send(queue, "c", group="2", deduplication="same")
    assert counts(queue) == (2, 0, 0)
    lab.vhost.change_polling(queue, PollSettings(), lab.now)
    assert told(lab.send(queue, "d", group="3", deduplication="same")[0]) == told(first)
    lab.vhost.change_polling(queue, PollSettings(deduplicates_by_group=True), lab.now)
    lab.send(queue, "e", group="1", deduplication="same")
    lab.send(queue, "f", group="3", deduplication="same")
    assert bodies(queue.lines.first_entries(9)) == "abf"


def test_group_and_id_are_never_mistaken_for_another_pair(lab: Lab) -> None:
    queue = lab.fifo(deduplicates_by_group=True)
    for group, name in (("1", "11"), ("11", "1"), ("", "111"), ("1 1", "1")):
        lab.send(queue, "a", group=group, deduplication=name)
    assert counts(queue) == (4, 0, 0)


def test_amqp_names_the_id_in_a_header(lab: Lab) -> None:
    queue = lab.fifo()
    for body, name in (("a", "1"), ("b", "1"), ("x", "2" * 200), ("y", "2" * 200), ("z", "2" * 201)):
        queue.publish(lab.message(body, PlainProperties({"MessageDeduplicationId": name})), lab.now)
    assert lab.get(queue) == "axz"


def test_a_standard_queue_takes_everything(lab: Lab) -> None:
    queue = lab.queue(deduplicates_by_content=True)
    lab.send(queue, *"aa", deduplication="same")
    assert lab.get(queue) == "aa"


def test_what_is_forgotten_leaves_nothing_behind(lab: Lab) -> None:
    queue = lab.fifo()
    for number in range(500):
        lab.send(queue, "a", group="1", deduplication=f"{number}")
    assert len(queue.deduplication) == 500
    lab.wait(DEDUPLICATION_MS)
    assert len(queue.deduplication) == 0


def test_an_id_that_was_used_again_is_restored_as_it_was_used_last(lab: Lab) -> None:
    """The settlement of the first use was lost in the crash, and the first use hid the second."""
    ledger = Slow()
    markers = []
    for sequence, expires_at in ((1, 1000), (2, 301_000)):
        marker = new_entry(new_message("group", "name", NoteProperties(), b"id", 0), 7, sequence)
        marker.expires_at, marker.lsn = expires_at, sequence
        markers.append(marker)
    ledger.position = 3
    known = Deduplication(ledger, 7, True)
    assert known.restore(markers, 1000) == 2
    found = known.find("group", "name", 1000)
    assert found is not None
    assert told(found) == (2, "id")
    assert ledger.settled == [1]


class Slow(Ledger):
    """A journal whose batches stay open; it notes what was settled."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: list[int] = []

    def enqueue(self, entry: Entry) -> None:
        entry.lsn = self.position

    def settle(self, entry: Entry) -> None:
        assert entry.lsn < self.position
        self.settled.append(entry.sequence)


def test_a_disk_that_hangs_for_five_minutes_has_its_notes_settled_afterwards(lab: Lab) -> None:
    """A note is settled by its batch alone, which an open batch cannot find."""
    ledger = Slow()
    known = Deduplication(ledger, 7, True)
    (entry,) = lab.send(lab.fifo(), "a")
    entry.message.properties.persistent = True
    known.note("group", "name", entry, 0)
    known.expire(DEDUPLICATION_MS, PORTION)
    assert (len(known), ledger.settled, known.next_deadline()) == (0, [], 0)
    ledger.position += 1
    known.expire(DEDUPLICATION_MS, PORTION)
    assert ledger.settled == [entry.sequence]
