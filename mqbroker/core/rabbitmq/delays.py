"""The x-delayed-message exchange: how long a message asks to be held, by the plugin's rules.

What is held, and until when, is the business of core/queues/delayed.py.
"""

from collections.abc import Mapping

from mqbroker.core.rabbitmq.erlang_text import plain_text
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.values import Decimal, Int32, Timestamp
from mqbroker.errors import PreconditionFailed
from mqbroker.limits import DELAY_MS_MAX

DELAYED_KIND = "x-delayed-message"


class DelayedExchange(Exchange):
    """Holds messages with an `x-delay`, and then routes as an exchange of another type does."""

    __slots__ = ()

    is_delayed = True

    def delay_of(self, headers: Mapping[str, object]) -> int:
        return delay_of(headers)

    def headers_after_delay(self, headers: Mapping[str, object]) -> Mapping[str, object]:
        return headers_after_delay(headers)


def delayed_kind(arguments: Mapping[str, object]) -> str:
    """The type by which a delayed exchange routes once the time has come. Raises PreconditionFailed."""
    kind = arguments.get("x-delayed-type")
    if not isinstance(kind, str | bytes) or kind == DELAYED_KIND:
        raise PreconditionFailed("Invalid argument, 'x-delayed-type' must be an existing exchange type")
    return plain_text(kind)


def delay_of(headers: Mapping[str, object]) -> int:
    """The header `x-delay` in milliseconds; 0 when it is absent or not a delay that can be kept (the plugin's rules).

    Strings of digits count too. A message that was held comes out with its delay negated and so is not held again.
    """
    delay = _whole_number(headers.get("x-delay"))
    return delay if 0 < delay <= DELAY_MS_MAX else 0


def headers_after_delay(headers: Mapping[str, object]) -> dict[str, object]:
    """The headers with which a held message goes on: its delay negated, as the plugin does."""
    delay = delay_of(headers)
    return {**headers, "x-delay": Int32(-delay) if delay <= 0x7FFF_FFFF else -delay}


def _whole_number(value: object) -> int:
    if isinstance(value, bool | Timestamp):
        return 0
    if isinstance(value, Decimal):
        return int(value.value // 10**value.scale)
    if not isinstance(value, int | float | str | bytes):
        return 0
    try:
        return int(value)
    except (ValueError, OverflowError):
        return 0
