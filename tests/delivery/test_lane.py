"""Lanes: what fails comes back by plan, what hangs leaves room, what is too fast waits, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.polled.kinds import polled_spec
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.lane import Lane, Workshop
from mqbroker.delivery.limits import LANE_MOST
from mqbroker.delivery.slots import Slots

WAIT_S = 10


class Delays:
    """A plan of so many repetitions, usually without pauses."""

    def __init__(self, most: int, pause_ms: int = 0) -> None:
        self.most = most
        self.pause_ms = pause_ms

    def delay_ms(self, failures: int) -> int | None:
        return self.pause_ms if failures <= self.most else None


@dataclass
class Place:
    """An endpoint that does what `answer` says."""

    answer: Callable[[int], DeliveryFailed | None] = lambda _: None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: list[str] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    async def send(self, entry: Entry) -> int:
        self.attempts.append(entry.message.content().decode())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
            error = self.answer(entry.attempts)
            if error is not None:
                raise error
        finally:
            self.running -= 1
        return 200

    def delivered(self, entry: Entry, status: int, now: int) -> None:
        self.arrived.append(entry.message.content().decode())

    def given_up(self, entry: Entry, error: DeliveryFailed, now: int) -> None:
        self.lost.append((entry.message.content().decode(), error.reason))


class Yard:
    """A broker with lanes whose time is that of the clock."""

    def __init__(self, slots: int = 100) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        self.vhost = self.broker.add_vhost("/")
        self.clock = Clock()
        self.slots = Slots(slots)
        self.shop = Workshop(self.slots, self.broker.timers, self.clock, lambda: None, 1)

    def lane(self, name: str, place: Place, repetitions: int = 3, least: int = 1) -> Lane:
        queue = self.vhost.declare(polled_spec(name, PollSettings()), self.clock.now())
        assert isinstance(queue, PolledQueue)
        made = Lane(queue, place, Delays(repetitions), self.shop, least=least)
        made.begin(self.clock.now())
        return made

    def send(self, lane: Lane, text: str) -> None:
        now = self.clock.now()
        lane.queue.send(new_message("", "", Properties(1, b""), text.encode(), now), now)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                now = self.clock.now()
                self.broker.advance(now)
                self.broker.scheduler.finish(now)
                await asyncio.sleep(0.001)


@pytest.fixture
async def yard() -> AsyncIterator[Yard]:
    made = Yard()
    yield made
    made.shop.stop()


async def test_what_fails_comes_back_and_is_given_up_in_the_end(yard: Yard) -> None:
    place = Place(lambda _: DeliveryFailed("busy", status=503))
    place.gate.set()
    lane = yard.lane("a", place)
    yard.send(lane, "m")
    await yard.until(lambda: bool(place.lost))
    assert place.attempts == ["m"] * 4
    assert place.lost == [("m", "busy")]
    assert lane.queue.lines.total() == 0


async def test_what_failed_together_does_not_come_back_together(yard: Yard) -> None:
    """A service that was down was asked by everybody in the same millisecond again."""
    place = Place(lambda _: DeliveryFailed("busy", status=503))
    place.gate.set()
    lanes = [yard.lane(str(number), place) for number in range(20)]
    began = yard.clock.now()
    for lane in lanes:
        lane.configure(Delays(1, 100_000), 0)
        yard.send(lane, "m")
    await yard.until(lambda: yard.shop.retried_count == 20)
    entries = [entry for lane in lanes for entry in lane.queue.lines.noted.values()]
    delays = {entry.held_until - began for entry in entries}
    assert len(delays) > 10
    assert min(delays) >= 100_000
    assert max(delays) <= 110_000 + yard.clock.now() - began


async def test_what_is_of_no_use_is_not_repeated(yard: Yard) -> None:
    place = Place(lambda _: DeliveryFailed("gone", is_permanent=True, status=410))
    place.gate.set()
    yard.send(yard.lane("a", place), "m")
    await yard.until(lambda: bool(place.lost))
    assert place.attempts == ["m"]


async def test_an_internal_error_is_a_failure_like_any_other(yard: Yard) -> None:
    """It ended the task, and the message came back only with its lease."""

    def fail(attempts: int) -> None:
        if attempts == 1:
            raise ZeroDivisionError

    place = Place(fail)
    place.gate.set()
    yard.send(yard.lane("a", place), "m")
    await yard.until(lambda: place.arrived == ["m"])


async def test_an_endpoint_that_answers_gets_more_at_once(yard: Yard) -> None:
    place = Place()
    lane = yard.lane("a", place)
    for number in range(20):
        yard.send(lane, str(number))
    await yard.until(lambda: place.running == 1)
    place.gate.set()
    await yard.until(lambda: len(place.arrived) == 20)
    place.gate.clear()
    for number in range(20):
        yard.send(lane, str(number))
    await yard.until(lambda: place.running == LANE_MOST)
    place.gate.set()
    await yard.until(lambda: len(place.arrived) == 40)
    assert place.most == LANE_MOST


async def test_records_that_wait_for_each_other_begin_together_after_a_failure_too(yard: Yard) -> None:
    """The first one waited alone for the time of a whole batch, and then four."""
    place = Place(lambda attempts: DeliveryFailed("away") if attempts == 1 else None)
    lane = yard.lane("a", place, least=5)
    for number in range(10):
        yard.send(lane, str(number))
    await yard.until(lambda: place.running == 5)
    place.gate.set()
    await yard.until(lambda: len(place.arrived) == 10)
    assert len(place.attempts) == 20
    assert place.most >= 5


def fill(yard: Yard, count: int) -> list[Place]:
    """So many endpoints that hang, each with messages that wait."""
    places = [Place(lambda _: DeliveryFailed("no answer")) for _ in range(count)]
    for number, place in enumerate(places):
        lane = yard.lane(f"hanging{number}", place, 1000)
        for _ in range(10):
            yard.send(lane, "m")
    return places


async def test_endpoints_that_hang_leave_room_for_the_others() -> None:
    """A thousand of them took every connection, and who had always answered waited for their deadlines."""
    yard = Yard(slots=10)
    good = Place()
    good.gate.set()
    lane = yard.lane("good", good)
    yard.send(lane, "0")
    await yard.until(lambda: good.arrived == ["0"])
    hanging = fill(yard, 1000)
    await yard.until(lambda: yard.slots.taken == 5)
    for number in range(1, 50):
        yard.send(lane, str(number))
    await yard.until(lambda: len(good.arrived) == 50)
    assert sum(place.running for place in hanging) == 5
    assert max(place.most for place in hanging) == 1
    yard.shop.stop()


async def test_one_of_which_nothing_is_known_has_its_turn_among_those_that_hang() -> None:
    yard = Yard(slots=10)
    hanging = fill(yard, 20)
    await yard.until(lambda: yard.slots.taken == 5)
    new = Place()
    new.gate.set()
    yard.send(yard.lane("new", new), "m")
    for place in hanging:  # each attempt ends after a while, and then it is somebody else's turn
        place.gate.set()
    await yard.until(lambda: new.arrived == ["m"])
    assert yard.slots.taken <= 10
    yard.shop.stop()


async def test_endpoints_that_begin_to_hang_take_little_along() -> None:
    """Each that had always answered took sixteen connections along, so sixteen of them had all that there are."""
    yard = Yard(slots=40)
    places = [Place() for _ in range(20)]
    lanes = [yard.lane(str(number), place) for number, place in enumerate(places)]
    for place, lane in zip(places, lanes, strict=True):
        place.gate.set()
        yard.send(lane, "m")
    await yard.until(lambda: all(place.arrived for place in places))
    for place in places:
        place.gate.clear()
    for _ in range(20):
        for lane in lanes[:-1]:
            yard.send(lane, "m")
    await yard.until(lambda: all(place.running for place in places[:-1]))
    places[-1].gate.set()
    yard.send(lanes[-1], "m")
    await yard.until(lambda: len(places[-1].arrived) == 2)
    assert yard.slots.taken < 40
    yard.shop.stop()


async def test_no_more_a_second_than_the_policy_says(yard: Yard) -> None:
    place = Place()
    place.gate.set()
    lane = yard.lane("a", place)
    lane.configure(Delays(0), 20)
    began = yard.clock.now()
    for number in range(5):
        yard.send(lane, str(number))
    await yard.until(lambda: len(place.arrived) == 5)
    assert yard.clock.now() - began >= 190


async def test_after_the_end_nothing_is_sent(yard: Yard) -> None:
    place = Place()
    place.gate.set()
    lane = yard.lane("a", place)
    lane.end()
    yard.send(lane, "m")
    await asyncio.sleep(0.05)
    assert place.attempts == []


async def test_a_turn_that_is_not_used_is_the_next_ones() -> None:
    """The queue of the lane whose turn it was had been deleted: the one after it waited for another lane's delivery."""
    yard = Yard(slots=1)
    first, deleted, last = Place(), Place(), Place()
    last.gate.set()
    yard.send(yard.lane("first", first), "m")
    lane = yard.lane("deleted", deleted)
    yard.send(lane, "m")
    yard.send(yard.lane("last", last), "m")
    yard.vhost.delete_queue(lane.queue.name)
    first.gate.set()
    await yard.until(lambda: last.arrived == ["m"])
    assert deleted.attempts == []
    yard.shop.stop()


async def test_after_the_stop_nothing_begins() -> None:
    """What an attempt left when it was cancelled was taken by a lane that waited, of a broker whose journal closes."""
    yard = Yard(slots=1)
    hanging, waiting = Place(), Place()
    yard.send(yard.lane("hanging", hanging), "m")
    yard.send(yard.lane("waiting", waiting), "m")
    await yard.until(lambda: hanging.running == 1)
    yard.shop.stop()
    await yard.until(lambda: hanging.running == 0)
    await asyncio.sleep(0.05)
    assert waiting.attempts == []
