"""The simplest clients for fault tests: one that publishes and notes what was confirmed, one that takes everything."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]

QUEUE = "kept"
PERSISTENT = pika.BasicProperties(delivery_mode=2)


@contextmanager
def channel_of(url: str) -> Iterator[BlockingChannel]:
    """A channel on a connection of its own, which may break meanwhile."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def declare(url: str) -> None:
    """Declares the durable queue."""
    with channel_of(url) as channel:
        channel.queue_declare(QUEUE, durable=True)


def publish_at_once(url: str, numbers: Iterable[int], body_bytes: int = 0) -> None:
    """Publishes numbered messages in one transaction, which is one batch of the journal; returns when it is durable."""
    with channel_of(url) as channel:
        channel.tx_select()
        for number in numbers:
            channel.basic_publish("", QUEUE, b"%d" % number + b" " * body_bytes, PERSISTENT)
        channel.tx_commit()


class Publisher:
    """A thread that publishes numbered messages with confirms until it is stopped or its connection breaks.

    `blocked` and `unblocked` are set when the broker says so; `reason` is what it said.
    """

    def __init__(self, url: str, body_bytes: int) -> None:
        self.url = url
        self.body_bytes = body_bytes
        self.sent = 0
        self.confirmed: list[int] = []
        self.reason = ""
        self.blocked = threading.Event()
        self.unblocked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with channel_of(self.url) as channel:
                # The blocking adapter calls back between calls only, and a blocked publish does not return.
                connection = channel.connection._impl
                connection.add_on_connection_blocked_callback(self._on_blocked)
                connection.add_on_connection_unblocked_callback(lambda *_: self.unblocked.set())
                channel.confirm_delivery()
                while not self._stopping.is_set():
                    self._publish(channel)
        except (pika.exceptions.AMQPError, OSError):
            return

    def _publish(self, channel: BlockingChannel) -> None:
        self.sent += 1
        channel.basic_publish("", QUEUE, b"%d" % self.sent + bytes(self.body_bytes), PERSISTENT)
        self.confirmed.append(self.sent)

    def _on_blocked(self, connection: object, frame: "pika.frame.Method[pika.spec.Connection.Blocked]") -> None:
        self.reason = frame.method.reason or ""
        self.blocked.set()

    def wait(self, timeout_s: float) -> None:
        """Waits until the connection is broken."""
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), "the connection has not ended"

    @property
    def is_running(self) -> bool:
        """Whether a message is under way still; it may be held back."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Has it end after the message at hand."""
        self._stopping.set()


def take_all(url: str, most: int = 0) -> list[int]:
    """Takes and acknowledges what waits in the queue; the numbers. With `most`, no more than that."""
    numbers = []
    with channel_of(url) as channel:
        while True:
            method, _, body = channel.basic_get(QUEUE)
            if method is None:
                break
            assert body is not None
            numbers.append(int(body.rstrip(b"\0")))
            channel.basic_ack(method.delivery_tag)
            if len(numbers) == most:
                break
        # Acknowledgements are not answered; a request after them on the channel is. They need not be durable by then.
        channel.queue_declare(QUEUE, passive=True)
    return numbers
