"""Brokers that are one process with one private directory: their common starting and stopping.

Owns the process and the directory. A subclass says how the command line is made.
"""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench.driver.jobs import Endpoint
from bench.targets.base import PrivateDirectory, Promise, Target, free_ports
from bench.targets.process import BrokerProcess


class SingleProcess(Target):
    """A target whose `command` is run, and has started once it listens for every protocol of `protocols`."""

    protocols: tuple[str, ...] = ()
    start_seconds = 30.0
    working_directory: Path | None = None

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self._directory: PrivateDirectory | None = None
        self._process: BrokerProcess | None = None

    @abstractmethod
    def command(self, place: Path, promise: Promise) -> Sequence[str]:
        """The command line; may write settings into the private directory. TargetError when it is not installed."""

    def start(self, promise: Promise) -> None:
        """Start it and wait until it listens."""
        self.ports = dict(zip(self.protocols, free_ports(len(self.protocols)), strict=True))
        self._directory = PrivateDirectory(self.name)
        place = self._directory.path
        try:
            command = self.command(place, promise)
            where = self.working_directory or place
            self._process = BrokerProcess(self.title, command, place / "output.log", directory=where)
            for port in self.ports.values():
                self._process.await_port(port, self.start_seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it and delete its directory."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._directory is not None:
            self._directory.remove()
            self._directory = None

    def endpoint(self, protocol: str) -> Endpoint | None:
        """The listener of the protocol."""
        return Endpoint(protocol, "127.0.0.1", self.ports[protocol]) if protocol in self.ports else None

    def pids(self) -> list[int]:
        """Its process."""
        return [self._process.pid] if self._process else []

    def last_words(self) -> str:
        """The last lines of its output."""
        return self._process.log_tail() if self._process else ""

    def speaks(self, protocol: str) -> bool:
        """Whether it would listen for the protocol."""
        return protocol in self.protocols


class InMemory(SingleProcess):
    """A broker that keeps messages in memory only."""

    def keeps(self, promise: Promise) -> bool:
        """What it confirms is not written."""
        return promise is Promise.MEMORY

    def durability(self, promise: Promise) -> str:
        """No persistence."""
        return "in memory" if promise is Promise.MEMORY else ""
