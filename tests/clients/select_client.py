"""A driver for pika's SelectConnection: starts its loop for one step at a time, until the step's callback has come.

The connection's own callbacks (close, return, delivery, confirm) only note what came; tests look at the lists.
"""

from collections.abc import Callable
from typing import Any

import pika  # type: ignore[import-untyped]
from pika.adapters.select_connection import IOLoop  # type: ignore[import-untyped]

TIMEOUT_S = 20
ATTEMPTS = 200
RETRY_DELAY_S = 0.05


class SelectClient:
    """One connection with one channel."""

    def __init__(self, url: str) -> None:
        self.parameters = pika.URLParameters(url)
        self.parameters.connection_attempts = ATTEMPTS
        self.parameters.retry_delay = RETRY_DELAY_S
        self.loop = IOLoop()
        self.connection: Any = None
        self.channel: Any = None
        self.closed: list[Exception] = []
        self.confirms: list[Any] = []
        self.returned: list[tuple[int, bytes]] = []
        self.delivered: list[tuple[bool, bytes]] = []

    def call(self, start: Callable[[Callable[..., None]], object]) -> Any:
        """Calls `start` with a callback and runs the loop until that is called; its first argument."""
        found: list[Any] = []

        def done(*arguments: Any) -> None:
            found.append(arguments[0] if arguments else None)

        start(done)
        self.run_until(lambda: bool(found))
        return found[0]

    def run_until(self, is_met: Callable[[], bool]) -> None:
        """Runs the loop until the condition is met; it is looked at after everything that happens."""
        overdue: list[bool] = []
        timer = self.loop.call_later(TIMEOUT_S, lambda: overdue.append(True))
        self.loop.activate_poller()
        try:
            while not is_met():
                assert not overdue, f"nothing of the kind in {TIMEOUT_S} s; closed: {self.closed}"
                self.loop.poll()
                self.loop.process_timeouts()
        finally:
            self.loop.deactivate_poller()
            self.loop.remove_timeout(timer)

    def connect(self) -> None:
        """Connects, patiently as after a restart, and opens the channel."""
        self.connection = self.call(
            lambda done: pika.SelectConnection.create_connection(
                [self.parameters], on_done=done, custom_ioloop=self.loop
            )
        )
        assert isinstance(self.connection, pika.SelectConnection), self.connection
        self.connection.add_on_close_callback(lambda _, reason: self.closed.append(reason))
        self.channel = self.call(lambda done: self.connection.channel(on_open_callback=done))
        self.channel.add_on_return_callback(
            lambda _channel, method, _properties, body: self.returned.append((method.reply_code, body))
        )

    def declare(self, queue: str, **options: Any) -> str:
        """Declares a queue; its name."""
        frame = self.call(lambda done: self.channel.queue_declare(queue, callback=done, **options))
        return str(frame.method.queue)

    def confirm(self) -> None:
        """Turns confirms on; each answer is noted in `confirms`."""
        self.call(
            lambda done: self.channel.confirm_delivery(
                ack_nack_callback=lambda frame: self.confirms.append(frame.method), callback=done
            )
        )

    def confirmed(self) -> int:
        """Up to which number every publish was confirmed, when none was refused."""
        return max((method.delivery_tag for method in self.confirms), default=0)

    def consume(self, queue: str, **options: Any) -> None:
        """Consumes and acknowledges; what comes is noted in `delivered`."""

        def take(channel: Any, method: Any, _properties: Any, body: bytes) -> None:
            self.delivered.append((method.redelivered, body))
            channel.basic_ack(method.delivery_tag)

        self.call(lambda done: self.channel.basic_consume(queue, take, callback=done, **options))

    def close(self) -> None:
        """Closes the connection in order, then the loop."""
        if self.connection is not None and self.connection.is_open:
            self.connection.close()
            self.run_until(lambda: bool(self.connection.is_closed))
        self.loop.close()
