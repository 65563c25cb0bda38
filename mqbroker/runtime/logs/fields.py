"""A line of the log as JSON, with what it is about as fields of their own.

Fields are taken from the template of a line, never from its text: a client may call itself anything, and nobody forges
a field with that.

    "%s, user %r: closed by the client"    the connection is the first argument, the user the second
"""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_PLACE = re.compile(r"(?:(\buser|\bvhost|\bclient|\bqueue|\bchannel)(?: of)? )?%(?:\.\d+)?([a-zA-Z%])")
_CONNECTION = re.compile(r"\S+:\d+ -> \S+:\d+")


@lru_cache(maxsize=1024)
def places(template: str) -> tuple[tuple[str, int], ...]:
    """Names of fields and the numbers of their arguments."""
    found, number = [], 0
    for match in _PLACE.finditer(template):
        if match[2] == "%":
            continue
        if match[1]:
            found.append((match[1], number))
        elif not number and match.start() == 0:
            found.append(("connection", 0))
        number += 1
    return tuple(found)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a line is about."""
    args = record.args
    if not args or isinstance(args, Mapping) or not isinstance(record.msg, str):
        return {}
    found = {name: args[number] for name, number in places(record.msg) if number < len(args)}
    connection = found.get("connection")
    if connection is not None and (not isinstance(connection, str) or not _CONNECTION.fullmatch(connection)):
        del found["connection"]
    return {name: value if isinstance(value, int) else str(value) for name, value in found.items()}


class JsonFormatter(logging.Formatter):
    """A line is an object, as RabbitMQ's: time, level, msg, domain, pid; and fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Overrides Formatter's."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(sep=" ", timespec="microseconds"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            "domain": record.name,
            "pid": record.process,
            **fields_of(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)
