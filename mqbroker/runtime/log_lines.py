"""How a record becomes a line of the log: one line, whatever a peer has put into a name or an error text."""

import logging


class LineFormatter(logging.Formatter):
    """Writes what cannot be printed, such as line breaks, as in a literal of Python. Tracebacks follow as they are."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Overrides Formatter's."""
        if not record.message.isprintable():
            record.message = "".join(map(_printable, record.message))
        return super().formatMessage(record)


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
