"""Dead letters on their way: a batch of equal ones is worked out once, and whatever differs is worked out anew."""

from typing import Any

import pytest

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Message, new_entry
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import ROUTED, Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.rabbitmq import x_death
from mqbroker.core.routing.dead_letters import Burials
from mqbroker.core.routing.router import Router
from mqbroker.core.routing.targets import Targets
from mqbroker.core.scheduler import Scheduler, Task
from tests.core.messages import PlainProperties, message
from tests.core.test_queue import Host


class Cemetery(Router):
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
def cemetery() -> Cemetery:
    return Cemetery()


@pytest.fixture
def burials(cemetery: Cemetery) -> Burials:
    return Burials(cemetery, x_death)


def bury(burials: Burials, place: ClassicQueue, dead: Message, reason: str = "expired", now: int = 5_000) -> None:
    burials.bury(place, new_entry(dead, 0, 1), reason, now)


def deaths(letter: Message) -> list[tuple[object, ...]]:
    found = letter.properties.headers()["x-death"]
    assert isinstance(found, list)
    return [tuple(death[part] for part in ("queue", "reason", "count", "time", "exchange")) for death in found]


SHARED: Properties = PlainProperties({"a": 1})


def dead(body: bytes = b"", key: str = "key", exchange: str = "x", properties: Properties = SHARED) -> Message:
    return message(body, key, exchange, properties=properties)


def test_a_batch_of_equal_messages_is_worked_out_once(cemetery: Cemetery, burials: Burials) -> None:
    place = queue()
    for number in range(5):
        bury(burials, place, dead(b"%d" % number), now=5_000 + number)
    assert cemetery.questions == [("dlx", ["key"])]
    assert [letter.content() for letter in cemetery.letters] == [b"0", b"1", b"2", b"3", b"4"]
    assert [letter.received_at for letter in cemetery.letters] == [5_000, 5_001, 5_002, 5_003, 5_004]
    assert {letter.properties for letter in cemetery.letters} == {cemetery.letters[0].properties}


def test_whatever_differs_is_written_down(cemetery: Cemetery, burials: Burials) -> None:
    place, other = queue(), queue("other")
    bury(burials, place, dead())
    bury(burials, other, dead())
    bury(burials, place, dead(), reason="rejected")
    bury(burials, place, dead(), now=6_000)
    bury(burials, place, dead(exchange="y"))
    bury(burials, place, dead(key="other"))
    bury(burials, place, dead(properties=PlainProperties({"b": 2})))
    assert [deaths(letter)[0] for letter in cemetery.letters] == [
        ("q", "expired", 1, 5, "x"), ("other", "expired", 1, 5, "x"), ("q", "rejected", 1, 5, "x"),
        ("q", "expired", 1, 6, "x"), ("q", "expired", 1, 5, "y"), ("q", "expired", 1, 5, "x"),
        ("q", "expired", 1, 5, "x"),
    ]  # fmt: skip
    assert [letter.routing_key for letter in cemetery.letters] == ["key"] * 5 + ["other", "key"]
    assert "b" in cemetery.letters[-1].properties.headers()


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
    cemetery: Cemetery, burials: Burials, change: dict[str, Any], late: int, reason: str, part: str, told: object
) -> None:
    """A letter just like the last one but a second younger could have had the last one's time: no test saw it."""
    place = queue()
    bury(burials, place, dead())
    bury(burials, place, dead(**change), reason, now=5_000 + late)
    first, second = (letter.properties.headers()["x-death"] for letter in cemetery.letters)
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[0].get(part) != told
    assert second[0][part] == told


def test_a_letter_that_dies_again_is_counted_up(cemetery: Cemetery, burials: Burials) -> None:
    place = queue()
    bury(burials, place, dead())
    bury(burials, place, cemetery.letters[0], "rejected")
    bury(burials, place, cemetery.letters[1], "rejected")
    assert deaths(cemetery.letters[2]) == [("q", "rejected", 2, 5, "dlx"), ("q", "expired", 1, 5, "x")]


def test_another_topology_is_asked_about_again(cemetery: Cemetery, burials: Burials) -> None:
    place = queue()
    bury(burials, place, dead())
    place.dead_letter_exchange, place.dead_letter_key = "", "z"
    cemetery.generation += 1
    bury(burials, place, dead())
    assert cemetery.questions == [("dlx", ["key"]), ("", ["z"])]
    assert [(letter.exchange, letter.routing_key) for letter in cemetery.letters] == [("dlx", "key"), ("", "z")]


def test_an_exchange_that_does_not_exist_gets_nothing_until_it_does(cemetery: Cemetery, burials: Burials) -> None:
    place = queue(exchange="later")
    bury(burials, place, dead())
    assert cemetery.letters == []
    cemetery.exchanges["later"] = None
    cemetery.generation += 1
    bury(burials, place, dead())
    assert len(cemetery.letters) == 1


def test_a_queue_that_kills_its_own_dead_letters_gets_none(cemetery: Cemetery, burials: Burials) -> None:
    place = queue()
    cemetery.targets_found = [place]
    bury(burials, place, dead())
    assert place.waiting_count() == 0
    bury(burials, place, dead(), "rejected")
    assert place.waiting_count() == 1


def test_copies_go_where_they_say(cemetery: Cemetery, burials: Burials) -> None:
    copied = PlainProperties({"CC": ["a", "b"]})
    bury(burials, queue(), dead(properties=copied))
    bury(burials, queue(key="k"), dead(properties=copied))  # another key replaces them all
    assert cemetery.questions == [("dlx", ["key", "a", "b"]), ("dlx", ["k"])]
