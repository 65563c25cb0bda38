"""Matching the headers of a message against the arguments of a binding (the headers exchange).

Owns RabbitMQ's rules, measured with 3.10.8:

- `x-match` is all (the default), any, all-with-x or any-with-x; other `x-` keys count only for the last two;
- a binding value of void asks only that the header is there;
- values are equal as `same_value` says: 1 equals 1.0 but neither "1" nor true;
- a binding that asks for nothing is met by every message under `all` and by none under `any`.
"""

from collections.abc import Mapping

from mqbroker.core.erlang_text import term_text
from mqbroker.core.values import same_value, type_name
from mqbroker.errors import PreconditionFailed

_MODES = ("all", "any", "all-with-x", "any-with-x")


class HeadersPattern:
    """The arguments of one binding, taken apart once so that matching is cheap."""

    __slots__ = ("_is_any", "_present", "_values")

    def __init__(self, arguments: Mapping[str, object]) -> None:
        mode = str(arguments.get("x-match", "all"))
        self._is_any = mode.startswith("any")
        with_x = mode.endswith("-with-x")
        asked = {key: value for key, value in arguments.items() if _counts(key, with_x)}
        self._present = [key for key, value in asked.items() if value is None]
        self._values = [(key, value) for key, value in asked.items() if value is not None]

    def matches(self, headers: Mapping[str, object]) -> bool:
        """Whether a message with these headers takes the binding."""
        if self._is_any:
            return self._matches_any(headers)
        if not all(key in headers for key in self._present):
            return False
        return all(key in headers and same_value(value, headers[key]) for key, value in self._values)

    def _matches_any(self, headers: Mapping[str, object]) -> bool:
        if any(key in headers for key in self._present):
            return True
        return any(key in headers and same_value(value, headers[key]) for key, value in self._values)


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


def _counts(key: str, with_x: bool) -> bool:
    return key != "x-match" and (with_x or not key.startswith("x-"))
