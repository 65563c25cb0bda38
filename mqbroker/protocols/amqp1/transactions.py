"""Local transactions (AMQP 1.0 part 4): what belongs together is published and settled at once, or not at all.

    declare                                  declared, with an id
    transfer with transactional-state        its message waits; it is answered in the same state
    disposition with transactional-state     its deliveries wait
    discharge                                all of it happens in one batch of the journal, or none of it does

A transaction belongs to the link that has declared it, and is rolled back with it. After a rollback what the client had
settled comes again, and counts as a failure; what it has not settled stays with it.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from mqbroker.core.message import Entry, Message
from mqbroker.core.scheduling.schedule import Schedule
from mqbroker.core.settling import ACK, DISCARD, FAIL, RETURN, settle
from mqbroker.core.transaction import Transaction
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1 import conditions, sections
from mqbroker.protocols.amqp1.codec.composites import compose, encode_composite
from mqbroker.protocols.amqp1.codec.messaging import (
    Accepted,
    Declare,
    Declared,
    Discharge,
    Modified,
    Rejected,
    Released,
    TransactionalState,
)
from mqbroker.protocols.amqp1.codec.performatives import Disposition
from mqbroker.protocols.amqp1.codec.types import decode
from mqbroker.protocols.amqp1.conditions import LINK, Fault
from mqbroker.protocols.amqp1.limits import REQUEST_BYTES_MAX, TRANSACTION_ACTIONS_MAX, TRANSACTIONS_MAX
from mqbroker.protocols.amqp1.links import Delivery, IncomingLink
from mqbroker.protocols.amqp1.session import ACCEPTED, LinkSession, disposition

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.publishing import Publisher
    from mqbroker.protocols.amqp1.state import Amqp1State

_ID_BYTES = 8


class Unsettled(NamedTuple):
    """Deliveries whose outcome waits, and that the client has not settled: it is told when it counts."""

    session: LinkSession
    entries: list[Entry]
    disposition: bytes


class OpenTransaction:
    """One that was declared and is not discharged."""

    __slots__ = ("id", "owner", "transaction", "unsettled")

    def __init__(self, identifier: bytes, owner: "ControlLink") -> None:
        self.id = identifier
        self.owner = owner
        self.transaction = Transaction()
        self.unsettled: list[Unsettled] = []
        """Deliveries that the client has not settled: after a rollback it has them still."""


def find(connection: "Amqp1State", identifier: bytes) -> OpenTransaction:
    """The open transaction of that id. Raises ProtocolViolation."""
    found: OpenTransaction | None = connection.transactions.get(identifier)
    if found is None:
        raise ProtocolViolation("transaction", f"there is no transaction {identifier.hex()}")
    if len(found.transaction) >= TRANSACTION_ACTIONS_MAX:
        raise ProtocolViolation("resources", f"a transaction has more than {TRANSACTION_ACTIONS_MAX} actions")
    return found


# --- the coordinator --------------------------------------------------------------------------------------------------


class ControlLink(IncomingLink):
    """The link to the coordinator."""

    __slots__ = ("_next",)

    def __init__(self, session: LinkSession, name: str, handle: int, is_settled: bool | None, count: int) -> None:
        IncomingLink.__init__(self, session, name, handle, is_settled, count)
        self.message_size_max = min(self.message_size_max or REQUEST_BYTES_MAX, REQUEST_BYTES_MAX)
        self._next = 1

    def take(self, delivery: Delivery, payload: bytes) -> None:
        """Declares or discharges. Raises ProtocolViolation."""
        try:
            found = sections.take_apart(payload)
            code, at = sections.descriptor_at(payload, found.body_at, found.body_end)
            request = compose(decode(payload, at, found.body_end)[0]) if code == sections.VALUE else None
        except ProtocolViolation as error:
            raise sections.violation_of_message(error) from None
        if isinstance(request, Declare):
            self._declare(delivery, request)
        elif isinstance(request, Discharge):
            self._discharge(delivery, request)
        else:
            raise ProtocolViolation("message", "a coordinator takes declare and discharge")

    def _declare(self, delivery: Delivery, request: Declare) -> None:
        connection = self.session.connection
        if request.global_id is not None:
            raise ProtocolViolation("not_implemented", "distributed transactions are not supported")
        if len(connection.transactions) >= TRANSACTIONS_MAX:
            raise ProtocolViolation("resources", f"more than {TRANSACTIONS_MAX} transactions are open")
        identifier = (self.handle << 32 | self.session.channel << 48 | self._next).to_bytes(_ID_BYTES, "big")
        self._next += 1
        connection.transactions[identifier] = OpenTransaction(identifier, self)
        self._answer(delivery, encode_composite(Declared(identifier)), 0)

    def _discharge(self, delivery: Delivery, request: Discharge) -> None:
        connection = self.session.connection
        found: OpenTransaction | None = connection.transactions.pop(request.txn_id, None)
        if found is None:
            text = f"there is no transaction {request.txn_id.hex()}"
            self._answer(delivery, _rejected(conditions.UNKNOWN_TRANSACTION, text), 0)
        elif request.fail:
            roll_back(connection, found)
            self._answer(delivery, ACCEPTED, 0)
        elif found.transaction.has_room():
            self._commit(found)
            ledger = connection.ledger
            self._answer(delivery, ACCEPTED, ledger.position if ledger.is_journalling else 0)
        else:
            roll_back(connection, found)
            self._answer(delivery, _rejected(conditions.ROLLBACK, "a full queue has refused a message"), 0)

    def _commit(self, found: OpenTransaction) -> None:
        """Carries everything out."""
        connection = self.session.connection
        found.transaction.commit(self.session.vhost, connection.now)
        for each in found.unsettled:
            if not each.session.is_ending:
                connection.send(each.disposition)

    def _answer(self, delivery: Delivery, outcome: bytes, position: int) -> None:
        if not delivery.is_settled:
            self.session.note(self, delivery.id, outcome, position)

    def ended(self) -> None:
        """The link is gone, and its transactions with it."""
        IncomingLink.ended(self)
        connection = self.session.connection
        for found in [each for each in connection.transactions.values() if each.owner is self]:
            del connection.transactions[found.id]
            roll_back(connection, found)


def _rejected(condition: str, text: str) -> bytes:
    return encode_composite(Rejected(Fault(LINK, condition, text).error()))


def roll_back(connection: "Amqp1State", found: OpenTransaction) -> None:
    """Nothing of it happens."""
    entries = found.transaction.rollback()
    kept = {id(entry) for each in found.unsettled for entry in each.entries}
    for each in found.unsettled:
        if each.session.is_ending:
            settle(each.entries, RETURN, connection.now)
        else:
            each.session.unacked.put_back(each.entries)
    back = [entry for entry in entries if id(entry) not in kept]
    if back:
        settle(back, FAIL, connection.now)


# --- what belongs to one ----------------------------------------------------------------------------------------------


def publish(link: "Publisher", delivery: Delivery, message: Message, schedule: Schedule | None) -> None:
    """Keeps a message until its transaction is discharged. Raises ProtocolViolation."""
    state: TransactionalState = delivery.state
    session = link.session
    found = find(session.connection, state.txn_id)
    is_taken = False
    for each in link.copies_of(message):
        if schedule is not None:
            found.transaction.schedule(each, schedule)
            is_taken = True
            continue
        targets = session.vhost.targets(each.exchange, link.keys_of(each), each)
        is_taken = is_taken or bool(targets.queues or targets.held_by)
        found.transaction.publish(each, targets)
    if not delivery.is_settled:
        outcome: Any = Accepted() if is_taken else Released()
        session.note(link, delivery.id, encode_composite(TransactionalState(state.txn_id, outcome)), 0)


def enlist(session: LinkSession, message: Disposition) -> None:
    """Keeps what becomes of deliveries until their transaction is discharged. Raises ProtocolViolation."""
    state: TransactionalState = message.state
    found = find(session.connection, state.txn_id)
    last = message.first if message.last is None else message.last
    entries = session.take_entries(message.first, last)
    found.transaction.settle(entries, _outcome(state.outcome))
    if not message.settled:
        outcome = encode_composite(state.outcome or Accepted())
        answer = disposition(session.channel, False, message.first, last, outcome)
        found.unsettled.append(Unsettled(session, entries, answer))


def _outcome(outcome: object) -> int:
    if isinstance(outcome, Rejected) or (isinstance(outcome, Modified) and outcome.undeliverable_here):
        return DISCARD
    if isinstance(outcome, Modified):
        return FAIL if outcome.delivery_failed else RETURN
    return RETURN if isinstance(outcome, Released) else ACK
