"""What worker processes are asked to do and what they answer: plain values that travel through a pipe.

Owns the vocabulary between the crew (who asks) and the workers (who answer). Holds no behaviour beyond arithmetic.
"""

from dataclasses import dataclass, field

from bench.driver.verify import Faults

UNLIMITED = 1 << 40
SETTLE_SECONDS = 20.0
"""How long a consumer waits for the next message before what is missing counts as lost."""


@dataclass(frozen=True)
class Endpoint:
    """Where a broker speaks one protocol. protocol: "amqp", "amqp1" (AMQP 1.0), "mqtt", "ws" (MQTT over
    WebSocket), "stomp" or "relay"."""

    protocol: str
    host: str
    port: int
    user: str = "guest"
    password: str = "guest"
    vhost: str = "/"


@dataclass(frozen=True)
class Limit:
    """When a publisher stops: after so many seconds or messages (per connection), whichever comes first."""

    seconds: float = 3600.0
    messages: int = UNLIMITED


@dataclass(frozen=True)
class Variant:
    """One of the message kinds a stream cycles through; all must encode to the same size."""

    routing_key: str
    priority: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PublishJob:
    """Connections that publish the same stream, each with its own publisher number.

    window: most unconfirmed messages per connection; 0 publishes without confirms.
    reply_to: set for requests; their replies, which must carry the same bodies, count as confirms.
    rate: messages per second of all connections together, sent on schedule; 0 is as fast as the broker takes them.
    exactly_once: MQTT's QoS 2 where there is a window.
    """

    endpoint: Endpoint
    variants: tuple[Variant, ...]
    body_size_bytes: int
    limit: Limit
    exchange: str = ""
    persistent: bool = False
    window: int = 0
    connections: int = 1
    first_publisher: int = 0
    expiration: str | None = None
    rate: float = 0.0
    reply_to: str | None = None
    exactly_once: bool = False


@dataclass(frozen=True)
class Subscription:
    """One consumer connection: the queues (or topic filters) it consumes from, and which variants it will see.

    queue_of_variant: for each variant the index into `queues`, or -1 when this connection does not receive it.
    """

    queues: tuple[str, ...]
    queue_of_variant: tuple[int, ...]

    def expects(self, sent: int) -> int:
        """How many of one publisher's first `sent` messages this connection must receive."""
        variants = len(self.queue_of_variant)
        rounds, rest = divmod(sent, variants)
        wanted = [queue >= 0 for queue in self.queue_of_variant]
        return rounds * sum(wanted) + sum(wanted[:rest])


@dataclass(frozen=True)
class ConsumeJob:
    """Connections that consume and verify.

    prefetch: unacknowledged messages allowed (0: automatic acknowledgement); ack_every: messages per acknowledgement.
    publishers: how many publishers there are, numbered from 0.
    published: what the publishers send, to know bodies, keys and properties in advance.
    through_exchange, through_key: set when the broker moves messages on (dead-lettering): the exchange and key they
    must arrive with; their properties may then differ from those published.
    subscribe_at_start: connect on the start signal only, for queues that are full already.
    answers: reply to each message, to its reply address, instead of acknowledging it.
    rate: of each publishing connection in a paced run, for latencies against the schedule; 0 takes no latencies.
    exactly_once: MQTT's QoS 2 where there is a prefetch. keeps_session: MQTT's session outlives the connection.
    shared: each message goes to one of the connections, to whichever.
    """

    endpoint: Endpoint
    subscriptions: tuple[Subscription, ...]
    published: PublishJob
    publishers: int = 1
    prefetch: int = 0
    ack_every: int = 200
    through_exchange: str | None = None
    through_key: str | None = None
    rate: float = 0.0
    subscribe_at_start: bool = False
    answers: bool = False
    exactly_once: bool = False
    keeps_session: bool = False
    shared: bool = False
    settle_seconds: float = SETTLE_SECONDS


@dataclass
class Sent:
    """What a publishing worker did. Times are seconds of the machine's monotonic clock; late: schedule lag, seconds."""

    messages: list[int]
    first_at: float
    last_at: float
    busy_seconds: float = 0.0
    late_p99: float = 0.0
    confirm_faults: Faults = field(default_factory=Faults)


@dataclass
class Received:
    """What a consuming worker saw. latencies: percentile -> seconds, empty unless the run was paced."""

    messages: list[int]
    first_at: float
    last_at: float
    faults: Faults
    busy_seconds: float = 0.0
    latencies: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ready:
    """A worker is connected and waits for the start."""


@dataclass(frozen=True)
class Start:
    """Go, at this time of the monotonic clock."""

    at: float


@dataclass(frozen=True)
class Expect:
    """Tells a consumer how many messages each publisher has sent in all."""

    sent: tuple[int, ...]


@dataclass(frozen=True)
class Failed:
    """A worker gave up; the text says why."""

    reason: str
