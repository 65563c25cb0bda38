"""BEGIN, COMMIT and ABORT. A transaction is all or nothing, also when the broker is killed in the middle of it.

A receipt that is asked for within one is answered at once, as ActiveMQ does: there are clients that wait for it before
they commit. The receipt of COMMIT says that everything is safe.
"""

from typing import TYPE_CHECKING

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Entry
from mqbroker.core.transaction import Transaction
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.limits import STOMP_TRANSACTION_ACTIONS_MAX, STOMP_TRANSACTIONS_MAX

if TYPE_CHECKING:
    from mqbroker.protocols.stomp.state import StompState


def transaction_of(connection: "StompState", head: Head) -> Transaction | None:
    """The transaction that a frame belongs to, if it belongs to one. Raises ProtocolViolation."""
    name = head.get("transaction")
    if name is None:
        return None
    found = _named(connection, name)
    if len(found) >= STOMP_TRANSACTION_ACTIONS_MAX:
        raise ProtocolViolation(
            "Transaction too large", f'Transaction "{name}" has {STOMP_TRANSACTION_ACTIONS_MAX} actions already\n'
        )
    return found


def _named(connection: "StompState", name: str) -> Transaction:
    found = connection.transactions.get(name)
    if found is None:
        raise ProtocolViolation("Bad transaction", f'Invalid transaction identifier: "{name}"\n')
    return found


def _name_in(head: Head) -> str:
    name = head.get("transaction")
    if name is None:
        text = f"\"{head.command}\" must include a 'transaction' header\n"
        raise ProtocolViolation("Missing transaction", text)
    return name


def begin(connection: "StompState", head: Head, _body: bytes) -> None:
    """BEGIN; twice begins it anew. Raises ProtocolViolation."""
    name = _name_in(head)
    known = connection.transactions.pop(name, None)
    if known is not None and connection.is_jms:
        connection.transactions[name] = known
        raise ProtocolViolation(f"The transaction was already started: {name}", "")
    if known is not None:
        roll_back(connection, known)
    if len(connection.transactions) >= STOMP_TRANSACTIONS_MAX:
        text = f"{STOMP_TRANSACTIONS_MAX} transactions are open already\n"
        raise ProtocolViolation("Transaction limit exceeded", text)
    connection.transactions[name] = Transaction()
    connection.owe()


def commit(connection: "StompState", head: Head, _body: bytes) -> None:
    """COMMIT. Raises ProtocolViolation."""
    name = _name_in(head)
    transaction = _named(connection, name)
    del connection.transactions[name]
    if not transaction.has_room():
        roll_back(connection, transaction)
        connection.refuse("Message rejected", "A queue is full and has refused a message of the transaction.\n")
        return
    for entries, _ in transaction.settled:
        _take_back(connection, entries)
    transaction.commit(connection.place, connection.now)
    connection.owe_recorded()


def abort(connection: "StompState", head: Head, _body: bytes) -> None:
    """ABORT: what was to be acknowledged waits for that again. Raises ProtocolViolation."""
    name = _name_in(head)
    transaction = _named(connection, name)
    del connection.transactions[name]
    roll_back(connection, transaction)
    connection.owe()


def roll_back(connection: "StompState", transaction: Transaction) -> None:
    """Nothing of it happens: what was to be acknowledged waits for that again."""
    entries = transaction.rollback()
    _take_back(connection, entries)
    for entry in entries:
        holder = connection.holder_of(entry)
        if holder is not None:
            holder.unacked.put_back([entry])


def lend(connection: "StompState", entries: list[Entry]) -> None:
    """These are acknowledged in a transaction: in ActiveMQ they do not count for the prefetch any more, so that one may
    have more of them than that."""
    if connection.is_jms:
        consumers = dict.fromkeys(each.consumer for each in entries)
        for entry in entries:
            _widen(entry.consumer, 1)
        for consumer in consumers:
            if isinstance(consumer, Consumer) and not consumer.queue.is_deleted:
                consumer.queue.offer(consumer, connection.now)


def _take_back(connection: "StompState", entries: list[Entry]) -> None:
    """The transaction is over."""
    if connection.is_jms:
        for entry in entries:
            _widen(entry.consumer, -1)


def _widen(consumer: object, by: int) -> None:
    if isinstance(consumer, Consumer):
        if consumer.prefetch:
            consumer.prefetch += by
        elif consumer.window.limit:
            consumer.window.limit += by
