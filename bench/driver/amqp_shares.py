"""Who gets how much of one connection: several queues with a backlog, one consumer each, and who is served when.

Owns the filling of the queues, the reading of their deliveries, and the order of both. Every body says which queue it
is of and its place there, so that what comes twice, never or too soon is noticed.
"""

import struct
import time
from collections.abc import Iterator, Sequence

from pamqp import commands, frame, header

from bench.driver.amqp import CHANNEL, AmqpConnection, complete_frame_size
from bench.driver.amqp_records import DELIVER
from bench.errors import ProtocolError

_BODY = struct.Struct(">HI")
_TAG = struct.Struct(">Q")
_ACK = struct.Struct(">BHIIQBB")
_BATCH = 500
_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0


def fill(connection: AmqpConnection, queues: Sequence[str], counts: Sequence[int], body_size_bytes: int) -> None:
    """Publishes so many messages to each queue, and returns when they are there. ProtocolError when they never are."""
    for index, (queue, count) in enumerate(zip(queues, counts, strict=True)):
        start = frame.marshal(commands.Basic.Publish(routing_key=queue), CHANNEL)
        start += frame.marshal(header.ContentHeader(body_size=body_size_bytes), CHANNEL)
        for first in range(0, count, _BATCH):
            places = range(first, min(first + _BATCH, count))
            bodies = [_BODY.pack(index, place).ljust(body_size_bytes, b".") for place in places]
            connection.socket.sendall(b"".join([start + _body_frame(body) for body in bodies]))
    over_at = time.monotonic() + _PATIENCE_SECONDS
    while any(connection.message_count(queue) < count for queue, count in zip(queues, counts, strict=True)):
        if time.monotonic() > over_at:
            raise ProtocolError("the broker has not all of the messages")
        time.sleep(_PAUSE_SECONDS)


def _body_frame(body: bytes) -> bytes:
    return struct.pack(">BHI", 3, CHANNEL, len(body)) + body + b"\xce"


class Shares:
    """Consumes from all queues at once, on one channel, and counts. prefetch 0: nothing is acknowledged."""

    def __init__(
        self, connection: AmqpConnection, queues: Sequence[str], counts: Sequence[int], prefetch: int, is_global: bool
    ) -> None:
        self.served = [0] * len(queues)
        """Deliveries of each queue so far."""
        self.first_at = [0] * len(queues)
        """Which delivery of the connection was the first of each queue, from 1 on; 0 for none yet."""
        self.faults = ""
        self._connection = connection
        self._queues = queues
        self._counts = counts
        self._prefetch = prefetch
        self._is_global = is_global

    def run(self) -> None:
        """Consumes until one queue is empty: from then on there is less to share."""
        self._begin()
        while not any(served >= count for served, count in zip(self.served, self._counts, strict=True)):
            self._receive()

    def _begin(self) -> None:
        if self._prefetch:
            self._connection.call(commands.Basic.Qos(prefetch_count=self._prefetch, global_=self._is_global))
        wanted = [
            commands.Basic.Consume(queue=queue, consumer_tag=str(index), no_ack=not self._prefetch, nowait=True)
            for index, queue in enumerate(self._queues)
        ]
        self._connection.socket.sendall(b"".join([frame.marshal(each, CHANNEL) for each in wanted]))

    def _receive(self) -> None:
        chunk = self._connection.socket.recv(65536)
        if not chunk:
            raise ProtocolError("the broker closed the connection")
        self._connection.buffer += chunk
        acks = []
        for payload in self._frames():
            if payload[:4] == DELIVER:
                at = 5 + payload[4]
                acks.append(_ACK.pack(1, CHANNEL, 13, 60 << 16 | 80, *_TAG.unpack_from(payload, at), 0, 0xCE))
            elif payload[:2] != DELIVER[:2]:
                self._note(*_BODY.unpack_from(payload))
        if self._prefetch and acks:
            self._connection.socket.sendall(b"".join(acks))

    def _frames(self) -> Iterator[bytes]:
        """The payloads of the methods, headers and bodies that are complete."""
        buffer = self._connection.buffer
        at = 0
        while (size := complete_frame_size(buffer, at)) is not None:
            yield bytes(buffer[at + 7 : at + size - 1])
            at += size
        del buffer[:at]

    def _note(self, index: int, place: int) -> None:
        if place != self.served[index] and not self.faults:
            self.faults = f"message {place} of queue {index} came where {self.served[index]} was due"
        self.served[index] += 1
        if not self.first_at[index]:
            self.first_at[index] = sum(self.served)
