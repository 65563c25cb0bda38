"""Log lines that a peer can provoke at will: one at a time, and how many were held back."""

import logging

from mqbroker.limits import LOG_INTERVAL_MS


class RateLog:
    """Writes at most one warning per interval; the next one says how many were not written."""

    def __init__(self, logger: logging.Logger, interval_ms: int = LOG_INTERVAL_MS) -> None:
        self._logger = logger
        self._interval_ms = interval_ms
        self._next_at = 0
        self._held_back = 0

    def warning(self, now: int, text: str) -> None:
        """Logs `text` unless another line was logged less than an interval before `now` (milliseconds)."""
        if now < self._next_at:
            self._held_back += 1
            return
        more = f" ({self._held_back} more such lines were held back)" if self._held_back else ""
        self._logger.warning("%s%s", text, more)
        self._next_at = now + self._interval_ms
        self._held_back = 0
