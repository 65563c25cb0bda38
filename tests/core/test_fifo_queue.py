"""A FIFO queue: order within each group, whatever comes back; and groups locked while something is in flight."""

import pytest

from mqbroker.core.queues.polled.settings import PollSettings
from tests.core.messages import PlainProperties, nothing
from tests.core.polled import Lab, Poller, bodies, counts, sizes


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_one_receive_takes_several_of_a_group_in_order_and_goes_on_with_others(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"ace", group="1")
    lab.send(queue, *"bd", group="2")
    assert lab.get(queue, 4) == "aceb"
    assert counts(queue) == (1, 4, 0)
    assert queue.waiting_count() == 0


def test_a_group_is_locked_until_all_of_it_in_flight_is_settled(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"abc", group="1")
    lab.send(queue, *"xy", group="2")
    a, b = lab.receive(queue, 2)
    assert lab.get(queue, 1) == "x"
    assert lab.get(queue) == ""
    queue.delete(a, lab.now)
    assert lab.get(queue) == ""
    queue.delete(b, lab.now)
    assert lab.get(queue) == "c"
    assert lab.get(queue) == ""


def test_what_comes_back_waits_for_what_is_in_flight_before_it_and_for_nothing_behind_it(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"abcd", group="1")
    a, b, c = lab.receive(queue, 3, 1000)
    queue.change_visibility(c, 0, lab.now)
    assert lab.get(queue) == ""
    queue.change_visibility(a, 0, lab.now)
    assert lab.get(queue) == "a"
    assert queue.waiting_count() == 0
    queue.delete(b, lab.now)
    assert lab.get(queue) == ""
    queue.delete(a, lab.now)
    assert lab.get(queue) == "cd"


def test_deadlines_that_end_apart_keep_the_group_locked_until_the_last(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"abc", group="1")
    a, _ = lab.receive(queue, 2, 1000)
    queue.change_visibility(a, 5000, lab.now)
    lab.wait(1000)
    assert lab.get(queue) == ""
    lab.wait(4000)
    assert lab.get(queue) == "abc"


def test_a_message_that_fails_again_and_again_stays_at_its_place(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"ab", group="1")
    sent_at = lab.now
    for _ in range(5):
        assert lab.get(queue, 1, 1000) == "a"
        lab.wait(1000)
    assert queue.lines.oldest_sent_at() == sent_at
    assert lab.get(queue, 2, 0) == "ab"
    assert lab.get(queue) == "ab"


def test_a_message_without_a_group_has_the_group_without_a_name(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"ab")
    assert lab.get(queue, 1) == "a"
    assert lab.get(queue) == ""


def test_a_shorter_delay_lets_nothing_overtake_its_group(lab: Lab) -> None:
    queue = lab.fifo(delay_ms=900)
    lab.send(queue, "a", group="1")
    lab.vhost.change_polling(queue, PollSettings(), lab.now)
    lab.send(queue, "b", group="1")
    lab.send(queue, "x", group="2")
    assert lab.get(queue) == "x"
    assert counts(queue) == (0, 1, 2)
    lab.wait(900)
    assert lab.get(queue) == "ab"
    lab.send(queue, "c", group="3")
    assert lab.get(queue) == "c"


def test_a_delayed_message_that_expires_holds_nobody_back_afterwards(lab: Lab) -> None:
    queue = lab.fifo(delay_ms=900_000, retention_ms=60_000)
    lab.send(queue, "a", group="1")
    lab.wait(60_000)
    lab.vhost.change_polling(queue, PollSettings(delay_ms=1000), lab.now)
    lab.send(queue, "b", group="1")
    lab.wait(1000)
    assert lab.get(queue) == "b"


def test_dead_letters_keep_their_order_and_their_retention_begins_anew(lab: Lab) -> None:
    dead = lab.fifo("dead.fifo", retention_ms=60_000)
    queue = lab.fifo(receive_max=1, dead_letter_queue="dead.fifo")
    lab.send(queue, *"ab", group="1", deduplication="same")
    lab.send(queue, *"bc", group="1")
    assert lab.get(queue, visibility_ms=50_000) == "abc"
    lab.wait(50_000)
    assert lab.get(queue) == ""
    lab.wait(59_999)
    assert lab.get(dead, 1, 0) == "a"
    assert lab.get(dead) == "abc"
    assert dead.purge(lab.now, nothing) == 3


def test_who_waits_is_woken_when_a_group_is_free_again(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"ab", group="1")
    (a,) = lab.receive(queue, 1)
    poller = Poller(queue)
    queue.wait(poller)
    lab.send(queue, "c", group="1")
    assert poller.wakes == 0
    queue.delete(a, lab.now)
    assert bodies(poller.got) == "b"


def test_a_consumer_of_amqp_locks_a_group_too(lab: Lab) -> None:
    queue = lab.fifo()
    taker = lab.subscribe(queue)
    lab.send(queue, *"abc", group="1")
    lab.send(queue, "x", group="2")
    assert taker.bodies == [b"a", b"x"]
    queue.acknowledge(taker.taken[0], lab.now)
    lab.wait(0)
    assert taker.bodies == [b"a", b"x", b"b"]
    queue.requeue([taker.taken[2]], lab.now)
    assert taker.bodies[3:] == [b"b"]
    assert counts(queue) == (1, 2, 0)


def test_an_acknowledgement_wakes_long_polls_at_once(lab: Lab) -> None:
    queue = lab.fifo()
    taker = lab.subscribe(queue, prefetch=1)
    lab.send(queue, *"ab", group="1")
    queue.remove_consumer(taker, lab.now)
    poller = Poller(queue)
    queue.wait(poller)
    queue.acknowledge(taker.taken[0], lab.now)
    assert bodies(poller.got) == "b"


def test_amqp_names_the_group_in_a_header(lab: Lab) -> None:
    queue = lab.fifo()
    for body, group in (("a", "1"), ("b", "1"), ("x", "2" * 200), ("y", 5)):
        queue.publish(lab.message(body, PlainProperties({"MessageGroupId": group})), lab.now)
    assert lab.get(queue, 1) == "a"
    assert lab.get(queue) == "xy"
    assert {len(name) for name in queue.lines.groups} == {0, 1, 64}


def test_messages_behind_a_locked_group_expire_with_what_locks_it(lab: Lab) -> None:
    queue = lab.fifo(retention_ms=60_000)
    lab.send(queue, *"abc", group="1")
    lab.receive(queue, 1, 43_200_000)
    lab.wait(60_000)
    assert counts(queue) == (0, 0, 0)
    assert list(queue.lines.groups) == [""]


def test_messages_behind_one_that_amqp_holds_expire_in_time(lab: Lab) -> None:
    """They were looked at only when their group was free."""
    queue = lab.fifo(retention_ms=60_000)
    lab.send(queue, "a", group="1")
    taker = lab.subscribe(queue)
    lab.wait(1)
    lab.send(queue, *"bc", group="1")
    queue.remove_consumer(taker, lab.now)
    lab.wait(59_999)
    assert counts(queue) == (2, 1, 0)
    lab.wait(1)
    assert counts(queue) == (0, 1, 0)
    queue.requeue(taker.taken, lab.now)
    lab.wait(0)
    assert counts(queue) == (0, 0, 0)


def test_a_group_that_was_served_expires_in_time_behind_a_younger_one_that_was_not(lab: Lab) -> None:
    """The line whose turn is first was taken for the one with the oldest message."""
    queue = lab.fifo(retention_ms=60_000)
    lab.send(queue, *"ab", group="1")
    queue.delete(lab.receive(queue, 1)[0], lab.now)
    lab.wait(1000)
    lab.send(queue, "x", group="2")
    lab.wait(59_000)
    assert bodies(queue.lines.first_entries(9)) == "x"


def test_moves_take_the_oldest_of_the_groups_that_are_free(lab: Lab) -> None:
    source, target = lab.fifo("source.fifo"), lab.fifo("target.fifo")
    lab.send(source, *"ab", group="1")
    lab.send(source, *"xy", group="2")
    (a,) = lab.receive(source, 1)
    assert [source.move_one(target, lab.now) for _ in range(3)] == [True, True, False]
    source.delete(a, lab.now)
    assert source.move_one(target, lab.now)
    assert lab.get(target) == "xyb"


def test_purge_frees_the_groups(lab: Lab) -> None:
    queue = lab.fifo()
    lab.send(queue, *"abc", group="1")
    lab.receive(queue, 1)
    assert queue.purge(lab.now, nothing) == 3
    lab.send(queue, "d", group="1")
    assert queue.waiting_count() == 1
    assert lab.get(queue) == "d"


def test_two_hundred_thousand_messages_of_one_group_are_no_slower_to_receive() -> None:
    """What is walked over in a receive is as little with 200,000 messages queued as with one."""
    lab = Lab()
    queue = lab.fifo()
    same = lab.message("a")
    for _ in range(200_000):
        queue.send(same, lab.now)
    for _ in range(5_000):
        for entry in lab.receive(queue):
            queue.delete(entry, lab.now)
        assert max(*sizes(queue)) < 100
    assert counts(queue) == (150_000, 0, 0)
