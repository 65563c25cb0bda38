"""Topic patterns: the rules measured with RabbitMQ, the trie against a naive matcher, and its bounds."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.routing.topics import TopicTrie
from mqbroker.limits import ROUTE_CACHE_ENTRIES_MAX


def matches(pattern: list[str], words: list[str]) -> bool:
    """The definition, as naive as it can be."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(matches(pattern[1:], words[taken:]) for taken in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and matches(pattern[1:], words[1:])


def split(text: str) -> list[str]:
    return text.split(".") if text else []


# Every row was asked of RabbitMQ 3.10.8.
@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("#", "", True),
        ("", "", True),
        ("*", "", False),
        ("*.#", "", False),
        ("#.#", "", True),
        ("*", ".", False),
        ("*.*", ".", True),
        ("a.*", "a.", True),
        ("a.#", "a", True),
        ("#.a", "a", True),
        ("a.#.b", "a.b", True),
        ("a..b", "a..b", True),
        ("a.*.b", "a..b", True),
        (".", ".", True),
        ("#.#.#.a", "x.a", True),
        ("a.#.#", "a", True),
        ("a", "", False),
        ("", "a", False),
        ("a.*", "a", False),
        ("*", "a.b", False),
    ],
)
def test_a_pattern_matches_as_in_rabbitmq(pattern: str, topic: str, expected: bool) -> None:
    trie: TopicTrie[str] = TopicTrie()
    trie.add(pattern, "queue")
    assert (trie.match(topic) == ("queue",)) is expected


words = st.sampled_from(["a", "b", "", "*", "#"])
patterns = st.lists(words, max_size=5).map(".".join)
topics = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=5).map(".".join)
pairs = st.tuples(patterns, st.integers(0, 3))


@given(st.lists(pairs, max_size=12), st.lists(pairs, max_size=12), st.lists(topics, min_size=1, max_size=6))
def test_the_trie_agrees_with_the_naive_matcher_after_any_adds_and_removes(
    added: list[tuple[str, int]], removed: list[tuple[str, int]], asked: list[str]
) -> None:
    trie: TopicTrie[int] = TopicTrie()
    model: list[tuple[str, int]] = []
    for pattern, destination in added:
        trie.add(pattern, destination)
        model.append((pattern, destination))
        trie.match(asked[0])
    for pair in removed:
        assert trie.remove(*pair) is (pair in model)
        if pair in model:
            model.remove(pair)
    assert len(trie) == len(model)
    for topic in asked:
        found = trie.match(topic)
        assert len(found) == len(set(found))
        assert set(found) == {dest for pattern, dest in model if matches(split(pattern), split(topic))}


@given(st.lists(pairs, max_size=12))
def test_a_trie_that_lost_all_its_patterns_keeps_no_node(added: list[tuple[str, int]]) -> None:
    trie: TopicTrie[int] = TopicTrie()
    for pair in added:
        trie.add(*pair)
    for pair in added:
        trie.remove(*pair)
    assert trie._root.is_empty()
    assert len(trie) == 0


def test_a_pair_added_twice_is_there_until_it_is_removed_twice() -> None:
    trie: TopicTrie[str] = TopicTrie()
    trie.add("a.#", "queue")
    trie.add("a.#", "queue")
    assert trie.remove("a.#", "queue")
    assert trie.match("a.b") == ("queue",)
    assert trie.remove("a.#", "queue")
    assert trie.match("a.b") == ()
    assert not trie.remove("a.#", "queue")


def test_separator_and_wildcards_may_be_those_of_mqtt() -> None:
    trie: TopicTrie[str] = TopicTrie("/", "+", "#")
    trie.add("home/+/temperature", "plus")
    trie.add("home/#", "hash")
    trie.add("home/*/temperature", "literal")
    assert set(trie.match("home/kitchen/temperature")) == {"plus", "hash"}
    assert set(trie.match("home/*/temperature")) == {"plus", "hash", "literal"}


def test_many_hashes_against_a_long_topic_take_no_exponential_time() -> None:
    trie: TopicTrie[str] = TopicTrie()
    trie.add(".".join(["#"] * 20 + ["end"]), "queue")
    trie.add(".".join(["#", "a"] * 15 + ["end"]), "other")
    topic = ".".join(["a"] * 100)
    started = time.perf_counter()
    assert trie.match(topic) == ()
    assert set(trie.match(topic + ".end")) == {"queue", "other"}
    assert time.perf_counter() - started < 1


def test_unrelated_patterns_are_not_visited() -> None:
    trie: TopicTrie[int] = TopicTrie()
    for number in range(20_000):
        trie.add(f"orders.{number}.*.created", number)
    started = time.perf_counter()
    for number in range(2_000):
        assert trie.match(f"orders.{number}.eu.created") == (number,)
    assert time.perf_counter() - started < 2


def test_the_cache_of_matches_is_bounded_and_forgets_on_every_change() -> None:
    trie: TopicTrie[str] = TopicTrie()
    for number in range(3 * ROUTE_CACHE_ENTRIES_MAX):
        assert trie.match(f"topic.{number}") == ()
    assert len(trie._cache) <= ROUTE_CACHE_ENTRIES_MAX
    trie.add("topic.*", "queue")
    assert trie.match("topic.1") == ("queue",)
    trie.remove("topic.*", "queue")
    assert trie.match("topic.1") == ()
    trie.match("x" * 100_000)
    assert "x" * 100_000 not in trie._cache
