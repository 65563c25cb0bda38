"""What the arguments of a binding ask of headers: `x-match`, and which of the others count. Texts are RabbitMQ's.

`x-match` is all (the default), any, all-with-x or any-with-x; other `x-` keys count only for the last two; a value of
void asks only that the header is there. What follows from that is the business of core/routing/headers.py.
"""

from collections.abc import Mapping

from mqbroker.core.rabbitmq.erlang_text import term_text
from mqbroker.core.routing.headers import Asked
from mqbroker.core.values import type_name
from mqbroker.errors import PreconditionFailed

_MODES = ("all", "any", "all-with-x", "any-with-x")


def asked_by(arguments: Mapping[str, object]) -> Asked:
    """What a binding with these arguments asks for."""
    mode = str(arguments.get("x-match", "all"))
    with_x = mode.endswith("-with-x")
    return Asked({name: value for name, value in arguments.items() if _counts(name, with_x)}, mode.startswith("any"))


def check_headers_arguments(arguments: Mapping[str, object]) -> None:
    """Raises PreconditionFailed for an `x-match` that is not one of the four."""
    if "x-match" not in arguments:
        return
    value = arguments["x-match"]
    kind = type_name(value)
    if kind != "longstr":
        raise PreconditionFailed(f"Invalid x-match field type {kind} (value {term_text(value)}); expected longstr")
    if value not in _MODES:
        raise PreconditionFailed(
            f"Invalid x-match field value {term_text(value)}; expected all, any, all-with-x, or any-with-x"
        )


def _counts(name: str, with_x: bool) -> bool:
    return name != "x-match" and (with_x or not name.startswith("x-"))
