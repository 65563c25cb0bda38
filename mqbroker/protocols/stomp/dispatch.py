"""Which function handles which command, once the client has logged in."""

from collections.abc import Callable, Mapping

from mqbroker.protocols.stomp import acknowledging, connecting, ending, jobs, subscribing, transacting
from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.state import StompState

HANDLERS: Mapping[str, Callable[[StompState, Head, bytes], None]] = {
    "SEND": jobs.send,
    "SUBSCRIBE": subscribing.subscribe,
    "UNSUBSCRIBE": subscribing.unsubscribe,
    "ACK": acknowledging.ack,
    "NACK": acknowledging.nack,
    "BEGIN": transacting.begin,
    "COMMIT": transacting.commit,
    "ABORT": transacting.abort,
    "DISCONNECT": ending.disconnect,
    "CONNECT": connecting.take_again,
    "STOMP": connecting.take_again,
}
_BEGINNINGS = (("SUB", "SUBSCRIBE"), ("UNSUB", "UNSUBSCRIBE"))


def jms_handler(command: str) -> Callable[[StompState, Head, bytes], None] | None:
    """The same for a command that ActiveMQ understands and the specification does not know: its beginning counts, and
    KEEPALIVE is a heart-beat."""
    if command == "KEEPALIVE":
        return lambda _connection, _head, _body: None
    return next((HANDLERS[name] for beginning, name in _BEGINNINGS if command.startswith(beginning)), None)
