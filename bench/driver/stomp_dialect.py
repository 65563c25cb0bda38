"""STOMP 1.2 under the load loops: SEND without receipts, and subscriptions that acknowledge by themselves.

Owns the set-up and the orderly end of connections; the bytes in between are `stomp_records`.
"""

import socket

from bench.driver import stomp_records
from bench.driver.amqp import CALL_TIMEOUT_SECONDS, connect
from bench.driver.dialect import ConsumeSide, Ledger, PublishSide, Stream
from bench.driver.jobs import ConsumeJob, Endpoint, PublishJob, Subscription
from bench.driver.records import RecordLayout
from bench.errors import ProtocolError, UsageError


class StompConnection:
    """A connected client."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.socket = connect(endpoint)
        self.buffer = bytearray()
        self.socket.sendall(stomp_records.connect_frame(endpoint))
        self.await_frame(b"CONNECTED\n")

    def await_frame(self, start: bytes) -> int:
        """Reads up to the frame that begins so, and takes it; how many MESSAGE frames came before it."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        messages = 0
        while True:
            frame = self._next_frame()
            if frame.startswith(start):
                return messages
            if not frame.startswith(b"MESSAGE\n"):
                raise ProtocolError(f"expected {start!r}, the broker sent {frame[:200]!r}")
            messages += 1

    def _next_frame(self) -> bytes:
        while (size := _frame_size(self.buffer)) is None:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ProtocolError("the broker closed the connection")
            self.buffer += chunk
        frame = bytes(self.buffer[:size])
        del self.buffer[:size]
        return frame.lstrip(b"\n")

    def close(self) -> int:
        """Disconnect once the broker has read everything; how many deliveries still came."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self.socket.sendall(stomp_records.frame("DISCONNECT", receipt="bye"))
        count = self.await_frame(b"RECEIPT\n")
        self.socket.close()
        return count


def _frame_size(data: bytearray) -> int | None:
    """The size of the first frame with what stands before it; None while it is not complete."""
    head_end = data.find(b"\n\n", len(data) - len(data.lstrip(b"\n")))
    if head_end < 0:
        return None
    lengths = [line for line in bytes(data[:head_end]).split(b"\n") if line.startswith(b"content-length:")]
    if lengths:
        end = head_end + 2 + int(lengths[0].partition(b":")[2])
        return end + 1 if len(data) > end else None
    end = data.find(b"\0", head_end)
    return None if end < 0 else end + 1


class Bodies:
    """A socket whose input is the bodies of MESSAGE frames: records of one size."""

    def __init__(self, sock: socket.socket, body_size: int) -> None:
        self._socket = sock
        self._body_size = body_size
        self._input = bytearray()
        self.fileno = sock.fileno
        self.setblocking = sock.setblocking
        self.settimeout = sock.settimeout
        self.sendall = sock.sendall
        self.send = sock.send
        self.close = sock.close

    def recv(self, size: int) -> bytes:
        """What comes, as it comes: for the end of the connection."""
        if self._input:
            data = bytes(self._input)
            self._input.clear()
            return data
        return self._socket.recv(size)

    def left(self) -> bytes:
        """The beginning of a frame that has not come entirely."""
        return bytes(self._input)

    def recv_into(self, buffer: memoryview) -> int:
        """Bodies. Raises BlockingIOError when no frame is complete."""
        data = self._socket.recv(len(buffer))
        if not data:
            return 0
        self._input += data
        bodies, used = stomp_records.split_messages(self._input, self._body_size)
        del self._input[:used]
        if not bodies:
            raise BlockingIOError
        buffer[: len(bodies)] = bodies
        return len(bodies)


class StompPublishSide:
    """One publishing connection."""

    def __init__(self, job: PublishJob) -> None:
        if job.window:
            raise UsageError("the driver's STOMP asks for no receipts")
        self._connection = StompConnection(job.endpoint)
        self.socket: Stream = self._connection.socket
        self.layout = stomp_records.send_layout(job)
        self.ledger: Ledger | None = None

    def finish(self) -> None:
        """Disconnect once the broker has read everything."""
        self._connection.close()


class StompConsumeSide:
    """One consuming connection with a subscription for each queue."""

    numbered = False
    settles_by_content = False

    def __init__(self, job: ConsumeJob, subscription: Subscription) -> None:
        if job.prefetch:
            raise UsageError("the driver's STOMP acknowledges nothing")
        connection = self._connection = StompConnection(job.endpoint)
        for id_, queue in enumerate(subscription.queues):
            headers = {"id": id_, "destination": stomp_records.destination(queue), "receipt": f"r{id_}"}
            connection.socket.sendall(stomp_records.frame("SUBSCRIBE", **headers))
            connection.await_frame(b"RECEIPT\n")
        self._layout = stomp_records.body_layout(job.published)
        self._bodies = Bodies(connection.socket, job.published.body_size_bytes)
        self.socket: Stream = self._bodies
        self.early = b""

    def learn(self, data: bytes) -> RecordLayout | None:
        """Bodies alone."""
        return self._layout

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """Nothing is acknowledged."""
        return b""

    def explain(self, data: bytes) -> str:
        """An ERROR frame has been refused already."""
        return ""

    def finish(self) -> int:
        """Disconnect; how many deliveries still came."""
        self._connection.buffer += self._bodies.left()
        return self._connection.close()


class StompDialect:
    """STOMP 1.2."""

    def open_publisher(self, job: PublishJob, publisher: int) -> PublishSide:
        """Connect one publishing connection."""
        return StompPublishSide(job)

    def open_consumer(self, job: ConsumeJob, subscription: Subscription) -> ConsumeSide:
        """Connect and subscribe one consuming connection."""
        return StompConsumeSide(job, subscription)
