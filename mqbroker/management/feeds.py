"""What happened last, for those who look and those who follow: events of the broker, lines of its log.

Each feed keeps so many and forgets the oldest. Followers are told by an asyncio.Event that there is more, and read from
where they were: who is too slow is told how many it has missed, and holds up nobody.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mqbroker.core.events import Event
from mqbroker.management.limits import FEED_KEPT

Line = Mapping[str, Any]


class Feed:
    """The last lines of one kind, numbered from 1."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=FEED_KEPT)
        self._followers: set[asyncio.Event] = set()
        self.last = 0
        """The number of the newest line."""

    def add(self, line: Line) -> None:
        """One more."""
        self.last += 1
        self._lines.append({"number": self.last, **line})
        for follower in self._followers:
            follower.set()

    def clear(self) -> None:
        """Forgets what there was."""
        self._lines.clear()

    def since(self, number: int) -> Sequence[Line]:
        """What came after that number, as far as it is still known."""
        return [line for line in self._lines if line["number"] > number]

    def follow(self, follower: asyncio.Event) -> None:
        """Has it set whenever there is more."""
        self._followers.add(follower)

    def leave(self, follower: asyncio.Event) -> None:
        """It does not want to know any more."""
        self._followers.discard(follower)


def event_line(event: Event) -> Line:
    """An event of the broker."""
    return {"at": event.at_ms, "name": event.name, "fields": dict(event.fields)}


def soon_on(loop: asyncio.AbstractEventLoop) -> Callable[..., object]:
    """Has something called soon on the loop of this thread, from any thread. Only others have to wake it: that would be
    a system call for each line of the log."""
    thread = threading.get_ident()

    def call_soon(work: Callable[..., object], *arguments: object) -> None:
        call = loop.call_soon if threading.get_ident() == thread else loop.call_soon_threadsafe
        call(work, *arguments)

    return call_soon


class LogFeed(logging.Handler):
    """Takes the lines of the log into a feed. Threads may log; the feed is the loop's."""

    def __init__(self, feed: Feed, call_soon: Callable[..., object]) -> None:
        super().__init__()
        self._feed = feed
        self._call_soon = call_soon

    def emit(self, record: logging.LogRecord) -> None:
        """Overrides Handler's."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {record.exc_info[1]!r}"
        line = {
            "at": int(record.created * 1000),
            "level": record.levelname.lower(),
            "category": record.name,
            "text": text,
        }
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody follows any more
            self._call_soon(self._feed.add, line)
