"""A real broker in a process of its own, on free ports of the loopback interface, for tests with real clients."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

ON_ANY_DISK = {"MQBROKER_LIMITS_DISK_FREE_MIN_BYTES": str(64 * 1024 * 1024)}
"""In the environment of a broker: a nearly full disk does not block publishers, as it would by default."""
START_TIMEOUT_S = 50  # under the time that a test has; a busy machine may need a third of it
STOP_TIMEOUT_S = 20

_LISTENING = re.compile(r"^  listening   (\w+)://(\S+):(\d+)$")


class BrokerProcess:
    """`mqbroker serve`, started by `start()` or a `with` block; `ports` maps schemes to what was taken.

    `options` are command line options beside the listeners and the data directory. The log goes to `log_path`.
    `python` is the interpreter of another environment that mqbroker is installed in. `banner` is what it has printed.
    """

    module = "mqbroker"
    """What is run, by `python -m`."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        schemes: tuple[str, ...] = ("amqp",),
        config: str | None = None,
        python: Path | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.schemes = schemes
        self.options = options
        self.config = config
        self.python = python
        self.banner: list[str] = []
        self.ports: dict[str, int] = {}
        self.log_path = data_dir.parent / f"{data_dir.name}.log"
        self.process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self.process is not None
        return self.process.pid

    @property
    def url(self) -> str:
        """An AMQP URL for the user guest in the default vhost."""
        return f"amqp://guest:guest@127.0.0.1:{self.ports['amqp']}/%2f"

    def command(self) -> list[str]:
        """The command line. After the first start the same ports are asked for again: clients reconnect to them."""
        # -P: what is installed there, not the sources that lie in the working directory.
        program = [sys.executable] if self.python is None else [str(self.python), "-P"]
        command = [*program, "-m", self.module, "serve", "--data-dir", str(self.data_dir)]
        if self.config is not None:
            path = self.data_dir.parent / f"{self.data_dir.name}.toml"
            path.write_text(self.config)
            command += ["--config", str(path)]
        for scheme in self.schemes:
            command += ["--listen", f"{scheme}://127.0.0.1:{self.ports.get(scheme, 0)}"]
        return [*command, *self.options]

    def environment(self) -> dict[str, str]:
        """The environment that it runs in, on any disk unless it is configured otherwise."""
        own = {} if "disk_free_min_bytes" in (self.config or "") else ON_ANY_DISK
        return {**os.environ, "PYTHONUNBUFFERED": "1", **own}

    def start(self) -> Self:
        """Starts it and waits until it listens. AssertionError with its log if it does not."""
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment(),
            )
        assert self.process.stdout is not None
        missing = set(self.schemes)
        self.banner = []
        # The process that is killed closes its output, and so ends the wait for it.
        watchdog = threading.Timer(START_TIMEOUT_S, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                self.banner.append(line.rstrip("\n"))
                found = _LISTENING.match(line)
                if found:
                    self.ports[found[1]] = int(found[3])
                    missing.discard(found[1])
                    if not missing:
                        return self
        finally:
            watchdog.cancel()
        raise AssertionError(f"the broker did not start:\n{self.log_path.read_text()}")

    def kill(self) -> None:
        """Ends it as a power cut would, from the process's point of view: SIGKILL."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """Ends it in order with SIGTERM; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        assert self.process is not None
        try:
            code = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
        return code

    def log(self) -> str:
        """What it has logged so far."""
        return self.log_path.read_text()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.stop()
        elif self.process.stdout is not None:
            self.process.stdout.close()
