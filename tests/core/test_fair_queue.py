"""Groups on a standard queue: a group that has too much in flight lets the others go first."""

import pytest

from mqbroker.core.queues.polled.settings import GroupCounts
from tests.core.polled import Lab, Poller, bodies, counts, texts


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_groups_lock_nothing_and_keep_the_order_of_arrival_while_all_are_quiet(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"ab", group="1")
    lab.send(queue, "x")
    lab.send(queue, "c", group="2")
    assert lab.get(queue) == "abxc"


def test_a_noisy_group_is_served_only_when_no_other_has_anything(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"n" * 40, group="noisy")
    lab.send(queue, *"qqq", group="quiet")
    lab.send(queue, "u")
    assert lab.get(queue, 29) == "n" * 29
    assert queue.lines.group_counts().noisy == 0
    assert lab.get(queue, 1) == "n"
    assert queue.lines.group_counts() == GroupCounts(1, 1, 4, 0, 0, lab.now)
    assert lab.get(queue, 3) == "qqq"
    assert lab.get(queue, 3) == "unn"
    assert counts(queue) == (8, 36, 0)


def test_the_only_group_is_not_noisy(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"n" * 40, group="noisy")
    lab.receive(queue, 35)
    assert queue.lines.group_counts().noisy == 0
    lab.send(queue, "u")
    assert lab.get(queue, 2) == "un"


def test_messages_without_a_group_are_never_noisy(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"u" * 50)
    lab.send(queue, "q", group="quiet")
    lab.receive(queue, 40)
    assert lab.get(queue) == "u" * 10
    assert lab.get(queue) == "q"


def test_a_group_with_a_tenth_of_what_is_in_flight_is_quiet(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"n" * 40, group="1")
    lab.receive(queue, 30)
    lab.send(queue, *"u" * 271)
    assert lab.get(queue, 1) == "u"
    assert queue.lines.group_counts().noisy == 1
    others = lab.receive(queue, 269)
    assert bodies(others) == "u" * 269
    assert queue.lines.group_counts().noisy == 0
    assert lab.get(queue, 1) == "n", "the oldest is served again, since others took more"
    assert queue.lines.group_counts().noisy == 1
    assert lab.get(queue, 1) == "u"


def test_a_group_is_noisy_as_soon_as_others_have_settled_theirs(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"u" * 300)
    others = lab.receive(queue, 300)
    lab.send(queue, *"n" * 32, group="1")
    lab.receive(queue, 30)
    lab.send(queue, "q", group="2")
    for entry in others:
        queue.delete(entry, lab.now)
    assert lab.get(queue) == "qnn"


def test_a_noisy_group_is_quiet_again_when_its_messages_are_settled_or_come_back(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"n" * 40, group="noisy")
    lab.send(queue, *"qq", group="quiet")
    held = lab.receive(queue, 30, 1000)
    assert queue.lines.group_counts().noisy == 1
    queue.delete(held[0], lab.now)
    assert queue.lines.group_counts().noisy == 0
    assert lab.get(queue, 1) == "n"
    assert queue.lines.group_counts().noisy == 1
    lab.wait(1000)
    assert queue.lines.group_counts().noisy == 0


def test_delayed_messages_of_quiet_groups_are_told_apart(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"n" * 30, group="noisy")
    lab.receive(queue, 30)
    lab.send(queue, "n", group="noisy", delay_ms=5000)
    lab.send(queue, "q", group="quiet", delay_ms=5000)
    assert queue.lines.group_counts() == GroupCounts(1, 1, 0, 0, 1, lab.now)
    assert counts(queue) == (0, 30, 2)


def test_a_noisy_group_expires_like_any_other(lab: Lab) -> None:
    queue = lab.queue(retention_ms=60_000)
    lab.send(queue, *"n" * 40, group="noisy")
    lab.receive(queue, 30, 43_200_000)
    lab.wait(1)
    lab.send(queue, "q", group="quiet")
    assert queue.lines.group_counts().noisy == 1
    lab.wait(59_999)
    assert counts(queue) == (1, 0, 0)
    assert set(queue.lines.groups) == {"", "quiet"}
    assert not queue.lines.noisy


def test_who_waits_gets_messages_of_a_noisy_group_too(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"n" * 30, group="noisy")
    lab.send(queue, "u")
    lab.receive(queue, 31)
    poller = Poller(queue)
    queue.wait(poller)
    lab.send(queue, "n", group="noisy")
    assert bodies(poller.got) == "n"


def test_consumers_of_amqp_are_fair_too(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"n" * 40, group="noisy")
    lab.send(queue, *"q", group="quiet")
    taker = lab.subscribe(queue, prefetch=31)
    assert taker.bodies[30:] == [b"q"]


def test_thousands_of_groups_are_served_in_the_order_of_their_messages() -> None:
    lab = Lab()
    queue = lab.queue()
    groups = [lab.message("a", texts(f"{number}", None, None)) for number in range(25_000)]
    for _ in range(2):
        for message in groups:
            queue.send(message, lab.now)
    sequences: list[int] = []
    while found := lab.receive(queue, 1000):
        sequences += [entry.sequence for entry in found]
        for entry in found:
            queue.delete(entry, lab.now)
    assert sequences == sorted(sequences)
    assert len(sequences) == 50_000
    assert list(queue.lines.groups) == [""]
