"""attach: a link is made for a source or a target that there is, or is refused.

A link that is refused is attached all the same, without source or target, and detached with the reason: so the client
knows which link it is about (AMQP 1.0 part 2, 2.6.3).
"""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mqbroker.core.queues.picking import select
from mqbroker.core.rabbitmq.checks import check_consumable
from mqbroker.errors import AccessPending, MqbrokerError, ProtocolViolation
from mqbroker.limits import COUNT_MAX
from mqbroker.protocols.amqp1 import management, subscriptions, termini, timeouts, transactions
from mqbroker.protocols.amqp1.browsing import BrowsingLink
from mqbroker.protocols.amqp1.codec.messaging import Coordinator, Released, Source, Target
from mqbroker.protocols.amqp1.codec.performatives import (
    RECEIVER,
    SENDER,
    SETTLE_FIRST,
    SETTLE_MIXED,
    SETTLE_SETTLED,
    SETTLE_UNSETTLED,
    Attach,
    Detach,
)
from mqbroker.protocols.amqp1.composite import CompositeLink
from mqbroker.protocols.amqp1.conditions import LINK, Fault, fault_of
from mqbroker.protocols.amqp1.links import IncomingLink
from mqbroker.protocols.amqp1.outgoing import OutgoingLink
from mqbroker.protocols.amqp1.publishing import Publisher

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession
    from mqbroker.protocols.amqp1.state import Amqp1State

log = logging.getLogger("mqbroker.amqp1")

OUTCOMES = ["amqp:accepted:list", "amqp:rejected:list", "amqp:released:list", "amqp:modified:list"]

_MODES = {SETTLE_UNSETTLED: False, SETTLE_SETTLED: True, SETTLE_MIXED: None}


def attach(connection: "Amqp1State", session: "LinkSession", message: Attach) -> None:
    """Makes the link. Raises ProtocolViolation for what ends the session."""
    handle = message.handle
    if handle > session.handle_max:
        text = f"link handle value ({handle}) exceeds maximum link handle value ({session.handle_max})"
        raise ProtocolViolation("handle_max", text)
    if handle in session.incoming or handle in session.outgoing:
        raise ProtocolViolation("handle_in_use", f"handle {handle} is already associated with a link")
    session.dying.discard(handle)
    try:
        _check(message)
        if message.role == RECEIVER:
            attach_receiver(connection, session, message)
        else:
            attach_sender(connection, session, message)
    except AccessPending:
        raise
    except MqbrokerError as error:
        fault = fault_of(error)
        if fault.scope != LINK:
            raise
        refuse(connection, session, message, fault)


def refuse(connection: "Amqp1State", session: "LinkSession", message: Attach, fault: Fault) -> None:
    """Attaches a link without its source or target, and detaches it."""
    log.warning("%s, user %r: %s: %s", connection.name, connection.user, fault.condition, fault.text)
    answer = Attach(message.name, message.handle, not message.role)
    if message.role == RECEIVER:
        answer.target = message.target
        answer.initial_delivery_count = 0
    else:
        answer.source = message.source
    connection.send_performative(session.channel, answer)
    connection.send_performative(session.channel, Detach(message.handle, True, fault.error()))
    session.dying.add(message.handle)


def _check(message: Attach) -> None:
    if message.unsettled or message.incomplete_unsettled:
        raise ProtocolViolation("not_implemented", "Link recovery not supported")
    is_settled = message.snd_settle_mode == SETTLE_SETTLED
    if message.role == RECEIVER and message.rcv_settle_mode != SETTLE_FIRST and not is_settled:
        raise ProtocolViolation("not_implemented", "rcv-settle-mode second not supported")


# --- the client sends -------------------------------------------------------------------------------------------------


def attach_sender(connection: "Amqp1State", session: "LinkSession", message: Attach) -> None:
    """The client wants to send. Raises RequestRefused, ProtocolViolation."""
    target = message.target
    count = message.initial_delivery_count or 0
    is_settled = _MODES.get(message.snd_settle_mode)
    link: IncomingLink
    if isinstance(target, Coordinator):
        link = transactions.ControlLink(session, message.name, message.handle, is_settled, count)
        target = Coordinator(["amqp:local-transactions"])
    elif isinstance(target, Target) and target.address == management.NODE:
        link = management.RequestLink(session, message.name, message.handle, is_settled, count)
    elif isinstance(target, Target) or target is None:
        link, target = _publisher(connection, session, message, target, is_settled, count)
    else:
        raise ProtocolViolation("field", "Attach refused: target_required")
    answer = Attach(message.name, message.handle, RECEIVER, message.snd_settle_mode, SETTLE_FIRST)
    answer.source, answer.target = message.source, target
    answer.max_message_size = link.message_size_max
    answer.properties = _paired(message)
    session.incoming[message.handle] = link
    connection.send_performative(session.channel, answer)
    link.grant()
    link.begun()


def _publisher(
    connection: "Amqp1State",
    session: "LinkSession",
    message: Attach,
    target: Target | None,
    is_settled: bool | None,
    count: int,
) -> tuple[Publisher, Target]:
    found = termini.target_of(connection, session, message.name, target or Target())
    try:
        link = Publisher(session, message.name, message.handle, is_settled, count, found.address, found.also)
    except MqbrokerError:
        if found.ended is not None:
            found.ended()
        raise
    link.ended_hook = found.ended
    return link, found.terminus


# --- the client receives ----------------------------------------------------------------------------------------------


def attach_receiver(connection: "Amqp1State", session: "LinkSession", message: Attach) -> None:
    """The client wants to receive. Raises RequestRefused, ProtocolViolation."""
    source = message.source
    if source is None:
        _look_up(connection, session, message)
        return
    if not isinstance(source, Source):
        raise ProtocolViolation("field", "Attach refused: source_required")
    if source.address == management.NODE:
        _attach_answers(connection, session, message, source)
        return
    unknown = [each for each in source.outcomes if each not in OUTCOMES]
    if unknown:
        raise ProtocolViolation("not_implemented", f"Outcomes not supported: {', '.join(unknown)}")
    found = termini.source_of(connection, session, message, source)
    link = _link_to(session, message, found)
    link.no_ack = message.snd_settle_mode == SETTLE_SETTLED
    link.owns_queue = found.owns_queue
    link.closes_subscription = found.has_name
    link.default_outcome = source.default_outcome
    priority = message.properties.get("rabbitmq:priority")
    link.priority = found.priority
    if isinstance(priority, int) and not isinstance(priority, bool):
        link.priority = min(int(priority), COUNT_MAX)
    link.wants_all = found.wants_all
    link.size_max = min(message.max_message_size or 0, COUNT_MAX)
    session.outgoing[message.handle] = link
    connection.watch(link, timeouts.timeout_of(message, link))
    link.attached(connection.now)
    connection.send_performative(session.channel, _answer(message, found.terminus, link.no_ack))
    if found.queue.is_single_active and not found.is_browsed:
        link.active_changed()


def _link_to(session: "LinkSession", message: Attach, found: termini.FoundSource) -> OutgoingLink:
    selector = found.filters.selector
    if found.is_browsed:
        return BrowsingLink([found.queue, *found.also], session, message.name, message.handle, selector)
    if found.several is not None:
        return CompositeLink(found, session, message.name, message.handle)
    check_consumable(found.queue, session.vhost.name, found.is_exclusive)
    is_local_wanted = not (found.filters.no_local and found.is_subscription)
    kind = OutgoingLink if is_local_wanted else subscriptions.NoLocalLink
    link = kind(found.queue, session, message.name, message.handle)
    link.is_exclusive = found.is_exclusive
    if selector is not None:
        select(found.queue, link, selector)
    return link


def _look_up(connection: "Amqp1State", session: "LinkSession", message: Attach) -> None:
    """A receiver without a source finds a subscription by the name of the link (JMS, unsubscribe). Raises NotFound."""
    queue = subscriptions.find(session, message.name)
    link = subscriptions.LookupLink(queue, session, message.name, message.handle)
    link.closes_subscription = True
    session.outgoing[message.handle] = link
    source = subscriptions.source_of(session, queue)
    connection.send_performative(session.channel, _answer(message, source, is_settled=False))


def _attach_answers(connection: "Amqp1State", session: "LinkSession", message: Attach, source: Source) -> None:
    queue = management.answers_queue(session, connection.now)
    link = management.AnswerLink(queue, session, message.name, message.handle)
    link.no_ack = True
    link.owns_queue = True
    session.outgoing[message.handle] = link
    link.attached(connection.now)
    connection.send_performative(session.channel, _answer(message, source, is_settled=True))


def _answer(message: Attach, source: Source, is_settled: bool) -> Attach:
    mode = SETTLE_SETTLED if is_settled else SETTLE_UNSETTLED
    answer = Attach(message.name, message.handle, SENDER, mode, SETTLE_FIRST)
    answer.source = replace(
        source, default_outcome=source.default_outcome or Released(), outcomes=source.outcomes or OUTCOMES
    )
    answer.target = message.target
    answer.initial_delivery_count = 0
    answer.max_message_size = message.max_message_size
    answer.properties = _paired(message)
    return answer


def _paired(message: Attach) -> dict[Any, Any]:
    return {key: True for key, value in message.properties.items() if key == "paired" and value is True}
