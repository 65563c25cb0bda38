"""Arguments of queues: every acceptance and refusal here was asked of RabbitMQ 3.10.8, word for word."""

import pytest

from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.arguments import arguments_for, check_equivalent, parse_spec, with_default_type
from mqbroker.core.values import Decimal, Float32, Int8, Int16, Int32, RawString, Timestamp, UInt8, UInt16, UInt32
from mqbroker.errors import PreconditionFailed

QUORUM = {"x-queue-type": "quorum"}
TEN_YEARS = 315_360_000_000


def parse(arguments: dict[str, object], policy: dict[str, object] | None = None) -> QueueSpec:
    return parse_spec(arguments, "q", "/", policy or {})


def refusal(
    arguments: dict[str, object], durable: bool = True, exclusive: bool = False, auto_delete: bool = False
) -> str:
    with pytest.raises(PreconditionFailed) as caught:
        parse_spec(arguments, "q", "/", {}, durable, exclusive, auto_delete)
    return str(caught.value)


def invalid(name: str, error: str) -> str:
    return f"invalid arg '{name}' for queue 'q' in vhost '/': {error}"


NUMBERS = ["x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [5, Int8(5), UInt8(5), Int16(5), UInt16(5), Int32(5), UInt32(5)])
def test_a_number_of_any_width_is_taken(name: str, value: object) -> None:
    parse({name: value})


@pytest.mark.parametrize("name", [*NUMBERS, "x-queue-version"])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("12", "longstr"),
        (True, "bool"),
        (5.0, "double"),
        (Float32(1.5), "float"),
        (Decimal(1, 5), "decimal"),
        (None, "void"),
        (Timestamp(5), "timestamp"),
        ([1], "array"),
        ({"a": 1}, "table"),
        (b"ab", "binary"),
    ],
)
def test_what_is_no_number_is_refused(name: str, value: object, kind: str) -> None:
    assert refusal({name: value}) == invalid(name, f'"expected integer, got {kind}"')


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("x-message-ttl", -1000, "{value_negative,-1000}"),
        ("x-message-ttl", Int8(-5), "{value_negative,-5}"),
        ("x-message-ttl", TEN_YEARS + 1, "{value_too_large,315360000001}"),
        ("x-expires", -1, "{value_negative,-1}"),
        ("x-expires", 0, "{value_zero,0}"),
        ("x-expires", TEN_YEARS + 1, "{value_too_large,315360000001}"),
        ("x-max-length", -1, "{value_negative,-1}"),
        ("x-max-length-bytes", -1, "{value_negative,-1}"),
        ("x-max-priority", -1, "{value_negative,-1}"),
        ("x-max-priority", 256, "{max_value_exceeded,256}"),
        ("x-overflow", "x", "invalid_overflow"),
        ("x-overflow", Int32(5), "{unacceptable_type,signedint}"),
        ("x-overflow", b"drop-head", "{unacceptable_type,binary}"),
        ("x-dead-letter-routing-key", "k", "routing_key_but_no_dlx_defined"),
        ("x-dead-letter-routing-key", 5, "{unacceptable_type,long}"),
        ("x-single-active-consumer", Int32(1), "{unacceptable_type,signedint}"),
        ("x-single-active-consumer", "true", "{unacceptable_type,longstr}"),
        ("x-queue-type", "nonsense", "\"unsupported queue type 'nonsense'\""),
        ("x-queue-type", "CLASSIC", "\"unsupported queue type 'CLASSIC'\""),
        ("x-queue-type", "stream", "\"unsupported queue type 'stream'\""),
        ("x-queue-type", 5, "{unacceptable_type,long}"),
        ("x-queue-type", True, "{unacceptable_type,bool}"),
        ("x-queue-mode", "bad", "\"unsupported queue mode 'bad'\""),
        ("x-queue-mode", 1, "{unacceptable_type,long}"),
        ("x-queue-version", 3, "\"unsupported queue version '3'\""),
        ("x-queue-version", -1, "{value_negative,-1}"),
    ],
)
def test_a_bad_value_is_refused_in_rabbitmqs_words(name: str, value: object, error: str) -> None:
    assert refusal({name: value}) == invalid(name, error)


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-message-ttl": 0},
        {"x-message-ttl": TEN_YEARS},
        {"x-max-length": 0},
        {"x-max-length": 2**40},
        {"x-max-priority": 0},
        {"x-max-priority": 255},
        {"x-overflow": "reject-publish-dlx"},
        {"x-dead-letter-exchange": ""},
        {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k"},
        {"x-dead-letter-exchange": "x" * 300},
        {"x-single-active-consumer": True},
        {"x-queue-mode": "lazy"},
        {"x-queue-version": 2},
        {"x-queue-master-locator": "min-masters"},
        {"x-queue-leader-locator": "client-local"},
        {"x-consumer-timeout": "anything"},
        {"x-unknown": 5},
        {"x-ha-policy": "all"},
        {**QUORUM, "x-delivery-limit": -1},
        {**QUORUM, "x-dead-letter-strategy": "at-least-once"},
        {**QUORUM, "x-overflow": "reject-publish-dlx"},
        {**QUORUM, "x-unknown": 5},
    ],
)
def test_what_rabbitmq_takes_is_taken(arguments: dict[str, object]) -> None:
    parse(arguments)


@pytest.mark.parametrize(("value", "kind"), [(5, "long"), (b"x", "binary"), (None, "void")])
def test_a_dead_letter_exchange_that_is_no_string_has_words_of_its_own(value: object, kind: str) -> None:
    expected = f"invalid type '{kind}' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"
    assert refusal({"x-dead-letter-exchange": value, "x-queue-type": "nonsense"}) == expected


@pytest.mark.parametrize(
    ("arguments", "name", "queue_type"),
    [
        ({"x-delivery-limit": 5}, "x-delivery-limit", "classic"),
        ({"x-max-in-memory-length": 5}, "x-max-in-memory-length", "classic"),
        ({"x-dead-letter-strategy": "bogus"}, "x-dead-letter-strategy", "classic"),
        ({"x-max-age": "1D"}, "x-max-age", "classic"),
        ({**QUORUM, "x-max-priority": 5}, "x-max-priority", "quorum"),
        ({**QUORUM, "x-queue-mode": "lazy"}, "x-queue-mode", "quorum"),
        ({**QUORUM, "x-queue-version": 1}, "x-queue-version", "quorum"),
        ({**QUORUM, "x-queue-master-locator": "min-masters"}, "x-queue-master-locator", "quorum"),
        ({**QUORUM, "x-max-age": "5D"}, "x-max-age", "quorum"),
    ],
)
def test_an_argument_of_another_queue_type_is_refused(arguments: dict[str, object], name: str, queue_type: str) -> None:
    kind = f"rabbit_{queue_type}_queue"
    assert refusal(arguments) == f"invalid arg '{name}' for queue 'q' in vhost '/' of queue type {kind}"


def test_of_several_errors_the_one_that_rabbitmq_sees_first_is_reported() -> None:
    assert "'x-queue-type'" in refusal({"x-max-length": "a", "x-message-ttl": "b", "x-queue-type": "zzz"})
    assert "'x-message-ttl'" in refusal({"x-max-length": "a", "x-message-ttl": "b", "x-delivery-limit": 5})
    assert "'x-expires'" in refusal({"x-max-priority": "a", "x-overflow": "b", "x-queue-mode": "z", "x-expires": "z"})


@pytest.mark.parametrize(
    ("how", "wrong"),
    [
        ({"durable": False}, "non-durable"),
        ({"exclusive": True}, "exclusive-owner"),
        ({"auto_delete": True}, "auto-delete"),
        ({"durable": False, "exclusive": True, "auto_delete": True}, "auto-delete"),
    ],
)
def test_a_quorum_queue_that_goes_away_by_itself_is_refused(how: dict[str, bool], wrong: str) -> None:
    assert refusal(dict(QUORUM), **how) == f"invalid property '{wrong}' for queue 'q' in vhost '/'"


# --- with a policy --------------------------------------------------------------------------------------------------


def test_nothing_is_limited_by_default() -> None:
    settings = parse({})
    assert settings.kind == "classic"
    assert settings.overflow == "drop-head"
    assert not settings.single_active_consumer
    fields = ("message_ttl", "expires", "max_length", "max_length_bytes", "dead_letter_exchange", "max_priority")
    assert [getattr(settings, field) for field in (*fields, "delivery_limit", "consumer_timeout")] == [None] * 8


def test_of_an_argument_and_a_policy_the_lower_number_counts() -> None:
    arguments: dict[str, object] = {"x-message-ttl": 10, "x-max-length": 5, "x-consumer-timeout": 7}
    settings = parse(arguments, {"message-ttl": 5, "max-length": 10, "expires": 3, "consumer-timeout": 8})
    assert (settings.message_ttl, settings.max_length, settings.expires, settings.consumer_timeout) == (5, 5, 3, 7)


def test_otherwise_the_argument_counts() -> None:
    policy: dict[str, object] = {
        "overflow": "reject-publish",
        "dead-letter-exchange": "p",
        "dead-letter-routing-key": "k",
    }
    settings = parse({"x-dead-letter-exchange": "", "x-overflow": "drop-head"}, policy)
    assert settings.overflow == "drop-head"
    assert settings.dead_letter_exchange == ""
    assert settings.dead_letter_routing_key == "k"
    assert parse({}, policy).overflow == "reject-publish"


@pytest.mark.parametrize(
    ("argument", "policy", "limit"),
    [(None, None, 20), (5, None, 5), (None, 7, 7), (5, 7, 5), (-1, None, None), (-1, 7, 7), (0, None, 0)],
)
def test_a_quorum_queue_has_a_delivery_limit(argument: int | None, policy: int | None, limit: int | None) -> None:
    arguments = QUORUM if argument is None else {**QUORUM, "x-delivery-limit": argument}
    assert parse(dict(arguments), {} if policy is None else {"delivery-limit": policy}).delivery_limit == limit


def test_dead_letters_of_persistent_messages_alone_are_said_by_an_argument() -> None:
    assert parse({"x-dead-letter-persistent-only": True}).dead_letters_are_persistent
    for value in (False, "true", 1):
        assert not parse({"x-dead-letter-persistent-only": value}).dead_letters_are_persistent
    spec = QueueSpec("q", dead_letters_are_persistent=True)
    assert arguments_for(spec) == {"x-dead-letter-persistent-only": True}


@pytest.mark.parametrize("value", ["soon", -1, True, None, 1.5])
def test_a_consumer_timeout_that_is_no_time_has_no_effect(value: object) -> None:
    assert parse({"x-consumer-timeout": value}).consumer_timeout is None


def test_the_default_queue_type_is_taken_where_it_fits() -> None:
    assert with_default_type({}, "quorum", durable=True, exclusive=False, auto_delete=False) == QUORUM
    assert with_default_type({}, "quorum", durable=False, exclusive=False, auto_delete=False) == {}
    assert with_default_type({}, "quorum", durable=True, exclusive=True, auto_delete=False) == {}
    assert with_default_type({}, "classic", durable=True, exclusive=False, auto_delete=False) == {}
    asked = {"x-queue-type": "classic"}
    assert with_default_type(asked, "quorum", durable=True, exclusive=False, auto_delete=False) == asked
    assert parse_spec({}, "q", "/", {}, default_queue_type="quorum").counts_failures


# --- equivalence ----------------------------------------------------------------------------------------------------

TTL = "x-message-ttl"


def redeclare(current: dict[str, object], received: dict[str, object]) -> None:
    fields = {"durable": True, "auto_delete": False}
    check_equivalent({**fields, "arguments": current}, {**fields, "arguments": received}, "queue", "q", "/")


@pytest.mark.parametrize(
    ("current", "received"),
    [
        ({TTL: Int16(1000)}, {TTL: Int16(1000)}),
        ({TTL: Int16(1000)}, {TTL: 1000}),
        ({TTL: UInt8(100)}, {TTL: 100}),
        ({"x-foo": 1}, {}),
        ({}, {"x-foo": 1}),
        ({"x-foo": "a"}, {"x-foo": "b"}),
        ({"foo": 1}, {}),
        ({}, {"x-queue-type": "classic"}),
        ({"x-queue-type": "classic"}, {}),
        ({"x-consumer-timeout": 5}, {"x-consumer-timeout": 6}),
        ({"x-ha-policy": "all"}, {}),
        ({**QUORUM, "x-foo": 1}, QUORUM),
        ({"x-dead-letter-exchange": "é"}, {"x-dead-letter-exchange": RawString("é".encode())}),
    ],
)
def test_equivalent_declarations_are_taken(current: dict[str, object], received: dict[str, object]) -> None:
    redeclare(current, received)


@pytest.mark.parametrize(
    ("current", "received", "name", "text"),
    [
        ({TTL: Int16(1000)}, {}, TTL, "received none but current is the value '1000' of type 'short'"),
        ({}, {TTL: 1000}, TTL, "received the value '1000' of type 'long' but current is none"),
        ({TTL: Int16(1000)}, {TTL: 2000}, TTL, "received '2000' but current is '1000'"),
        ({TTL: 1000}, {TTL: 1000.0}, TTL, "received '1000.0' but current is '1000'"),
        (
            {},
            {"x-dead-letter-exchange": "e"},
            "x-dead-letter-exchange",
            "received the value 'e' of type 'longstr' but current is none",
        ),
        (
            {"x-dead-letter-exchange": "e"},
            {"x-dead-letter-exchange": "f"},
            "x-dead-letter-exchange",
            "received 'f' but current is 'e'",
        ),
        (QUORUM, {}, "x-queue-type", "received none but current is the value 'quorum' of type 'longstr'"),
        ({}, QUORUM, "x-queue-type", "received the value 'quorum' of type 'longstr' but current is none"),
        (QUORUM, {"x-queue-type": "classic"}, "x-queue-type", "received 'classic' but current is 'quorum'"),
        (
            {"x-single-active-consumer": True},
            {"x-single-active-consumer": False},
            "x-single-active-consumer",
            "received 'false' but current is 'true'",
        ),
        (
            {"x-single-active-consumer": True},
            {},
            "x-single-active-consumer",
            "received none but current is the value 'true' of type 'bool'",
        ),
        (
            {"x-queue-mode": "lazy"},
            {},
            "x-queue-mode",
            "received none but current is the value 'lazy' of type 'longstr'",
        ),
        (
            {**QUORUM, "x-delivery-limit": 1},
            {**QUORUM, "x-delivery-limit": 2},
            "x-delivery-limit",
            "received '2' but current is '1'",
        ),
        (
            {"x-max-length": 5},
            {TTL: 6, "x-expires": 7},
            "x-expires",
            "received the value '7' of type 'long' but current is none",
        ),
    ],
)
def test_different_arguments_are_refused_in_rabbitmqs_words(
    current: dict[str, object], received: dict[str, object], name: str, text: str
) -> None:
    with pytest.raises(PreconditionFailed) as caught:
        redeclare(current, received)
    assert str(caught.value) == f"inequivalent arg '{name}' for queue 'q' in vhost '/': {text}"


@pytest.mark.parametrize(
    ("field", "current", "received", "text"),
    [
        ("type", "direct", "fanout", "received 'fanout' but current is 'direct'"),
        ("durable", False, True, "received 'true' but current is 'false'"),
        ("auto_delete", False, True, "received 'true' but current is 'false'"),
        ("internal", True, False, "received 'false' but current is 'true'"),
    ],
)
def test_different_fields_are_refused_in_rabbitmqs_words(
    field: str, current: object, received: object, text: str
) -> None:
    with pytest.raises(PreconditionFailed) as caught:
        check_equivalent({field: current, "arguments": {}}, {field: received, "arguments": {}}, "exchange", "x", "/")
    assert str(caught.value) == f"inequivalent arg '{field}' for exchange 'x' in vhost '/': {text}"


def test_of_an_exchanges_arguments_only_the_alternate_counts() -> None:
    check_equivalent({"arguments": {"foo": 1}}, {"arguments": {TTL: 1}}, "exchange", "x", "/")
    with pytest.raises(PreconditionFailed) as caught:
        check_equivalent({"arguments": {"alternate-exchange": "a"}}, {"arguments": {}}, "exchange", "x", "/")
    assert str(caught.value) == (
        "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost '/': "
        "received none but current is the value 'a' of type 'longstr'"
    )
