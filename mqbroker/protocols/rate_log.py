"""Log lines that a peer can provoke at will: one at a time, and how many were held back."""

import logging

from mqbroker.limits import LOG_INTERVAL_MS


class RateLog:
    """Writes at most one line per interval; the next one says how many were not written. At debug level each is."""

    def __init__(self, logger: logging.Logger, interval_ms: int = LOG_INTERVAL_MS) -> None:
        self._logger = logger
        self._interval_ms = interval_ms
        self._next_at = 0
        self._held_back = 0

    def warning(self, now: int, text: str) -> None:
        """Warns of `text` unless another line was logged less than an interval before `now` (milliseconds)."""
        self._log(logging.WARNING, now, text)

    def info(self, now: int, text: str) -> None:
        """The same for what is nothing to worry about."""
        self._log(logging.INFO, now, text)

    def _log(self, level: int, now: int, text: str) -> None:
        if now < self._next_at:
            self._held_back += 1
            self._logger.debug("%s", text)
            return
        more = f" ({self._held_back} more such lines were held back)" if self._held_back else ""
        self._logger.log(level, "%s%s", text, more)
        self._next_at = now + self._interval_ms
        self._held_back = 0
