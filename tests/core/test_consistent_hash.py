"""The consistent hash: shares in proportion to weights, few moves, stable results, and the plugin's refusals."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.consistent_hash import WeightedHash, check_hash_arguments, parse_weight
from mqbroker.errors import PreconditionFailed

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
