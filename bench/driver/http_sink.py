"""An HTTP server that notifications are delivered to, one endpoint for each path, in a thread of this process.

It notes how long each message took, which the message says itself: its text is the time at which it was published.
Paths that begin with /hang take what they are sent and answer nothing, but for requests to confirm a subscription.
"""

import asyncio
import json
import re
import threading
import time
from queue import Queue
from types import TracebackType
from typing import Self

from bench.errors import VerificationError

HANGING = "/hang"
_START_SECONDS = 10
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_HEAD = re.compile(rb"POST (\S+) .*?content-length: (\d+)\r\n", re.IGNORECASE | re.DOTALL)
_CONFIRMATION = b"SubscriptionConfirmation"


class HttpSink:
    """The server. It serves until its `with` block ends."""

    def __init__(self) -> None:
        self.tokens: Queue[str] = Queue()
        """Of requests to confirm a subscription."""
        self.latencies: list[float] = []
        """In seconds, of all that was answered."""
        self._wanted = 0
        self._all_there = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def expect(self, count: int) -> None:
        """So many messages more are to arrive: see `wait`."""
        self._all_there.clear()
        self._wanted = len(self.latencies) + count

    def wait(self, seconds: float) -> bool:
        """Whether all that is expected arrives within the seconds."""
        return self._all_there.wait(seconds)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, backlog=1024)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _HEAD.match(head)
                if found is None:
                    return
                body = await reader.readexactly(int(found[2]))
                if _CONFIRMATION in head:
                    self.tokens.put(json.loads(body)["Token"])
                elif found[1].startswith(HANGING.encode()):
                    await reader.read()
                    return
                else:
                    self._note(body)
                writer.write(_OK)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _note(self, body: bytes) -> None:
        self.latencies.append(time.monotonic() - float(body))
        if len(self.latencies) >= self._wanted:
            self._all_there.set()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise VerificationError("the server for notifications does not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_START_SECONDS)
