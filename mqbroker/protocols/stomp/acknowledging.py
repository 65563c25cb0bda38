"""ACK and NACK. In client mode they mean all earlier deliveries of the subscription as well.

message-id, ack    T_<subscription>@@<session>@@<number>
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.core.settling import ACK, DISCARD, RETURN, settle
from mqbroker.errors import ProtocolViolation
from mqbroker.limits import COUNT_MAX
from mqbroker.protocols.stomp.codec.escapes import V1_2
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.subscription import Subscription
from mqbroker.protocols.stomp.transacting import transaction_of

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_NAMES = ("id", "ack", "message-id")  # some clients of 1.2 send a copy of the MESSAGE's headers, without `id`


def ack(connection: "StompState", head: Head, _body: bytes) -> None:
    """ACK. Raises ProtocolViolation."""
    _settle(connection, head, ACK)


def nack(connection: "StompState", head: Head, _body: bytes) -> None:
    """NACK: back to the queue, or dead-lettered. Raises ProtocolViolation."""
    requeue = head.get("requeue")
    default = connection.settings.nack_requeues and not connection.is_jms  # ActiveMQ takes it for a poison message
    requeues = default if requeue is None else requeue == "true"
    _settle(connection, head, RETURN if requeues else DISCARD)


def _settle(connection: "StompState", head: Head, outcome: int) -> None:
    transaction = transaction_of(connection, head)
    subscription, number = _delivery(connection, head)
    entries = _take(subscription, number)
    if transaction is not None:
        transaction.settle(entries, outcome)
    elif outcome == ACK and len(entries) == 1:
        entry = entries[0]
        subscription.queue.acknowledge(entry, connection.now)
    else:
        settle(entries, outcome, connection.now)
    connection.owe(connection.ledger.position if "receipt" in head.headers and connection.ledger.is_journalling else 0)


def _delivery(connection: "StompState", head: Head) -> tuple[Subscription, int]:
    """The subscription and the number that a frame means. Raises ProtocolViolation."""
    text = next((head.headers[name] for name in _NAMES if name in head.headers), None)
    if text is None:
        name = "id" if connection.version == V1_2 else "message-id"
        raise ProtocolViolation("Missing header", f'"{head.command}" must include the "{name}" header\n')
    rest, _, number = text.rpartition("@@")
    tag, _, session_id = rest.rpartition("@@")
    if session_id != connection.session_id or not (number.isascii() and number.isdigit() and len(number) < 19):
        name = "id" if connection.version == V1_2 else "message-id"
        raise ProtocolViolation("Invalid header", f'"{head.command}" must include a valid "{name}" header\n')
    browser = connection.subscriptions.get(tag)
    if browser is not None and browser.browsing is not None and head.command == "NACK":
        raise ProtocolViolation("Cannot Nack a message on a Queue Browser Subscription.", "")
    for known in (connection.subscriptions, connection.former):
        found = known.get(tag)
        if found is not None and found.unacked.has(int(number)):
            return found, int(number)
    raise ProtocolViolation("Message not found", f"unknown delivery tag {int(number)}\n")


def _take(subscription: Subscription, number: int) -> list[Entry]:
    if subscription.is_cumulative:
        return subscription.unacked.take_through(number, COUNT_MAX)
    entry = subscription.unacked.take(number)
    assert entry is not None
    return [entry]
