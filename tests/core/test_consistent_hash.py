"""The consistent hash: shares in proportion to weights, few moves, stable results, and the plugin's refusals."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.rabbitmq.hash_arguments import check_hash_arguments, parse_weight
from mqbroker.core.routing import consistent_hash
from mqbroker.core.routing.consistent_hash import WeightedHash
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import HASH_DRAWS_MAX

KEYS = [f"key-{number}".encode() for number in range(8_000)]


def hash_of(weights: dict[str, int]) -> WeightedHash[str]:
    hashed: WeightedHash[str] = WeightedHash()
    for name, weight in weights.items():
        hashed.add(name, name, weight, name)
    return hashed


def test_equal_weights_get_equal_shares() -> None:
    shares = Counter(hash_of(dict.fromkeys("abcdefgh", 1)).find(key) for key in KEYS)
    assert set(shares) == set("abcdefgh")
    assert all(850 < count < 1150 for count in shares.values())


def test_shares_are_in_proportion_to_weights() -> None:
    shares = Counter(hash_of({"a": 1, "b": 3, "c": 4}).find(key) for key in KEYS)
    assert 900 < shares["a"] < 1100
    assert 2800 < shares["b"] < 3200
    assert 3800 < shares["c"] < 4200


def test_a_weight_of_a_billion_costs_no_more_than_one() -> None:
    hashed = hash_of({"small": 1, "huge": 10**9, "absurd": int("9" * 250)})
    assert {hashed.find(key) for key in KEYS[:100]} == {"absurd"}


@given(st.sets(st.text(min_size=1, max_size=8), min_size=2, max_size=8), st.data())
def test_who_leaves_gives_away_only_its_own_keys(names: set[str], data: st.DataObject) -> None:
    weights = {name: data.draw(st.integers(1, 5)) for name in sorted(names)}
    hashed = hash_of(weights)
    before = {key: hashed.find(key) for key in KEYS[:200]}
    leaver = data.draw(st.sampled_from(sorted(names)))
    hashed.remove(leaver)
    assert all(hashed.find(key) == owner for key, owner in before.items() if owner != leaver)
    hashed.add(leaver, leaver, weights[leaver], leaver)
    assert {key: hashed.find(key) for key in KEYS[:200]} == before


def test_a_key_keeps_its_place_over_restarts() -> None:
    hashed = hash_of({"a": 1, "b": 1, "c": 1})
    assert "".join(str(hashed.find(key)) for key in KEYS[:16]) == "abbcabcbbcbabbbb"


# --- many destinations ----------------------------------------------------------------------------------------------

MANY = HASH_DRAWS_MAX + 200


def crowd(weight: int = 1) -> WeightedHash[str]:
    return hash_of({f"q{number}": weight for number in range(MANY)})


def test_what_a_key_costs_does_not_grow_with_the_destinations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault: each of 50,000 destinations drew a number for each message, which took 67 ms."""
    hashed, draws = crowd(), list[int]()
    mix = consistent_hash._mix

    def counting(value: int) -> int:
        draws.append(value)
        return mix(value)

    monkeypatch.setattr(consistent_hash, "_mix", counting)
    hashed.find(b"key")
    assert len(draws) < 64


def test_many_equal_weights_get_equal_shares() -> None:
    hashed = crowd()
    shares = Counter(hashed.find(b"%d" % number) for number in range(20 * MANY))
    assert len(shares) == MANY
    assert 18 < sum((count - 20) ** 2 for count in shares.values()) / MANY < 22, "the variance of a fair lottery"


def test_shares_among_many_are_in_proportion_to_weights() -> None:
    hashed = crowd(2)
    hashed.add("heavy", "heavy", 2 * MANY, "heavy")
    hashed.add("absurd", "absurd", 6 * MANY, "absurd")
    shares = Counter(hashed.find(key) for key in KEYS)
    assert 1450 < shares["heavy"] < 1750
    assert 4600 < shares["absurd"] < 5000
    hashed.add("more", "more", int("9" * 250), "more")
    assert {hashed.find(key) for key in KEYS[:100]} == {"more"}


def test_among_many_too_few_keys_move_and_nothing_depends_on_who_came_first() -> None:
    hashed = crowd()
    before = [hashed.find(key) for key in KEYS]
    leavers = [f"q{number}" for number in range(0, MANY - HASH_DRAWS_MAX - 1)]
    for leaver in leavers[:20]:
        hashed.remove(leaver)
    after = [hashed.find(key) for key in KEYS]
    assert not set(leavers[:20]) & set(after)
    lost = sum(owner in leavers[:20] for owner in before)
    assert sum(a != b for a, b in zip(before, after, strict=True)) < 5 * lost
    for leaver in reversed(leavers[:20]):
        hashed.add(leaver, leaver, 1, leaver)
    assert [hashed.find(key) for key in KEYS] == before


def test_few_that_were_many_are_as_if_they_had_always_been_few() -> None:
    hashed = crowd()
    for number in range(4, MANY):
        hashed.remove(f"q{number}")
    few = hash_of(dict.fromkeys(("q0", "q1", "q2", "q3"), 1))
    assert [hashed.find(key) for key in KEYS[:200]] == [few.find(key) for key in KEYS[:200]]


def test_destinations_with_the_same_label_do_not_harm_each_other() -> None:
    hashed = crowd()
    for name in ("twin", "other twin"):
        hashed.add(name, "twin", 1, name)
    hashed.remove("twin")
    assert "twin" not in {hashed.find(key) for key in KEYS}
    hashed.remove("other twin")
    assert [hashed.find(key) for key in KEYS[:200]] == [crowd().find(key) for key in KEYS[:200]]


def test_no_destination_is_found_where_there_is_none() -> None:
    assert hash_of({}).find(b"key") is None


@pytest.mark.parametrize(("key", "weight"), [("1", 1), ("05", 5), ("+5", 5), ("99999999999", 99999999999)])
def test_a_binding_key_states_a_weight(key: str, weight: int) -> None:
    assert parse_weight(key) == weight


# The texts are those of the plugin in RabbitMQ 3.10.8.
@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("abc", 'The binding key must be an integer: <<"abc">>'),
        ("", "The binding key must be an integer: <<>>"),
        ("1.5", 'The binding key must be an integer: <<"1.5">>'),
        (" 5", 'The binding key must be an integer: <<" 5">>'),
        ("1_0", 'The binding key must be an integer: <<"1_0">>'),
        ("٣", 'The binding key must be an integer: <<"٣">>'),
        ("+", 'The binding key must be an integer: <<"+">>'),
        ("0", "The binding key must be greater than 0"),
        ("-1", "The binding key must be greater than 0"),
    ],
)
def test_a_binding_key_that_is_no_weight_is_refused(key: str, text: str) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        parse_weight(key)
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"hash-header": "a", "hash-property": "message_id"}, "hash-header and hash-property are mutually exclusive"),
        ({"hash-property": "foo"}, "Unsupported property: foo"),
        ({"hash-header": 5}, "hash-header must be a string"),
    ],
)
def test_a_declaration_that_is_not_clear_is_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        check_hash_arguments(arguments)
    assert str(refusal.value) == text
