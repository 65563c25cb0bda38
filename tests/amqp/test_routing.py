"""Where a message goes: every exchange type, exchange-to-exchange bindings, alternates, CC and BCC, mandatory."""

from collections.abc import Mapping
from typing import Any

import pytest

from mqbroker.core.values import Int32
from mqbroker.protocols.amqp.frames import content_header_frame
from mqbroker.protocols.amqp.properties import build
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_channel, closes_connection

PUBLISH = (60, 40)
BIND = (50, 20)


def bound(client: RawAmqp, exchange: str, key: str = "", arguments: Mapping[str, object] | None = None) -> str:
    """A new queue bound to an exchange."""
    queue = client.declare()
    client.call("queue.bind", queue=queue, exchange=exchange, routing_key=key, arguments=arguments or {})
    return queue


def declared(client: RawAmqp, name: str, kind: str, **arguments: object) -> str:
    """A new exchange that goes with its last binding."""
    client.call("exchange.declare", exchange=name, exchange_type=kind, auto_delete=True, arguments=arguments)
    return name


def test_direct_takes_the_exact_key(client: RawAmqp, name: str) -> None:
    declared(client, name, "direct")
    queue = bound(client, name, "a.b")
    for key in ("a.b", "a.B", "a", "a.b.c", "#", ""):
        client.publish(key, key.encode(), exchange=name)
    assert client.drain(queue) == [b"a.b"]


def test_fanout_ignores_the_key(client: RawAmqp, name: str) -> None:
    declared(client, name, "fanout")
    queues = [bound(client, name, "x"), bound(client, name)]
    client.publish("y", b"1", exchange=name)
    assert [client.drain(queue) for queue in queues] == [[b"1"], [b"1"]]


def test_a_queue_bound_twice_gets_a_message_once(client: RawAmqp, name: str) -> None:
    declared(client, name, "topic")
    queue = bound(client, name, "a.*")
    client.call("queue.bind", queue=queue, exchange=name, routing_key="#")
    client.publish("a.b", b"once", exchange=name)
    assert client.drain(queue) == [b"once"]


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a.*", ("a.b", "a."), ("a", "a.b.c", "")),
        ("a.#", ("a", "a.b", "a.b.c", "a..c"), ("b", "")),
        ("#", ("", "a", "a.b", "..."), ()),
        ("*", ("a", "*"), ("a.b", ".")),
        ("*.*", ("a.b", ".", "a."), ("a", "a.b.c")),
        ("#.b.#", ("b", "a.b", "b.c", "a.b.c"), ("a", "bb")),
        ("", ("",), ("a",)),
        ("a..b", ("a..b",), ("a.b", "a.x.b")),
    ],
)
def test_topic_matches_words(
    client: RawAmqp, name: str, pattern: str, matching: tuple[str, ...], other: tuple[str, ...]
) -> None:
    declared(client, name, "topic")
    queue = bound(client, name, pattern)
    for key in matching + other:
        client.publish(key, key.encode(), exchange=name)
    assert client.drain(queue) == [key.encode() for key in matching]


@pytest.mark.parametrize(
    ("arguments", "headers", "matches"),
    [
        ({"x-match": "all", "a": 1, "b": "2"}, {"a": 1, "b": "2", "c": 3}, True),
        ({"a": 1, "b": "2"}, {"a": 1}, False),
        ({"x-match": "any", "a": 1, "b": "2"}, {"b": "2"}, True),
        ({"x-match": "any", "a": 1}, {"a": 2}, False),
        ({"x-match": "any"}, {"a": 1}, False),
        ({"x-match": "all"}, {}, True),
        ({"x-match": "all", "a": None}, {"a": "anything"}, True),
        ({"x-match": "all", "a": None}, {}, False),
        ({"x-match": "all", "a": 1}, {"a": "1"}, False),
        ({"x-match": "all", "a": 1}, {"a": Int32(1)}, True),
        ({"x-match": "all", "x-a": 1}, {}, True),
        ({"x-match": "all-with-x", "x-a": 1}, {}, False),
        ({"x-match": "all-with-x", "x-a": 1}, {"x-a": 1}, True),
        ({"x-match": "any-with-x", "x-a": 1}, {"x-a": 1}, True),
        ({"x-match": "any", "x-a": 1}, {"x-a": 1}, False),
    ],
)
def test_headers_match_values(
    client: RawAmqp, name: str, arguments: dict[str, object], headers: dict[str, object], matches: bool
) -> None:
    declared(client, name, "headers")
    queue = bound(client, name, "", arguments)
    client.publish("", b"x", exchange=name, headers=headers)
    assert client.drain(queue) == ([b"x"] if matches else [])


def test_a_bad_x_match_is_406(client: RawAmqp) -> None:
    queue = client.declare()
    text = 'PRECONDITION_FAILED - Invalid x-match field value <<"some">>; expected all, any, all-with-x, or any-with-x'
    refusal = client.refused("queue.bind", queue=queue, exchange="amq.headers", arguments={"x-match": "some"})
    assert refusal == closes_channel(406, text, BIND)


def test_exchanges_are_bound_to_exchanges(client: RawAmqp, name: str) -> None:
    first = declared(client, f"{name}.1", "topic")
    second = declared(client, f"{name}.2", "fanout")
    client.call("exchange.bind", source=first, destination=second, routing_key="a.#")
    queue = bound(client, second)
    client.publish("a.b", b"1", exchange=first)
    client.publish("b.b", b"2", exchange=first)
    client.call("exchange.unbind", source=first, destination=second, routing_key="a.#")
    assert client.drain(queue) == [b"1"]


def test_a_cycle_of_exchanges_delivers_once(client: RawAmqp, name: str) -> None:
    first, second = declared(client, f"{name}.1", "fanout"), declared(client, f"{name}.2", "fanout")
    client.call("exchange.bind", source=first, destination=second)
    client.call("exchange.bind", source=second, destination=first)
    queue = bound(client, second)
    client.publish("", b"once", exchange=first)
    assert client.drain(queue) == [b"once"]


def test_an_alternate_exchange_takes_what_has_nowhere_to_go(client: RawAmqp, name: str) -> None:
    alternate = declared(client, f"{name}.a", "fanout")
    declared(client, name, "direct", **{"alternate-exchange": alternate})
    queue, rest = bound(client, name, "known"), bound(client, alternate)
    client.call("confirm.select")
    for key in ("known", "unknown"):
        client.publish(key, key.encode(), exchange=name, mandatory=True)
        client.expect("basic.ack")  # and no basic.return
    assert (client.drain(queue), client.drain(rest)) == ([b"known"], [b"unknown"])


def test_a_missing_alternate_exchange_is_passed_over(client: RawAmqp, name: str) -> None:
    declared(client, name, "direct", **{"alternate-exchange": f"{name}.none"})
    bound(client, name, "k")
    client.publish("unknown", b"x", exchange=name, mandatory=True)
    assert client.expect("basic.return").args["reply_code"] == 312


def test_consistent_hash_shares_by_weight(client: RawAmqp, name: str, ours: None) -> None:
    declared(client, name, "x-consistent-hash")
    light, heavy = bound(client, name, "1"), bound(client, name, "3")
    for number in range(400):
        client.publish(f"key {number}", exchange=name)
    shares = client.count(light), client.count(heavy)
    assert sum(shares) == 400
    assert 60 < shares[0] < 140


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ({"hash-header": "who"}, {"headers": {"who": "me"}}),
        ({"hash-property": "correlation_id"}, {"correlation_id": "me"}),
    ],
)
def test_consistent_hash_can_look_into_the_message(
    client: RawAmqp, name: str, ours: None, arguments: dict[str, str], fields: dict[str, Any]
) -> None:
    declared(client, name, "x-consistent-hash", **arguments)
    queues = [bound(client, name, "1") for _ in range(4)]
    for number in range(40):
        client.publish(str(number), exchange=name, **fields)
    assert sorted(client.count(queue) for queue in queues) == [0, 0, 0, 40]


def test_the_weight_has_to_be_a_number(client: RawAmqp, name: str, ours: None) -> None:
    declared(client, name, "x-consistent-hash")
    queue = client.declare()
    text = 'PRECONDITION_FAILED - The binding key must be an integer: <<"abc">>'
    refusal = client.refused("queue.bind", queue=queue, exchange=name, routing_key="abc")
    assert refusal == closes_channel(406, text, BIND)


def test_delayed_messages_come_when_they_are_due(client: RawAmqp, name: str, ours: None) -> None:
    declared(client, name, "x-delayed-message", **{"x-delayed-type": "direct"})
    queue = bound(client, name, "k")
    client.consume(queue, no_ack=True)
    client.publish("k", b"later", exchange=name, headers={"x-delay": 1_500})
    client.publish("k", b"soon", exchange=name, headers={"x-delay": 200})
    client.publish("k", b"now", exchange=name)
    client.publish("k", b"now too", exchange=name, headers={"x-delay": 0})
    received = [client.delivery() for _ in range(4)]
    assert [each.body for each in received] == [b"now", b"now too", b"soon", b"later"]
    assert received[3].headers == {"x-delay": -1_500}


def test_a_delayed_exchange_needs_its_type(client: RawAmqp, name: str, ours: None) -> None:
    refusal = client.refused("exchange.declare", exchange=name, exchange_type="x-delayed-message")
    assert (refusal.method, refusal.code) == ("channel.close", 406)


# --- mandatory and immediate ----------------------------------------------------------------------------------------


def test_a_mandatory_message_without_a_queue_comes_back(client: RawAmqp) -> None:
    client.publish("nowhere", b"body", exchange="amq.direct", mandatory=True, headers={"a": 1}, message_id="m")
    returned = client.expect("basic.return")
    assert returned.args == {
        "reply_code": 312, "reply_text": "NO_ROUTE", "exchange": "amq.direct", "routing_key": "nowhere",
    }  # fmt: skip
    assert (returned.body, returned.headers) == (b"body", {"a": 1})
    assert returned.properties is not None
    assert returned.properties.text("message_id") == "m"


def test_a_return_comes_before_its_confirm(client: RawAmqp) -> None:
    client.call("confirm.select")
    client.publish("nowhere", exchange="amq.direct", mandatory=True)
    assert [client.next().name, client.next().name] == ["basic.return", "basic.ack"]


def test_a_message_that_is_not_mandatory_is_dropped(client: RawAmqp) -> None:
    client.publish("nowhere", exchange="amq.direct")
    client.sync()
    assert client.strays() == []


def test_what_nobody_asked_for_does_not_go_unnoticed(client: RawAmqp) -> None:
    """Tests read past what they did not await, so that none could fail for a frame that must not come."""
    client.publish("nowhere", exchange="amq.direct", mandatory=True)
    client.sync()
    [stray] = client.strays()
    assert stray.startswith("basic.return on channel 1")
    client.expect("basic.return")


def test_immediate_is_540(client: RawAmqp) -> None:
    client.send("basic.publish", exchange="amq.direct", routing_key="x", immediate=True)
    client.write(content_header_frame(1, build().raw, 0))
    assert client.refusal() == closes_connection(540, "NOT_IMPLEMENTED - immediate=true", PUBLISH)


# --- CC and BCC -----------------------------------------------------------------------------------------------------


def test_cc_and_bcc_are_more_routing_keys(client: RawAmqp) -> None:
    to, copy, blind = client.declare(), client.declare(), client.declare()
    client.publish(to, b"x", headers={"CC": [copy], "BCC": [blind], "mine": 1})
    for queue in (to, copy, blind):
        message = client.get(queue)
        assert message is not None
        assert message.headers == {"CC": [copy], "mine": 1}
        assert message.args["routing_key"] == to


def test_a_message_that_is_returned_does_not_show_its_blind_copies(client: RawAmqp) -> None:
    client.publish("nowhere", b"x", mandatory=True, headers={"BCC": ["nowhere else"], "mine": 1})
    assert client.expect("basic.return").headers == {"mine": 1}


def test_a_key_that_is_named_twice_counts_once(client: RawAmqp) -> None:
    queue = client.declare()
    client.publish(queue, b"x", headers={"CC": [queue, queue], "BCC": [queue]})
    assert client.drain(queue) == [b"x"]


@pytest.mark.parametrize("header", ["CC", "BCC"])
@pytest.mark.parametrize(
    ("value", "kind"), [("text", "longstr"), (Int32(1), "signedint"), ({}, "table"), (True, "bool"), (None, "void")]
)
def test_a_cc_that_is_no_array_is_406(client: RawAmqp, header: str, value: object, kind: str) -> None:
    client.publish("x", headers={header: value})
    text = f'PRECONDITION_FAILED - invalid message: {{unacceptable_type_in_header,"{header}",{kind}}}'
    assert client.refusal() == closes_channel(406, text, PUBLISH)


def test_what_is_no_text_in_a_cc_is_no_key(client: RawAmqp) -> None:
    copy = client.declare()
    client.publish("nowhere", b"x", headers={"CC": [1, copy, None]})
    assert client.drain(copy) == [b"x"]
