"""Messages that wait at an exchange: they come out in the order of their due times, and as often as they went in."""

from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Message
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.scheduler import Scheduler
from mqbroker.core.timers import Timers
from tests.core.messages import entry, message


class Shelf:
    """Delayed messages, their timers, and what has come out: (time, body)."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.scheduler = Scheduler()
        self.out: list[tuple[int, bytes]] = []
        self.delayed = self.made()

    def made(self) -> DelayedMessages:
        return DelayedMessages(Ledger(), self.timers, self.scheduler, 0, self.publish)

    def publish(self, each: Message, now: int) -> None:
        self.out.append((now, each.content()))

    def advance(self, now: int) -> None:
        self.timers.advance(now)
        self.scheduler.finish(now)


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 20)), max_size=40))
def test_messages_come_out_when_they_are_due(messages: list[tuple[int, int]]) -> None:
    shelf, now = Shelf(), 0
    due: list[tuple[int, int]] = []
    for number, (delay, passing) in enumerate(messages):
        shelf.delayed.hold(message(str(number).encode()), now + delay)
        due.append((now + delay, number))
        for _ in range(passing):
            now += 1
            shelf.advance(now)
        assert len(shelf.delayed) == len(due) - len(shelf.out)
    while deadline := shelf.timers.next_deadline():
        shelf.advance(deadline)
    assert [(time, int(body)) for time, body in shelf.out] == sorted(due)


def test_a_message_may_be_held_again_while_others_come_out() -> None:
    shelf = Shelf()
    shelf.delayed.hold(message(b"first"), 10)
    shelf.publish = lambda each, now: shelf.delayed.hold(each, now + 10)  # type: ignore[method-assign]
    shelf.delayed = shelf.made()
    shelf.delayed.hold(message(b"again"), 10)
    shelf.advance(10)
    assert len(shelf.delayed) == 1


def test_what_was_kept_is_held_again_and_numbered_on() -> None:
    shelf = Shelf()
    kept = [entry(7), entry(3)]
    for each in kept:
        each.expires_at = 50 + each.sequence
    shelf.delayed.restore(kept)
    shelf.delayed.hold(message(b"new"), 53)
    shelf.advance(100)
    assert [body for _, body in shelf.out] == [b"3", b"new", b"7"]


def test_what_was_due_while_the_broker_was_down_comes_at_once() -> None:
    shelf = Shelf()
    kept = entry(1)
    kept.expires_at = 5
    shelf.delayed.restore([kept])
    shelf.advance(1_000)
    assert shelf.out == [(1_000, b"1")]


def test_nothing_comes_out_after_the_exchange_has_gone() -> None:
    shelf = Shelf()
    shelf.delayed.hold(message(b"1"), 10)
    assert [each.message.content() for _, _, each in shelf.delayed.drop()] == [b"1"]
    shelf.advance(10)
    assert (shelf.out, len(shelf.delayed)) == ([], 0)
