"""What a protocol must offer to be driven: one side that publishes records, one that consumes them.

Owns the interface between the load loops (`publisher`, `consumer`), which know no protocol, and the protocols.
"""

from typing import Protocol

from bench.driver.jobs import ConsumeJob, Endpoint, PublishJob, Subscription
from bench.driver.records import RecordLayout
from bench.driver.verify import Faults
from bench.errors import UsageError


class Stream(Protocol):
    """What the load loops need of a socket, so that a protocol may put something between them and it."""

    def fileno(self) -> int:
        """For a selector."""

    def setblocking(self, flag: bool, /) -> None:
        """Whether calls wait."""

    def settimeout(self, value: float | None, /) -> None:
        """How long calls wait, in seconds."""

    def recv(self, size: int, /) -> bytes:
        """The next bytes; empty at the end. BlockingIOError when there are none for the caller now."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """The same into a buffer; how many bytes."""

    def send(self, data: bytes | bytearray | memoryview, /) -> int:
        """Sends some of it; how many bytes. BlockingIOError when there is no room now."""

    def sendall(self, data: bytes | bytearray | memoryview, /) -> None:
        """Sends all of it."""

    def close(self) -> None:
        """Closes it."""


class Ledger(Protocol):
    """Counts confirms of one publishing connection."""

    @property
    def confirmed(self) -> int:
        """How many messages are confirmed."""

    @property
    def faults(self) -> Faults:
        """Confirms that cannot be."""

    def receive(self, data: bytes, published: int) -> None:
        """Take bytes from the broker; `published` is how many messages were sent so far."""


class PublishSide(Protocol):
    """A connection that is ready to publish. ledger is None when nothing is confirmed."""

    @property
    def socket(self) -> Stream:
        """Where records go and confirms come from."""

    layout: RecordLayout
    ledger: Ledger | None

    def finish(self) -> None:
        """Close in order; returns once the broker has read everything that was sent."""


class ConsumeSide(Protocol):
    """A connection whose subscriptions are active.

    early: bytes of deliveries that came with the last answer. numbered: deliveries carry the numbers 1, 2, 3, ...
    settles_by_content: acknowledging needs the received records, not only their count.
    """

    @property
    def socket(self) -> Stream:
        """Where records come from."""

    early: bytes
    numbered: bool
    settles_by_content: bool

    def learn(self, data: bytes) -> RecordLayout | None:
        """The layout of the deliveries, from the first one; None while it is incomplete."""

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """The frames that settle these records, the last of which is the `upto`-th of the connection."""

    def explain(self, data: bytes) -> str:
        """What the broker says in bytes that are no whole record, or "" when they say nothing."""

    def finish(self) -> int:
        """Close in order; how many more deliveries than expected came."""


class Dialect(Protocol):
    """One protocol."""

    def open_publisher(self, job: PublishJob, publisher: int) -> PublishSide:
        """Connect and prepare one publishing connection."""

    def open_consumer(self, job: ConsumeJob, subscription: Subscription) -> ConsumeSide:
        """Connect and subscribe one consuming connection."""


def dialect_of(endpoint: Endpoint) -> Dialect:
    """The implementation of an endpoint's protocol."""
    if endpoint.protocol == "amqp":
        from bench.driver.amqp_dialect import AmqpDialect

        return AmqpDialect()
    if endpoint.protocol in ("mqtt", "ws"):
        from bench.driver.mqtt_dialect import MqttDialect

        return MqttDialect()
    if endpoint.protocol == "stomp":
        from bench.driver.stomp_dialect import StompDialect

        return StompDialect()
    if endpoint.protocol == "amqp1":
        from bench.driver.amqp1_dialect import Amqp1Dialect

        return Amqp1Dialect()
    if endpoint.protocol == "relay":
        from bench.driver.relay_dialect import RelayDialect

        return RelayDialect()
    raise UsageError(f"the driver does not speak {endpoint.protocol!r}")
