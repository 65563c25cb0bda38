"""The bare relay as a target: the bound that no broker on one event loop can pass.

Owns its process. It takes part only in cases whose bytes can be relayed unread.
"""

import sys
from pathlib import Path

from bench.driver.jobs import Endpoint
from bench.targets.base import PrivateDirectory, Promise, Target, free_ports
from bench.targets.process import BrokerProcess

START_SECONDS = 15.0
_ROOT = Path(__file__).resolve().parents[2]


class BareRelay(Target):
    """A process that moves the bytes of publishers to a consumer."""

    name = "relay"
    title = "bare relay"

    def __init__(self) -> None:
        self._directory: PrivateDirectory | None = None
        self._process: BrokerProcess | None = None
        self._port = 0

    def start(self, promise: Promise) -> None:
        """Start it."""
        self._port = free_ports(1)[0]
        self._directory = PrivateDirectory(self.name)
        command = [sys.executable, "-m", "bench.targets.relay_server", str(self._port)]
        self._process = BrokerProcess(self.title, command, self._directory.path / "output.log", None, _ROOT)
        self._process.await_port(self._port, START_SECONDS)

    def stop(self) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._directory is not None:
            self._directory.remove()
            self._directory = None

    def endpoint(self, protocol: str) -> Endpoint | None:
        """Where it relays the bytes of AMQP publishes."""
        return Endpoint("relay", "127.0.0.1", self._port) if protocol == "amqp" else None

    def pids(self) -> list[int]:
        """Its process."""
        return [self._process.pid] if self._process else []

    def version(self) -> str:
        """What it is."""
        return "bytes from socket to socket on uvloop, no protocol"

    def can_serve(self, relayable: bool) -> bool:
        """Only what can be relayed unread."""
        return relayable

    def keeps(self, promise: Promise) -> bool:
        """It promises nothing."""
        return promise is Promise.MEMORY

    def durability(self, promise: Promise) -> str:
        """Nothing is kept."""
        return "none"
