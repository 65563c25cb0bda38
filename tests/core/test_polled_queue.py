"""A standard queue that clients poll: visibility, delays, retention, redrive, long polls, and AMQP beside them."""

import pytest

from mqbroker.core.message import GONE, Entry
from mqbroker.core.properties import Properties
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.errors import PreconditionFailed
from tests.core.messages import PlainProperties, Taker, message, nothing
from tests.core.polled import Lab, Poller, bodies, counts, sizes


@pytest.fixture
def lab() -> Lab:
    return Lab()


# --- visibility -----------------------------------------------------------------------------------------------------


def test_a_received_message_is_hidden_until_its_deadline_and_then_back_at_its_place(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"abc")
    (first,) = lab.receive(queue, 1, 10_000)
    assert (first.attempts, first.first_taken_at, first.held_until) == (1, lab.now, lab.now + 10_000)
    assert counts(queue) == (2, 1, 0)
    lab.wait(9_999)
    assert counts(queue) == (2, 1, 0)
    lab.wait(1)
    assert counts(queue) == (3, 0, 0)
    assert lab.get(queue) == "abc"
    assert (first.attempts, first.first_taken_at, first.is_redelivered) == (2, lab.now - 10_000, True)


def test_a_deleted_message_never_comes_back(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"ab")
    for entry in lab.receive(queue):
        queue.delete(entry, lab.now)
    lab.wait(60_000)
    assert counts(queue) == (0, 0, 0)
    assert lab.get(queue) == ""


def test_an_earlier_handle_deletes_a_message_that_is_visible_again_or_was_received_again(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"abc")
    a, b, c = lab.receive(queue, 3, 1000)
    lab.wait(1000)
    assert queue.find(b.sequence) is b
    queue.delete(b, lab.now)
    assert counts(queue) == (2, 0, 0)
    assert lab.receive(queue) == [a, c]
    queue.delete(a, lab.now)
    queue.delete(a, lab.now)
    assert counts(queue) == (0, 1, 0)
    assert queue.find(a.sequence) is None


def test_a_message_that_nobody_received_has_no_handle(lab: Lab) -> None:
    queue = lab.queue()
    (waiting,) = lab.send(queue, "a")
    (delayed,) = lab.send(queue, "b", delay_ms=1000)
    assert queue.find(waiting.sequence) is None
    assert queue.find(delayed.sequence) is None
    queue.delete(waiting, lab.now)
    assert counts(queue) == (1, 0, 1)


def test_visibility_can_be_changed_while_in_flight_only(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"ab")
    a, b = lab.receive(queue, 2, 1000)
    queue.change_visibility(a, 5000, lab.now)
    queue.change_visibility(b, 0, lab.now)
    assert not queue.lines.is_in_flight(b)
    assert counts(queue) == (1, 1, 0)
    queue.change_visibility(b, 9000, lab.now)
    assert counts(queue) == (1, 1, 0)
    lab.wait(1000)
    assert queue.lines.is_in_flight(a)
    lab.wait(4000)
    assert not queue.lines.is_in_flight(a)
    assert lab.get(queue) == "ab"


def test_a_visibility_of_nothing_shows_a_message_and_counts_it(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"ab")
    assert lab.get(queue, visibility_ms=0) == "ab"
    assert counts(queue) == (2, 0, 0)
    assert [entry.attempts for entry in lab.receive(queue)] == [2, 2]


def test_no_more_than_the_maximum_is_in_flight(lab: Lab) -> None:
    queue = lab.queue(in_flight_max=2)
    lab.send(queue, *"abc")
    first, _ = lab.receive(queue)
    assert queue.is_at_in_flight_max
    assert lab.get(queue) == ""
    poller = Poller(queue)
    queue.wait(poller)
    queue.delete(first, lab.now)
    assert bodies(poller.got) == "c"
    assert queue.is_at_in_flight_max


# --- delay ----------------------------------------------------------------------------------------------------------


def test_a_delayed_message_becomes_visible_in_time_and_at_its_place(lab: Lab) -> None:
    queue = lab.queue(delay_ms=1000)
    lab.send(queue, "a")
    lab.send(queue, "b", delay_ms=0)
    lab.send(queue, "c", delay_ms=500)
    assert counts(queue) == (1, 0, 2)
    assert bodies(queue.lines.first_entries(9)) == "b"
    lab.wait(500)
    assert bodies(queue.lines.first_entries(9)) == "bc"
    lab.wait(500)
    assert bodies(queue.lines.first_entries(9)) == "abc"
    assert bodies(queue.lines.first_entries(2)) == "ab"


# --- retention ------------------------------------------------------------------------------------------------------


def test_what_is_too_old_is_gone_whatever_its_state(lab: Lab) -> None:
    queue = lab.queue(retention_ms=60_000)
    lab.send(queue, "a", "b", "c")
    lab.send(queue, "d", delay_ms=900_000)
    lab.receive(queue, 1, 43_200_000)
    lab.receive(queue, 1, 1000)
    lab.wait(59_999)
    assert counts(queue) == (2, 1, 1)
    lab.wait(1)
    assert counts(queue) == (0, 0, 0)


def test_a_shorter_retention_applies_to_what_is_there(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"ab")
    lab.receive(queue, 1, 600_000)
    lab.wait(60_000)
    lab.send(queue, "c")
    lab.vhost.change_polling(queue, PollSettings(retention_ms=90_000), lab.now)
    lab.wait(29_999)
    assert counts(queue) == (2, 1, 0)
    lab.wait(1)
    assert bodies(queue.lines.first_entries(9)) == "c"
    assert counts(queue) == (1, 0, 0)


def test_a_timer_of_an_earlier_longer_retention_does_not_stand_for_a_shorter_one(lab: Lab) -> None:
    """A timer was armed already, for later, so none was armed for the only message."""
    queue = lab.queue(retention_ms=600_000)
    lab.send(queue, "a")
    queue.purge(lab.now, nothing)
    lab.vhost.change_polling(queue, PollSettings(retention_ms=60_000), lab.now)
    lab.send(queue, "b")
    lab.wait(60_000)
    assert counts(queue) == (0, 0, 0)


def test_the_expiration_of_amqp_counts_too(lab: Lab) -> None:
    queue = lab.queue()
    for body, ttl_ms in (("a", -1), ("b", 500), ("c", -1)):
        queue.publish(lab.message(body, PlainProperties(ttl_ms=ttl_ms)), lab.now)
    lab.wait(499)
    assert counts(queue) == (3, 0, 0)
    lab.wait(1)
    assert lab.get(queue) == "ac"


def test_a_message_that_expires_at_the_moment_it_is_asked_for_is_not_delivered(lab: Lab) -> None:
    queue = lab.queue(retention_ms=60_000)
    lab.send(queue, "a")
    assert queue.receive(1, 1000, lab.now + 60_000) == []


# --- redrive --------------------------------------------------------------------------------------------------------


def test_what_was_received_too_often_goes_to_the_dead_letter_queue(lab: Lab) -> None:
    dead = lab.queue("dead")
    queue = lab.queue(receive_max=2, dead_letter_queue="dead")
    lab.send(queue, *"ab")
    for _ in range(2):
        assert lab.get(queue, 1, 1000) == "a"
        lab.wait(1000)
    assert lab.get(queue) == "b"
    assert counts(queue) == (0, 1, 0)
    assert bodies(dead.lines.first_entries(9)) == "a"
    assert dead.sent_count == 0
    (letter,) = lab.receive(dead)
    assert (letter.attempts, letter.message.received_at) == (1, lab.now - 2000)


def test_without_its_dead_letter_queue_a_message_is_delivered_for_ever(lab: Lab) -> None:
    queue = lab.queue(receive_max=1, dead_letter_queue="missing")
    lab.send(queue, "a")
    for _ in range(5):
        assert lab.get(queue, 1, 1000) == "a"
        lab.wait(1000)
    lab.vhost.change_polling(queue, PollSettings(receive_max=1, dead_letter_queue="q"), lab.now)
    assert lab.get(queue) == "a"


def test_retention_goes_on_in_the_dead_letter_queue(lab: Lab) -> None:
    dead = lab.queue("dead", retention_ms=60_000)
    queue = lab.queue(receive_max=1, dead_letter_queue="dead")
    lab.send(queue, "a")
    lab.get(queue, 1, 40_000)
    lab.wait(40_000)
    lab.send(dead, "b")
    lab.get(queue)
    assert bodies(dead.lines.first_entries(9)) == "ba"
    lab.wait(20_000)
    assert bodies(dead.lines.first_entries(9)) == "b"


def test_a_dead_letter_expires_in_time_also_behind_a_younger_message_that_was_delayed(lab: Lab) -> None:
    """The delayed message did not count as a young one, so the old one after it was not watched."""
    dead = lab.queue("dead", retention_ms=60_000)
    queue = lab.queue(receive_max=1, dead_letter_queue="dead")
    lab.send(queue, "a")
    lab.get(queue, 1, 40_000)
    lab.wait(40_000)
    lab.send(dead, "b", delay_ms=1000)
    lab.get(queue)
    lab.wait(20_000)
    assert bodies(dead.lines.first_entries(9)) == "b"


class Noting(Properties):
    """Properties that note the queues they were redriven from."""

    def __init__(self, sources: tuple[str, ...] = ()) -> None:
        Properties.__init__(self, 0, b"")
        self.sources = sources

    def redriven(self, source: str, attempts: int) -> "Noting":
        return Noting((*self.sources, source))


def sources(entry: Entry) -> tuple[str, ...]:
    assert isinstance(entry.message.properties, Noting)
    return entry.message.properties.sources


def test_the_properties_learn_where_a_dead_letter_comes_from_and_that_it_was_moved_back(lab: Lab) -> None:
    dead = lab.queue("dead")
    queue = lab.queue(receive_max=1, dead_letter_queue="dead")
    queue.send(lab.message("a", Noting()), lab.now)
    lab.get(queue, 1, 0)
    lab.get(queue)
    assert sources(dead.lines.first_entries(1)[0]) == ("q",)
    lab.wait(5000)
    assert dead.move_one(queue, lab.now)
    assert not dead.move_one(queue, lab.now)
    (entry,) = lab.receive(queue)
    assert (sources(entry), entry.attempts, entry.message.received_at) == (("q", ""), 1, lab.now)


def test_what_a_dead_letter_queue_gets_wakes_who_waits_there(lab: Lab) -> None:
    dead = lab.queue("dead")
    queue = lab.queue(receive_max=1, dead_letter_queue="dead")
    poller = Poller(dead)
    dead.wait(poller)
    lab.send(queue, "a")
    lab.get(queue, 1, 0)
    lab.get(queue)
    lab.wait(0)
    assert bodies(poller.got) == "a"


# --- the back of the queue ------------------------------------------------------------------------------------------


def test_a_message_that_was_received_three_times_goes_to_the_back_and_is_not_the_oldest_any_more(lab: Lab) -> None:
    queue = lab.queue()
    sent_at = lab.now
    assert queue.lines.oldest_sent_at() == 0
    lab.send(queue, "a")
    lab.wait(1)
    lab.send(queue, "b")
    for _ in range(3):
        assert queue.lines.oldest_sent_at() == sent_at
        assert lab.get(queue, 1, 1000) == "a"
        lab.wait(1000)
    assert queue.lines.oldest_sent_at() == sent_at + 1
    lab.send(queue, "c")
    assert lab.get(queue) == "bac"
    assert queue.lines.oldest_sent_at() == sent_at + 1


# --- long polls -----------------------------------------------------------------------------------------------------


def test_who_waits_longest_is_woken_first_and_one_for_each_message(lab: Lab) -> None:
    queue = lab.queue()
    pollers = [Poller(queue) for _ in range(4)]
    for poller in pollers:
        queue.wait(poller)
    queue.stop_waiting(pollers[1])
    lab.send(queue, "a", "b")
    assert [poller.wakes for poller in pollers] == [1, 0, 1, 0]
    assert [bodies(poller.got) for poller in pollers] == ["a", "", "b", ""]


def test_who_waits_gets_what_becomes_visible_by_itself(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, "a")
    lab.get(queue, 1, 2000)
    lab.send(queue, "b", delay_ms=1000)
    first, second = Poller(queue), Poller(queue)
    queue.wait(first)
    queue.wait(second)
    lab.wait(1000)
    assert (bodies(first.got), second.wakes) == ("b", 0)
    lab.wait(1000)
    assert bodies(second.got) == "a"


def test_who_waits_for_a_queue_is_told_that_it_is_deleted(lab: Lab) -> None:
    queue = lab.queue()
    poller = Poller(queue)
    queue.wait(poller)
    lab.vhost.delete_queue("q")
    assert (poller.is_over, poller.wakes) == (True, 0)


def test_what_a_consumer_of_a_deleted_queue_holds_goes_nowhere(lab: Lab) -> None:
    dead = lab.queue("dead")
    queue = lab.queue(receive_max=1, dead_letter_queue="dead")
    taker = lab.subscribe(queue)
    lab.send(queue, *"abc")
    lab.vhost.delete_queue("q")
    assert taker.is_cancelled
    queue.reject(taker.taken[0], lab.now)
    queue.requeue([taker.taken[1]], lab.now)
    queue.acknowledge(taker.taken[2], lab.now)
    assert (counts(queue), counts(dead), taker.in_flight) == ((0, 0, 0), (0, 0, 0), 0)


def test_a_thousand_who_wait_cost_no_timer_and_no_look(lab: Lab) -> None:
    queue = lab.queue()
    pollers = [Poller(queue) for _ in range(1000)]
    for poller in pollers:
        queue.wait(poller)
    assert len(lab.broker.timers) == 0
    lab.send(queue, "a")
    assert sum(poller.wakes for poller in pollers) == 1


# --- purge ----------------------------------------------------------------------------------------------------------


def test_a_purge_takes_everything_and_what_comes_later_is_not_touched(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"abc")
    lab.send(queue, "d", delay_ms=1000)
    held = lab.receive(queue, 1, 1000)[0]
    number = queue.number
    assert queue.purge(lab.now, nothing) == 4
    assert queue.number != number
    assert queue.purge(lab.now, nothing) == 0
    assert counts(queue) == (0, 0, 0)
    queue.delete(held, lab.now)
    queue.change_visibility(held, 0, lab.now)
    lab.send(queue, "e")
    lab.wait(2000)
    assert lab.get(queue) == "e"
    assert counts(queue) == (0, 1, 0)


# --- AMQP -----------------------------------------------------------------------------------------------------------


def test_consumers_of_amqp_get_messages_before_long_polls_and_hold_them_without_a_deadline(lab: Lab) -> None:
    queue = lab.queue()
    poller = Poller(queue)
    queue.wait(poller)
    taker = lab.subscribe(queue, prefetch=1)
    lab.send(queue, *"ab")
    assert (taker.bodies, bodies(poller.got)) == ([b"a"], "b")
    (entry,) = taker.taken
    assert (entry.attempts, entry.held_until, queue.lines.is_in_flight(entry)) == (1, 0, True)
    lab.wait(86_400_000)
    assert queue.lines.is_in_flight(entry)
    assert queue.unacked_count == 1
    queue.acknowledge(entry, lab.now)
    assert taker.bodies == [b"a", b"b"]
    assert counts(queue) == (0, 1, 0)


def test_what_a_consumer_gives_back_returns_to_its_place_and_counts_as_received(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"abc")
    taker = lab.subscribe(queue, prefetch=2)
    queue.remove_consumer(taker, lab.now)
    queue.requeue(taker.taken, lab.now)
    assert [entry.attempts for entry in lab.receive(queue)] == [2, 2, 1]
    assert counts(queue) == (0, 3, 0)
    assert (taker.in_flight, queue.unacked_count) == (0, 0)


def test_what_a_consumer_rejects_is_redriven(lab: Lab) -> None:
    dead = lab.queue("dead")
    queue = lab.queue(receive_max=9, dead_letter_queue="dead")
    taker = lab.subscribe(queue)
    lab.send(queue, "a")
    queue.reject(taker.taken.pop(), lab.now)
    assert (counts(queue), counts(dead)) == ((0, 0, 0), (1, 0, 0))
    lab.vhost.change_polling(queue, PollSettings(), lab.now)
    lab.send(queue, "b")
    queue.reject(taker.taken.pop(), lab.now)
    assert (counts(queue), counts(dead)) == ((0, 0, 0), (1, 0, 0))


def test_a_consumer_that_acknowledges_nothing_settles_at_once(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, "a")
    taker = lab.subscribe(queue, no_ack=True)
    lab.send(queue, "b")
    assert taker.bodies == [b"a", b"b"]
    assert counts(queue) == (0, 0, 0)


def test_a_client_of_amqp_that_polls_holds_what_it_got(lab: Lab) -> None:
    queue = lab.queue()
    holder = Taker(queue)
    assert queue.get(holder, lab.now) is None
    lab.send(queue, "a")
    entry = queue.get(holder, lab.now)
    assert entry is not None
    assert (holder.in_flight, counts(queue)) == (1, (0, 1, 0))
    queue.acknowledge(entry, lab.now)
    assert (holder.in_flight, counts(queue)) == (0, (0, 0, 0))


def test_a_message_that_sqs_deletes_under_its_consumer_is_settled_once(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, *"ab")
    lab.receive(queue, 2, 0)
    taker = lab.subscribe(queue)
    first, second = taker.taken
    queue.delete(first, lab.now)
    queue.delete(second, lab.now)
    assert counts(queue) == (0, 0, 0)
    assert first.held_until == GONE
    queue.acknowledge(first, lab.now)
    queue.requeue([second], lab.now)
    assert counts(queue) == (0, 0, 0)
    assert (taker.in_flight, queue.unacked_count) == (0, 0)


def test_visibility_of_what_a_consumer_holds_cannot_be_changed(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, "a")
    taker = lab.subscribe(queue)
    queue.change_visibility(taker.taken[0], 0, lab.now)
    assert counts(queue) == (0, 1, 0)


def test_a_producer_that_declares_the_queue_finds_it(lab: Lab) -> None:
    queue = lab.queue()
    lab.vhost.default_queue_type = "quorum"
    assert declare_queue(lab.vhost, "q", True, False, False, {}, lab.now) is queue
    with pytest.raises(PreconditionFailed, match="inequivalent arg 'durable'"):
        declare_queue(lab.vhost, "q", False, False, False, {}, lab.now)
    with pytest.raises(PreconditionFailed, match="inequivalent arg 'x-max-length'"):
        declare_queue(lab.vhost, "q", True, False, False, {"x-max-length": 5}, lab.now)


def test_a_message_that_is_routed_here_is_delayed_as_the_queue_says(lab: Lab) -> None:
    queue = lab.queue(delay_ms=1000)
    lab.vhost.bind(lab.vhost.exchanges["amq.fanout"], queue, "", {})
    for exchange, key in (("", "q"), ("amq.fanout", "any")):
        lab.vhost.publish(lab.vhost.route(exchange, key), message(b"a", key, exchange), lab.now)
    assert counts(queue) == (0, 0, 2)
    assert queue.sent_count == 2


# --- cost -----------------------------------------------------------------------------------------------------------


def test_timers_heaps_and_notes_do_not_grow_with_the_messages_that_went_through(lab: Lab) -> None:
    queue = lab.queue()
    for number in range(2000):
        lab.send(queue, "a", group=f"{number % 7}")
        (entry,) = lab.receive(queue, 1, 43_200_000 if number % 2 else 30_000)
        queue.change_visibility(entry, 60_000, lab.now)
        queue.delete(entry, lab.now)
        if number % 100 == 0:
            lab.wait(30_000)
    assert len(lab.broker.timers) < 10
    assert max(*sizes(queue)) < 200
    assert list(queue.lines.groups) == [""]


def test_a_message_that_comes_back_again_and_again_leaves_nothing_behind(lab: Lab) -> None:
    queue = lab.queue()
    lab.send(queue, "b", group="other")
    (kept,) = lab.receive(queue)
    queue.change_visibility(kept, 0, lab.now)
    lab.send(queue, "a", group="group")
    for _ in range(1000):
        lab.receive(queue, 2, 0)
    assert max(*sizes(queue)) < 200


def test_consumers_and_long_polls_take_turns_at_what_comes() -> None:
    """The fault: while there was a consumer of AMQP with room, no long poll ever got a message."""
    lab = Lab()
    queue = lab.queue()
    taker = lab.subscribe(queue)
    poller = Poller(queue)
    for number in range(6):
        if poller not in queue.waiters:
            queue.wait(poller)
        lab.send(queue, f"{number}")
    assert (len(taker.taken), len(poller.got)) == (3, 3)
