"""Messages of AMQP 1.0 that are to be delivered later, as clients of JMS ask for it."""

import time
from typing import Any

import pytest

from mqbroker.core.values import UInt32
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import Accepted, Rejected, TransactionalState
from mqbroker.protocols.amqp1.codec.performatives import Flow, Transfer
from mqbroker.protocols.amqp1.codec.types import Milliseconds, Symbol
from tests.amqp1.coordination import Coordination
from tests.amqp1.raw import RawAmqp1, bodies, data


def annotated(body: bytes, **annotations: Any) -> bytes:
    pairs = {Symbol(f"x-opt-delivery-{key}"): value for key, value in annotations.items()}
    return b"\x00\x53\x72" + encode(pairs) + data(body)


def nothing_waits(client: RawAmqp1, handle: int) -> bool:
    client.credit(handle, 5, echo=True)
    return client.expect(Flow).available == 0


def test_open_offers_it(client: RawAmqp1, name: str) -> None:
    """A client of JMS refuses to send with a delay to a broker that does not say that it knows of it."""
    with RawAmqp1(client.socket.getpeername()[1]) as other:
        assert "DELAYED_DELIVERY" in other.open().offered_capabilities


@pytest.mark.parametrize("kind", ["delay", "time", "timestamp"])
def test_a_message_comes_when_it_is_due(client: RawAmqp1, name: str, kind: str) -> None:
    """It came at once, or without the annotation from which its receiver knows its time."""
    client.sender(f"/queue/{name}")
    due = int(time.time() * 1000) + 700
    choices: dict[str, dict[str, Any]] = {
        "delay": {"delay": 700},
        "time": {"time": due},
        "timestamp": {"time": Milliseconds(due)},
    }
    said = choices[kind]
    client.transfer(0, annotated(b"later", **said))
    assert isinstance(client.outcome(0), Accepted)
    client.receiver(f"/queues/{name}", 1)
    assert nothing_waits(client, 1)
    client.expect(Transfer)
    assert int(time.time() * 1000) >= due - 1
    assert encode({Symbol(f"x-opt-delivery-{key}"): value for key, value in said.items()})[3:] in client.payload


def test_a_message_may_come_again_and_again(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.transfer(0, annotated(b"tick", delay=UInt32(50), period=60, repeat=2))
    client.outcome(0)
    client.receiver(f"/queues/{name}", 1, credit=5)
    assert bodies(client, 3) == [b"tick"] * 3


def test_a_schedule_that_is_none_is_rejected(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.transfer(0, annotated(b"x", cron="never"))
    state = client.outcome(0)
    assert isinstance(state, Rejected)
    assert state.error.condition == "amqp:precondition-failed"
    client.publish(1, b"goes on")


def test_a_delay_within_a_transaction_counts_with_its_commit(client: RawAmqp1, name: str) -> None:
    """A message with a delay was scheduled, although its transaction was rolled back."""
    control = Coordination(client)
    client.sender(f"/queue/{name}")
    for number, fails in enumerate((True, False)):
        transaction = control.declare()
        client.transfer(number, annotated(b"%d" % number, delay=100), state=TransactionalState(transaction))
        client.outcome(number)
        control.discharge(transaction, fails)
    client.receiver(f"/queues/{name}", 1, credit=5)
    assert bodies(client, 1) == [b"1"]
