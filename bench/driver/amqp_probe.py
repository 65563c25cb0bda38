"""One persistent message after the other, each timed until its confirm: how a careful publisher fares beside others."""

import threading
import time
from itertools import count

from pamqp import commands, frame, header

from bench.driver.amqp import CHANNEL, AmqpConnection
from bench.driver.jobs import Endpoint
from bench.errors import ProtocolError

_PAUSE_SECONDS = 0.003
_PERSISTENT = commands.Basic.Properties(delivery_mode=2)


class Probe:
    """A connection with confirms that publishes to one queue."""

    def __init__(self, endpoint: Endpoint, queue: str, size: int) -> None:
        self._connection = AmqpConnection(endpoint)
        self._connection.call(commands.Confirm.Select())
        self._message = frame.marshal(commands.Basic.Publish(routing_key=queue), CHANNEL)
        self._message += frame.marshal(header.ContentHeader(body_size=size, properties=_PERSISTENT), CHANNEL)
        self._message += b"\x03" + CHANNEL.to_bytes(2, "big") + size.to_bytes(4, "big") + bytes(size) + b"\xce"
        self._numbers = count(1)

    def close(self) -> None:
        """Close in order."""
        self._connection.close()

    def publish(self) -> float:
        """Seconds until a message is confirmed. ProtocolError when something else is answered."""
        began = time.monotonic()
        self._connection.socket.sendall(self._message)
        answer = self._connection.receive()
        if not isinstance(answer, commands.Basic.Ack) or answer.delivery_tag != next(self._numbers):
            raise ProtocolError(f"expected the confirm of one message, the broker sent {type(answer).__name__}")
        return time.monotonic() - began

    def run(self, seconds: float, over: threading.Event) -> list[float]:
        """The times of all messages that fit, until it is over."""
        end = time.monotonic() + seconds
        times = [self.publish()]
        while time.monotonic() < end and not over.wait(_PAUSE_SECONDS):
            times.append(self.publish())
        return times


def p99(times: list[float]) -> float:
    """The 99th percentile."""
    return sorted(times)[int((len(times) - 1) * 0.99)]
