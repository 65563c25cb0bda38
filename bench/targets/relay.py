"""The bare relay as a target: the bound that no broker on one event loop can pass.

Owns its command line. It takes part only in cases whose bytes can be relayed unread.
"""

import sys
from pathlib import Path

from bench.driver.jobs import Endpoint
from bench.targets.base import Promise
from bench.targets.single import InMemory


class BareRelay(InMemory):
    """A process that moves the bytes of AMQP publishes from publishers to a consumer."""

    name = "relay"
    title = "bare relay"
    protocols = ("amqp",)
    working_directory = Path(__file__).resolve().parents[2]

    def command(self, place: Path, promise: Promise) -> list[str]:
        """Run the relay of this package."""
        return [sys.executable, "-m", "bench.targets.relay_server", str(self.ports["amqp"])]

    def endpoint(self, protocol: str) -> Endpoint | None:
        """Where it relays: driven as what it is, though the bytes are those of AMQP."""
        return Endpoint("relay", "127.0.0.1", self.ports[protocol]) if protocol in self.ports else None

    def version(self) -> str:
        """What it is."""
        return "bytes from socket to socket on uvloop, no protocol"

    def can_serve(self, relayable: bool, plain: bool) -> bool:
        """Only what can be relayed unread."""
        return relayable
