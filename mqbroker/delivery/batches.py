"""Records that are written together: each waits until the batch that it is in is written.

A batch is open until it has as many records or octets as it may have, or until its time is over.
"""

import asyncio
from collections.abc import Awaitable, Callable

from mqbroker.delivery.lane import Workshop
from mqbroker.delivery.limits import BATCH_RECORDS_MAX

Write = Callable[[list[bytes]], Awaitable[int]]


class _Batch:
    """Records of one batch."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.size_bytes = 0
        self.is_full = asyncio.Event()
        self.task: asyncio.Task[int] | None = None


class Batches:
    """The batches of one place."""

    def __init__(self, write: Write, wait_s: float, size_max: int, shop: Workshop) -> None:
        """`write` writes a batch; what it says or raises is said to all whose records are in it. A batch is written
        after so many seconds, or once it has so many octets."""
        self._write = write
        self._wait_s = wait_s
        self._size_max = size_max
        self._shop = shop
        self._open: _Batch | None = None

    async def add(self, record: bytes) -> int:
        """Writes a record with others; what is said of them."""
        batch = self._open
        if batch is None or batch.task is None:
            batch = self._open = _Batch()
            batch.task = self._shop.start(self._run(batch))
        batch.records.append(record)
        batch.size_bytes += len(record)
        if len(batch.records) >= BATCH_RECORDS_MAX or batch.size_bytes >= self._size_max:
            batch.is_full.set()
            self._open = None
        return await asyncio.shield(batch.task)  # who gives up does not end the batch of the others

    async def _run(self, batch: _Batch) -> int:
        try:
            async with asyncio.timeout(self._wait_s):
                await batch.is_full.wait()
        except TimeoutError:
            pass
        if self._open is batch:
            self._open = None
        return await self._write(batch.records)
