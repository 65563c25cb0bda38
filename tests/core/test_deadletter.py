"""The history of a dead letter: its counts, its order, and the rule that ends cycles."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Message, new_message
from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.x_death import (
    Death,
    carbon_copies,
    deaths_in,
    headers_of_dead_letter,
    is_cycle,
    properties_of_dead_letter,
)
from mqbroker.core.values import Timestamp
from tests.core.messages import PlainProperties, message
from tests.core.test_queue import Host


def queue(name: str, key: str | None = None) -> Queue:
    made = Queue(Host(), Ledger(), name, 0, False)
    made.dead_letter_exchange, made.dead_letter_key = "dlx", key
    return made


def died(each: Message, name: str = "q", reason: str = "rejected", key: str | None = None, now: int = 5_999) -> Message:
    """What is published when a message dies in the queue `name`."""
    place = queue(name, key)
    headers = headers_of_dead_letter(place, each, reason, now)
    properties = properties_of_dead_letter(place, each.properties, headers)
    return new_message("dlx", key or each.routing_key, properties, each.body, now)


def with_headers(headers: Mapping[str, object], **others: Any) -> Message:
    return message(b"body", properties=PlainProperties(headers, **others))


def history(each: Message) -> list[tuple[object, object, object]]:
    return [(death["queue"], death["reason"], death["count"]) for death in deaths_in(each.properties.headers())]


def test_the_first_death_is_written_down() -> None:
    letter = died(message(b"body", "key", "x"))
    assert (letter.exchange, letter.routing_key, letter.content()) == ("dlx", "key", b"body")
    assert letter.properties.headers() == {
        "x-death": [
            {
                "count": 1, "reason": "rejected", "queue": "q", "time": Timestamp(5), "exchange": "x",
                "routing-keys": ["key"],
            }
        ],
        "x-first-death-reason": "rejected", "x-first-death-queue": "q", "x-first-death-exchange": "x",
        "x-last-death-reason": "rejected", "x-last-death-queue": "q", "x-last-death-exchange": "x",
    }  # fmt: skip
    assert letter.properties.is_dead_letter


def test_the_original_stays_as_it_is() -> None:
    original = with_headers({"a": 1})
    died(died(original))
    assert original.properties.headers() == {"a": 1}
    assert not original.properties.is_dead_letter


def test_an_expiration_is_kept_in_the_history_only() -> None:
    letter = died(with_headers({}, ttl_ms=100, texts={"expiration": "100"}), reason="expired")
    assert letter.properties.text("expiration") is None
    assert letter.properties.ttl_ms == -1
    assert deaths_in(letter.properties.headers())[0]["original-expiration"] == "100"


@pytest.mark.parametrize(("key", "has_copies"), [(None, True), ("other", False)])
def test_copies_go_with_the_old_key_only(key: str | None, has_copies: bool) -> None:
    letter = died(with_headers({"CC": ["a", "b"]}), key=key)
    assert ("CC" in letter.properties.headers()) is has_copies
    assert deaths_in(letter.properties.headers())[0]["routing-keys"] == ["key", "a", "b"]
    assert letter.routing_key == (key or "key")


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["rejected", "expired", "maxlen", "delivery_limit"])),
        min_size=1,
        max_size=12,
    )
)
def test_every_pair_of_queue_and_reason_is_counted_and_the_newest_is_first(deaths: list[tuple[str, str]]) -> None:
    letter = message()
    for name, reason in deaths:
        letter = died(letter, name, reason)
    newest_first = list(dict.fromkeys(reversed(deaths)))
    assert history(letter) == [(*pair, deaths.count(pair)) for pair in newest_first]
    headers = letter.properties.headers()
    assert (headers["x-first-death-queue"], headers["x-first-death-reason"]) == deaths[0]
    assert (headers["x-last-death-queue"], headers["x-last-death-reason"]) == deaths[-1]


def test_only_what_the_broker_wrote_counts() -> None:
    told = with_headers({"x-death": [{"queue": "q", "reason": "rejected", "count": 9}]})
    assert history(died(told)) == [("q", "rejected", 1)]


@pytest.mark.parametrize("found", ["text", 5, None, [1, "a"], {}])
def test_a_history_of_another_shape_is_none(found: object) -> None:
    assert deaths_in({"x-death": found}) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["rejected", "expired"])), max_size=10))
def test_it_is_a_cycle_when_no_client_had_a_hand_in_it(deaths: list[tuple[str, str]]) -> None:
    found: list[Death] = [{"queue": name, "reason": reason} for name, reason in deaths]
    since = []
    for name, reason in deaths:
        since.append(reason)
        if name == "a":
            break
    assert is_cycle("a", found) is (any(name == "a" for name, _ in deaths) and "rejected" not in since)


@pytest.mark.parametrize(
    ("header", "keys"), [(["a", "b"], ["a", "b"]), (["a", 1, None], ["a"]), ("a", []), (None, []), ([], [])]
)
def test_copies_are_texts(header: object, keys: list[str]) -> None:
    assert carbon_copies({"CC": header}, "CC") == keys


def test_a_chain_of_a_thousand_deaths_is_no_recursion() -> None:
    letter = message()
    for number in range(1_000):
        letter = died(letter, f"q{number}", "expired")
    times = [death["queue"] for death in deaths_in(letter.properties.headers())]
    assert all(int(str(newer)[1:]) == int(str(older)[1:]) + 1 for newer, older in pairwise(times))
