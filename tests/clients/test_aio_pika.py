"""aio-pika: asyncio services, with robust connections that come back when the broker does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError, PublishError
from aio_pika.patterns import RPC, JsonMaster

from tests.support.broker_process import BrokerProcess

TIMEOUT_S = 20


@pytest.fixture
async def channel(broker: BrokerProcess) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(broker.url)
    async with connection:
        yield await connection.channel()


async def collect(queue: AbstractQueue, count: int) -> list[AbstractIncomingMessage]:
    """Consumes and acknowledges `count` messages."""
    found = []
    async with asyncio.timeout(TIMEOUT_S), queue.iterator() as messages:
        async for message in messages:
            await message.ack()
            found.append(message)
            if len(found) == count:
                break
    return found


def bodies(messages: list[AbstractIncomingMessage]) -> list[bytes]:
    return [message.body for message in messages]


async def test_a_message_goes_round_with_its_properties(channel: AbstractChannel) -> None:
    queue = await channel.declare_queue(exclusive=True)
    sent = Message(
        b"{}",
        content_type="application/json",
        headers={"n": 1, "s": "t"},
        priority=2,
        correlation_id="c",
        expiration=60,
    )
    await channel.default_exchange.publish(sent, queue.name)
    received = await queue.get(timeout=TIMEOUT_S)
    await received.ack()
    assert (received.body, received.content_type, received.correlation_id) == (b"{}", "application/json", "c")
    assert (received.headers, received.priority, received.expiration) == ({"n": 1, "s": "t"}, 2, 60)


async def test_concurrent_publishes_are_all_confirmed(channel: AbstractChannel) -> None:
    queue = await channel.declare_queue(exclusive=True)
    publishes = (channel.default_exchange.publish(Message(b"%d" % number), queue.name) for number in range(1000))
    await asyncio.gather(*publishes)
    assert sorted(bodies(await collect(queue, 1000)), key=int) == [b"%d" % number for number in range(1000)]


async def test_a_full_queue_and_a_missing_queue_fail_the_publish(broker: BrokerProcess) -> None:
    arguments: dict[str, Any] = {"x-max-length": 1, "x-overflow": "reject-publish"}
    async with await aio_pika.connect(broker.url) as connection:
        channel = await connection.channel(on_return_raises=True)
        queue = await channel.declare_queue(exclusive=True, arguments=arguments)
        await channel.default_exchange.publish(Message(b"taken"), queue.name)
        with pytest.raises(DeliveryError):
            await channel.default_exchange.publish(Message(b"too many"), queue.name)
        with pytest.raises(PublishError):
            await channel.default_exchange.publish(Message(b"lost"), "nowhere")


async def test_a_missing_queue_is_a_404_and_the_channel_is_opened_again(broker: BrokerProcess) -> None:
    async with await aio_pika.connect_robust(broker.url) as connection:
        channel = await connection.channel()
        with pytest.raises(ChannelNotFoundEntity, match="NOT_FOUND - no queue 'missing' in vhost '/'"):
            await channel.declare_queue("missing", passive=True)
        again = await connection.channel()
        assert await again.declare_queue(exclusive=True)


@pytest.mark.parametrize(
    ("kind", "binding", "hits", "misses"),
    [
        (ExchangeType.FANOUT, "", ["a", ""], []),
        (ExchangeType.DIRECT, "a", ["a"], ["b", "a.b"]),
        (ExchangeType.TOPIC, "a.*.#", ["a.b", "a.b.c.d"], ["a", "b.a"]),
        (ExchangeType.X_CONSISTENT_HASH, "1", ["a", "b"], []),
    ],
)
async def test_an_exchange_routes_by_its_kind(
    channel: AbstractChannel, name: str, kind: ExchangeType, binding: str, hits: list[str], misses: list[str]
) -> None:
    exchange = await channel.declare_exchange(name, kind, auto_delete=True)
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, binding)
    for key in [*misses, *hits]:
        await exchange.publish(Message(key.encode()), key, mandatory=False)
    assert bodies(await collect(queue, len(hits))) == [key.encode() for key in hits]


async def test_an_exchange_bound_to_an_exchange_passes_on(channel: AbstractChannel, name: str) -> None:
    source = await channel.declare_exchange(name, ExchangeType.TOPIC, auto_delete=True)
    headers = await channel.declare_exchange(f"{name}-headers", ExchangeType.HEADERS, auto_delete=True)
    queue = await channel.declare_queue(exclusive=True)
    await headers.bind(source, "#")
    await queue.bind(headers, arguments={"x-match": "any", "a": 1, "b": 2})
    await source.publish(Message(b"no", headers={"a": 2}), "k", mandatory=False)
    await source.publish(Message(b"yes", headers={"b": 2}), "k")
    assert bodies(await collect(queue, 1)) == [b"yes"]


async def test_a_delayed_message_comes_after_the_one_sent_behind_it(channel: AbstractChannel, name: str) -> None:
    exchange = await channel.declare_exchange(
        name, ExchangeType.X_DELAYED_MESSAGE, auto_delete=True, arguments={"x-delayed-type": "direct"}
    )
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, "k")
    await exchange.publish(Message(b"late", headers={"x-delay": 200}), "k", mandatory=False)
    await exchange.publish(Message(b"at once"), "k", mandatory=False)
    assert bodies(await collect(queue, 2)) == [b"at once", b"late"]


async def test_a_transaction_is_all_or_nothing(broker: BrokerProcess) -> None:
    async with await aio_pika.connect(broker.url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue(exclusive=True)
        async with channel.transaction():
            await channel.default_exchange.publish(Message(b"one"), queue.name)
            await channel.default_exchange.publish(Message(b"two"), queue.name)
            assert await queue.get(fail=False) is None
        transaction = channel.transaction()
        await transaction.select()
        await channel.default_exchange.publish(Message(b"never"), queue.name)
        await transaction.rollback()
        await transaction.commit()
        assert bodies(await collect(queue, 2)) == [b"one", b"two"]
        assert await queue.get(fail=False) is None


async def test_a_rejected_message_is_dead_lettered_with_its_history(channel: AbstractChannel) -> None:
    dead = await channel.declare_queue(exclusive=True)
    arguments: dict[str, Any] = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name}
    queue = await channel.declare_queue(exclusive=True, arguments=arguments)
    await channel.default_exchange.publish(Message(b"bad"), queue.name)
    taken = await queue.get(timeout=TIMEOUT_S)
    await taken.reject(requeue=False)
    (letter,) = await collect(dead, 1)
    deaths: Any = letter.headers["x-death"]
    assert [(death["reason"], death["queue"], death["count"]) for death in deaths] == [("rejected", queue.name, 1)]
    assert letter.headers["x-first-death-queue"] == queue.name


async def test_an_expired_message_is_dead_lettered(channel: AbstractChannel) -> None:
    dead = await channel.declare_queue(exclusive=True)
    arguments: dict[str, Any] = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name}
    queue = await channel.declare_queue(exclusive=True, arguments=arguments)
    await channel.default_exchange.publish(Message(b"old", expiration=0.05), queue.name)
    (letter,) = await collect(dead, 1)
    assert (letter.body, letter.expiration) == (b"old", None)


async def test_prefetch_bounds_what_a_consumer_holds(channel: AbstractChannel) -> None:
    await channel.set_qos(prefetch_count=3)
    queue = await channel.declare_queue(exclusive=True)
    held: list[AbstractIncomingMessage] = []
    more = asyncio.Event()

    async def hold(message: AbstractIncomingMessage) -> None:
        held.append(message)
        more.set()

    await queue.consume(hold)
    for number in range(5):
        await channel.default_exchange.publish(Message(b"%d" % number), queue.name)
    declared = await channel.declare_queue(queue.name, passive=True)
    assert (len(held), declared.declaration_result.message_count) == (3, 2)
    more.clear()
    await held[0].ack()
    await asyncio.wait_for(more.wait(), TIMEOUT_S)
    assert bodies(held) == [b"0", b"1", b"2", b"3"]


async def test_remote_calls_come_back_with_results_and_errors(channel: AbstractChannel, name: str) -> None:
    rpc = await RPC.create(channel)

    async def divide(*, a: int, b: int) -> float:
        return a / b

    await rpc.register(name, divide, auto_delete=True)
    async with asyncio.timeout(TIMEOUT_S):
        assert await rpc.call(name, {"a": 6, "b": 3}) == 2
        with pytest.raises(ZeroDivisionError):
            await rpc.call(name, {"a": 6, "b": 0})
    await rpc.unregister(divide)
    await rpc.close()


async def test_workers_share_the_tasks_of_a_master(channel: AbstractChannel, name: str) -> None:
    await channel.set_qos(prefetch_count=1)
    master = JsonMaster(channel)
    done: list[int] = []
    all_done = asyncio.Event()

    async def work(*, number: int) -> None:
        done.append(number)
        if len(done) == 20:
            all_done.set()

    workers = [await master.create_worker(name, work, auto_delete=True) for _ in range(2)]
    for number in range(20):
        await master.create_task(name, {"number": number})
    await asyncio.wait_for(all_done.wait(), TIMEOUT_S)
    assert sorted(done) == list(range(20))
    for worker in workers:
        await worker.close()


async def test_an_answer_comes_back_by_direct_reply_to(channel: AbstractChannel) -> None:
    server = await channel.declare_queue(exclusive=True)
    reply_queue = await channel.get_queue("amq.rabbitmq.reply-to")
    answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: AbstractIncomingMessage) -> None:
        answers.put_nowait(message.body)

    await reply_queue.consume(take, no_ack=True)
    await channel.default_exchange.publish(Message(b"ask", reply_to="amq.rabbitmq.reply-to"), server.name)
    request = await server.get(timeout=TIMEOUT_S)
    await request.ack()
    assert request.reply_to is not None
    assert request.reply_to.startswith("amq.rabbitmq.reply-to.")
    await channel.default_exchange.publish(Message(b"answer"), request.reply_to)
    assert await asyncio.wait_for(answers.get(), TIMEOUT_S) == b"answer"


async def test_it_speaks_tls_with_a_verified_certificate(broker: BrokerProcess) -> None:
    context = ssl.create_default_context(cafile=str(broker.data_dir / "certs" / "ca.pem"))
    url = f"amqps://guest:guest@localhost:{broker.ports['amqps']}/"
    async with await aio_pika.connect(url, ssl_context=context) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await channel.default_exchange.publish(Message(bytes(300_000)), queue.name)
        assert bodies(await collect(queue, 1)) == [bytes(300_000)]


# aiormq 6, which goes with the lowest versions, forgets its stream when it is refused.
@pytest.mark.filterwarnings("ignore:Exception ignored in. .function StreamWriter:pytest.PytestWarning")
@pytest.mark.parametrize("ending", ["kill", "stop"])
async def test_a_robust_connection_goes_on_after_a_restart(broker: BrokerProcess, name: str, ending: str) -> None:
    connection = await aio_pika.connect_robust(broker.url, reconnect_interval=0.1, fail_fast="0")
    lost, back = asyncio.Event(), asyncio.Event()
    connection.close_callbacks.add(lambda *_: lost.set())
    connection.reconnect_callbacks.add(lambda *_: back.set())
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: AbstractIncomingMessage) -> None:
        await message.ack()
        received.put_nowait(message.body)

    channel = await connection.channel()
    exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, auto_delete=True)
    queue = await channel.declare_queue(exclusive=True)  # the client has to bring all three back
    await queue.bind(exchange)
    await queue.consume(take)
    durable = await channel.declare_queue(f"{name}-durable", durable=True)
    kept = Message(b"kept", delivery_mode=DeliveryMode.PERSISTENT)
    await channel.default_exchange.publish(kept, durable.name)
    await exchange.publish(Message(b"before"), "")
    async with asyncio.timeout(TIMEOUT_S):
        assert await received.get() == b"before"
        await asyncio.to_thread(getattr(broker, ending))
        await lost.wait()
        await asyncio.to_thread(broker.start)
        await back.wait()
        await exchange.publish(Message(b"after"), "")
        assert await received.get() == b"after"
        assert bodies(await collect(durable, 1)) == [b"kept"]
    await connection.close()
