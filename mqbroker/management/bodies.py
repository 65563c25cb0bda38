"""What is written in a request: its body, which is JSON, whatever its type is said to be; and numbers in texts."""

from typing import Any

import orjson

from mqbroker.management.refusals import bad_request

NUMBER_MAX = (1 << 64) - 1  # what JSON's readers and writers take


def whole_number(text: str, most: int = NUMBER_MAX) -> int | None:
    """A number that is written in digits alone, and is not larger; else None. int() takes more than those digits, and
    raises when there are thousands of them."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    return int(digits) if len(digits) <= len(str(most)) and int(digits) <= most else None


def parsed_body(raw: bytes, content_type: str) -> dict[str, Any]:
    """The members of a body. Raises Refusal with RabbitMQ's texts."""
    if content_type.startswith("multipart/"):
        return {}
    try:
        found = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise bad_request("not_json") from None
    if found is None:
        return {}
    if isinstance(found, str):
        text = "the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"
        raise bad_request(f"invalid payload: {text}")
    if not isinstance(found, dict):
        raise bad_request("not_json")
    return found
