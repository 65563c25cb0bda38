"""The Query wire of SQS as its old clients speak it: parameters to a form, XML to what the JSON wire would say.

The names are those of the SQS API Reference, 2012-11-05, written down here once more, so that a wrong one in the broker
does not go unnoticed.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, fromstring

NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
VERSION = "2012-11-05"

_LISTS = {
    "AttributeNames": "AttributeName", "MessageAttributeNames": "MessageAttributeName",
    "MessageSystemAttributeNames": "MessageSystemAttributeName", "TagKeys": "TagKey", "AWSAccountIds": "AWSAccountId",
    "Actions": "ActionName",
}  # fmt: skip
_MAPS = {
    "Attributes": ("Attribute", "Name", "Value"), "MessageAttributes": ("MessageAttribute", "Name", "Value"),
    "MessageSystemAttributes": ("MessageSystemAttribute", "Name", "Value"), "Tags": ("Tag", "Key", "Value"),
    "tags": ("Tag", "Key", "Value"),
}  # fmt: skip
_ANSWERED_LISTS = {
    "Message": "Messages", "BatchResultErrorEntry": "Failed", "SendMessageBatchResultEntry": "Successful",
    "DeleteMessageBatchResultEntry": "Successful", "ChangeMessageVisibilityBatchResultEntry": "Successful",
    "ListMessageMoveTasksResultEntry": "Results",
}  # fmt: skip
_ANSWERED_MAPS = {
    "Attribute": ("Attributes", "Name"), "MessageAttribute": ("MessageAttributes", "Name"), "Tag": ("Tags", "Key")
}  # fmt: skip
_NUMBERS = (
    "ApproximateNumberOfMessagesMoved", "ApproximateNumberOfMessagesToMove", "MaxNumberOfMessagesPerSecond",
    "StartedTimestamp",
)  # fmt: skip


def form(action: str, parameters: dict[str, Any]) -> bytes:
    """A request's body."""
    pairs = [("Action", action), ("Version", VERSION)]
    for name, value in parameters.items():
        pairs += _flat(name, value, f"{action}RequestEntry")
    return urlencode(pairs, encoding="utf-8", errors="surrogatepass").encode()


def _flat(name: str, value: Any, entry: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and name in _MAPS:
        short, key_name, value_name = _MAPS[name]
        for number, (key, inner) in enumerate(value.items(), 1):
            yield f"{short}.{number}.{key_name}", key
            yield from _nested(f"{short}.{number}.{value_name}", inner, entry)
    elif isinstance(value, list):
        short = entry if name == "Entries" else _LISTS[name]
        for number, inner in enumerate(value, 1):
            yield from _nested(f"{short}.{number}", inner, entry)
    else:
        yield name, _text(value)


def _nested(prefix: str, value: Any, entry: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield prefix, _text(value)
        return
    for name, inner in value.items():
        for path, text in _flat(name, inner, entry):
            yield f"{prefix}.{path}", text


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def blob(octets: bytes) -> str:
    """Octets as both wires take them."""
    return b64encode(octets).decode()


def result(action: str, body: bytes) -> dict[str, Any]:
    """What an answer says, in the names of the JSON wire."""
    root = fromstring(body)
    assert root.tag == f"{{{NAMESPACE}}}{action}Response"
    assert root.find("{*}ResponseMetadata/{*}RequestId") is not None
    found = root.find(f"{{*}}{action}Result")
    return {} if found is None else _structure(action, found)


def _structure(action: str, element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = child.tag.partition("}")[2]
        if name in _ANSWERED_LISTS and len(child):  # the Message of an error is text
            found.setdefault(_ANSWERED_LISTS[name], []).append(_structure(action, child))
        elif name in _ANSWERED_MAPS:
            plural, key_name = _ANSWERED_MAPS[name]
            key, inner = child.findtext(f"{{*}}{key_name}", ""), child.find("{*}Value")
            assert inner is not None
            found.setdefault(plural, {})[key] = _structure(action, inner) if len(inner) else inner.text or ""
        elif name == "QueueUrl" and action == "ListQueues":
            found.setdefault("QueueUrls", []).append(child.text)
        elif name == "QueueUrl" and action == "ListDeadLetterSourceQueues":
            found.setdefault("queueUrls", []).append(child.text)
        else:
            found[name] = _value(name, child.text or "")
    return found


def _value(name: str, text: str) -> Any:
    if name == "SenderFault":
        return text == "true"
    return int(text) if name in _NUMBERS and text.isdigit() else text


def error(body: bytes) -> tuple[str, str, str]:
    """Code, message and type of an error."""
    root = fromstring(body)
    assert root.tag == f"{{{NAMESPACE}}}ErrorResponse"
    assert root.find("{*}Error/{*}Detail") is not None
    assert root.findtext("{*}RequestId")
    texts = [root.findtext(f"{{*}}Error/{{*}}{name}", "") for name in ("Code", "Message", "Type")]
    return texts[0], texts[1], texts[2]


def octets(text: str) -> bytes:
    """The reverse of `blob`."""
    return b64decode(text)
