"""Walks over retained messages while others publish: each topic once, as it was, and asked for at any time."""

import random

import pytest

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.retained import RetainedMessages
from mqbroker.core.routing.topic_walk import Walk
from mqbroker.core.scheduler import Scheduler
from mqbroker.core.timers import Timers

TOPICS = ["a", "a.b", "a.b.c", "a.c", "b", "b.b", "b.c.c", "", ".", "$a.b", "c.b", "c"]
PATTERNS = ["#", "*", "*.b", "a.#", "a.*", "a.b", "*.*.c", "$a.*", "b.c.#", "*.#", "x.#", ""]


def store_of(*topics: str) -> RetainedMessages:
    store = RetainedMessages(Ledger(), Timers(), Scheduler(), 1, 1000, 1 << 20)
    for topic in topics:
        put(store, topic, b"old")
    return store


def put(store: RetainedMessages, topic: str, body: bytes) -> None:
    assert store.put(new_message("", topic, Properties(1, b""), body, 0), 0)


def rest_of(walk: Walk) -> list[str]:
    found = []
    while not walk.is_over:
        entry = walk.next(0, 2)
        if entry is not None:
            found.append(entry.message.routing_key)
    return found


def is_match(pattern: str, topic: str) -> bool:
    if pattern[:1] in ("*", "#") and topic[:1] == "$":
        return False
    wanted, words = pattern.split("."), topic.split(".")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        words = words[: len(wanted)]
    return len(wanted) == len(words) and all(w in ("*", word) for w, word in zip(wanted, words, strict=True))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_walk_finds_what_its_pattern_matches(pattern: str) -> None:
    assert sorted(rest_of(store_of(*TOPICS).walk(pattern))) == sorted(t for t in TOPICS if is_match(pattern, t))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("seed", range(40))
def test_every_topic_comes_once_however_the_tree_changes_meanwhile(pattern: str, seed: int) -> None:
    """Steps of the walk, replacements, removals and questions in any order: each old entry is met in one way at most,
    and in exactly one way if it stays."""
    dice = random.Random(seed)
    store = store_of(*dice.sample(TOPICS, 8))
    old = {topic: entry for topic in TOPICS if (entry := store.get(topic)) is not None and is_match(pattern, topic)}
    walk = store.walk(pattern)
    met: list[str] = []
    changed: set[str] = set()
    for _ in range(dice.randrange(30)):
        topic = dice.choice(TOPICS)
        action = dice.randrange(5)
        if action == 0:
            put(store, topic, b"new")
            changed.add(topic)
        elif action == 1:
            store.delete(topic)
            changed.add(topic)
        elif action == 2:
            entry = store.get(topic)
            if entry is not None and walk.take(entry, 0):
                assert entry is old[topic]
                met.append(topic)
        else:
            entry = walk.next(0, 3)
            if entry is not None:
                assert entry is old[entry.message.routing_key]
                met.append(entry.message.routing_key)
    met += rest_of(walk)
    assert len(met) == len(set(met))
    assert set(old) - changed <= set(met) <= set(old)
    for topic in TOPICS:
        entry = store.get(topic)
        assert entry is None or not walk.take(entry, 0)
