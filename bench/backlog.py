"""What a long backlog costs: `python -m bench.backlog --messages 10000000 --body 100`.

One durable queue is filled with persistent messages, with publisher confirms; then the broker is killed (SIGKILL),
started again, and the queue is drained in order. Printed is: the rate of publishing into the empty queue and into the
long one, resident memory at its highest, the time from start to the first answer, the rate of draining, and that of a
queue that never leaves memory. Every message carries its number; one that is missing, doubled or out of order is an
error.
"""

import os
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
from pamqp import commands, frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from bench.driver.amqp import CHANNEL, AmqpConnection
from bench.driver.jobs import Endpoint
from bench.errors import BenchError, TargetError
from bench.targets.base import free_ports
from bench.targets.process import BrokerProcess

QUEUE = "backlog"
SHORT = 50_000
PREFETCH = 4000
ACK_EVERY = 1000
WINDOW = 20_000  # messages published ahead of their confirms
BURST = 500
_FRAME = struct.Struct(">BHI")
_DELIVER = (60, 60)


@dataclass
class Broker:
    """A broker that is started and killed."""

    python: str
    place: Path
    memory_limit: str
    port: int
    process: BrokerProcess | None = None
    rss_max: int = 0

    def start(self) -> float:
        """Starts it; the seconds until it answers."""
        settings = self.place / "mqbroker.toml"
        settings.write_text(f'[limits]\nmemory_limit = "{self.memory_limit}"\ndisk_free_min_bytes = 1\n')
        command = [
            self.python, "-P", "-m", "mqbroker", "serve", "--dev", "--listen", f"amqp://127.0.0.1:{self.port}",
            "--config", str(settings), "--data-dir", str(self.place / "data"), "--durability", "fsync",
        ]  # fmt: skip
        began = time.monotonic()
        self.process = BrokerProcess("mqbroker", command, self.place / "log")
        self.process.await_port(self.port, 600)
        with self.connect() as connection:
            connection.call(commands.Queue.Declare(queue=QUEUE, durable=True))
        return time.monotonic() - began

    def connect(self) -> AmqpConnection:
        """A connection."""
        return AmqpConnection(Endpoint("amqp", "127.0.0.1", self.port))

    def kill(self) -> None:
        """Kills it as the kernel does when memory runs out."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.stop()

    def watch(self) -> None:
        """Notes the resident memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        self.rss_max = max(self.rss_max, int(status.split("VmRSS:")[1].split()[0]) * 1024)


def publish(broker: Broker, first: int, count: int, size: int) -> float:
    """Publishes messages with these numbers, confirmed; the rate."""
    properties = commands.Basic.Properties(delivery_mode=2)
    head = frame.marshal(commands.Basic.Publish(routing_key=QUEUE), CHANNEL)
    head += frame.marshal(ContentHeader(0, size, properties), CHANNEL)
    began = time.monotonic()
    with broker.connect() as connection:
        connection.call(commands.Confirm.Select())
        confirmed = 0
        for at in range(0, count, BURST):
            part = range(first + at, first + min(at + BURST, count))
            bodies = [number.to_bytes(8, "big").ljust(size, b".") for number in part]
            connection.socket.sendall(b"".join([head + frame.marshal(ContentBody(body), CHANNEL) for body in bodies]))
            sent = at + len(bodies)
            while sent - confirmed > (WINDOW if sent < count else 0):
                confirmed = _confirmed(connection)
            if at % (BURST * 100) == 0:
                broker.watch()
    return count / (time.monotonic() - began)


def _confirmed(connection: AmqpConnection) -> int:
    answer = connection.receive()
    if not isinstance(answer, commands.Basic.Ack):
        raise BenchError(f"no confirm but {answer}")
    return answer.delivery_tag or 0


def drain(broker: Broker, first: int, count: int) -> float:
    """Takes so many messages, which have to come in order; the rate."""
    connection = broker.connect()
    connection.call(commands.Basic.Qos(prefetch_count=PREFETCH))
    began = time.monotonic()
    connection.call(commands.Basic.Consume(queue=QUEUE, consumer_tag="c"))
    numbers = Numbers(first)
    data = connection.buffer
    while numbers.taken < count:
        acked = numbers.taken // ACK_EVERY
        numbers.take(data)
        if numbers.taken // ACK_EVERY > acked or numbers.taken == count:
            connection.send(commands.Basic.Ack(delivery_tag=numbers.taken, multiple=True))
            if numbers.taken // ACK_EVERY % 50 == 0:
                broker.watch()
        if numbers.taken < count:
            data += _received(connection.socket)
    rate = count / (time.monotonic() - began)
    connection.close()
    return rate


def _received(taker: socket.socket) -> bytes:
    taker.settimeout(60)
    chunk = taker.recv(1 << 20)
    if not chunk:
        raise BenchError("the broker closed the connection")
    return chunk


class Numbers:
    """Reads deliveries, and the numbers in them."""

    def __init__(self, first: int) -> None:
        self.taken = 0
        self._first = first

    def take(self, data: bytearray) -> None:
        """Takes the whole messages in the data."""
        at, end = 0, len(data)
        while at + 7 <= end:
            kind, _, size = _FRAME.unpack_from(data, at)
            if at + 8 + size > end:
                break
            if kind == 3:
                self._note(int.from_bytes(data[at + 7 : at + 15], "big"))
            elif kind == 1 and struct.unpack_from(">HH", data, at + 7) != _DELIVER:
                raise BenchError("something else than a delivery has come")
            at += 8 + size
        del data[:at]

    def _note(self, number: int) -> None:
        expected = self._first + self.taken
        if number != expected:
            raise BenchError(f"message {number} has come where {expected} is due")
        self.taken += 1


def _timed(broker: Broker, over: threading.Event) -> Callable[[], None]:
    def look() -> None:
        while not over.wait(0.2):
            try:
                broker.watch()
            except (OSError, IndexError):
                return

    return look


@click.command(help=__doc__)
@click.option("--messages", default=1_000_000, show_default=True)
@click.option("--body", default=100, show_default=True, help="Octets of each message, 8 at least.")
@click.option("--memory-limit", default="40%", show_default=True)
@click.option("--python", default=sys.executable, help="The interpreter of the environment of the broker.")
def main(messages: int, body: int, memory_limit: str, python: str) -> None:
    with tempfile.TemporaryDirectory(dir=".", prefix="backlog-") as folder:
        broker = Broker(python, Path(folder), memory_limit, free_ports(1)[0])
        try:
            _measure(broker, messages, body)
        finally:
            if broker.process is not None:
                broker.kill()


def _measure(broker: Broker, messages: int, body: int) -> None:
    tell = click.echo
    broker.start()
    short = publish(broker, 0, SHORT, body)
    tell(f"publishing into the empty queue   {short:12,.0f} /s")
    tell(f"draining a short queue            {drain(broker, 0, SHORT):12,.0f} /s")
    over = threading.Event()
    threading.Thread(target=_timed(broker, over), daemon=True).start()
    long = publish(broker, 0, messages, body)
    tell(f"publishing {messages:,} messages {long:12,.0f} /s")
    broker.watch()
    over.set()
    tell(f"resident memory at most           {broker.rss_max / 1e6:12,.0f} MB")
    broker.kill()
    tell(f"from kill -9 to the first answer  {broker.start():12.2f} s")
    broker.rss_max = 0
    tell(f"draining {messages:,} messages   {drain(broker, 0, messages):12,.0f} /s")
    tell(f"resident memory meanwhile         {broker.rss_max / 1e6:12,.0f} MB")


if __name__ == "__main__":
    try:
        main()
    except (BenchError, TargetError) as error:
        sys.exit(f"backlog: {error}")
