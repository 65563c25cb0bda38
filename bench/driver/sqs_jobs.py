"""What SQS workers are asked to do and what they answer: plain values that travel through a pipe.

Owns the vocabulary. Holds no behaviour.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.driver.jobs import SETTLE_SECONDS, Endpoint, Limit
from bench.driver.verify import Faults

SCHEDULE_DELAY_SECONDS = 1.0
"""A paced sender begins so long after the start signal: until then the receivers' long polls are in place."""

Seconds = npt.NDArray[np.float64]


def no_seconds() -> Seconds:
    """No figures."""
    return np.empty(0)


@dataclass(frozen=True)
class SendJob:
    """Connections that send, each with one call outstanding.

    queues: URLs; message s goes to queue s modulo their number. batch: messages per call, up to 10.
    groups: message groups of a FIFO queue, used in turn; 0 is a standard queue.
    stamped: every text is different and tells its sequence and publisher; else all are the same, and so are the calls.
    limit: messages and seconds of all connections together. rate: messages per second, sent on schedule; 0 is as fast
    as they are taken.
    topic: the ARN of a topic of SNS to which a constant message is published instead, with `kind` as
    an attribute of that name.
    """

    endpoint: Endpoint
    queues: tuple[str, ...]
    size: int
    limit: Limit
    batch: int = 1
    groups: int = 0
    connections: int = 16
    stamped: bool = False
    first_publisher: int = 0
    rate: float = 0.0
    settle_seconds: float = SETTLE_SECONDS
    topic: str = ""
    kind: str = ""


@dataclass(frozen=True)
class CycleJob:
    """Connections that receive and delete, in turn, and with `sends` first send what they receive.

    queues: URLs; connection c works on queue c modulo their number. batch: messages received and deleted at most by
    one call; above 1 they are deleted by a batch. sends: one message is sent before each reception, by the publisher
    `first_publisher` + c, so that as many stay in the queue as there were. wait_seconds: how long a reception waits.
    until_told: go on until the crew has said how many messages there are and all of them have come; else until the
    limit of seconds, or until a reception finds nothing (without `sends`).
    rate: that of the paced sender, for latencies against its schedule.
    """

    endpoint: Endpoint
    queues: tuple[str, ...]
    size: int
    limit: Limit
    batch: int = 1
    groups: int = 0
    connections: int = 16
    sends: bool = False
    first_publisher: int = 0
    wait_seconds: int = 0
    until_told: bool = False
    rate: float = 0.0
    settle_seconds: float = SETTLE_SECONDS


@dataclass
class Called:
    """What a worker did. Times are seconds of the machine's monotonic clock.

    call_seconds: how long each call took. wake_seconds: from when a message was due to be sent to its reception.
    late_seconds: how far behind its schedule a paced sender was.
    """

    calls: int = 0
    sent: int = 0
    received: int = 0
    deleted: int = 0
    last_at: float = 0.0
    busy_seconds: float = 0.0
    call_seconds: Seconds = field(default_factory=no_seconds)
    wake_seconds: Seconds = field(default_factory=no_seconds)
    late_seconds: Seconds = field(default_factory=no_seconds)
    faults: Faults = field(default_factory=Faults)
