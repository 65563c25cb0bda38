"""Deadlines in a heap from which any timer can be taken, against a naive list."""

from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.timers import Timer, Timers
from mqbroker.limits import PORTION

KINDS = st.sampled_from(["at", "at", "at", "move", "cancel", "advance"])
STEPS = st.lists(st.tuples(KINDS, st.integers(0, 40), st.integers(0, 200)), max_size=80)


class Clock:
    """Timers, and the same as a list of deadlines and numbers in the order of arming."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.made: list[Timer] = []
        self.called: list[int] = []
        self.armed: list[tuple[int, int, int]] = []
        self.order = 0
        self.now = 0

    def arm(self, number: int, deadline: int) -> None:
        self.order += 1
        self.armed = [each for each in self.armed if each[2] != number]
        self.armed.append((deadline, self.order, number))

    def at(self, deadline: int) -> None:
        number = len(self.made)
        self.made.append(self.timers.at(deadline, lambda now: self.called.append(number)))
        self.arm(number, deadline)

    def play(self, step: str, which: int, deadline: int) -> None:
        if step == "at":
            self.at(deadline)
        elif step == "advance":
            self.now += which
            self.timers.advance(self.now)
            due = sorted(each for each in self.armed if each[0] <= self.now)
            assert self.called == [number for _, _, number in due]
            self.called.clear()
            self.armed = [each for each in self.armed if each[0] > self.now]
        elif self.made:
            number = which % len(self.made)
            if step == "move":
                self.timers.move(self.made[number], deadline)
                self.arm(number, deadline)
            else:
                self.timers.cancel(self.made[number])
                self.armed = [each for each in self.armed if each[2] != number]


@given(STEPS)
def test_timers_are_called_in_the_order_of_their_deadlines(steps: list[tuple[str, int, int]]) -> None:
    clock = Clock()
    for step, which, deadline in steps:
        clock.play(step, which, deadline)
        assert len(clock.timers) == len(clock.armed)
        assert clock.timers.next_deadline() == min((each[0] for each in clock.armed), default=0)
        assert [timer.is_armed for timer in clock.made] == [
            any(each[2] == number for each in clock.armed) for number in range(len(clock.made))
        ]


def test_what_a_call_arms_for_now_waits_for_the_next_advance() -> None:
    timers, called = Timers(), list[str]()

    def first(now: int) -> None:
        called.append("first")
        timers.at(0, lambda _: called.append("second"))

    timers.at(5, first)
    timers.advance(5)
    assert called == ["first"]
    timers.advance(5)
    assert called == ["first", "second"]


def test_a_call_may_cancel_another_that_is_due() -> None:
    timers, called = Timers(), list[str]()
    timers.at(5, lambda now: timers.cancel(second))
    second = timers.at(5, lambda now: called.append("second"))
    timers.advance(5)
    assert called == []
    assert len(timers) == 0


def test_timers_that_are_due_together_are_called_in_portions() -> None:
    """The fault: queues by the hundred thousand that expired in one millisecond did so in one turn of the loop."""
    timers, called = Timers(), list[int]()
    for number in range(PORTION + 1):
        timers.at(5, lambda now, number=number: called.append(number))  # type: ignore[misc]
    timers.advance(5)
    assert called == list(range(PORTION))
    assert timers.next_deadline() == 5
    timers.advance(5)
    assert called == list(range(PORTION + 1))
