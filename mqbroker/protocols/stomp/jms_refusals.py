"""ERROR frames in ActiveMQ's words: what RabbitMQ's messages are called there, and which end the connection.

RabbitMQ's message, which is how the rest of this folder refuses --> ActiveMQ's message, and whether it closes
"""

import re
from typing import NamedTuple

from mqbroker.protocols.stomp.codec.heads import Head
from mqbroker.protocols.stomp.refusals import INVALID_FRAME

_NO_HEAD = Head("", {}, -1)
_LOGIN = ("CONNECT", "STOMP")
_DOING = {"BEGIN": "beginning", "COMMIT": "committing", "ABORT": "committing"}
_IDS = ("id", "ack", "message-id")
_place = re.compile(r"\{([a-z-]+)\}")

_TEXTS = {
    "Missing destination": "{command} received without a Destination specified!",
    "Missing Header": "SUBSCRIBE received without a subscription id!",
    "Missing destination or id": "UNSUBSCRIBE received without a subscription id!",
    "No subscription found": "No subscription matched.",
    "Missing header": "{command} received without a ack id for acknowledge!",
    "Invalid header": "Unexpected {command} received for message-id [{id}]",
    "Message not found": "Unexpected {command} received for message-id [{id}]",
    "Missing transaction": "Must specify the transaction you are {doing}",
    "Bad transaction": "Invalid transaction id: {transaction}",
    "Bad command": "Unknown STOMP action: {command}",
    "Bad CONNECT": "User name [{login}] or password is invalid.",
    "Version mismatch": "Invalid Protocol version[{accept-version}], supported versions are: [1.2, 1.1, 1.0]",
}
_TEXTS_OF_LOGIN = {
    "Illegal command": "Already connected.",
    "Processing error": "Invalid heart-beat header:{heart-beat}",
}
_TEXTS_OF_NACK = {"Missing header": "NACK received without an ack header to acknowledge!"}
_TEXTS_OF_OTHERS = {"Illegal command": "Not connected."}
_CLOSING = frozenset(("Bad command", "Bad CONNECT", "Version mismatch", "Illegal command", "Processing error"))


class Words(NamedTuple):
    """What an ERROR frame says."""

    message: str
    detail: str
    closes: bool


def in_jms_words(words: Words, head: Head | None) -> Words:
    """A refusal of the frame with that head in ActiveMQ's words; what it has no words for stays as it is."""
    if words.message == INVALID_FRAME:
        return Words(words.detail.rstrip(), "", closes=True)
    head = head or _NO_HEAD
    own = _TEXTS_OF_LOGIN if head.command in _LOGIN else _TEXTS_OF_OTHERS
    if head.command == "NACK":
        own = _TEXTS_OF_NACK
    text = own.get(words.message) or _TEXTS.get(words.message)
    if text is None:
        return words._replace(closes=words.closes or (head.command == "SEND" and head.get("destination") == ""))
    filled = _place.sub(lambda found: _value(found[1], head), text)
    return Words(filled, words.detail, words.message in _CLOSING)


def _value(name: str, head: Head) -> str:
    if name == "command":
        return head.command
    if name == "doing":
        return _DOING.get(head.command, "using")
    names = _IDS if name == "id" else (name,)
    return next((head.headers[each] for each in names if each in head.headers), "null")
