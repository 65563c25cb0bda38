"""Texts of others that are to be objects of JSON."""

from typing import Any

import orjson


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """The members of the object that a text is; None if it is none."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
