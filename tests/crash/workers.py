"""Clients that go on through every crash: publishers with confirms, consumers with acknowledgements and transactions.

Each is a task that connects, works until the connection breaks, and connects again until it is told to stop. They are
ordinary aio-pika clients; what they do and are told goes to the oracle.
"""

import asyncio
from collections.abc import Callable
from random import Random

import aio_pika
import aiormq.exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from tests.crash.oracle import DEAD, FAN, SHORT, TRANSACTED, Oracle

BROKEN = (aiormq.exceptions.AMQPError, ConnectionError, asyncio.CancelledError, TimeoutError, RuntimeError)
KINDS = ("work", "work", TRANSACTED, "urgent", SHORT, FAN)
SIZES = (0, 1, 20, 100, 100, 100, 1000, 1000, 20_000, 300 * 1024)
TTL_MS = 60
TOP_PRIORITY = 3
BATCH = 16
RETRY_S = 0.03


async def declare(url: str) -> None:
    """Declares what the clients use, once: it has to survive like everything else."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        fan = await channel.declare_exchange(FAN, aio_pika.ExchangeType.FANOUT, durable=True)
        for number in (1, 2, 3):
            queue = await channel.declare_queue(f"fan.{number}", durable=True)
            await queue.bind(fan)
        for name in ("work", TRANSACTED, DEAD):
            await channel.declare_queue(name, durable=True)
        await channel.declare_queue("urgent", durable=True, arguments={"x-max-priority": TOP_PRIORITY})
        expiry = {"x-message-ttl": TTL_MS, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
        await channel.declare_queue(SHORT, durable=True, arguments=expiry)


async def count_messages(url: str, queues: tuple[str, ...]) -> dict[str, int]:
    """How many messages wait in each queue that is not empty."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        counts = {}
        for name in queues:
            queue = await channel.declare_queue(name, passive=True)
            counts[name] = queue.declaration_result.message_count or 0
    return {name: count for name, count in counts.items() if count}


class Worker:
    """A client with a will to go on. Subclasses say what it does with a channel."""

    confirms = False

    def __init__(self, oracle: Oracle, url: Callable[[], str]) -> None:
        self.oracle = oracle
        self.url = url
        self.is_stopping = False
        self.task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends when what it is doing is done. What went wrong in it is raised here."""
        self.is_stopping = True
        await self.task

    async def _run(self) -> None:
        while not self.is_stopping:
            try:
                connection = await aio_pika.connect(self.url())
            except BROKEN:
                await asyncio.sleep(RETRY_S)
                continue
            await self._use(connection)

    async def _use(self, connection: AbstractConnection) -> None:
        broken = asyncio.Event()
        connection.close_callbacks.add(lambda *_: broken.set())
        try:
            channel = await connection.channel(publisher_confirms=self.confirms)
            await self.work(channel, broken)
        except BROKEN:
            if asyncio.current_task() in asyncio.all_tasks() and (task := asyncio.current_task()) and task.cancelling():
                raise
        finally:
            await _close(connection)

    async def work(self, channel: AbstractChannel, broken: asyncio.Event) -> None:
        """Works until `is_stopping`, or until the connection is `broken`. Overridden."""
        raise NotImplementedError


async def _close(connection: AbstractConnection) -> None:
    try:
        await connection.close()
    except BROKEN:
        return
