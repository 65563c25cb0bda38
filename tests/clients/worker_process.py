"""A Celery worker in a process of its own, for tests that hand it tasks."""

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.clients import celery_app

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 40
STOP_TIMEOUT_S = 20


class WorkerProcess:
    """`celery worker`, started by a `with` block and stopped, as an operator would stop it, at its end.

    `options` are command line options of the worker. What it writes is kept, and can be waited for.
    """

    def __init__(self, broker_url: str, result_backend: str, queue_type: str, *options: str) -> None:
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            celery_app.BROKER_URL: broker_url,
            celery_app.RESULT_BACKEND: result_backend,
            celery_app.QUEUE_TYPE: queue_type,
        }
        self.command = [
            sys.executable, "-m", "celery", "-A", "tests.clients.celery_app", "worker", "--loglevel=INFO",
            "--without-gossip", *options,
        ]  # fmt: skip
        self.lines: list[str] = []
        self._new_lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment, cwd=ROOT
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.wait_for_line("ready.")
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
                line = self._new_lines.get(timeout=START_TIMEOUT_S)
            except queue.Empty:
                line = None
            assert line is not None, f"the worker did not say {text!r}, but:\n{''.join(self.lines)}"
            self.lines.append(line)
            if text in line:
                return line

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
