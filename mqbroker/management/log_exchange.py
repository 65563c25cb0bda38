"""RabbitMQ's exchange of the log: each line is a message to amq.rabbitmq.log, with its level as routing key.

The body is the line as a file has it. While nothing is bound to the exchange nothing is made, and what is logged while
lines are being published is left out: it would be followed by itself without an end.
"""

import contextlib
import logging
from collections.abc import Callable

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.message import new_message
from mqbroker.core.rabbitmq.exchange_types import make_exchange
from mqbroker.core.values import Timestamp
from mqbroker.management.firehose import LOG, Compose
from mqbroker.management.outlet import Outlet

_MS = 1000


class LogExchange(logging.Handler):
    """The exchange of one broker. Threads may log; messages are the loop's."""

    def __init__(
        self, broker: Broker, vhost: str, node: str, clock: Clock, compose: Compose, call_soon: Callable[..., object]
    ) -> None:
        """`vhost` is where the exchange is."""
        super().__init__()
        self._vhost = broker.vhost(vhost)
        self._outlet = Outlet(broker.scheduler, self._vhost)
        self._node = node
        self._clock = clock
        self._compose = compose
        self._call_soon = call_soon
        if LOG not in self._vhost.exchanges:
            self._vhost.add_exchange(make_exchange(LOG, "topic", True, False, True, {}))

    def emit(self, record: logging.LogRecord) -> None:
        """Overrides Handler's."""
        if self._outlet.is_publishing or self._is_unused():
            return
        line = self.format(record)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody follows any more
            self._call_soon(self._publish, record.levelname.lower(), line)

    def _is_unused(self) -> bool:
        exchange = self._vhost.exchanges.get(LOG)
        return exchange is None or exchange.is_unused

    def _publish(self, level: str, line: str) -> None:
        fields = {
            "content_type": "text/plain",
            "timestamp": Timestamp(self._clock.wall() // _MS),
            "headers": {"node": self._node},
        }
        body = line.encode("utf-8", "backslashreplace")
        self._outlet.put(new_message(LOG, level, self._compose(fields), body, self._clock.now()))
