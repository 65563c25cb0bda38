"""Definitions as bytes: whatever was declared comes back with the same values of the same types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core import definitions
from mqbroker.errors import StorageError
from tests.amqp.codec.strategies import short_octets, tables, typed


# JSON knows one not-a-number only: which octets it had is of no use to anybody.
@given(tables.filter(lambda table: "nan" not in repr(table)))
def test_values_keep_their_types(table: dict[str, object]) -> None:
    packed = definitions.pack({"arguments": table})
    assert packed.isascii()
    assert typed(definitions.unpack(packed)["arguments"]) == typed(table)


@given(st.sampled_from(["queue", "binding"]), st.lists(short_octets, max_size=6))
def test_keys_can_be_taken_apart(kind: str, names: list[str]) -> None:
    assert definitions.names(definitions.key(kind, *names)) == [kind, *names]


@given(st.lists(short_octets, max_size=3), st.lists(short_octets, max_size=3))
def test_different_names_have_different_keys(first: list[str], second: list[str]) -> None:
    assert (definitions.key("q", *first) == definitions.key("q", *second)) is (first == second)


@pytest.mark.parametrize(
    "value", [{}, {"number": 5, "auto_delete": False, "none": None}, {"arguments": {}}, {"list": [[], {}]}]
)
def test_plain_values_are_plain(value: dict[str, object]) -> None:
    assert definitions.unpack(definitions.pack(value)) == value


@given(st.lists(short_octets, max_size=3))
def test_the_kind_of_a_key_is_found_without_its_names(names: list[str]) -> None:
    assert definitions.kind_of(definitions.key("vhost-limits", *names)) == "vhost-limits"


def test_a_kind_that_nobody_owns_is_of_a_newer_broker() -> None:
    """Definitions of an unknown kind were left out without a word."""
    found = [definitions.key("vhost", "/"), definitions.key("stream", "/", "orders"), definitions.key("function", "f")]
    with pytest.raises(StorageError, match="this one does not know definitions of the kind function and stream"):
        definitions.require_known(found, ("vhost", "queue"))
    definitions.require_known(found, ("vhost", "stream", "function"))


def test_a_kind_has_one_owner() -> None:
    """Two owners would put the same definition back twice, each in its own way."""
    assert definitions.owned(("vhost", "queue"), ("session",)) == ("vhost", "queue", "session")
    with pytest.raises(StorageError, match="the kind queue have two owners"):
        definitions.owned(("vhost", "queue"), ("queue",))
