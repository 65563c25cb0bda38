"""What clients say of deliveries: dispositions of one or many, and what each outcome means to the queue.

    accepted                          settled
    rejected                          dead-lettered or dropped
    released                          back to its place
    modified, delivery-failed         back to its place, and counts as a failure
    modified, undeliverable-here      like rejected
    none, settled                     the default outcome of the link's source; without one, released
    received                          says nothing yet

The first portion is settled at once, the rest in turn with the work of others.
"""

from typing import TYPE_CHECKING, Any

from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.queues.returning import Returning
from mqbroker.core.scheduler import Task
from mqbroker.errors import ProtocolViolation
from mqbroker.limits import ACKS_AT_ONCE
from mqbroker.protocols.amqp1 import transactions
from mqbroker.protocols.amqp1.codec.composites import encode_composite
from mqbroker.protocols.amqp1.codec.messaging import (
    Accepted,
    Modified,
    Received,
    Rejected,
    Released,
    TransactionalState,
)
from mqbroker.protocols.amqp1.codec.performatives import Disposition
from mqbroker.protocols.amqp1.codec.types import Symbol
from mqbroker.protocols.amqp1.composite import link_of
from mqbroker.protocols.amqp1.properties import Amqp1Properties
from mqbroker.protocols.amqp1.session import ACCEPTED, disposition

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession
    from mqbroker.protocols.amqp1.state import Amqp1State

_ACCEPTED = Accepted()
_OUTCOMES = (Accepted, Rejected, Released, Modified)


def take(connection: "Amqp1State", session: "LinkSession", message: Disposition) -> None:
    """A disposition of a receiver."""
    state = message.state
    _check_state(state.outcome if isinstance(state, TransactionalState) else state)
    if isinstance(state, Received) or (state is None and not message.settled):
        return
    if isinstance(state, TransactionalState):
        transactions.enlist(session, message)
        return
    last = message.first if message.last is None else message.last
    entries = session.take_entries(message.first, last)
    if entries:
        settle(connection, entries, state)
    if not message.settled:
        wire_state = ACCEPTED if isinstance(state, Accepted) else encode_composite(state)
        connection.send(disposition(session.channel, False, message.first, last, wire_state))


def _check_state(state: object) -> None:
    """Raises ProtocolViolation for a state that is none of the outcomes."""
    if state is not None and not isinstance(state, (*_OUTCOMES, Received)):
        raise ProtocolViolation("not_implemented", "a delivery state that is no outcome is not supported")


def accept(connection: "Amqp1State", session: "LinkSession", first: int, last: int) -> None:
    """A receiver has settled deliveries as accepted."""
    entries = session.take_entries(first, last)
    if entries:
        settle(connection, entries, _ACCEPTED)


def settle(connection: "Amqp1State", entries: list[Entry], state: Any) -> None:
    """Does to deliveries what an outcome says."""
    if len(entries) == 1:
        settle_one(entries[0], state, connection.now)
        return
    settling = Settling(connection, entries, state)
    if settling.run(connection.now, ACKS_AT_ONCE):
        connection.services.broker.scheduler.add(settling)


def outcome_for(entry: Entry, state: Any) -> Any:
    """What is meant for one delivery."""
    if isinstance(state, _OUTCOMES):
        return state
    link = link_of(entry.consumer)
    default = None if link is None else link.default_outcome
    return default if isinstance(default, _OUTCOMES) else Released()


def settle_one(entry: Entry, state: Any, now: int) -> None:
    """One delivery."""
    queue = entry.consumer.queue
    state = outcome_for(entry, state)
    if isinstance(state, Accepted):
        queue.acknowledge(entry, now)
    elif isinstance(state, Rejected):
        queue.reject(entry, now)
    elif isinstance(state, Modified):
        _modify(entry, state)
        if state.undeliverable_here:
            queue.reject(entry, now)
        else:
            queue.requeue([entry], now, state.delivery_failed)
    else:
        queue.requeue([entry], now)


def _modify(entry: Entry, state: Modified) -> None:
    """Merges annotations into those of the message, for whoever sees it next."""
    added: dict[object, object] = {
        Symbol(key): value for key, value in state.message_annotations.items() if _is_ours(key)
    }
    if not added:
        return
    message: Message = entry.message
    properties = message.properties
    if isinstance(properties, Amqp1Properties):
        changed = properties.with_annotations(added)
        if properties.is_dead_letter:
            changed.mark_dead_letter()
        copy = new_message(message.exchange, message.routing_key, changed, message.content(), message.received_at)
        copy.lsn, copy.slot = message.lsn, message.slot
        entry.message = copy


def _is_ours(key: object) -> bool:
    return isinstance(key, str) and key.isascii() and key.startswith("x-")  # proton for Python sends strings


class Settling(Task):
    """Many deliveries, which their session knows no more."""

    __slots__ = ("_connection", "_consumers", "_entries", "_returning", "_state")

    def __init__(self, connection: "Amqp1State", entries: list[Entry], state: Any) -> None:
        Task.__init__(self)
        self._connection = connection
        self._entries = entries[::-1]
        self._state = state
        is_failure = isinstance(state, Modified) and state.delivery_failed
        self._returning = Returning(is_failure)
        self._consumers: dict[Any, None] = {}
        """Whose deliveries these were: they may take others when all is done."""

    def run(self, now: int, portion: int) -> bool:
        """Task: settles a portion."""
        part = self._entries[: -portion - 1 : -1]
        del self._entries[-portion:]
        for entry in part:
            self._consumers[entry.consumer] = None
            self._settle(entry, now)
        if self._entries:
            return True
        if self._returning.end(now, portion) == portion:
            return True
        for consumer in self._consumers:
            consumer.queue.offer(consumer, now)
        return False

    def _settle(self, entry: Entry, now: int) -> None:
        queue = entry.consumer.queue
        state = outcome_for(entry, self._state)
        if isinstance(state, Accepted):
            queue.settle(entry)
        elif isinstance(state, Rejected):
            queue.give_up(entry, now)
        elif isinstance(state, Modified) and state.undeliverable_here:
            _modify(entry, state)
            queue.give_up(entry, now)
        else:
            if isinstance(state, Modified):
                _modify(entry, state)
            self._returning.give_back([entry], now)
