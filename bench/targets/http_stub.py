"""The HTTP stub as a target: canned answers to sends, the bound of one event loop that reads and writes HTTP.

Owns its command line. It takes part only in cases that the relay could serve, where an answer depends on nothing.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.targets.base import Promise
from bench.targets.emulator import Emulator


class HttpStub(Emulator):
    """A process that answers every send, and keeps nothing but a count."""

    name = "http-stub"
    title = "bare HTTP"
    reference_for = ()
    working_directory = Path(__file__).resolve().parents[2]

    def command(self, place: Path, promise: Promise) -> Sequence[str]:
        """Run the stub of this package."""
        return [sys.executable, "-m", "bench.targets.http_stub_server", str(self.ports["sqs"])]

    def version(self) -> str:
        """What it is."""
        return "canned answers over HTTP on uvloop, no queue"

    def can_serve(self, relayable: bool, headline: bool) -> bool:
        """Only what needs no queue."""
        return relayable
