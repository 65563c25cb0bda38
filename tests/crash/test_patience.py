"""The tests' own clients: one that hangs is cut off and begins again, and nobody takes that for a loss of messages."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from aio_pika.abc import AbstractChannel

from tests.crash import patience
from tests.crash.oracle import Oracle
from tests.crash.patience import Hung, within
from tests.crash.test_kill import CONFIG, Ordeal
from tests.crash.workers import Consumer, Worker, declare
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp


async def test_a_step_has_a_time_even_if_it_cannot_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of AMQP waited for ever after a kill, and the test with it."""
    monkeypatch.setattr(patience, "STEP_TIMEOUT_S", 0.1)
    end = asyncio.Event()

    async def stubborn() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(Hung, match="being stubborn"):
        await within(stubborn(), "being stubborn")
    end.set()


class Relay:
    """Stands between a client and the broker; `freeze` makes it pass on nothing more of what the client says."""

    def __init__(self, port: int) -> None:
        self._broker_port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._frozen: set[socket.socket] = set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client = self._server.accept()[0]
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self._broker_port))
            self._sockets += (client, broker)
            threading.Thread(target=self._pass_on, args=(client, broker), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(broker, client), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if source not in self._frozen:
                    sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):  # a socket that another thread reads from is not closed by its `close`
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """For the connections that there are."""
        self._frozen.update(self._sockets)

    def close(self) -> None:
        """Ends everything."""
        for each in (self._server, *self._sockets):
            each.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", config=CONFIG) as process:
        yield process


async def test_a_consumer_that_hears_nothing_more_begins_again(
    broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It held what it had been sent for as long as the test ran, and that was said to be lost."""
    monkeypatch.setattr(patience, "STEP_TIMEOUT_S", 1)
    await declare(broker.url)
    relay = Relay(broker.ports["amqp"])
    oracle = Oracle()
    url = broker.url.replace(str(broker.ports["amqp"]), str(relay.port))
    worker = Consumer(oracle, lambda: url, "work", Random(1))
    with RawAmqp(broker.ports["amqp"]) as client:
        client.open()

        async def publish(number: int) -> None:
            ident = oracle.note_sent(1, number, "work", 0, b"x")
            client.publish("work", b"x", message_id=ident)
            async with asyncio.timeout(30):
                while ident not in oracle.received["work"]:
                    worker.check()
                    await asyncio.sleep(0.02)

        await publish(1)
        relay.freeze()
        await publish(2)
    assert worker.hangs
    await worker.dismiss()
    relay.close()
    assert not oracle.faults


async def test_what_a_client_does_not_take_is_told_from_what_is_lost(tmp_path: Path) -> None:
    """A test said that messages were missing, although all of them were in their queue."""
    ordeal = Ordeal(tmp_path / "data", 1, CONFIG)
    await ordeal.start(0)
    try:
        await declare(ordeal.broker.url)
        for number in (1, 2):
            ordeal.oracle.note_confirmed(ordeal.oracle.note_sent(1, number, "work", 0, b"x"))
        with RawAmqp(ordeal.broker.ports["amqp"]) as client:
            client.open()
            client.call("confirm.select")
            client.publish("work", b"x", message_id="1-1", delivery_mode=2)
            client.expect("basic.ack")
        said = await ordeal.account()
    finally:
        await asyncio.to_thread(ordeal.broker.kill)
    assert said.startswith("lost: ['1-2 from work']; 1 are still in the broker")


async def test_a_client_that_has_come_to_its_end_is_missed_at_once(broker: BrokerProcess) -> None:
    """It died of an error that nobody looked at, and a minute later its messages were said to be missing."""
    oracle = Oracle()
    oracle.note_received = None  # type: ignore[assignment, method-assign]
    await declare(broker.url)
    with RawAmqp(broker.ports["amqp"]) as client:
        client.open()
        client.publish("work", b"x", message_id="1-1")
        client.sync()
    worker = Consumer(oracle, lambda: broker.url, "work", Random(1))
    await asyncio.wait({worker.task}, timeout=30)
    with pytest.raises(TypeError):
        worker.check()


class Startled(Worker):
    """Ends a wait once as aiormq may: with an exception that says nothing."""

    tries = 0

    async def work(self, channel: AbstractChannel, broken: asyncio.Event) -> None:
        self.tries += 1
        if self.tries == 1:
            raise Exception
        self.is_stopping = True


async def test_an_error_without_a_name_is_a_broken_connection(broker: BrokerProcess) -> None:
    """The client ended with it, and its queue had nobody who took anything any more."""
    worker = Startled(Oracle(), lambda: broker.url)
    await asyncio.wait({worker.task}, timeout=30)
    worker.check()
    assert worker.tries == 2
