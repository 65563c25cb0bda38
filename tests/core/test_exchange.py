"""Exchanges: bindings and their identity, routing by each type, exchange-to-exchange bindings, alternates, delays."""

import itertools
from collections.abc import Mapping
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.message import Message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.delays import delay_of, headers_after_delay
from mqbroker.core.rabbitmq.exchange_types import make_exchange
from mqbroker.core.routing.exchange import Exchange, resolve
from mqbroker.core.values import Decimal, Float32, Int32, Timestamp, UInt8
from mqbroker.errors import PreconditionFailed


class Named:
    """All that an exchange knows of a queue."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class PlainProperties(Properties):
    """Properties given as neutral values."""

    __slots__ = ("_headers", "_texts")

    def __init__(self, headers: Mapping[str, object], texts: Mapping[str, str]) -> None:
        Properties.__init__(self, 0, b"")
        self._headers = headers
        self._texts = texts
        self.has_headers = bool(headers)

    def headers(self) -> Mapping[str, object]:
        return self._headers

    def text(self, name: str) -> str | None:
        return self._texts.get(name)


def queue(name: str) -> Queue:
    return cast(Queue, Named(name))


def message(headers: Mapping[str, object] | None = None, **texts: str) -> Message:
    made = Message.__new__(Message)
    made.properties = PlainProperties(headers or {}, texts)
    return made


def exchange(kind: str, arguments: Mapping[str, object] | None = None, name: str = "x") -> Exchange:
    return make_exchange(name, kind, True, False, False, arguments or {})


def names(found: list[Queue]) -> list[str]:
    return sorted(each.name for each in found)


def route(source: Exchange, key: str = "", headers: Mapping[str, object] | None = None, *others: Exchange) -> list[str]:
    known = {each.name: each for each in (source, *others)}
    return names(resolve(source, key, message(headers), known.get)[0])


def no_exchange(name: str) -> Exchange | None:
    return None


A, B, C = queue("a"), queue("b"), queue("c")


# --- types ----------------------------------------------------------------------------------------------------------


def test_direct_routes_by_equal_keys_to_each_queue_once() -> None:
    direct = exchange("direct")
    direct.bind(A, "k", {})
    direct.bind(A, "k", {"other": 1})
    direct.bind(B, "k", {})
    direct.bind(C, "j", {})
    assert route(direct, "k") == ["a", "b"]
    assert route(direct, "none") == []


def test_fanout_routes_to_all_whatever_the_key() -> None:
    fanout = exchange("fanout")
    fanout.bind(A, "k", {})
    fanout.bind(A, "j", {})
    fanout.bind(B, "", {})
    assert route(fanout, "anything") == ["a", "b"]


def test_topic_routes_by_patterns() -> None:
    topic = exchange("topic")
    topic.bind(A, "a.*", {})
    topic.bind(B, "a.#", {})
    assert route(topic, "a.b") == ["a", "b"]
    assert route(topic, "a.b.c") == ["b"]


def test_headers_routes_by_headers_and_is_not_keyed() -> None:
    headers = exchange("headers")
    headers.bind(A, "", {"x-match": "any", "k": 1})
    headers.bind(B, "", {"k": 1, "l": 2})
    assert route(headers, "", {"k": 1}) == ["a"]
    assert route(headers, "", {"k": 1, "l": 2}) == ["a", "b"]
    assert not headers.is_keyed
    with pytest.raises(PreconditionFailed, match="Invalid x-match field value"):
        headers.bind(C, "", {"x-match": "v"})
    assert headers.bindings_of(C) == []


def test_consistent_hash_sends_a_key_always_to_the_same_queue() -> None:
    hashed = exchange("x-consistent-hash")
    hashed.bind(A, "1", {})
    hashed.bind(B, "2", {})
    routes = {str(number): route(hashed, str(number)) for number in range(100)}
    assert {len(found) for found in routes.values()} == {1}
    assert {found[0] for found in routes.values()} == {"a", "b"}
    assert routes == {str(number): route(hashed, str(number)) for number in range(100)}
    assert hashed.is_keyed
    with pytest.raises(PreconditionFailed, match="must be an integer"):
        hashed.bind(A, "many", {})


@pytest.mark.parametrize("arguments", [{"hash-header": "h"}, {"hash-property": "message_id"}])
def test_consistent_hash_may_hash_a_header_or_a_property(arguments: dict[str, object]) -> None:
    hashed = exchange("x-consistent-hash", arguments)
    for each in (A, B, C):
        hashed.bind(each, "1", {})
    assert not hashed.is_keyed
    found = set()
    for number in range(50):
        routes = [
            names(resolve(hashed, key, message({"h": number}, message_id=str(number)), no_exchange)[0])
            for key in ("k", "j")
        ]
        assert routes[0] == routes[1]
        found.add(routes[0][0])
    assert found == {"a", "b", "c"}
    assert len(names(resolve(hashed, "k", message(), no_exchange)[0])) == 1


@pytest.mark.parametrize("kind", ["nonsense", ""])
def test_an_unknown_type_is_refused_as_rabbitmq_4_does(kind: str) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        exchange(kind)
    assert str(refusal.value) == f"unknown exchange type '{kind}'"


# --- bindings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["direct", "fanout", "topic", "headers", "x-consistent-hash"])
def test_a_binding_is_told_apart_by_destination_key_and_typed_arguments(kind: str) -> None:
    bound = exchange(kind)
    assert bound.is_unused
    assert bound.bind(A, "1", {"a": Int32(1), "b": 2})
    assert not bound.bind(A, "1", {"b": 2, "a": Int32(1)})
    assert bound.bind(A, "1", {"a": 1, "b": 2})
    assert bound.bind(A, "2", {"a": 1, "b": 2})
    assert not bound.unbind(A, "3", {})
    assert not bound.unbind(B, "1", {})
    assert len(list(bound.bindings())) == 3
    assert bound.unbind(A, "1", {"a": Int32(1), "b": 2})
    assert not bound.unbind(A, "1", {"a": Int32(1), "b": 2})
    assert route(bound, "1", {"a": 1, "b": 2}) == ["a"]
    assert len(bound.unbind_some(A, 5)) == 2
    assert bound.is_unused
    assert route(bound, "1", {"a": 1, "b": 2}) == []


bindings = st.tuples(st.integers(0, 3), st.sampled_from(["1", "2"]), st.sampled_from([{}, {"a": 1}, {"a": True}]))
QUEUES = [queue(str(number)) for number in range(4)]


@given(
    st.sampled_from(["direct", "fanout", "topic", "headers", "x-consistent-hash"]),
    st.lists(st.tuples(st.booleans(), bindings), max_size=20),
)
def test_bindings_agree_with_a_set_after_any_changes(
    kind: str, changes: list[tuple[bool, tuple[int, str, dict[str, object]]]]
) -> None:
    bound = exchange(kind)
    model: set[tuple[int, str, str]] = set()
    for adding, (number, key, arguments) in changes:
        named = (number, key, repr(arguments))
        if adding:
            assert bound.bind(QUEUES[number], key, arguments) is (named not in model)
            model.add(named)
        else:
            assert bound.unbind(QUEUES[number], key, arguments) is (named in model)
            model.discard(named)
    found = {(int(each.destination.name), each.key, repr(each.arguments)) for each in bound.bindings()}
    assert found == model
    assert bound.is_unused is not bool(model)
    if kind == "direct":
        assert route(bound, "1") == sorted({str(number) for number, key, _ in model if key == "1"})


# --- exchange to exchange -------------------------------------------------------------------------------------------


def test_bindings_between_exchanges_are_followed_and_cycles_end() -> None:
    first, second, third = exchange("fanout", name="1"), exchange("topic", name="2"), exchange("direct", name="3")
    first.bind(second, "", {})
    second.bind(third, "#", {})
    third.bind(first, "k", {})
    first.bind(A, "", {})
    second.bind(B, "k", {})
    third.bind(C, "k", {})
    third.bind(A, "k", {})
    assert route(first, "k") == ["a", "b", "c"]
    assert route(third, "other") == []
    queues, is_fixed = resolve(first, "k", None, no_exchange)
    assert names(queues) == ["a", "b", "c"]
    assert is_fixed


def test_a_route_through_an_exchange_that_looks_at_headers_is_not_fixed() -> None:
    first, second = exchange("fanout", name="1"), exchange("headers", name="2")
    first.bind(A, "", {})
    first.bind(second, "", {})
    second.bind(B, "", {"k": 1})
    assert resolve(first, "k", None, no_exchange) == ([], False)
    assert route(first, "k", {"k": 1}) == ["a", "b"]
    assert not resolve(first, "k", message({"k": 2}), no_exchange)[1]


def test_what_has_no_destination_goes_to_the_alternate() -> None:
    main = exchange("direct", {"alternate-exchange": "spare"}, name="main")
    spare = exchange("fanout", {"alternate-exchange": "main"}, name="spare")
    main.bind(A, "k", {})
    spare.bind(B, "", {})
    assert route(main, "k", None, spare) == ["a"]
    assert route(main, "other", None, spare) == ["b"]
    assert route(main, "other") == []
    spare.unbind(B, "", {})
    assert route(main, "other", None, spare) == []


def test_an_exchange_on_the_way_has_its_own_alternate() -> None:
    first = exchange("fanout", name="1")
    second = exchange("direct", {"alternate-exchange": "3"}, name="2")
    third = exchange("fanout", name="3")
    first.bind(second, "", {})
    first.bind(A, "", {})
    third.bind(B, "", {})
    assert route(first, "nothing", None, second, third) == ["a", "b"]


def test_a_policy_names_the_alternate_unless_an_argument_does() -> None:
    argued, plain = exchange("direct", {"alternate-exchange": "mine"}), exchange("direct")
    for each in (argued, plain):
        each.apply_policy({"alternate-exchange": "policys"})
    assert (argued.alternate, plain.alternate) == ("mine", "policys")
    plain.apply_policy({})
    assert plain.alternate is None


def test_a_long_chain_of_exchanges_is_no_recursion() -> None:
    chain = [exchange("fanout", name=str(number)) for number in range(5_000)]
    for source, destination in itertools.pairwise(chain):
        source.bind(destination, "", {})
    chain[-1].bind(A, "", {})
    assert route(chain[0]) == ["a"]


# --- arguments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "kind"), [(5, "long"), (b"x", "binary"), (None, "void")])
def test_an_alternate_that_is_no_string_is_refused_in_rabbitmqs_words(value: object, kind: str) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        make_exchange("xx", "direct", True, False, False, {"alternate-exchange": value}, "v")
    assert str(refusal.value) == f"invalid type '{kind}' for arg 'alternate-exchange' in exchange 'xx' in vhost 'v'"


# --- delays ---------------------------------------------------------------------------------------------------------


def test_a_delayed_exchange_routes_by_the_type_it_names() -> None:
    delayed = exchange("x-delayed-message", {"x-delayed-type": "topic"})
    delayed.bind(A, "a.*", {})
    assert route(delayed, "a.b") == ["a"]
    assert delayed.is_delayed
    assert not delayed.is_keyed
    assert delayed.delay_of({"x-delay": 5}) == 5
    assert exchange("direct").delay_of({"x-delay": 5}) == 0


@pytest.mark.parametrize("arguments", [{}, {"x-delayed-type": 5}, {"x-delayed-type": "x-delayed-message"}])
def test_a_delayed_exchange_needs_a_type(arguments: dict[str, object]) -> None:
    with pytest.raises(PreconditionFailed, match="'x-delayed-type' must be an existing exchange type"):
        exchange("x-delayed-message", arguments)


def test_a_delayed_exchange_needs_a_known_type() -> None:
    with pytest.raises(PreconditionFailed, match="unknown exchange type 'nonsense'"):
        exchange("x-delayed-message", {"x-delayed-type": "nonsense"})


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        (1000, 1000),
        (Int32(1000), 1000),
        (UInt8(5), 5),
        ("1000", 1000),
        (1000.9, 1000),
        (Float32(2.5), 2),
        (Decimal(1, 55), 5),
        (2**32 - 1, 2**32 - 1),
        (2**32, 0),
        (0, 0),
        (-5, 0),
        ("-5", 0),
        ("soon", 0),
        (float("nan"), 0),
        (float("inf"), 0),
        (True, 0),
        (None, 0),
        (Timestamp(5), 0),
        ([5], 0),
    ],
)
def test_the_delay_is_read_as_the_plugin_reads_it(value: object, delay: int) -> None:
    assert delay_of({"x-delay": value}) == delay


def test_a_message_that_was_held_is_not_held_again() -> None:
    headers = headers_after_delay({"x-delay": 1000, "k": "v"})
    assert headers == {"x-delay": -1000, "k": "v"}
    assert type(headers["x-delay"]) is Int32
    assert delay_of(headers) == 0
    assert headers_after_delay({"x-delay": 2**32 - 1}) == {"x-delay": 1 - 2**32}


def test_a_delayed_exchange_on_the_way_is_reported_and_not_followed() -> None:
    first = exchange("fanout", name="1")
    delayed = exchange("x-delayed-message", {"x-delayed-type": "fanout"}, name="2")
    first.bind(A, "", {})
    first.bind(delayed, "", {})
    delayed.bind(B, "", {})
    held_by: list[Exchange] = []
    assert names(resolve(first, "", message({"x-delay": 5}), no_exchange, held_by)[0]) == ["a"]
    assert held_by == [delayed]
    held_by.clear()
    assert names(resolve(first, "", message(), no_exchange, held_by)[0]) == ["a", "b"]
    assert held_by == []
