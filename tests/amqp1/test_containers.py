"""The extension by which a container has one connection only: clients of JMS ask for it, with their client id."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mqbroker.core.values import UInt32
from mqbroker.protocols.amqp1.codec.performatives import Close
from mqbroker.protocols.amqp1.codec.types import Symbol
from tests.amqp1.raw import RawAmqp1
from tests.support.broker_process import BrokerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

SOLE = {"desired_capabilities": ["sole-connection-for-container"]}
CLOSES = {**SOLE, "properties": {Symbol("sole-connection-enforcement-policy"): UInt32(1)}}


@contextmanager
def opened(broker: BrokerProcess, name: str, **options: object) -> "Iterator[RawAmqp1]":
    with RawAmqp1(broker.ports["amqp"]) as client:
        answer = client.open(container_id=name, **options)
        assert "sole-connection-for-container" in answer.offered_capabilities
        yield client


def close_of(client: RawAmqp1) -> tuple[str, dict[str, object]]:
    found = client.until_close()
    return found.error.condition, dict(found.error.info)


@pytest.mark.parametrize(("first", "second"), [(SOLE, {}), ({}, SOLE), (SOLE, SOLE)])
def test_a_second_connection_of_a_container_is_refused(
    broker: BrokerProcess, name: str, first: dict[str, object], second: dict[str, object]
) -> None:
    """Two clients of JMS with one client id took each other's subscriptions."""
    with opened(broker, name, **first), RawAmqp1(broker.ports["amqp"]) as other:
        answer = other.open(container_id=name, **second)
        assert answer.properties["amqp:connection-establishment-failed"] is True
        assert close_of(other) == ("amqp:invalid-field", {"invalid-field": "container-id"})


def test_a_container_that_has_closed_may_open_again(broker: BrokerProcess, name: str) -> None:
    with opened(broker, name, **SOLE) as client:
        client.send(Close())
        client.expect(Close)
    with opened(broker, name, **SOLE) as client, opened(broker, f"{name}-other", **SOLE):
        client.begin()


def test_those_before_it_are_closed_if_the_client_says_so(broker: BrokerProcess, name: str) -> None:
    """A client that comes back after its network was gone was kept out by its own dead connection."""
    with opened(broker, name, **SOLE) as first, opened(broker, name, **CLOSES) as second:
        assert close_of(first) == ("amqp:resource-locked", {"sole-connection-enforcement": True})
        second.begin()


def test_who_does_not_ask_shares_its_name(broker: BrokerProcess, name: str) -> None:
    with opened(broker, name) as first, opened(broker, name) as second:
        first.begin()
        second.begin()
