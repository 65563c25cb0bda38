"""How long what a service has said about rights counts, and for whom: the time passes as each test says."""

import asyncio
from collections.abc import Mapping

from mqbroker.clock import Clock
from mqbroker.core.access.access import Permissions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.errors import AccessPending, AccessRefused
from mqbroker.protocols.backends import BackendSilent, Verdict
from mqbroker.protocols.mqtt.codec.packets import Subscribe, TopicFilter
from mqbroker.runtime.backend_judge import BackendJudge
from tests.mqtt.house import Client, House

CACHE_MS = 5000


class Hands(Clock):
    """A clock that shows what it was set to."""

    def __init__(self, time: int) -> None:
        Clock.__init__(self)
        self.time = time

    def now(self) -> int:
        return self.time


class Service:
    """A source of users that takes its time."""

    def __init__(self, clock: Hands, takes_ms: int = 0) -> None:
        self.clock = clock
        self.takes_ms = takes_ms
        self.is_silent = False
        self.allowed = True
        self.asked: list[str] = []

    async def authenticate(
        self, user: str, password: bytes, address: str, details: Mapping[str, str]
    ) -> Verdict | None:
        return None

    async def allows(self, fields: Mapping[str, str]) -> bool:
        self.asked.append(f"{fields['permission']} {fields['name']}")
        self.clock.time += self.takes_ms
        if self.is_silent:
            raise BackendSilent("nothing")
        return self.allowed

    def close(self) -> None: ...


class Court:
    """A broker whose user `reader` is one of the service's."""

    def __init__(self, broker: Broker, now: int, cache_ms: int = CACHE_MS, takes_ms: int = 0) -> None:
        self.broker = broker
        self.clock = Hands(now)
        self.service = Service(self.clock, takes_ms)
        judge = BackendJudge(
            broker, self.clock, self.service, lambda user: user == "reader", (True, True), cache_ms,
        )  # fmt: skip
        broker.access.judge = judge

    def may_write(self, name: str) -> bool | None:
        """None while the service has yet to say so."""
        try:
            self.broker.access.check_write("reader", "/", "queue", name)
        except AccessPending:
            return None
        except AccessRefused:
            return False
        return True

    async def answer(self) -> None:
        """All questions are answered."""
        await asyncio.gather(*[each for each in asyncio.all_tasks() if each is not asyncio.current_task()])

    def wait(self, milliseconds: int) -> None:
        """Time passes."""
        self.clock.time += milliseconds
        self.broker.advance(self.clock.time)


def court(**options: int) -> Court:
    broker = Broker(Ledger(), lambda: "name")
    broker.add_vhost("/")
    broker.put_user("reader", "")
    broker.set_permissions("reader", "/", Permissions("", "", ""))
    return Court(broker, 1_000_000, **options)


async def subscriber(house: House, judge: Court) -> Client:
    """One whose rights have all been asked about."""
    client = house.client()
    client.connect("s", user_name="reader", password=b"reader")
    client.send(Subscribe(1, [TopicFilter("t", 1)]))
    while not (packets := client.received()):
        await judge.answer()
        house.turn()
    assert [each.reasons for each in packets] == [[1]]
    await judge.answer()
    return client


def pass_on(house: House, judge: Court, milliseconds: int) -> None:
    house.wait(milliseconds / 1000)
    judge.clock.time = house.now


async def test_a_subscriber_keeps_what_the_service_goes_on_to_allow() -> None:
    """When answers ran out, MQTT sessions lost every message from then on: a pending right was one that was denied."""
    house = House()
    judge = Court(house.broker, house.now)
    client, publisher = await subscriber(house, judge), house.connect("p")
    for number, waited_ms in enumerate((CACHE_MS + 1, CACHE_MS + 1, 3 * CACHE_MS, 10 * CACHE_MS, CACHE_MS + 1)):
        pass_on(house, judge, waited_ms)
        publisher.publish("t", b"%d" % number, qos=1)
        client.puback(client.one().packet_id)
        await judge.answer()
    pass_on(house, judge, CACHE_MS + 1)
    judge.service.allowed = False
    publisher.publish("t", b"the last one", qos=1)
    client.puback(client.one().packet_id)
    await judge.answer()
    publisher.publish("t", b"one too many", qos=1)
    assert client.messages() == []


async def test_an_old_answer_counts_while_the_service_is_asked_once() -> None:
    """Whoever was at it when an answer ran out was refused, though nothing had changed; all asked at once."""
    judge = court()
    assert judge.may_write("q") is None
    await judge.answer()
    judge.wait(CACHE_MS + 1)
    assert [judge.may_write("q") for _ in range(3)] == [True] * 3
    generation = judge.broker.access.generation
    await judge.answer()
    assert judge.service.asked == ["write q"] * 2
    assert judge.broker.access.generation == generation, "the answer is the same: nobody needs to look again"
    judge.wait(CACHE_MS + 1)
    judge.service.allowed = False
    assert judge.may_write("q") is True
    generation = judge.broker.access.generation
    await judge.answer()
    assert judge.broker.access.generation > generation
    assert judge.may_write("q") is False
    judge.wait(2 * CACHE_MS + 1)
    assert judge.may_write("q") is None, "it is too old"
    await judge.answer()


async def test_who_remembers_a_right_looks_again_when_its_answer_has_run_out() -> None:
    """A publisher that remembers routes never put the question again, so that nobody asked the service."""
    judge = court()
    judge.may_write("q")
    await judge.answer()
    generation = judge.broker.access.generation
    judge.wait(CACHE_MS)
    assert judge.broker.access.generation > generation


async def test_a_service_that_is_silent_for_a_moment_takes_nothing_away() -> None:
    """A service that was started again closed every publisher; and a silent one must not be trusted for ever."""
    judge = court()
    judge.may_write("q")
    await judge.answer()
    judge.service.is_silent = True
    judge.wait(CACHE_MS + 1)
    states = []
    for _ in range(8):
        states.append(judge.may_write("q"))
        await judge.answer()
        judge.wait(1000)
    assert states == [True] * 5 + [None] * 3
    assert judge.service.asked == ["write q"] * 9, "it is asked again each second"
    assert judge.may_write("other") is None
    await judge.answer()
    assert judge.may_write("other") is False


async def test_answers_that_run_out_one_by_one_are_looked_through_together() -> None:
    """Each millisecond in which an answer ran out, all were walked, and every session looked at its rights again."""
    judge = court()
    for number in range(1000):
        judge.may_write(f"q{number}")
        await judge.answer()
        judge.wait(1)
    generation = judge.broker.access.generation
    for _ in range(2 * CACHE_MS + 2000):
        judge.wait(1)
    assert 2 <= judge.broker.access.generation - generation <= 6
    assert judge.may_write("q0") is None
    await judge.answer()


async def test_an_operation_of_several_questions_comes_to_its_end_with_a_slow_service() -> None:
    """The first answer had run out before the last one came: the operation asked for ever."""
    judge = court(cache_ms=0, takes_ms=3000)
    names = ("a", "b", "c", "d", "e")
    for name in names:
        assert judge.may_write(name) is None
        await judge.answer()
    assert [judge.may_write(name) for name in names] == [True] * 5
    await judge.answer()
