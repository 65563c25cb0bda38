"""The tasks that the broker runs for itself: each has this one owner, and none ends without a word.

A task that dies unnoticed takes its work with it: no heartbeats, no deadlines, no alarms for the rest of the process.
An error in one of them is therefore the end of the process, which its supervisor starts again.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)


class Tasks:
    """Runs tasks until `close`."""

    def __init__(self, stop: Callable[[], None]) -> None:
        """`stop` ends the process."""
        self._stop = stop
        self._running: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Runs `work`, which is named in the log should it fail."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.critical("the broker stops: %s failed", task.get_name(), exc_info=error)
            self._stop()

    def close(self) -> None:
        """Cancels everything."""
        for task in list(self._running):
            task.cancel()
