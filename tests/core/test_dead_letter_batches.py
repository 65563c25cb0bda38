"""Dead letters on their way: a batch of equal ones is worked out once, and whatever differs is worked out anew."""

from typing import Any

import pytest

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Message, new_entry
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import ROUTED, Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.rabbitmq import x_death
from mqbroker.core.routing.dead_letters import DeadLetters
from mqbroker.core.routing.router import Router
from mqbroker.core.routing.targets import Targets
from mqbroker.core.scheduler import Scheduler, Task
from tests.core.messages import PlainProperties, message
from tests.core.test_queue import Host


class DeadLetterRouter(Router):
    """Takes note of what it is asked and of what is published."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: dict[str, object] = {"dlx": None}
        self.questions: list[tuple[str, list[str]]] = []
        self.letters: list[Message] = []
        self.targets_found: list[Queue] = []
        self.scheduler = Scheduler()

    def targets(self, exchange_name: str, keys: list[str], message: Message) -> Targets:
        self.questions.append((exchange_name, keys))
        return Targets(list(self.targets_found), [])

    def schedule(self, task: Task) -> None:
        self.scheduler.add(task)

    def publish_to_targets(self, targets: Targets, message: Message, now: int) -> int:
        self.letters.append(message)
        for queue in targets.queues:
            queue.publish(message, now)
        return ROUTED


def queue(name: str = "q", exchange: str = "dlx", key: str | None = None) -> ClassicQueue:
    made = ClassicQueue(Host(), Ledger(), name, 0, False)
    made.dead_letter_exchange, made.dead_letter_key = exchange, key
    return made


@pytest.fixture
def router() -> DeadLetterRouter:
    return DeadLetterRouter()


@pytest.fixture
def dead_letters(router: DeadLetterRouter) -> DeadLetters:
    return DeadLetters(router, x_death)


def take(
    dead_letters: DeadLetters, place: ClassicQueue, dead: Message, reason: str = "expired", now: int = 5_000
) -> None:
    dead_letters.take(place, new_entry(dead, 0, 1), reason, now)


def deaths(letter: Message) -> list[tuple[object, ...]]:
    found = letter.properties.headers()["x-death"]
    assert isinstance(found, list)
    return [tuple(death[part] for part in ("queue", "reason", "count", "time", "exchange")) for death in found]


SHARED: Properties = PlainProperties({"a": 1})


def dead(body: bytes = b"", key: str = "key", exchange: str = "x", properties: Properties = SHARED) -> Message:
    return message(body, key, exchange, properties=properties)


def test_a_batch_of_equal_messages_is_worked_out_once(router: DeadLetterRouter, dead_letters: DeadLetters) -> None:
    place = queue()
    for number in range(5):
        take(dead_letters, place, dead(b"%d" % number), now=5_000 + number)
    assert router.questions == [("dlx", ["key"])]
    assert [letter.content() for letter in router.letters] == [b"0", b"1", b"2", b"3", b"4"]
    assert [letter.received_at for letter in router.letters] == [5_000, 5_001, 5_002, 5_003, 5_004]
    assert {letter.properties for letter in router.letters} == {router.letters[0].properties}


def test_whatever_differs_is_written_down(router: DeadLetterRouter, dead_letters: DeadLetters) -> None:
    place, other = queue(), queue("other")
    take(dead_letters, place, dead())
    take(dead_letters, other, dead())
    take(dead_letters, place, dead(), reason="rejected")
    take(dead_letters, place, dead(), now=6_000)
    take(dead_letters, place, dead(exchange="y"))
    take(dead_letters, place, dead(key="other"))
    take(dead_letters, place, dead(properties=PlainProperties({"b": 2})))
    assert [deaths(letter)[0] for letter in router.letters] == [
        ("q", "expired", 1, 5, "x"), ("other", "expired", 1, 5, "x"), ("q", "rejected", 1, 5, "x"),
        ("q", "expired", 1, 6, "x"), ("q", "expired", 1, 5, "y"), ("q", "expired", 1, 5, "x"),
        ("q", "expired", 1, 5, "x"),
    ]  # fmt: skip
    assert [letter.routing_key for letter in router.letters] == ["key"] * 5 + ["other", "key"]
    assert "b" in router.letters[-1].properties.headers()


@pytest.mark.parametrize(
    ("change", "late", "reason", "part", "told"),
    [
        ({}, 1_000, "expired", "time", 6),
        ({}, 0, "rejected", "reason", "rejected"),
        ({"exchange": "y"}, 0, "expired", "exchange", "y"),
        ({"key": "other"}, 0, "expired", "routing-keys", ["other"]),
        ({"properties": PlainProperties(texts={"expiration": "60000"})}, 0, "expired", "original-expiration", "60000"),
    ],
)
def test_one_difference_is_enough(
    router: DeadLetterRouter,
    dead_letters: DeadLetters,
    change: dict[str, Any],
    late: int,
    reason: str,
    part: str,
    told: object,
) -> None:
    """A letter just like the last one but a second younger could have had the last one's time: no test saw it."""
    place = queue()
    take(dead_letters, place, dead())
    take(dead_letters, place, dead(**change), reason, now=5_000 + late)
    first, second = (letter.properties.headers()["x-death"] for letter in router.letters)
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[0].get(part) != told
    assert second[0][part] == told


def test_a_letter_that_dies_again_is_counted_up(router: DeadLetterRouter, dead_letters: DeadLetters) -> None:
    place = queue()
    take(dead_letters, place, dead())
    take(dead_letters, place, router.letters[0], "rejected")
    take(dead_letters, place, router.letters[1], "rejected")
    assert deaths(router.letters[2]) == [("q", "rejected", 2, 5, "dlx"), ("q", "expired", 1, 5, "x")]


def test_another_topology_is_asked_about_again(router: DeadLetterRouter, dead_letters: DeadLetters) -> None:
    place = queue()
    take(dead_letters, place, dead())
    place.dead_letter_exchange, place.dead_letter_key = "", "z"
    router.generation += 1
    take(dead_letters, place, dead())
    assert router.questions == [("dlx", ["key"]), ("", ["z"])]
    assert [(letter.exchange, letter.routing_key) for letter in router.letters] == [("dlx", "key"), ("", "z")]


def test_an_exchange_that_does_not_exist_gets_nothing_until_it_does(
    router: DeadLetterRouter, dead_letters: DeadLetters
) -> None:
    place = queue(exchange="later")
    take(dead_letters, place, dead())
    assert router.letters == []
    router.exchanges["later"] = None
    router.generation += 1
    take(dead_letters, place, dead())
    assert len(router.letters) == 1


def test_a_queue_that_kills_its_own_dead_letters_gets_none(router: DeadLetterRouter, dead_letters: DeadLetters) -> None:
    place = queue()
    router.targets_found = [place]
    take(dead_letters, place, dead())
    assert place.waiting_count() == 0
    take(dead_letters, place, dead(), "rejected")
    assert place.waiting_count() == 1


def test_copies_go_where_they_say(router: DeadLetterRouter, dead_letters: DeadLetters) -> None:
    copied = PlainProperties({"CC": ["a", "b"]})
    take(dead_letters, queue(), dead(properties=copied))
    take(dead_letters, queue(key="k"), dead(properties=copied))  # another key replaces them all
    assert router.questions == [("dlx", ["key", "a", "b"]), ("dlx", ["k"])]
