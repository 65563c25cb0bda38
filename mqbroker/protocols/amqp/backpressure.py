"""Publishers are held back while a resource is low (RabbitMQ's connection.blocked): nothing is read from them.

    no publisher yet --first publish--> publisher --alarm--> blocked, not read --recovered--> publisher
                            |                                                        |
                            +--alarm is on: held, with what came after it------------+

Only who publishes is concerned. A connection that was made meanwhile is held with its first publish, which is not
taken: a client that connects for every message would not be held back otherwise. Who may have to wait is read in sips,
because what was read with that publish is kept.
"""

from typing import TYPE_CHECKING

from mqbroker.protocols.amqp.limits import AMQP_SIP_BYTES
from mqbroker.protocols.amqp.methods import encode_method

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.state import ConnectionState


def appetite(connection: "ConnectionState") -> int:
    """How much is read at once from a client that has not published yet; 0 for no limit."""
    return AMQP_SIP_BYTES if connection.handshake is not None or connection.services.alarms.reason else 0


def holds_first(connection: "ConnectionState") -> bool:
    """The first publish of a connection is at hand: it is a publisher from now on. Whether that has to wait."""
    connection.has_published = True
    alarms_changed(connection)
    connection.is_held = bool(connection.blocked_for)
    return connection.is_held


def alarms_changed(connection: "ConnectionState") -> None:
    """A resource has run low or has recovered: holds a publisher back by not reading from it."""
    reason = connection.services.alarms.reason if connection.has_published else ""
    if reason == connection.blocked_for or connection.close_sent:
        return
    tells = connection.capabilities.get("connection.blocked")
    if reason and not connection.blocked_for and tells:
        connection.send(encode_method("connection.blocked", 0, reason=reason))
    elif not reason and tells:
        connection.send(encode_method("connection.unblocked", 0))
    connection.blocked_for = reason
    connection.update_reading()
    if not reason and connection.is_held:
        connection.deadline = connection.now  # the next tick, which knows what time it is, goes on with it
