"""The bare relay under the load loops: the bytes of AMQP publishes, passed on unread from publisher to consumer.

Owns the one-byte greeting that tells the relay which side a connection is. The relay is no broker: it shows how fast
these bytes can pass through one event loop at all.
"""

import socket

from bench.driver.amqp import CALL_TIMEOUT_SECONDS, FRAME_SIZE_BYTES_MAX, connect
from bench.driver.amqp_records import publish_layout
from bench.driver.dialect import ConsumeSide, Ledger, PublishSide
from bench.driver.jobs import ConsumeJob, Endpoint, PublishJob, Subscription
from bench.driver.records import RecordLayout
from bench.errors import UsageError

PUBLISHER, CONSUMER, WELCOME = b"P", b"C", b"!"


def _greet(endpoint: Endpoint, greeting: bytes) -> socket.socket:
    sock = connect(endpoint)
    sock.sendall(greeting)
    if sock.recv(1) != WELCOME:
        raise UsageError(f"{endpoint.host}:{endpoint.port} is not the relay of this harness")
    return sock


class RelayPublishSide:
    """A connection whose bytes are relayed."""

    ledger: Ledger | None = None

    def __init__(self, job: PublishJob) -> None:
        if job.window:
            raise UsageError("a relay confirms nothing")
        self.layout = publish_layout(job, FRAME_SIZE_BYTES_MAX)
        self.socket = _greet(job.endpoint, PUBLISHER)

    def finish(self) -> None:
        """Close."""
        self.socket.close()


class RelayConsumeSide:
    """A connection to which bytes are relayed."""

    early = b""
    numbered = False
    settles_by_content = False

    def __init__(self, job: ConsumeJob) -> None:
        self._layout = publish_layout(job.published, FRAME_SIZE_BYTES_MAX)
        self.socket = _greet(job.endpoint, CONSUMER)

    def learn(self, data: bytes) -> RecordLayout | None:
        """What is published is what arrives."""
        return self._layout

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """A relay wants no acknowledgement."""
        return b""

    def explain(self, data: bytes) -> str:
        """A relay has nothing to say."""
        return ""

    def finish(self) -> int:
        """Tell the relay to end and count what still comes."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self.socket.shutdown(socket.SHUT_WR)
        rest = 0
        while chunk := self.socket.recv(65536):
            rest += len(chunk)
        self.socket.close()
        return rest // self._layout.size


class RelayDialect:
    """Bytes in, bytes out."""

    def open_publisher(self, job: PublishJob, publisher: int) -> PublishSide:
        """Connect as the publishing side."""
        return RelayPublishSide(job)

    def open_consumer(self, job: ConsumeJob, subscription: Subscription) -> ConsumeSide:
        """Connect as the consuming side."""
        return RelayConsumeSide(job)
