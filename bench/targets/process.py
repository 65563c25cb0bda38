"""A broker's process: started with its output in a file, awaited until a port answers, stopped by pid.

Owns one child process. Knows no broker.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import TargetError

STOP_SECONDS = 5.0
"""What a broker would still put in order goes with its private directory: there is no use in waiting long for that."""

_POLL_SECONDS = 0.05
_LOG_TAIL_BYTES = 600


class BrokerProcess:
    """A running child process in a process group of its own, so that its helpers end with it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self._name = name
        self._log = log
        if shutil.which(command[0], path=(environment or os.environ).get("PATH")) is None:
            raise TargetError(f"{name} cannot be started: there is no program {command[0]}")
        guard = shutil.which("setpriv")
        # The broker must not outlive a harness that was killed; the exec keeps the pid.
        guarded = [guard, "--pdeathsig", "TERM", *command] if guard else command
        with log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    guarded,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=directory,
                    start_new_session=True,
                )
            except OSError as error:
                raise TargetError(f"{name} cannot be started: {error}") from None

    @property
    def pid(self) -> int:
        """The process identifier."""
        return self._process.pid

    def await_port(self, port: int, timeout_seconds: float) -> None:
        """Return once the port accepts connections; TargetError with the end of the log when it does not."""
        deadline = time.monotonic() + timeout_seconds
        while not accepts(port):
            if self._process.poll() is not None:
                raise TargetError(f"{self._name} ended with status {self._process.returncode}: {self.log_tail()}")
            if time.monotonic() > deadline:
                raise TargetError(f"{self._name} did not listen within {timeout_seconds:.0f} s: {self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    def log_tail(self) -> str:
        """The last lines the process wrote."""
        return self._log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()

    def kill(self) -> None:
        """End it as a power cut would, from its point of view."""
        self._process.kill()
        self.stop()

    def stop(self) -> None:
        """Ask to end, then insist; also ends helpers the process left in its group."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def accepts(port: int) -> bool:
    """Whether something on loopback accepts connections at the port."""
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex(("127.0.0.1", port)) == 0
