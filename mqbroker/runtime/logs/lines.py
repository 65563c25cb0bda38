"""How a record becomes a line of the log: one line, whatever a peer has put into a name or an error text."""

import logging
from datetime import UTC, datetime


class LineFormatter(logging.Formatter):
    """Writes what cannot be printed, such as line breaks, as in a literal of Python. Tracebacks follow as they are."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Overrides Formatter's."""
        if not record.message.isprintable():
            record.message = "".join(map(_printable, record.message))
        return super().formatMessage(record)


class RabbitFormatter(LineFormatter):
    """RabbitMQ's lines: `2026-11-29 18:12:34.734861+00:00 [info] <0.1.0> text`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s [%(level)s] <0.%(process)d.0> %(message)s")

    def formatTime(self, record: logging.LogRecord, _datefmt: str | None = None) -> str:
        """Overrides Formatter's."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(sep=" ", timespec="microseconds")

    def format(self, record: logging.LogRecord) -> str:
        """Overrides Formatter's. What `rest` of a record has are lines of their own, with the same beginning."""
        record.level = record.levelname.lower()
        lines = [super().format(record)]
        for text in getattr(record, "rest", ()):
            following = logging.makeLogRecord({**record.__dict__, "msg": "%s", "args": (text,), "exc_text": None})
            lines.append(super().format(following))
        return "\n".join(lines)


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
