"""How links, sessions and connections end: by the client, by a fault of its, by a queue that is deleted, a lost socket.

Whatever the reason, everything that was held is given back exactly once. Whoever begins the end passes over what comes
until the other side has ended too.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.core.scheduler import Task
from mqbroker.errors import MqbrokerError
from mqbroker.protocols.amqp1 import conditions
from mqbroker.protocols.amqp1.codec.performatives import Close, Detach, End
from mqbroker.protocols.amqp1.composite import link_of
from mqbroker.protocols.amqp1.conditions import CONNECTION, LINK, SESSION, Fault
from mqbroker.protocols.amqp1.limits import CLOSE_TIMEOUT_MS
from mqbroker.protocols.amqp1.links import IncomingLink
from mqbroker.protocols.amqp1.outgoing import OutgoingLink
from mqbroker.protocols.amqp1.releasing import Releasing

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession
    from mqbroker.protocols.amqp1.state import Amqp1State

log = logging.getLogger("mqbroker.amqp1")

Link = IncomingLink | OutgoingLink


def fail(connection: "Amqp1State", error: MqbrokerError) -> None:
    """Answers what the client did wrong: ends the link, the session or the connection that it concerns."""
    fault = conditions.fault_of(error)
    session, link = connection.current_session, connection.current_link
    log.warning("%s, user %r: %s: %s", connection.name, connection.user, fault.condition, fault.text)
    if session is None or fault.scope == CONNECTION:
        close(connection, fault)
    elif link is None or fault.scope == SESSION:
        end_session(connection, session, fault)
    else:
        detach(connection, session, link, fault)


# --- links ------------------------------------------------------------------------------------------------------------


def detach(connection: "Amqp1State", session: "LinkSession", link: Link, fault: Fault | None) -> None:
    """We end a link."""
    connection.send_outcomes([session])
    session.dying.add(link.handle)
    drop_link(connection, session, link)
    error = fault.error() if fault is not None else None
    connection.send_performative(session.channel, Detach(link.handle, True, error))


def detached(connection: "Amqp1State", session: "LinkSession", message: Detach) -> None:
    """The client ends a link: it is answered when all that the link held is given back."""
    handle = message.handle
    if handle in session.dying:
        session.dying.remove(handle)
        return
    link = session.incoming.get(handle) or session.outgoing.get(handle)
    if link is None:
        return

    def done() -> None:
        if not session.is_ending and not connection.close_sent:
            connection.send_performative(session.channel, Detach(handle, message.closed))

    if isinstance(link, OutgoingLink) and not message.closed:
        link.closes_subscription = False
    drop_link(connection, session, link, done)


def drop_link(
    connection: "Amqp1State", session: "LinkSession", link: Link, done: Callable[[], None] | None = None
) -> None:
    """Takes a link out of its session and gives back what it held."""
    if isinstance(link, IncomingLink):
        del session.incoming[link.handle]
        link.ended()
        if done is not None:
            connection.send_outcomes([session])
            done()
        return
    del session.outgoing[link.handle]
    link.window.is_open = False
    entries = [entry for entry in waiting(session) if link_of(entry.consumer) is link]
    for entry in entries:
        session.unacked.take(entry.tag)
    Releasing(connection, session.vhost, [link], entries, owns_all=False, is_failure=False, done=done).begin()


def waiting(session: "LinkSession") -> list[Entry]:
    """The deliveries of a session that the client has not settled."""
    return session.unacked.below(session.next_tag)


def queue_gone(connection: "Amqp1State", link: OutgoingLink) -> None:
    """The queue of a link is deleted: what it had delivered is settled, and nothing more will be."""
    session = link.session
    if session.outgoing.get(link.handle) is not link or session.is_ending or connection.close_sent:
        return
    text = f"queue '{link.source_name()}' in vhost '{session.vhost.name}' was deleted"
    detach(connection, session, link, Fault(LINK, conditions.RESOURCE_DELETED, text))


# --- sessions ---------------------------------------------------------------------------------------------------------


def end_session(connection: "Amqp1State", session: "LinkSession", fault: Fault | None) -> None:
    """We end a session."""
    connection.send_outcomes([session])
    _stop(connection, session)
    connection.send_performative(session.channel, End(fault.error() if fault is not None else None))
    _release(connection, [session], owns_all=False, is_failure=True, done=None)


class SessionEnd(Task):
    """We end a session when the queue has done that is delivering to it at the moment."""

    __slots__ = ("_connection", "_fault", "_session")

    def __init__(self, connection: "Amqp1State", session: "LinkSession", fault: Fault) -> None:
        Task.__init__(self)
        self._connection = connection
        self._session = session
        self._fault = fault

    def run(self, now: int, _portion: int) -> bool:
        """Overrides Task's."""
        connection, session = self._connection, self._session
        if connection.sessions.get(session.channel) is session and not session.is_ending and not connection.close_sent:
            connection.now = now
            log.warning("%s, user %r: %s", connection.name, connection.user, self._fault.text)
            end_session(connection, session, self._fault)
        return False


def session_ended(connection: "Amqp1State", session: "LinkSession") -> None:
    """The client ends a session, or answers our end."""
    del connection.sessions[session.channel]
    if session.is_ending:
        return
    connection.send_outcomes([session])
    _stop(connection, session)

    def done() -> None:
        if not connection.close_sent:
            connection.send_performative(session.channel, End())

    _release(connection, [session], owns_all=False, is_failure=False, done=done)


def _stop(connection: "Amqp1State", session: "LinkSession") -> None:
    session.is_ending = True
    connection.tell_of_session("channel.closed", session.channel)
    session.is_flowing = False
    session.backlog.clear()
    session.owed.clear()
    for incoming in list(session.incoming.values()):
        incoming.ended()
    session.incoming.clear()
    for outgoing in session.outgoing.values():
        outgoing.window.is_open = False


def _release(
    connection: "Amqp1State",
    sessions: "list[LinkSession]",
    owns_all: bool,
    is_failure: bool,
    done: Callable[[], None] | None,
) -> None:
    assert connection.vhost is not None
    links: list[OutgoingLink] = []
    entries: list[Entry] = []
    for session in sessions:
        links += session.outgoing.values()
        session.outgoing.clear()
        own = waiting(session)
        for entry in own:
            session.unacked.take(entry.tag)
        entries += own
    Releasing(connection, connection.vhost, links, entries, owns_all, is_failure, done).begin()


# --- connections ------------------------------------------------------------------------------------------------------


def close(connection: "Amqp1State", fault: Fault) -> None:
    """We close, and leave the socket open for the answer: whose write meets the end of the stream learns no reason."""
    if connection.close_sent or connection.is_closing:
        connection.is_closing = True
        connection.mark()
        return
    log.warning("%s, user %r: closing: %s: %s", connection.name, connection.user, fault.condition, fault.text)
    if connection.handshake is not None:
        connection.is_closing = True
        connection.mark()
        return
    connection.send_performative(0, Close(fault.error()))
    await_peer(connection)
    release_everything(connection, is_failure=True)


def await_peer(connection: "Amqp1State") -> None:
    """Nothing more is done: the peer has some time to close too."""
    connection.close_sent = True
    connection.set_reading(True)
    connection.deadline = connection.now + CLOSE_TIMEOUT_MS


def closed(connection: "Amqp1State") -> None:
    """The client closes: it is answered when everything is given back."""
    log.info("%s, user %r: closed by the client", connection.name, connection.user)
    connection.send_outcomes(list(connection.sessions.values()))
    connection.close_sent = True

    def done() -> None:
        if not connection.is_closing:
            connection.send_performative(0, Close())
            connection.is_closing = True
            connection.mark()

    release_everything(connection, is_failure=False, done=done)


def release_everything(connection: "Amqp1State", is_failure: bool, done: Callable[[], None] | None = None) -> None:
    """Gives back everything, then calls `done`. Safe to call twice."""
    connection.gate.is_open = False
    sessions = list(connection.sessions.values())
    connection.sessions.clear()
    for session in sessions:
        if not session.is_ending:
            _stop(connection, session)
    if connection.vhost is None:
        if done is not None:
            done()
        return
    _release(connection, sessions, owns_all=True, is_failure=is_failure, done=done)
    connection.services.containers.leave(connection.vhost.name, connection.container_id, connection)
    connection.vhost = None
    connection.services.registry.closed(connection)
