"""A real Mosquitto in a process of its own, for tests in which it is our peer."""

import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import find_program
from tests.support.ports import free_port
from tests.support.waiting import eventually

START_TIMEOUT_S = 20
_TRIES = 5  # a port that was free may be somebody else's a moment later


class MosquittoProcess:
    """`mosquitto` with one listener and the given lines of configuration, in a `with` block."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.folder = folder
        self.lines = lines
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        for _ in range(_TRIES):
            if self._start():
                return self
        raise AssertionError(f"mosquitto did not start:\n{self.log()}")

    def _start(self) -> bool:
        self.port = free_port()
        settings = self.folder / "mosquitto.conf"
        # As root it would change to a user who may not read this folder.
        first = (f"listener {self.port} 127.0.0.1", "allow_anonymous true", "user root", "log_dest stderr")
        settings.write_text("\n".join((*first, *self.lines, "")))
        with (self.folder / "mosquitto.log").open("a") as log:
            self.process = subprocess.Popen([find_program("mosquitto"), "-c", str(settings)], stderr=log, text=True)
        process = self.process
        eventually(lambda: process.poll() is not None or self._listens(), START_TIMEOUT_S)
        return process.poll() is None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "mosquitto.log").read_text()

    def kill(self) -> None:
        """Ends it without a word to anybody."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
