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
