"""Names of queues and exchanges as clients give them.

RabbitMQ leaves line breaks out of them, and so do we: a name goes into log lines and error texts, where a line break
would let a client write lines of its own.
"""

from typing import Any

_ARGUMENTS = ("queue", "exchange", "source", "destination")
_LINE_BREAKS = {ord("\r"): None, ord("\n"): None}


def without_line_breaks(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a method, changed in place: names without carriage returns and line feeds."""
    for argument in _ARGUMENTS:
        name = args.get(argument)
        if name and not name.isprintable():
            args[argument] = name.translate(_LINE_BREAKS)
    return args
