"""What the harness needs of a broker: start, stop, endpoints, processes to measure, and how it promises durability.

Owns the interface and the promises. Knows no broker.
"""

import shutil
import socket
import tempfile
from abc import ABC, abstractmethod
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from pamqp.common import FieldTable

from bench.driver.jobs import Endpoint


class Promise(Enum):
    """What a confirm means. Only equal promises are compared."""

    MEMORY = "memory"
    """Nothing survives a crash of the broker: transient messages."""

    WRITE = "write"
    """Handed to the operating system: survives a crash of the broker, not one of the machine."""

    FSYNC = "fsync"
    """Synced to the disk: survives a crash of the machine."""


class Target(ABC):
    """A broker that can be started with a promise and measured.

    Use as a context manager: entering starts it (TargetError when it does not come up), leaving stops it.
    """

    name: str
    title: str
    lacks: frozenset[str] = frozenset()
    """What it cannot do, or not in an acceptable time; cases say what they need: "qos2" (MQTT), "shared" (MQTT's shared
    subscriptions), "retained-wildcards", "scale" (MQTT connections and subscriptions by the thousand), "endpoints" (of
    HTTP, subscribed to SNS topics), "many-filters" (of subscriptions to one SNS topic)."""

    is_slow: bool = False
    """Takes so much longer than others that a quick look leaves it out, and other sessions measure it less often."""

    reference_for: tuple[str, ...] = ()
    """The protocols in whose cases ratios refer to it, unless another baseline is chosen."""

    @abstractmethod
    def start(self, promise: Promise) -> None:
        """Start and wait until it serves."""

    @abstractmethod
    def stop(self) -> None:
        """Stop and leave no process and no file behind; harmless when not started."""

    @abstractmethod
    def endpoint(self, protocol: str) -> Endpoint | None:
        """Where it speaks the protocol, or None when it does not."""

    @abstractmethod
    def pids(self) -> list[int]:
        """Root processes of the broker; empty when it is not ours to measure."""

    @abstractmethod
    def version(self) -> str:
        """Name and version for the report."""

    def installed(self) -> bool:
        """Whether it can be started here at all."""
        return True

    def speaks(self, protocol: str) -> bool:
        """Whether the target speaks the protocol, started or not."""
        return protocol == "amqp"

    def keeps(self, promise: Promise) -> bool:
        """Whether the target can make this promise."""
        return True

    def last_words(self) -> str:
        """The end of what the broker wrote, to explain a failure; "" when that is not known."""
        return ""

    def can_serve(self, relayable: bool, plain: bool) -> bool:
        """Whether the target takes part in a case: relayable ones suit a bare relay, plain ones an interpreter."""
        return True

    def mode(self, promise: Promise) -> str:
        """Promises of one mode can be made by one running instance."""
        return promise.value

    def queue_arguments(self, promise: Promise) -> FieldTable:
        """Arguments of queue.declare that select the kind of queue which makes the promise."""
        return {}

    def durability(self, promise: Promise) -> str:
        """How the promise is kept, for the report."""
        return promise.value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Replicated(Target):
    """A broker of several nodes that keep the same messages, one of which may fail."""

    @abstractmethod
    def endpoints(self) -> list[Endpoint]:
        """AMQP of all nodes; the first one is that of the node that leads what is declared there."""

    @abstractmethod
    def fail(self) -> None:
        """Kill the node of the first endpoint."""

    @abstractmethod
    def lose(self) -> None:
        """Kill another node, and delete everything that it has."""

    @abstractmethod
    def start_lost(self) -> None:
        """Start whatever was killed."""

    @abstractmethod
    def is_whole(self) -> bool:
        """Whether each node has everything."""


class PrivateDirectory:
    """A temporary directory of one broker."""

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))

    def remove(self) -> None:
        """Delete it with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Distinct loopback TCP ports that nobody listens on right now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()
