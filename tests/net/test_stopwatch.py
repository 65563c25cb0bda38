"""How long turns take, and what is said of those that take very long."""

import logging

import pytest

from mqbroker.limits import SLOW_TURN_MS
from mqbroker.net.stopwatch import Stopwatch

MS = 1_000_000


class Queue:
    """Something with a name."""

    name = "orders"


def test_the_longest_turn_is_known() -> None:
    watch = Stopwatch()
    for start, spent in ((0, 3), (10, 7), (20, 5)):
        watch.took(start * MS + 1, (start + spent) * MS + 1, "input")
        watch.end((start + spent) * MS + 1)
    assert (watch.longest_ms, watch.slow_turns) == (7, 0)


def test_time_between_turns_does_not_count() -> None:
    watch = Stopwatch()
    watch.took(1, 2, "input")
    watch.end(3)
    watch.end(900 * MS)
    assert watch.longest_ms == 0


def test_a_slow_turn_is_logged_with_what_took_the_most_of_it(caplog: pytest.LogCaptureFixture) -> None:
    watch = Stopwatch()
    watch.took(1, 10 * MS, "input")
    watch.took(10 * MS, (SLOW_TURN_MS - 10) * MS, Queue())
    watch.took((SLOW_TURN_MS - 10) * MS, SLOW_TURN_MS * MS, "output")
    with caplog.at_level(logging.WARNING):
        watch.end((SLOW_TURN_MS + 5) * MS)
    assert watch.slow_turns == 1
    assert caplog.messages == [f"the loop was busy for 104 ms, {SLOW_TURN_MS - 20} ms of them with Queue 'orders'"]
