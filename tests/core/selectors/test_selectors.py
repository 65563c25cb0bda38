"""Selectors: the table of JMS with ActiveMQ's measured answers, and random ones against an evaluator that is naive."""

import math
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.message import new_entry, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.selectors.fields import Fields, selects, value_of
from mqbroker.core.selectors.pattern import Pattern
from mqbroker.core.selectors.selector import parse
from mqbroker.core.values import Decimal, Float32, RawString
from mqbroker.errors import InvalidSelector
from mqbroker.limits import SELECTOR_CHARACTERS_MAX, SELECTOR_DEPTH_MAX

VALUES: dict[str, Any] = {
    "i": 6, "f": 2.5, "single": Float32(0.10000000149011612), "s": "abc", "t": True, "u": False, "five": "5",
    "it": "it's", "_x$1": 1, "line": "a\nb", "percent": "50%", "order": 3,
}  # fmt: skip

SELECTED = (
    "i = 6", "I = 6 OR i = 6.0", "i<>5", "i < 7 and i <= 6", "i > 5 AND i >= 6", "NOT i = 5", "not not i=6",
    "i BETWEEN 6 AND 6", "i NOT BETWEEN 7 AND 8", "s IN ('x', 'abc')", "s NOT IN ('x')", "s LIKE 'a%'", "s like '_b_'",
    "s LIKE '%'", "s NOT LIKE 'A%'", "line LIKE 'a%b'", "line LIKE 'a_b'", "percent LIKE '%!%' ESCAPE '!'",
    "nope IS NULL", "i IS NOT NULL", "t", "t = TRUE", "u = false", "NOT u", "t <> u", "it = 'it''s'",
    "i / 4 = 1.5", "i % 4 = 2", "-i = -6", "+i = 6", "2 + 3 * 2 = 8", "(2 + 3) * 2 = 10", "i - 1 - 1 = 4",
    "i = 6L", "i = 0x6", "i = 06", "f = 2.5", "f = 25e-1", "f = 2.5E0", "i = 6.", "f > .5", "_x$1 = 1",
    "s <> 5", "s <> TRUE", "nope IS NULL OR nope = 1", "i = 6 /* comment */ -- to the end\n AND t", "order = 3",
    "nope = 1 OR i = 6", "NOT (nope = 1 AND i = 5)", "(i = 6) = TRUE", "s + 'd' = 'abcd'", "i\n=\t6",
)  # fmt: skip

LEFT = (
    "i = 5", "nope = 5", "nope <> 5", "NOT (nope = 5)", "nope NOT IN ('a')", "NOT (nope > 1)", "i <> nope", "i = nope",
    "s = 5", "s = TRUE", "s", "i", "nope", "f IN ('2.5')", "f NOT IN ('2.5')", "i LIKE '6'", "s LIKE 'ABC'",
    "single = 0.1", "NOT i = 6", "nope LIKE '%'", "nope BETWEEN 1 AND 2", "nope = 1 AND i = 6", "five = 5",
    "s > 5", "s * 2 = 2", "i / 0 = 1", "i % 0 = 0", "-s = 1", "u", "percent LIKE '50'",
)  # fmt: skip

WRONG = {
    "": 0, "i =": 3, "i == 6": 3, "i != 6": 2, "i = 6;": 5, "5": 0, "'x'": 0, "i = 5d": 4, "i = NULL": 4,
    "i = 6 AND": 9,
    "a.b = 1": 1, "a-b": 0, '"i" = 1': 0, "s > 'a'": 4, "s BETWEEN 'a' AND 'b'": 10, "i IN (5)": 6, "s LIKE s": 7,
    "i > TRUE": 4, "s LIKE 'a' ESCAPE 'ab'": 18, "s IN ()": 6, "i = 'open": 4, "(i = 6": 6, "i = 6)": 5, "i = 09": 4,
    "i = 9223372036854775808": 4, "NOT 5": 4, "i AND 5": 6, "'a' IN ('a')": 0, "i = 6 i": 6, "or = 1": 0,
    "i + 1": 0, "i /* = 6": 3,
}  # fmt: skip


@pytest.mark.parametrize("text", SELECTED)
def test_it_selects(text: str) -> None:
    assert parse(text).matches(VALUES.get)


@pytest.mark.parametrize("text", LEFT)
def test_it_does_not_select(text: str) -> None:
    assert not parse(text).matches(VALUES.get)


@pytest.mark.parametrize(("text", "position"), WRONG.items())
def test_what_is_no_selector_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(InvalidSelector) as refused:
        parse(text)
    assert refused.value.position == position
    assert str(refused.value).endswith(f"(at character {position + 1})")


@pytest.mark.parametrize(
    "text",
    ["five = 5", "five > 4", "five + 1 = '51'", "five * 2 = 10", "five BETWEEN 1 AND 9", "five <> 6", "-five = -5"],
)
def test_texts_compare_as_numbers_for_who_wants_that(text: str) -> None:
    assert parse(text, converts=True).matches(VALUES.get)
    assert parse(f"convert_string_expressions:{text}").matches(VALUES.get)


def test_texts_that_are_no_numbers_are_still_unequal() -> None:
    assert parse("s <> 5", converts=True).matches(VALUES.get)
    assert not parse("s = 5 OR s > 5 OR s < 5 OR s + 0 = 5", converts=True).matches(VALUES.get)
    assert parse("flag = TRUE", converts=True).matches({"flag": "true"}.get)


def test_a_wrong_selector_with_the_prefix_has_the_place_in_the_whole() -> None:
    with pytest.raises(InvalidSelector) as refused:
        parse("convert_string_expressions:i = 5d")
    assert refused.value.position == 31


def test_selectors_are_bounded() -> None:
    """Recursion of a deep one would end in a traceback, and a long one would keep the loop."""
    for text in (
        "i" * (SELECTOR_CHARACTERS_MAX + 1),
        "-" * 500 + "i = 1",
        "i" + "+i" * SELECTOR_DEPTH_MAX + " = 1",
        "NOT " * (SELECTOR_DEPTH_MAX + 1) + "t",
        "i = " + "9" * 100,
    ):
        with pytest.raises(InvalidSelector):
            parse(text)
    assert parse("(" * 1000 + "i = 6" + ")" * 1000).matches(VALUES.get)
    assert parse("i = 5 OR " * 600 + "i = 6").matches(VALUES.get)
    assert not parse("*".join(["big"] * 80) + " / 2 = 1").matches({"big": 1 << 60}.get)


def test_it_says_which_names_it_asks_for() -> None:
    assert parse("a = 1 AND (b IS NULL OR c LIKE 'x' OR NOT d)").names == {"a", "b", "c", "d"}


# --- patterns -------------------------------------------------------------------------------------------------------


def naive_like(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(naive_like(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and naive_like(pattern[1:], text[1:])


@given(st.text("ab%_", max_size=7), st.text("ab\n", max_size=7))
def test_patterns_match_as_naive_ones(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text) is naive_like(pattern, text)


def test_a_pattern_with_many_wildcards_is_quick() -> None:
    """As one regular expression it would take hours."""
    assert not Pattern("%a" * 40 + "b").matches("a" * 20_000)


def test_escaped_characters_stand_for_themselves() -> None:
    assert Pattern("a!%!_!!%", "!").matches("a%_!x")
    assert not Pattern("a!%!_!!%", "!").matches("ab_!x")


# --- random selectors against a naive evaluator -----------------------------------------------------------------------

Node = tuple[Any, ...]
NAMES = ("a", "b", "c")

_values = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from((0.5, 2.5, -1.0)), st.text("xy", max_size=2)
)
_numbers: st.SearchStrategy[Node] = st.recursive(
    st.one_of(
        st.tuples(st.just("name"), st.sampled_from(NAMES)),
        st.tuples(st.just("literal"), st.one_of(st.integers(0, 9), st.sampled_from((0.5, 2.5)))),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("calculate"), st.sampled_from("+-*/%"), inner, inner), st.tuples(st.just("minus"), inner)
    ),
    max_leaves=4,
)
_texts = st.text("xy'", max_size=2)
_operands = st.one_of(_numbers, st.tuples(st.just("literal"), st.one_of(_texts, st.booleans())))
_conditions: st.SearchStrategy[Node] = st.recursive(
    st.one_of(
        st.tuples(st.just("equal"), _operands, _operands),
        st.tuples(st.just("order"), st.sampled_from(("<", "<=", ">", ">=")), _numbers, _numbers),
        st.tuples(st.just("between"), _numbers, _numbers, _numbers),
        st.tuples(st.just("in"), st.sampled_from(NAMES), st.lists(_texts, min_size=1, max_size=2)),
        st.tuples(st.just("like"), st.sampled_from(NAMES), st.text("xy%_", max_size=3)),
        st.tuples(st.just("null"), st.sampled_from(NAMES)),
        st.tuples(st.just("truth"), st.sampled_from(NAMES)),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("and"), inner, inner),
        st.tuples(st.just("or"), inner, inner),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=6,
)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def written(node: Node) -> str:
    """The text of a random selector."""
    match node:
        case ("name" | "truth", name):
            return str(name)
        case ("literal", str() as text):
            return quoted(text)
        case ("literal", value):
            return str(value)
        case ("minus", inner):
            return f"(-{written(inner)})"
        case ("calculate" | "order", operation, left, right):
            return f"({written(left)} {operation} {written(right)})"
        case ("equal", left, right):
            return f"({written(left)} = {written(right)})"
        case ("between", value, low, high):
            return f"({written(value)} BETWEEN {written(low)} AND {written(high)})"
        case ("in", name, texts):
            return f"{name} IN ({', '.join(map(quoted, texts))})"
        case ("like", name, pattern):
            return f"{name} LIKE {quoted(pattern)}"
        case ("null", name):
            return f"{name} IS NULL"
        case ("not", inner):
            return f"NOT ({written(inner)})"
        case (operation, left, right):
            return f"({written(left)} {operation.upper()} {written(right)})"
    raise AssertionError(node)


ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def naive_value(node: Node, values: dict[str, Any]) -> Any:
    match node:
        case ("name", name):
            return values[name]
        case ("literal", value):
            return value
        case ("minus", inner):
            value = naive_value(inner, values)
            return -value if is_number(value) else None
        case (_, operation, left, right):
            one, other = naive_value(left, values), naive_value(right, values)
            if isinstance(one, str) and other is not None and operation == "+":
                return one + (str(other).lower() if isinstance(other, bool) else str(other))
            if not is_number(one) or not is_number(other):
                return None
            if operation in ORDERS:
                return ORDERS[operation](one, other)
            if other == 0:
                is_nan = operation == "%" or one == 0 or math.isnan(one)
                return math.nan if is_nan else math.inf * math.copysign(1, one) * math.copysign(1, other)
            if operation == "%" and math.isinf(one):
                return math.nan
            return math.fmod(one, other) if operation == "%" else one / other
    raise AssertionError(node)


def naive_order(operation: str, one: Any, other: Any) -> bool | None:
    if one is None or other is None:
        return None
    return is_number(one) and is_number(other) and bool(ORDERS[operation](one, other))


def naive(node: Node, values: dict[str, Any]) -> bool | None:
    """SQL's three values, case by case."""
    match node:
        case ("and", left, right):
            both = (naive(left, values), naive(right, values))
            return False if False in both else (None if None in both else True)
        case ("or", left, right):
            both = (naive(left, values), naive(right, values))
            return True if True in both else (None if None in both else False)
        case ("not", inner):
            found = naive(inner, values)
            return None if found is None else not found
        case ("null", name):
            return values[name] is None
        case ("truth", name):
            return None if values[name] is None else values[name] is True
        case ("like", name, pattern):
            value = values[name]
            return None if value is None else isinstance(value, str) and naive_like(pattern, value)
        case ("in", name, texts):
            return values[name] in texts if isinstance(values[name], str) else None
        case ("order", operation, left, right):
            return naive_order(operation, naive_value(left, values), naive_value(right, values))
        case ("between", value, low, high):
            middle = naive_value(value, values)
            both = (
                naive_order(">=", middle, naive_value(low, values)),
                naive_order("<=", middle, naive_value(high, values)),
            )
            return False if False in both else (None if None in both else True)
        case ("equal", left, right):
            one, other = naive_value(left, values), naive_value(right, values)
            if one is None or other is None:
                return None
            return bool(one == other) and (is_number(one) is is_number(other))
    raise AssertionError(node)


@given(_conditions, st.fixed_dictionaries(dict.fromkeys(NAMES, _values)))
def test_random_selectors_mean_what_a_naive_evaluator_says(node: Node, values: dict[str, Any]) -> None:
    assert parse(written(node)).matches(values.get) is (naive(node, values) is True)


@pytest.mark.parametrize("text", ["0 < b / b / b", "0 > b / b / b", "0 < 1 / -(0.0)", "0 > 1 / b"])
def test_what_is_divided_by_nothing_is_as_in_java(text: str) -> None:
    """0/0/0 was greater than everything, and 1/-0.0 too."""
    assert not parse(text).matches({"b": 0}.get)


@given(st.text("ab1.'\" ()=<>%_+-*/$\n\\", max_size=20))
def test_any_text_is_a_selector_or_is_refused(text: str) -> None:
    position = 0
    try:
        parse(text).matches({"a": 1}.get)
    except InvalidSelector as error:
        position = error.position
    assert 0 <= position <= len(text)


# --- what they see of messages --------------------------------------------------------------------------------------


class Labelled(Properties):
    """Properties with headers and texts."""

    def __init__(self, headers: dict[str, object], **texts: str) -> None:
        super().__init__(1, b"")
        self._given = headers
        self._texts = texts
        self.has_headers = bool(headers)
        self.persistent = True
        self.ttl_ms = 500

    def headers(self) -> dict[str, object]:
        return self._given

    def text(self, name: str) -> str | None:
        return self._texts.get(name)


def test_headers_are_seen_by_the_names_of_jms() -> None:
    properties = Labelled(
        {"colour": "red", "JMSPriority": 9},
        type="T", correlation_id="c", message_id="m", priority="7", timestamp="5", group_id="g", user_id="me",
    )  # fmt: skip
    message = new_message("amq.topic", "a.b", properties, b"", 1000)
    entry = new_entry(message, 1, 1)
    entry.is_redelivered, entry.attempts = True, 2
    expected = {
        "JMSType": "T", "JMSCorrelationID": "c", "JMSMessageID": "m", "JMSPriority": 7, "JMSTimestamp": 5000,
        "JMSExpiration": 1500, "JMSDeliveryMode": "PERSISTENT", "JMSRedelivered": True, "JMSXDeliveryCount": 3,
        "JMSXGroupID": "g", "JMSXUserID": "me", "JMSDestination": "topic://a.b", "JMSReplyTo": None, "colour": "red",
        "JMSX": None,
    }  # fmt: skip
    fields = Fields(message, entry)
    assert {name: fields.get(name) for name in expected} == expected


def test_a_message_without_anything_has_its_defaults() -> None:
    message = new_message("", "q", Properties(1, b""), b"", 1000)
    names = ("JMSPriority", "JMSTimestamp", "JMSExpiration", "JMSDeliveryMode", "JMSRedelivered", "JMSXDeliveryCount")
    fields = Fields(message)
    assert [fields.get(name) for name in names] == [4, 1000, 0, "NON_PERSISTENT", False, 1]
    assert selects(parse("JMSDestination = 'queue://q' AND colour IS NULL"), message)


def test_values_of_other_kinds_are_null() -> None:
    found = [value_of(each) for each in (RawString(b"x"), Decimal(1, 25), b"x", [1], {"a": 1}, None)]
    assert found == ["x", 2.5, None, None, None, None]
