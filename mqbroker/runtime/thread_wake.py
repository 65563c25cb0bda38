"""How the journal's threads reach the loop: what they report is done there, at the end of a turn."""

import asyncio
from collections.abc import Callable
from threading import Lock

Work = Callable[[], None]


class ThreadWake:
    """Has work done on the loop's thread. While it is held, which is while another thread opens the journal and waits
    for reports itself, reports are gathered: whoever waits must get them first."""

    def __init__(self, run: Callable[[Work], None], is_held: bool = False) -> None:
        """`run` does the work, on the loop."""
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._gathered: list[Work] | None = [] if is_held else None

    def __call__(self, work: Work) -> None:
        """From any thread."""
        if self._gathered is not None:
            with self._lock:
                if self._gathered is not None:
                    self._gathered.append(work)
                    return
        self._call(work)

    def _call(self, work: Work) -> None:
        try:
            self._loop.call_soon_threadsafe(self._run, work)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            # The process ends, and does not wait for the disk: nobody keeps a promise any more.

    def release(self) -> None:
        """Has everything done that was gathered, and what comes from here on at once."""
        with self._lock:
            gathered, self._gathered = self._gathered or [], None
        for work in gathered:
            self._call(work)
