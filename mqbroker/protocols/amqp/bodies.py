"""Bodies that arrive in pieces, and large body frames, which are received straight into the memory of their message.

    ...| 3 | channel | size | payload ......................... | 0xCE | 3 | channel | size | payload ...
                              \\___ `sink`: the buffer's memory ___/ \\______ `appetite` ______/

The scan hands over a large body frame of which not all has arrived. From then on the session says where the network is
to put the rest of the payload, and how much to read after it: no further than to where the next payload is expected.
So of a stream of large bodies every octet is copied once, by the kernel. A session may be given chunks at any time just
the same, as a WebSocket does; then the sink is filled from them.

It must not know what a message is; the connection publishes what is complete.
"""

from typing import TYPE_CHECKING

from mqbroker.errors import ProtocolViolation, RequestRefused
from mqbroker.protocols.amqp import ending, frames
from mqbroker.protocols.amqp.body_buffer import BodyBuffer
from mqbroker.protocols.amqp.channel import BODY, OPEN, Arrival
from mqbroker.protocols.amqp.constants import BASIC_PUBLISH, FRAME_BODY, FRAME_END

if TYPE_CHECKING:
    from mqbroker.protocols.amqp.state import ConnectionState

_ENVELOPE_BYTES = 7  # what a frame has before its payload


def begin(connection: "ConnectionState", data: bytes, position: int, size: int) -> bool:
    """A large body frame stands at `position`, and not all of it has come. Whether it is received in place: then all
    of `data` is used up. Otherwise the caller keeps it until it is complete, and whatever is wrong is found then.

    Raises ContentTooLarge.
    """
    channel = connection.channels.get(data[position + 1] << 8 | data[position + 2])
    if channel is None or channel.state != OPEN or channel.expecting != BODY:
        return False
    buffer = channel.buffer or BodyBuffer(channel.body_size, connection.body_budget)
    if size > buffer.size - buffer.filled:
        return False
    connection.current = channel.number
    connection.at_method = BASIC_PUBLISH
    channel.buffer = buffer
    buffer.reserve(size)
    connection.arrival = Arrival(channel, buffer, size)
    start = position + _ENVELOPE_BYTES
    there = min(size, len(data) - start)
    buffer.put(data, start, start + there)
    _proceed(connection, connection.arrival, there)
    return True


def filled(connection: "ConnectionState", count: int) -> None:
    """So many octets have been put into the sink."""
    arrival = connection.arrival
    assert arrival is not None
    arrival.buffer.filled += count
    _proceed(connection, arrival, count)


def _proceed(connection: "ConnectionState", arrival: Arrival, count: int) -> None:
    """`count` more octets are in the buffer: says what to read next."""
    arrival.left -= count
    if arrival.left:
        connection.sink = arrival.buffer.window(arrival.left)
        return
    connection.sink = None
    connection.appetite = 1 + _ENVELOPE_BYTES
    if arrival.buffer.filled == arrival.buffer.size:  # another message may follow, like this one
        channel = arrival.channel
        connection.appetite += len(channel.publish_frame) + len(channel.header_frame)


def go_on(connection: "ConnectionState", data: bytes) -> bytes:
    """Takes from a chunk what belongs to the frame under way; returns the rest."""
    if connection.sink is not None:
        count = min(len(connection.sink), len(data))
        connection.sink[:count] = data[:count]
        filled(connection, count)
        data = data[count:]
    if not data:
        return data
    try:
        _end(connection, data[0])
    except RequestRefused as error:
        ending.refuse(connection, error)
    except ProtocolViolation as error:
        ending.fail(connection, error)
        return b""
    return data[1:]


def _end(connection: "ConnectionState", marker: int) -> None:
    """The octet after the payload. Raises what the frame, or the message that it completes, is refused for."""
    arrival = connection.arrival
    assert arrival is not None
    connection.arrival = None
    channel, buffer = arrival.channel, arrival.buffer
    if channel.state != OPEN:  # it was closed while the frame arrived
        buffer.drop()
        return
    connection.current = channel.number
    connection.at_method = 0
    if marker != FRAME_END:
        raise frames.invalid_end_marker(FRAME_BODY, buffer.take()[buffer.filled - arrival.size : buffer.filled], marker)
    connection.at_method = BASIC_PUBLISH
    connection.complete(channel, buffer)


def abandon(connection: "ConnectionState") -> None:
    """The connection is lost, and the rest of the frame under way will not come."""
    if connection.arrival is not None:
        connection.arrival.buffer.drop()
        connection.arrival = connection.sink = None
