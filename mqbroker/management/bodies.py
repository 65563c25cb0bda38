"""The body of a request: JSON, whatever its type is said to be."""

from typing import Any

import orjson

from mqbroker.management.refusals import bad_request


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
