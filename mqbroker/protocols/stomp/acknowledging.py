"""ACK and NACK. In client mode they mean all earlier deliveries of the subscription as well.

message-id, ack    T_<subscription>@@<session>@@<number>
"""

from typing import TYPE_CHECKING, cast

from mqbroker.core.message import Entry
from mqbroker.core.scheduler import Task
from mqbroker.core.settling import ACK, DISCARD, RETURN, settle
from mqbroker.errors import ProtocolViolation
from mqbroker.limits import ACKS_AT_ONCE, COUNT_MAX
from mqbroker.protocols.stomp.codec.escapes import V1_0, V1_2
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.codec.numbers import is_number
from mqbroker.protocols.stomp.state import Run
from mqbroker.protocols.stomp.subscription import Subscription
from mqbroker.protocols.stomp.transacting import lend, transaction_of

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState

_NAMES = ("id", "ack", "message-id")  # some clients of 1.2 send a copy of the MESSAGE's headers, without `id`


def ack(connection: "StompState", head: Head, _body: bytes) -> None:
    """ACK. Raises ProtocolViolation."""
    _settle(connection, head, ACK)


def nack(connection: "StompState", head: Head, _body: bytes) -> None:
    """NACK: back to the queue, or dead-lettered. Raises ProtocolViolation."""
    if connection.is_jms and connection.version == V1_0:
        raise ProtocolViolation("NACK received but connection is in v1.0 mode.", "")
    requeue = head.get("requeue")
    default = connection.settings.nack_requeues and not connection.is_jms  # ActiveMQ takes it for a poison message
    requeues = default if requeue is None else requeue == "true"
    _settle(connection, head, RETURN if requeues else DISCARD)


def _settle(connection: "StompState", head: Head, outcome: int) -> None:
    transaction = transaction_of(connection, head)
    subscription, number = _delivery(connection, head)
    if transaction is not None:
        entries = _take(subscription, number, COUNT_MAX)
        transaction.settle(entries, outcome)
        lend(connection, entries)
    else:
        entries = _take(subscription, number, ACKS_AT_ONCE)
        settle(entries, outcome, connection.now)
        if len(entries) == ACKS_AT_ONCE:
            connection.settling = _Settling(connection, head, subscription, number, outcome)
            connection.services.broker.scheduler.add(connection.settling)
            return
        if outcome == ACK and "receipt" not in head.headers:
            _learn(connection, subscription, number)
    connection.owe_recorded()


def _learn(connection: "StompState", subscription: Subscription, number: int) -> None:
    """The next acknowledgements will look like this one: two are needed to know."""
    before, found, after = connection.scanner.octets.rpartition(b"@@%d" % number)
    shape = before + found[:2], after
    run = connection.run
    if run is None or run.shape != shape or run.subscription is not subscription:
        connection.run = Run(shape, subscription)
    elif run.match is None:
        run.prepare()


def take_run(connection: "StompState") -> None:
    """Takes as many acknowledgements as look like the last ones, and settles them in one go."""
    run = connection.run
    if run is None or run.match is None:
        return
    scanner, subscription = connection.scanner, run.subscription
    if connection.subscriptions.get(subscription.tag) is not subscription:
        return
    numbers = scanner.next_numbers(run.match, subscription.unacked.has, ACKS_AT_ONCE)
    if not numbers:
        return
    if subscription.is_cumulative:
        entries = _take(subscription, numbers[-1], COUNT_MAX)
    else:
        entries = cast(list[Entry], list(map(subscription.unacked.take, numbers)))  # all of them are there
    settle(entries, ACK, connection.now)


class _Settling(Task):
    """The rest of what one frame has settled, which is much. The frames after it wait, for they have to see it done."""

    __slots__ = ("_connection", "_head", "_number", "_outcome", "_subscription")

    def __init__(
        self, connection: "StompState", head: Head, subscription: Subscription, number: int, outcome: int
    ) -> None:
        Task.__init__(self)
        self._connection = connection
        self._head = head
        self._subscription = subscription
        self._number = number
        self._outcome = outcome

    def run(self, now: int, portion: int) -> bool:
        """Task: settles a portion. It goes on when the connection has ended meanwhile: the client did say it."""
        connection = self._connection
        connection.now = now
        entries = _take(self._subscription, self._number, portion)
        settle(entries, self._outcome, now)
        if len(entries) == portion:
            return True
        connection.settled(self._head)
        return False


def _delivery(connection: "StompState", head: Head) -> tuple[Subscription, int]:
    """The subscription and the number that a frame means. Raises ProtocolViolation."""
    text = next((head.headers[name] for name in _NAMES if name in head.headers), None)
    if text is None:
        name = "id" if connection.version == V1_2 else "message-id"
        raise ProtocolViolation("Missing header", f'"{head.command}" must include the "{name}" header\n')
    rest, _, number = text.rpartition("@@")
    tag, _, session_id = rest.rpartition("@@")
    if session_id != connection.session_id or not is_number(number):
        name = "id" if connection.version == V1_2 else "message-id"
        raise ProtocolViolation("Invalid header", f'"{head.command}" must include a valid "{name}" header\n')
    current = connection.subscriptions.get(tag)
    if current is not None and current.browsing is not None and head.command == "NACK":
        raise ProtocolViolation("Cannot Nack a message on a Queue Browser Subscription.", "")
    known = [] if current is None else [current]
    for subscription in (*known, *connection.shadowed, *connection.former):
        if subscription.tag == tag and subscription.unacked.has(int(number)):
            return subscription, int(number)
    raise ProtocolViolation("Message not found", f"unknown delivery tag {int(number)}\n")


def _take(subscription: Subscription, number: int, most: int) -> list[Entry]:
    """The deliveries that an acknowledgement means, so many at most."""
    if subscription.is_cumulative:
        return subscription.unacked.take_through(number, most)
    entry = subscription.unacked.take(number)
    assert entry is not None
    return [entry]
