"""A Celery worker in a process of its own, for tests that hand it tasks."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

LINE_TIMEOUT_S = 40
STOP_TIMEOUT_S = 20


class WorkerProcess:
    """`celery worker`, started by a `with` block and stopped, as an operator would stop it, at its end.

    `app` is the module of the application, found from `folder`. What the worker writes is kept, and can be waited for.
    """

    def __init__(self, app: str, folder: Path, environment: Mapping[str, str], *options: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(folder), **environment}
        self.command = [
            sys.executable, "-m", "celery", "-A", app, "worker", "--loglevel=INFO", "--without-gossip", *options,
        ]  # fmt: skip
        self.lines: list[str] = []
        self._new_lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            cwd=self.folder,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self.wait_for_line("ready.")
        except BaseException:
            self._stop()
            raise
        return self

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._new_lines.put(line)
        self._new_lines.put(None)

    def wait_for_line(self, text: str) -> str:
        """The next line that it writes with this text in it."""
        while True:
            try:
                line = self._new_lines.get(timeout=LINE_TIMEOUT_S)
            except queue.Empty:
                line = None
            assert line is not None, f"the worker did not say {text!r}, but:\n{''.join(self.lines)}"
            self.lines.append(line)
            if text in line:
                return line

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self._reader.join()
            assert self.process.stdout is not None
            self.process.stdout.close()
