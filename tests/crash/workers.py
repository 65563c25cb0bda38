"""Clients that go on through every crash: publishers with confirms, consumers with acknowledgements and transactions.

Each is a task that connects, works until the connection breaks or a step of it takes too long (patience.py), and
connects again until it is told to stop. They are ordinary aio-pika clients; what they do and are told goes to the
oracle.
"""

import asyncio
from collections.abc import Callable
from random import Random

import aio_pika
import aiormq.exceptions
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from pamqp.common import FieldTable

from tests.crash.oracle import DEAD, FAN, SHORT, TRANSACTED, Oracle
from tests.crash.patience import Hung, connect, leave, within

# How the client library says that a connection is broken; it also cancels what its callers wait for.
BROKEN = (aiormq.exceptions.AMQPError, OSError, asyncio.CancelledError, TimeoutError, RuntimeError)
KINDS = ("work", "work", TRANSACTED, "urgent", SHORT, FAN)
SIZES = (0, 1, 20, 100, 100, 100, 1000, 1000, 20_000, 300 * 1024)
TTL_MS = 60
TOP_PRIORITY = 3
BATCH = 16
RETRY_S = 0.03
IDLE_S = 0.2
QUIET_ROUNDS = 15  # of so much idleness, until a consumer asks for a sign of life
PREFETCH = 40
REQUEUE_SHARE = 0.02


async def declare(url: str) -> None:
    """Declares what the clients use, once: it has to survive like everything else."""
    connection = await connect(url)
    try:
        await within(_declare(await within(connection.channel(), "opening a channel")), "declaring")
    finally:
        await leave(connection)


async def _declare(channel: AbstractChannel) -> None:
    fan = await channel.declare_exchange(FAN, aio_pika.ExchangeType.FANOUT, durable=True)
    for number in (1, 2, 3):
        queue = await channel.declare_queue(f"fan.{number}", durable=True)
        await queue.bind(fan)
    for name in ("work", TRANSACTED, DEAD):
        await channel.declare_queue(name, durable=True)
    await channel.declare_queue("urgent", durable=True, arguments={"x-max-priority": TOP_PRIORITY})
    expiry: FieldTable = {
        "x-message-ttl": TTL_MS, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD
    }  # fmt: skip
    await channel.declare_queue(SHORT, durable=True, arguments=expiry)


class Worker:
    """A client with a will to go on. Subclasses say what it does with a channel."""

    confirms = False

    def __init__(self, oracle: Oracle, url: Callable[[], str]) -> None:
        self.oracle = oracle
        self.url = url
        self.is_stopping = False
        self.hangs: list[str] = []
        """What its client did not do in time."""
        self.task = asyncio.create_task(self._run())

    def check(self) -> None:
        """Raises what it ended with, if it has: it would not do its part any more, and something else be blamed."""
        if self.task.done() and not self.task.cancelled():
            self.task.result()

    async def stop(self) -> None:
        """Ends when what it is doing is done. What went wrong in it is raised here."""
        self.is_stopping = True
        await self.task

    async def dismiss(self) -> None:
        """Ends at once, whatever it was doing."""
        self.is_stopping = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self) -> None:
        while not self.is_stopping:
            try:
                await self._connect_and_work()
            except Hung as hung:
                self.hangs.append(f"{type(self).__name__} {hung}")
            except BROKEN:
                await asyncio.sleep(RETRY_S)
            except Exception as error:
                if type(error) is not Exception:
                    raise
                # aiormq's word for a wait that it gives up; a client that ended with it left its queue to nobody
                await asyncio.sleep(RETRY_S)

    async def _connect_and_work(self) -> None:
        connection = await connect(self.url())
        broken = asyncio.Event()
        connection.close_callbacks.add(lambda *_: broken.set())
        try:
            channel = await within(connection.channel(publisher_confirms=self.confirms), "opening a channel")
            await self.work(channel, broken)
        finally:
            await leave(connection)

    async def work(self, channel: AbstractChannel, broken: asyncio.Event) -> None:
        """Works until `is_stopping`, or until the connection is `broken`. Overridden."""
        raise NotImplementedError


class Publisher(Worker):
    """Publishes messages of every kind, a batch at a time; sends none of them twice."""

    confirms = True

    def __init__(self, oracle: Oracle, url: Callable[[], str], number: int, chance: Random) -> None:
        self.number = number
        self.chance = chance
        self.count = 0
        super().__init__(oracle, url)

    async def work(self, channel: AbstractChannel, broken: asyncio.Event) -> None:
        fan = await channel.get_exchange(FAN, ensure=False)
        exchanges = {FAN: fan}
        while not self.is_stopping and not broken.is_set():
            batch = []
            for _ in range(BATCH):
                kind = self.chance.choice(KINDS)
                batch.append(self._publish(exchanges.get(kind, channel.default_exchange), kind))
            outcomes = await within(asyncio.gather(*batch, return_exceptions=True), "waiting for confirms")
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _publish(self, exchange: AbstractExchange, kind: str) -> None:
        self.count += 1
        priority = self.chance.randrange(TOP_PRIORITY + 1)
        body = self.chance.randbytes(self.chance.choice(SIZES))
        ident = self.oracle.note_sent(self.number, self.count, kind, priority, body)
        message = aio_pika.Message(
            body, message_id=ident, priority=priority, delivery_mode=aio_pika.DeliveryMode.PERSISTENT
        )  # fmt: skip
        await exchange.publish(message, routing_key=kind)
        self.oracle.note_confirmed(ident)


class Consumer(Worker):
    """Acknowledges what it gets, and gives some of it back the first time."""

    def __init__(self, oracle: Oracle, url: Callable[[], str], queue: str, chance: Random) -> None:
        self.queue = queue
        self.chance = chance
        self.gives_back = True
        super().__init__(oracle, url)

    async def work(self, channel: AbstractChannel, broken: asyncio.Event) -> None:
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await within(self._subscribe(channel, arrived), "subscribing")
        quiet = 0
        while not broken.is_set():
            messages = await self._next(arrived)
            if not messages and self.is_stopping:
                return
            for message in messages:
                self._note(message)
            await within(self.settle(channel, messages), "settling")
            quiet = 0 if messages else quiet + 1
            if quiet % QUIET_ROUNDS == QUIET_ROUNDS - 1:
                await within(channel.declare_queue(self.queue, passive=True), "asking for its queue")

    async def _subscribe(
        self, channel: AbstractChannel, arrived: "asyncio.Queue[AbstractIncomingMessage]"
    ) -> None:  # fmt: skip
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(self.queue)
        await queue.consume(arrived.put)

    async def _next(self, arrived: "asyncio.Queue[AbstractIncomingMessage]") -> list[AbstractIncomingMessage]:
        """What has arrived, at most a few; nothing after a moment, so that a broken connection is seen."""
        try:
            messages = [await asyncio.wait_for(arrived.get(), IDLE_S)]
        except TimeoutError:
            return []
        while not arrived.empty() and len(messages) < PREFETCH // 2:
            messages.append(arrived.get_nowait())
        return messages

    def _note(self, message: AbstractIncomingMessage) -> None:
        ident, redelivered = message.message_id or "", bool(message.redelivered)
        self.oracle.note_received(self.queue, ident, message.body, redelivered, message.headers)

    async def settle(self, channel: AbstractChannel, messages: list[AbstractIncomingMessage]) -> None:
        """Acknowledges or gives back."""
        for message in messages:
            if self.gives_back and not message.redelivered and self.chance.random() < REQUEUE_SHARE:
                await message.nack(requeue=True)
            else:
                await message.ack()


class TransactedConsumer(Consumer):
    """Acknowledges in transactions: what commit-ok covers must never come again."""

    async def work(self, channel: AbstractChannel, broken: asyncio.Event) -> None:
        await within(channel.transaction().select(), "selecting transactions")
        await super().work(channel, broken)

    async def settle(self, channel: AbstractChannel, messages: list[AbstractIncomingMessage]) -> None:
        if messages:
            for message in messages:
                await message.ack()
            await (await channel.get_underlay_channel()).tx_commit()
            self.oracle.note_settled([message.message_id or "" for message in messages])


def consumer(oracle: Oracle, url: Callable[[], str], queue: str, chance: Random) -> Consumer:
    """The consumer of one of the queues."""
    return (TransactedConsumer if queue == TRANSACTED else Consumer)(oracle, url, queue, chance)
