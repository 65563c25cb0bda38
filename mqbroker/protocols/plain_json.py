"""How values become JSON that operators read: answers of the management API, records of the audit trail.

Names and values come from clients of any protocol: octets that are no UTF-8 are shown with U+FFFD in their places, or
what `text` puts there, as JSON has none of them; what is nested more deeply than anything useful is left out.
"""

from collections.abc import Callable, Mapping

import orjson

from mqbroker.core.values import Decimal

_DEPTH_MAX = 64


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def dump(value: object, text: Callable[[str], str] = _shown) -> bytes:
    """A value as JSON."""
    try:
        return orjson.dumps(value, default=_foreign)
    except TypeError:
        return orjson.dumps(clean(value, text))


def _foreign(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return clean(value)


def clean(value: object, text: Callable[[str], str] = _shown, depth: int = 0) -> object:
    """The same of what JSON has."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if depth > _DEPTH_MAX:
        return None
    if isinstance(value, Mapping):
        return {str(clean(name, text)): clean(part, text, depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(part, text, depth + 1) for part in value]
    if isinstance(value, Decimal):
        return value.value / 10**value.scale
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)
