"""Filter policies: AWS's texts and columns, and the compiled ones against a naive reading of the same policies."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from math import inf
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.sns.arns import SubscriptionArn, TopicArn
from mqbroker.aws.sns.filters.filter import ATTRIBUTES, BODY, Filter
from mqbroker.aws.sns.filters.index import FilterIndex
from mqbroker.aws.sns.filters.intervals import Intervals
from mqbroker.aws.sns.filters.message_values import values_of_attributes, values_of_body
from mqbroker.aws.sns.message_attributes import check_attributes, packed
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.properties import make_sns_properties
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sqs.message_attributes import unpack
from mqbroker.core.message import new_message
from mqbroker.errors import AwsError
from tests.aws.sns import naive_filter

KEYS = ("a", "b", "c")
TEXTS = st.sampled_from(["", "x", "X", "xy", "yx", "10.0.0.1", "10.0.0.255", "::1", "ä"])
NUMBERS = st.sampled_from([0, 1, -1, 1.5, 100, 1e9])
SCALARS = TEXTS | NUMBERS | st.booleans() | st.none()


@st.composite
def ranges(draw: st.DrawFn) -> list[Any]:
    if draw(st.booleans()):
        return [draw(st.sampled_from(["=", "<", "<=", ">", ">="])), draw(NUMBERS)]
    low, high = sorted(draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True)))
    return [draw(st.sampled_from([">", ">="])), low, draw(st.sampled_from(["<", "<="])), high]


OPERATORS = st.sampled_from(["prefix", "suffix", "equals-ignore-case"])
CONDITIONS = (
    SCALARS
    | st.builds(lambda operator, text: {operator: text}, OPERATORS, TEXTS)
    | st.builds(lambda text: {"anything-but": {"prefix": text}}, TEXTS)
    | st.builds(lambda value: {"anything-but": value}, TEXTS | NUMBERS | st.lists(TEXTS, min_size=1, max_size=2))
    | st.builds(lambda value: {"anything-but": value}, st.lists(NUMBERS, min_size=1, max_size=2))
    | st.builds(lambda value: {"numeric": value}, ranges())
    | st.builds(lambda value: {"exists": value}, st.booleans())
    | st.builds(lambda value: {"cidr": value}, st.sampled_from(["10.0.0.0/24", "10.0.0.1/32", "::/0"]))
)  # fmt: skip
LISTS = st.lists(CONDITIONS, min_size=1, max_size=3)
FLAT = st.dictionaries(st.sampled_from(KEYS), LISTS, max_size=3)
WITH_OR = st.builds(
    lambda flat, branches: {**flat, "$or": branches},
    st.dictionaries(st.sampled_from(KEYS), LISTS, max_size=1), st.lists(FLAT, min_size=2, max_size=2),
)  # fmt: skip
NESTED = FLAT | WITH_OR | st.dictionaries(st.sampled_from(KEYS), FLAT, min_size=1, max_size=2)
BODIES = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
ATTRIBUTE_VALUES: st.SearchStrategy[Any] = (
    st.builds(lambda text: ({"DataType": "String", "StringValue": text}, [text]), TEXTS.filter(bool))
    | st.builds(lambda number: ({"DataType": "Number", "StringValue": str(number)}, [number]), NUMBERS)
    | st.builds(lambda all: ({"DataType": "String.Array", "StringValue": json.dumps(all)}, all), st.lists(SCALARS))
    | st.just(({"DataType": "Binary", "BinaryValue": b"x"}, []))
)  # fmt: skip
TOPIC = TopicArn("us-east-1", "000000000000", "t")


def parsed(policy: dict[str, Any], scope: str) -> Filter | None:
    """None for one that is too complex."""
    with suppress(AwsError):
        return Filter.parse(json.dumps(policy), scope)
    return None


@given(FLAT | WITH_OR, st.dictionaries(st.sampled_from(KEYS), ATTRIBUTE_VALUES, max_size=3))
def test_attributes_are_matched_as_the_guide_says(policy: dict[str, Any], attributes: dict[str, Any]) -> None:
    compiled = parsed(policy, ATTRIBUTES)
    if compiled is not None:
        kept = packed(check_attributes({name: attribute for name, (attribute, _) in attributes.items()}))
        expected = naive_filter.matches(policy, {name: values for name, (_, values) in attributes.items()})
        assert compiled.matches(values_of_attributes(unpack(kept))) is expected


@given(NESTED, BODIES)
def test_bodies_are_matched_as_the_guide_says(policy: dict[str, Any], body: dict[str, Any]) -> None:
    compiled = parsed(policy, BODY)
    if compiled is not None:
        values = values_of_body(json.dumps(body).encode())
        assert values is not None
        assert compiled.matches(values) is naive_filter.matches(policy, naive_filter.flat(body))


@given(st.lists(NESTED, max_size=8), BODIES)
def test_the_index_finds_those_that_match(policies: list[dict[str, Any]], body: dict[str, Any]) -> None:
    """An index that leaves one out loses messages."""
    subscriptions = []
    for number, policy in enumerate(policies):
        compiled = parsed(policy, BODY)
        if compiled is not None:
            made = Subscription(SubscriptionArn(TOPIC, str(number)), "sms", "+1", "0", "", "")
            made.filter = compiled
            subscriptions.append((made, policy))
    properties = make_sns_properties(bytes(16), "", {"topic": str(TOPIC), "at": 0, "version": "1"})
    notification = Notification(new_message("", "", properties, json.dumps(body).encode(), 0), properties, None)
    found = FilterIndex([each for each, _ in subscriptions]).wanted(notification)
    values = naive_filter.flat(body)
    assert set(found) == {each for each, policy in subscriptions if naive_filter.matches(policy, values)}
    assert len(found) == len(set(found))


def by_value(number: int) -> dict[str, Any]:
    return {"kind": [str(number)], "region": [{"prefix": f"r{number}-"}], "price": [{"numeric": [">", 0]}]}


def by_range(number: int) -> dict[str, Any]:
    return {"price": [{"numeric": [">", number, "<=", number + 1]}]}


def calls_to_find(count: int, policy_of: Callable[[int], dict[str, Any]]) -> int:
    """How many functions are called to find the one of so many subscriptions that wants a message."""
    subscriptions = []
    for number in range(count):
        made = Subscription(SubscriptionArn(TOPIC, str(number)), "sms", "+1", "0", "", "")
        made.filter = Filter.parse(json.dumps(policy_of(number)), ATTRIBUTES)
        subscriptions.append(made)
    values = {"kind": ("String", "7"), "region": ("String", "r7-x"), "price": ("Number", "7.5")}
    kept = packed(
        check_attributes({key: {"DataType": kind, "StringValue": value} for key, (kind, value) in values.items()})
    )
    properties = make_sns_properties(bytes(16), "", {"topic": str(TOPIC), "at": 0, "version": "1"}, attributes=kept)
    notification = Notification(new_message("", "", properties, b"m", 0), properties, None)
    index, called = FilterIndex(subscriptions), 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal called
        # Ours alone: Hypothesis has functions called whenever the garbage collector runs.
        called += event == "call" and frame.f_globals["__name__"].startswith("mqbroker.")

    sys.setprofile(note)
    try:
        found = index.wanted(notification)
    finally:
        sys.setprofile(None)
    assert found == [subscriptions[7]]
    return called


def test_ten_thousand_filters_cost_no_more_than_ten() -> None:
    """Asked one by one they would take milliseconds for each message."""
    assert calls_to_find(10_000, by_value) == calls_to_find(10, by_value)
    assert calls_to_find(10_000, by_range) <= calls_to_find(10, by_range) + 10


ENDS = st.sampled_from([-inf, 0.0, 1.0, 2.5, 3.0, 4.0, inf])
SPANS = st.lists(st.tuples(ENDS, ENDS).map(lambda ends: (min(ends), max(ends))), min_size=1)


@given(SPANS, st.sampled_from([-inf, -1.0, 0.0, 1.0, 1.5, 2.5, 3.5, 9.0, inf]))
def test_intervals_are_found_by_a_number_in_them(spans: list[tuple[float, float]], value: float) -> None:
    """Those that are empty or have no end may be found although they need not."""
    intervals = Intervals([(low, high, number) for number, (low, high) in enumerate(spans)])
    found = list(intervals.around(value))
    assert len(found) == len(set(found))
    assert {number for number, (low, high) in enumerate(spans) if low <= value <= high} <= set(found)


def test_intervals_that_lie_in_each_other_or_nowhere_are_no_deep_tree() -> None:
    """A number of 400 digits is infinite: an interval from there to there has no middle."""
    intervals = Intervals([(inf, inf, 0), (-inf, -inf, 1), *((float(n), inf, n) for n in range(2, 10_000))])
    assert set(intervals.around(5.0)) >= {2, 3, 4, 5}
    assert len(set(intervals.around(5.0))) < 10


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_any_text_is_a_policy_or_is_refused(text: str) -> None:
    with suppress(AwsError):
        Filter.parse(text, BODY)


@given(NESTED, st.integers(0, 200), st.text(max_size=3))
def test_a_policy_that_is_damaged_is_refused_or_is_another_one(policy: dict[str, Any], at: int, more: str) -> None:
    text = json.dumps(policy)
    for damaged in (text[:at], text[:at] + more + text[at:], text + more):
        with suppress(AwsError):
            Filter.parse(damaged, BODY)


SAID = {
    '{"key":[["value"]]}': ("Match value must be String, number, true, false, or null", 10),
    '{"key":[{"wrong-operator":true}]}': ("Unrecognized match type wrong-operator", 31),
    '{"key":[{"suffix":"value","prefix":"value2"}]}': ("Only one key allowed in match expression", 37),
    '{"key":[{"suffix":100}]}': ("suffix match pattern must be a string", 22),
    '{"key":[{"suffix":null}]}': ("suffix match pattern must be a string", 23),
    '{"key":{"suffix":"value"}}': ('"suffix" must be an object or an array', 19),
    '{"key":[{"suffix":[]}]}': ("suffix match pattern must be a string", 20),
    '{"key":[{"suffix":["test","test2"]}]}': ("suffix match pattern must be a string", 20),
    '{"key":{"suffix":"value","prefix":"value"}}': ('"suffix" must be an object or an array', 19),
    '{"key":{"not-an-operator":"value"}}': ('"not-an-operator" must be an object or an array', 28),
    '{"key_a":"value_one"}': ('"key_a" must be an object or an array', 11),
    '{"key":[{"numeric":[]}]}': ("Invalid member in numeric match: ]", 22),
    '{"key":[{"numeric":["operator"]}]}': ("Unrecognized numeric range operator: operator", 32),
    '{"key":[{"numeric":[1,"<="]}]}': ("Invalid member in numeric match: 1", 22),
    '{"key":[{"numeric":["=","000"]}]}': ("Value of equals must be numeric", 26),
    '{"key":[{"numeric":[">="]}]}': ("Value of >= must be numeric", 26),
    '{"key":[{"numeric":["<",100,">",10]}]}': ("Too many elements in numeric expression", 30),
    '{"key":[{"numeric":[">=",1,">",2]}]}': ("Bad numeric range operator: >", 31),
    '{"key":[{"numeric":[">",3,"<",1]}]}': ("Bottom must be less than top", 33),
    '{"key":[{"numeric":[">",20,"<="]}]}': ("Value of <= must be numeric", 33),
    '{"key":[{"numeric":[">",20,30]}]}': ("Bad value in numeric range: 30", 30),
    '{"key":[{"numeric":[">",20,"test"]}]}': ("Bad numeric range operator: test", 34),
    '{"key":[{"numeric":[">","20","<","30"]}]}': ("Value of > must be numeric", 26),
    '{"key":[{"numeric":[">",20,"<","30"]}]}': ("Value of < must be numeric", 33),
    '{"key":[{"numeric":[">",20,"<",30,"<",50]}]}': ("Too many terms in numeric range expression", 36),
    '{"key":[{"exists":null}]}': ("exists match pattern must be either true or false.", 23),
    '{"key":[{"exists":"no"}]}': ("exists match pattern must be either true or false.", 20),
    '{"key":[{"anything-but":{"wrong-operator":null}}]}': ("Unsupported anything-but pattern: wrong-operator", 47),
    '{"key":[{"anything-but":{"suffix":"test"}}]}': ("Unsupported anything-but pattern: suffix", 36),
    '{"key":[{"anything-but":{"exists":false}}]}': ("Unsupported anything-but pattern: exists", 40),
    '{"key":[{"anything-but":{"prefix":false}}]}': ("prefix match pattern must be a string", 40),
}
"""What AWS was recorded to say, with the column."""


@pytest.mark.parametrize("text", SAID)
def test_what_is_wrong_is_said_with_its_place(text: str) -> None:
    said, column = SAID[text]
    place = f'\n at [Source: (String)"{text}"; line: 1, column: {column}]'
    for prefix in ("Attributes Reason: ", ""):
        with pytest.raises(AwsError) as refused:
            Filter.parse(text, ATTRIBUTES, prefix)
        assert refused.value.message == f"Invalid parameter: {prefix}FilterPolicy: {said}{place}"


RULER = {
    "[]": "Filter is not an object",
    '{"a":[]}': "Empty arrays are not allowed",
    '{"a":[{}]}': "Match expression name not found",
    '{"$or":[{"a":["b"]}]}': "Unrecognized match type a",
    '{"a":[{"anything-but":null}]}': "Value of anything-but must be an array or single string/number value.",
    '{"a":[{"anything-but":["b",null]}]}': "Inside anything but list, start|null|boolean is not supported.",
    '{"a":[{"anything-but":["b",1]}]}':
        "Inside anything but list, either all values are number or string, mixed type is not supported",
    '{"a":[{"anything-but":[]}]}':
        "Inside anything but list, either all values are number or string, mixed type is not supported",
    '{"a":[{"numeric":5}]}': "Value of numeric must be an array.",
    '{"a":[{"cidr":5}]}': "prefix match pattern must be a string",
    '{"a":[{"cidr":"10.0.0.0"}]}': "Malformed CIDR, one '/' required",
    '{"a":[{"cidr":"10.0.0.0/"}]}': "Malformed CIDR, one '/' required",
    '{"a":[{"cidr":"10.0.0.0/x"}]}': "Malformed CIDR, mask bits must be an integer",
    '{"a":[{"cidr":"10.0.0.0/-1"}]}': "Malformed CIDR, mask bits must not be negative",
    '{"a":[{"cidr":"bad-address/24"}]}': "Nonstandard IP address: bad-address",
}  # fmt: skip
"""What AWS's matcher says of the rest; with which columns is not on record."""


@pytest.mark.parametrize("text", RULER)
def test_the_other_faults_are_said_in_the_words_of_the_matcher(text: str) -> None:
    with pytest.raises(AwsError) as refused:
        Filter.parse(text, BODY)
    assert refused.value.message.startswith(f"Invalid parameter: FilterPolicy: {RULER[text]}\n at [Source: ")


def test_an_or_of_one_branch_is_a_key_of_that_name() -> None:
    """Two branches at least make it an operator."""
    assert Filter.parse('{"$or":["b"]}', BODY).matches({"$or": ["b"]})
    assert Filter.parse('{"$or":[{"a":["b"]},{"c":["d"]}]}', BODY).matches({"c": ["d"]})


def record(event: str, shown: Any) -> dict[str, Any]:
    return {"eventName": event, "s3": {"object": shown}}


OF_CREATED_CARS = {
    "Records": {"s3": {"object": {"key": [{"prefix": "auto-"}]}}, "eventName": [{"prefix": "ObjectCreated:"}]}
}
NESTED_NAMES = ({"a": {"b": {"c": "x"}}}, {"a.b.c": "x"}, {"a.b": {"c": "x"}}, {"a": {"b.c": "x"}})
RECORDED: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    (OF_CREATED_CARS, {"Records": [record("ObjectCreated:Put", {"key": "auto-1"})]}, True),
    (OF_CREATED_CARS, {"Records": [record("ObjectRemoved:Delete", {"key": "auto-1"})]}, False),
    (OF_CREATED_CARS, {"Records": [record("ObjectCreated:Put", {"key": "home-1"})]}, False),
    (OF_CREATED_CARS, {"Records": [record("ObjectCreated:Put", [[{"key": "auto-1"}]]),
                                   record("ObjectRemoved:Delete", {"key": "home-1"})]}, True),
    ({"to": ["a"]}, {"to": ["b", "a"]}, True),
    ({"to": ["a"]}, {"to": ["b"]}, False),
    *(({"a.b.c": ["x"]}, body, True) for body in NESTED_NAMES),
    ({"a.b.c": ["x"]}, {"a": {"b": {"c": "y"}}}, False),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "body", "is_wanted"), RECORDED)
def test_bodies_are_matched_as_aws_was_recorded_to_do(
    policy: dict[str, Any], body: dict[str, Any], is_wanted: bool
) -> None:
    values = values_of_body(json.dumps(body).encode())
    assert values is not None
    assert Filter.parse(json.dumps(policy), BODY).matches(values) is is_wanted


def test_lines_are_counted() -> None:
    with pytest.raises(AwsError, match="line: 3, column: 9]"):
        Filter.parse('{\n"a": [1],\n  "b": "x"}', ATTRIBUTES)


@pytest.mark.parametrize(
    ("policy", "scope", "said"),
    [
        ({"a": {"b": ["x"]}}, ATTRIBUTES,
         "Filter policy scope MessageAttributes does not support nested filter policy"),
        ({str(number): ["x"] for number in range(6)}, BODY,
         "FilterPolicy: Filter policy can not have more than 5 keys"),
        ({"a": {str(number): ["x"] for number in range(6)}}, BODY,
         "FilterPolicy: Filter policy can not have more than 5 keys"),
        ({"a": [str(number) for number in range(151)]}, BODY, "FilterPolicy: Filter policy is too complex"),
        ({"a": list(range(13)), "b": list(range(12))}, BODY, "FilterPolicy: Filter policy is too complex"),
        ({"a": {"b": {"c": ["1", "2", "3", "4"]}}, "d": {"e": ["1", "2", "3", "4", "5", "6", "7"]}}, BODY,
         "FilterPolicy: Filter policy is too complex"),
        ({"$or": [{"a": list(range(80))}, {"b": list(range(80))}]}, BODY, "FilterPolicy: Filter policy is too complex"),
    ],
)  # fmt: skip
def test_limits(policy: dict[str, Any], scope: str, said: str) -> None:
    with pytest.raises(AwsError) as refused:
        Filter.parse(json.dumps(policy), scope)
    assert refused.value.message == f"Invalid parameter: {said}"


def test_as_much_as_is_allowed() -> None:
    Filter.parse(json.dumps({"a": list(range(15)), "b": list(range(10))}), ATTRIBUTES)
    nested = {"a": {"b": {"c": ["1", "2", "3", "4"]}}, "d": {"e": ["1", "2", "3"]}}
    Filter.parse(json.dumps(nested), BODY)


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("condition", ["N", '{"numeric": ["<", N]}', '{"anything-but": N}'])
def test_a_number_may_be_too_long_for_any_type(condition: str, digits: int) -> None:
    """Subscribe was an internal error."""
    compiled = Filter.parse(f'{{"a": [{condition.replace("N", "9" * digits)}]}}', ATTRIBUTES)
    assert compiled.matches({"a": [1.0]}) is (condition != "N")
