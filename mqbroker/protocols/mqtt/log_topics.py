"""Mosquitto's topics of the log: lines go to `$SYS/broker/log/E`, `W`, `N` and `D`, to those who subscribe to them.

Any thread may log; messages are sent from the loop, by a timer. While nobody subscribes to a topic of $SYS, nothing is
kept. What is logged by sending lines is left out: each would bring another one, without an end.
"""

import logging
from collections import deque
from typing import TYPE_CHECKING

from mqbroker.protocols.mqtt.limits import MQTT_LOG_INTERVAL_MS, MQTT_LOG_LINES_MAX

if TYPE_CHECKING:
    from mqbroker.protocols.mqtt.sessions import Sessions

_ERROR, _WARNING, _NOTICE, _DEBUG = "log/E", "log/W", "log/N", "log/D"


class LogTopics(logging.Handler):
    """Of one broker."""

    def __init__(self, registry: "Sessions") -> None:
        super().__init__()
        self._registry = registry
        self._lines: deque[tuple[str, str]] = deque(maxlen=MQTT_LOG_LINES_MAX)
        self._is_sending = False

    def start(self, now: int) -> None:
        """Sends what is logged from now on."""
        logging.getLogger("mqbroker").addHandler(self)
        self._registry.broker.timers.at(now + MQTT_LOG_INTERVAL_MS, self._send)

    def stop(self) -> None:
        """The broker stops."""
        logging.getLogger("mqbroker").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Overrides Handler's."""
        if self._registry.counters.system_subscriptions and not self._is_sending:
            self._lines.append((_topic_of(record.levelno), f"{int(record.created)}: {record.getMessage()}"))

    def _send(self, now: int) -> None:
        self._is_sending = True
        while self._lines:
            self._registry.system.say(*self._lines.popleft(), now)
        self._is_sending = False
        self._registry.broker.timers.at(now + MQTT_LOG_INTERVAL_MS, self._send)


def _topic_of(level: int) -> str:
    if level >= logging.ERROR:
        return _ERROR
    if level >= logging.WARNING:
        return _WARNING
    return _NOTICE if level >= logging.INFO else _DEBUG
