"""Policies: which one applies, what they come to, and the refusals of RabbitMQ 3.10.8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.policy import Policies, Policy
from mqbroker.errors import NotFound, PreconditionFailed
from mqbroker.limits import COUNT_MAX, EXPIRY_MS_MAX


def policies(*given_policies: Policy, operator: tuple[Policy, ...] = ()) -> Policies:
    made = Policies()
    for each in given_policies:
        made.set(each)
    for each in operator:
        made.set(each, operator=True)
    return made


def policy(name: str, definition: dict[str, object], priority: int = 0, pattern: str = "^z", to: str = "all") -> Policy:
    return Policy("/", name, pattern, definition, priority, to)


def applied(made: Policies, queue_type: str = "classic", kind: str = "queue", name: str = "z") -> str | None:
    found = made.matching("/", kind, name, queue_type)
    return None if found is None else found.name


def test_the_highest_priority_that_matches_applies_alone() -> None:
    made = policies(
        policy("low", {"max-length": 7, "overflow": "reject-publish"}, priority=1),
        policy("high", {"max-length": 5}, priority=5),
        policy("other", {"max-length": 1}, priority=9, pattern="^other"),
        Policy("elsewhere", "vhost", "", {"max-length": 2}, 9),
    )
    assert made.effective("/", "queue", "z1") == {"max-length": 5}
    assert made.effective("/", "queue", "nothing") == {}
    made.delete("/", "high")
    assert made.effective("/", "queue", "z1") == {"max-length": 7, "overflow": "reject-publish"}


def test_what_was_decided_before_a_change_is_forgotten() -> None:
    """Policies are ranked once, and merged once: another one, or none, has to count at once."""
    made = policies(policy("p", {"max-length": 7}), operator=(policy("o", {"max-length": 4}),))
    assert made.effective("/", "queue", "z") == {"max-length": 4}
    made.set(policy("o", {"max-length": 3}), operator=True)
    assert made.effective("/", "queue", "z") == {"max-length": 3}
    made.set(policy("q", {"expires": 9}, priority=5))
    assert made.effective("/", "queue", "z") == {"max-length": 3, "expires": 9}
    made.forget_vhost("/")
    assert made.effective("/", "queue", "z") == {}


def test_a_pattern_is_searched_for() -> None:
    assert policies(policy("p", {"expires": 1}, pattern="z")).effective("/", "queue", "az") == {"expires": 1}


def test_an_operator_policy_is_merged_in_and_the_lower_number_counts() -> None:
    made = policies(
        policy("p", {"max-length": 7, "overflow": "drop-head", "message-ttl": 1}),
        operator=(policy("o", {"max-length": 4, "expires": 100, "message-ttl": 5}),),
    )
    expected = {"max-length": 4, "overflow": "drop-head", "message-ttl": 1, "expires": 100}
    assert made.effective("/", "queue", "z") == expected
    made.delete("/", "p")
    assert made.effective("/", "queue", "z") == {"max-length": 4, "expires": 100, "message-ttl": 5}


@pytest.mark.parametrize(
    ("to", "kinds"),
    [
        ("all", {"exchange", "classic", "quorum"}),
        ("exchanges", {"exchange"}),
        ("queues", {"classic", "quorum"}),
        ("classic_queues", {"classic"}),
        ("quorum_queues", {"quorum"}),
    ],
)
def test_a_policy_applies_to_what_it_says(to: str, kinds: set[str]) -> None:
    made = policies(policy("p", {"max-length": 1}, to=to))
    found = {queue_type for queue_type in ("classic", "quorum") if applied(made, queue_type)}
    assert found | ({"exchange"} if applied(made, kind="exchange") else set()) == kinds


def test_a_policy_that_a_queue_type_does_not_know_does_not_apply_to_it() -> None:
    """Measured: with a above b, a classic queue gets b because a sets a delivery limit, and a quorum queue gets a."""
    made = policies(
        policy("a", {"max-length": 1, "delivery-limit": 5}, priority=5),
        policy("b", {"max-length": 2, "queue-mode": "lazy"}, priority=3),
        policy("c", {"max-length": 3}, priority=1),
    )
    assert applied(made, "classic") == "b"
    assert applied(made, "quorum") == "a"
    made.delete("/", "a")
    assert applied(made, "quorum") == "c"


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({"message-ttl": -1}, "-1 is not a valid message TTL"),
        ({"message-ttl": "5"}, '<<"5">> is not a valid message TTL'),
        ({"message-ttl": 1.5}, "1.5 is not a valid message TTL"),
        ({"message-ttl": True}, "true is not a valid message TTL"),
        ({"expires": 0}, "0 is not a valid queue expiry"),
        ({"max-length": "a", "overflow": "zz"}, '<<"a">> is not a valid maximum length'),
        ({"max-length-bytes": -1}, "-1 is not a valid maximum length in bytes"),
        ({"overflow": "zz"}, '<<"zz">> is not a valid overflow value'),
        ({"alternate-exchange": 5}, "5 is not a valid alternate exchange name"),
        ({"dead-letter-exchange": 5}, "5 is not a valid dead letter exchange name"),
        ({"dead-letter-routing-key": 5}, "5 is not a valid dead letter routing key"),
        ({"delivery-limit": -2}, "-2 is not a valid delivery limit"),
        ({"dead-letter-strategy": "x"}, '<<"x">> is not a valid dead letter strategy'),
        ({"max-in-memory-length": -1}, "-1 is not a valid maximum memory in bytes"),
        ({"queue-mode": "z"}, '<<"z">> is not a valid queue-mode value'),
        ({"queue-version": 3}, "3 is not a valid queue-version value"),
        ({"ha-mode": "x"}, '<<"x">> is not a valid ha-mode value'),
        ({"bogus": 1}, '[{<<"bogus">>,1}] are not recognised policy settings'),
        ({"max-priority": "1"}, '[{<<"max-priority">>,<<"1">>}] are not recognised policy settings'),
        ({}, "no policy provided"),
    ],
)
def test_a_bad_definition_is_refused_in_rabbitmqs_words(definition: dict[str, object], text: str) -> None:
    made = policies(policy("p", {"max-length": 1}))
    with pytest.raises(PreconditionFailed) as refusal:
        made.set(policy("p", definition))
    assert str(refusal.value) == text
    assert made.effective("/", "queue", "z") == {"max-length": 1}


def test_an_operator_policy_may_set_limits_only() -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        policies(operator=(policy("o", {"dead-letter-exchange": "x"}),))
    assert str(refusal.value) == '[{<<"dead-letter-exchange">>,<<"x">>}] are not recognised policy settings'
    made = policies(policy("p", {"max-length": 5}), operator=(policy("o", {"overflow": "reject-publish"}),))
    assert made.effective("/", "queue", "z") == {"max-length": 5, "overflow": "reject-publish"}


def test_a_policy_without_a_delivery_limit_does_not_lift_the_operators() -> None:
    """-1 is no limit (RabbitMQ 4.x), and counted as the lower number."""
    made = policies(policy("p", {"delivery-limit": -1}), operator=(policy("o", {"delivery-limit": 4}),))
    assert made.effective("/", "queue", "z", "quorum") == {"delivery-limit": 4}
    assert policies(policy("p", {"delivery-limit": -1})).effective("/", "queue", "z", "quorum") == {
        "delivery-limit": -1
    }


def test_a_time_that_no_clock_reaches_counts_as_ten_years() -> None:
    """A deadline was made of it that the journal has no room for, or that had passed where numbers wrap around."""
    made = policies(policy("p", {"message-ttl": COUNT_MAX, "expires": 1 << 70, "max-length": 1 << 70}))
    spec = made.in_force(QueueSpec("z"), "/")
    assert (spec.message_ttl, spec.expires, spec.max_length) == (EXPIRY_MS_MAX, EXPIRY_MS_MAX, COUNT_MAX)
    assert made.in_force(QueueSpec("z", message_ttl=5, expires=6), "/").message_ttl == 5


def test_policies_of_streams_are_kept_and_leave_queues_alone() -> None:
    """A policy for streams applied to all queues, so that a length in it made them lose messages."""
    made = policies(policy("p", {"max-length-bytes": 5, "max-age": "7D"}, to="streams"), policy("a", {"max-age": "1h"}))
    assert made.effective("/", "queue", "z") == {}
    assert made.effective("/", "queue", "z", "quorum") == {}
    assert [each.name for each in made.all()] == ["p", "a"]


def test_every_reason_is_given() -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        policies(policy("p", {"message-ttl": -1}, pattern="(", to="foo"))
    first, second, third = str(refusal.value).split("\n")
    assert first == "-1 is not a valid message TTL"
    assert second == "apply-to 'foo' unrecognised; should be 'queues', 'exchanges' or 'all'"
    assert third.startswith("pattern should be regular expression but is invalid: ")


@pytest.mark.parametrize(
    "definition",
    [
        {"ha-mode": "exactly", "ha-params": 2, "ha-sync-mode": "automatic"},
        {"queue-mode": "lazy", "queue-version": 2},
        {"consumer-timeout": 5},
        {"message-ttl": 10**14},
    ],
)
def test_definitions_exported_by_rabbitmq_are_taken(definition: dict[str, object]) -> None:
    policies(policy("p", definition))


def test_policies_are_listed_and_deleted() -> None:
    made = policies(policy("p", {"expires": 1}), operator=(policy("o", {"expires": 1}),))
    assert [each.name for each in made.all()] == ["p"]
    assert [each.name for each in made.all(operator=True)] == ["o"]
    with pytest.raises(NotFound, match="no operator policy 'p' in vhost '/'"):
        made.delete("/", "p", operator=True)
    made.forget_vhost("/")
    assert made.all() == made.all(operator=True) == []


@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(["^z", "a", ""])), max_size=8))
def test_what_applies_is_the_greatest_of_the_matching(drawn: list[tuple[int, str]]) -> None:
    made = policies(
        *(policy(f"p{number}", {"max-length": number}, each[0], each[1]) for number, each in enumerate(drawn))
    )
    matching = [priority for priority, pattern in drawn if pattern != "a"]
    found = made.matching("/", "queue", "z")
    assert (found is None) is (not matching)
    assert found is None or found.priority == max(matching)
