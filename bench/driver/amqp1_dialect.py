"""AMQP 1.0 under the load loops: transfers that are settled or not, and a link for the one queue of a subscription.

Owns the set-up and the orderly end of connections; the bytes in between are `amqp1_records`.
"""

import socket

from bench.driver import amqp1_records as r
from bench.driver.amqp import CALL_TIMEOUT_SECONDS, connect
from bench.driver.dialect import ConsumeSide, Ledger, PublishSide, Stream
from bench.driver.jobs import ConsumeJob, Endpoint, PublishJob, Subscription
from bench.driver.records import RecordLayout
from bench.driver.verify import Faults
from bench.errors import ProtocolError, UsageError

_ATTACH, _CLOSE = 0x12, 0x18


class Amqp1Connection:
    """A connected client with one link."""

    def __init__(self, endpoint: Endpoint, address: str, is_receiver: bool, is_settled: bool) -> None:
        self.socket = connect(endpoint)
        self.buffer = bytearray()
        self.socket.sendall(r.opening(endpoint) + r.attach(address, is_receiver, is_settled))
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self._skip(r.SASL_HEADER)
        self.take(0x44)
        self._skip(r.HEADER)
        self.take(_ATTACH)

    def _skip(self, header: bytes) -> None:
        while len(self.buffer) < len(header):
            self._read()
        if not self.buffer.startswith(header):
            raise ProtocolError(f"expected {header!r}, the broker sent {bytes(self.buffer[:200])!r}")
        del self.buffer[: len(header)]

    def _read(self) -> None:
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ProtocolError("the broker closed the connection")
        self.buffer += chunk

    def take(self, wanted: int) -> int:
        """Reads up to the frame with this performative, and takes it; how many transfers came before it."""
        transfers = 0
        while True:
            while len(self.buffer) < 8 or len(self.buffer) < int.from_bytes(self.buffer[:4], "big"):
                self._read()
            size = int.from_bytes(self.buffer[:4], "big")
            body = bytes(self.buffer[8:size])
            del self.buffer[:size]
            code = body[2] if body.startswith(b"\x00\x53") else r.code_of(body) if body else 0
            if code == wanted:
                return transfers
            transfers += code == r.TRANSFER

    def close(self) -> int:
        """Closes; how many deliveries still came."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self.socket.sendall(r.frame(b"\x00\x53\x18\x45"))
        count = self.take(_CLOSE)
        self.socket.close()
        return count


class Credit:
    """What a publisher may still send counts as confirmed: the loop sends no more than that without a window."""

    def __init__(self) -> None:
        self.confirmed = 0
        self.faults = Faults()
        self._pending = bytearray()

    def receive(self, data: bytes, published: int) -> None:
        """Take frames from the broker."""
        self._pending += data
        found, used = r.split(bytes(self._pending))
        del self._pending[:used]
        for body in found:
            self.take(body, published)

    def take(self, body: bytes, _published: int) -> None:
        """One frame."""
        if r.code_of(body) == r.FLOW:
            *_, handle, count, credit = r.fields_of(body, 7)
            if handle >= 0:
                self.confirmed = max(self.confirmed, count + credit)


class Outcomes(Credit):
    """The messages that were accepted, in runs."""

    def take(self, body: bytes, published: int) -> None:
        """One frame."""
        if r.code_of(body) != r.DISPOSITION:
            return
        _, first, last, _ = r.fields_of(body, 4)
        last = max(first, last)
        if last >= published or first < self.confirmed:
            self.faults.surplus += 1
            self.faults.note(f"an outcome for messages {first} to {last}, of {published} published")
        self.confirmed += last - first + 1


class Amqp1PublishSide:
    """One publishing connection."""

    def __init__(self, job: PublishJob) -> None:
        (variant,) = job.variants
        address = f"/queue/{variant.routing_key}"
        self._connection = Amqp1Connection(job.endpoint, address, is_receiver=False, is_settled=not job.window)
        self.socket: Stream = self._connection.socket
        self.layout = r.transfer_layout(job)
        credit = Outcomes() if job.window else Credit()
        credit.receive(bytes(self._connection.buffer), 0)
        self.ledger: Ledger | None = credit

    def finish(self) -> None:
        """Closes once the broker has read everything."""
        self._connection.buffer.clear()
        self._connection.close()


class Deliveries:
    """A socket whose input is the bodies of deliveries: records of one size."""

    def __init__(self, connection: Amqp1Connection, body_size: int) -> None:
        sock: socket.socket = connection.socket
        self._socket = sock
        self._body_size = body_size
        self._input = connection.buffer
        self.fileno = sock.fileno
        self.setblocking = sock.setblocking
        self.settimeout = sock.settimeout
        self.sendall = sock.sendall
        self.send = sock.send
        self.close = sock.close

    def recv(self, size: int) -> bytes:
        """What comes, as it comes: for the end of the connection."""
        return self._socket.recv(size)

    def recv_into(self, buffer: memoryview) -> int:
        """Bodies. Raises BlockingIOError when no frame is complete."""
        data = self._socket.recv(len(buffer))
        if not data:
            return 0
        self._input += data
        found, used = r.split(bytes(self._input))
        del self._input[:used]
        bodies = b"".join([body[-self._body_size :] for body in found if r.code_of(body) == r.TRANSFER])
        if not bodies:
            raise BlockingIOError
        buffer[: len(bodies)] = bodies
        return len(bodies)


class Amqp1ConsumeSide:
    """One consuming connection."""

    numbered = False
    settles_by_content = False

    def __init__(self, job: ConsumeJob, subscription: Subscription) -> None:
        (queue,) = subscription.queues
        connection = Amqp1Connection(job.endpoint, f"/queue/{queue}", is_receiver=True, is_settled=not job.prefetch)
        self._connection = connection
        self._prefetch = job.prefetch
        self._settled = 0
        connection.socket.sendall(r.flow(0, job.prefetch or r.CREDIT_MAX))
        self._layout = r.body_layout(job.published)
        self.socket: Stream = Deliveries(connection, job.published.body_size_bytes)
        self.early = b""

    def learn(self, data: bytes) -> RecordLayout | None:
        """Bodies alone."""
        return self._layout

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """Settles what was not settled yet, and grants as much credit again."""
        first, self._settled = self._settled, upto
        return r.accepted(first, upto - 1) + r.flow(upto, self._prefetch)

    def explain(self, data: bytes) -> str:
        """A frame that ends something has been refused already."""
        return ""

    def finish(self) -> int:
        """Closes; how many deliveries still came."""
        return self._connection.close()


class Amqp1Dialect:
    """AMQP 1.0."""

    def open_publisher(self, job: PublishJob, publisher: int) -> PublishSide:
        """Connect one publishing connection."""
        if len(job.variants) != 1:
            raise UsageError("the driver's AMQP 1.0 publishes to one queue")
        return Amqp1PublishSide(job)

    def open_consumer(self, job: ConsumeJob, subscription: Subscription) -> ConsumeSide:
        """Connect and attach one consuming connection."""
        if len(subscription.queues) != 1:
            raise UsageError("the driver's AMQP 1.0 consumes from one queue")
        return Amqp1ConsumeSide(job, subscription)
