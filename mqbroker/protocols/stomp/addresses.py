"""Destinations as RabbitMQ writes them.

    /queue/q, q           a queue through the default exchange    /exchange/x/k    an exchange, with a key or without
    /topic/k              a key of the topic exchange             /temp-queue/n    a reply queue of the connection
    /amq/queue/q          a queue that is there already           /reply-queue/n   what a reply-to was made into

A slash within a part is written %2F. Nothing here knows which queues and exchanges there are.
"""

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from mqbroker.errors import ProtocolViolation

QUEUE = "queue"
TOPIC = "topic"
EXCHANGE = "exchange"
EXISTING = "amqqueue"
TEMPORARY = "temp-queue"
REPLY = "reply-queue"

_IN_PARTS = (QUEUE, TOPIC, EXCHANGE, TEMPORARY)
_EXISTING_PREFIX = "/amq/queue/"
_REPLY_PREFIX = "/reply-queue/"
_TYPES = "/temp-queue, /exchange, /topic, /queue, /amq/queue, /reply-queue/"


class Address(NamedTuple):
    """What a destination names: a queue, an exchange with a key, or a key of the topic exchange."""

    kind: str
    name: str
    key: str = ""


def parse_address(destination: str) -> Address:
    """The address that a destination is. Raises ProtocolViolation with RabbitMQ's texts."""
    if not destination:
        raise ProtocolViolation("Invalid destination", "Destination cannot be blank")
    if destination.startswith(_EXISTING_PREFIX):
        return Address(EXISTING, _one_part(EXISTING, destination.split("/")[3:]))
    if destination.startswith(_REPLY_PREFIX) and destination != _REPLY_PREFIX:
        return Address(REPLY, destination.removeprefix(_REPLY_PREFIX))
    if "/" not in destination:
        return Address(QUEUE, _unescape(destination))
    empty, kind, *parts = destination.split("/")
    if empty or kind not in _IN_PARTS:
        text = f"'{destination}' is not a valid destination.\nValid destination types are: {_TYPES}.\n"
        raise ProtocolViolation("Unknown destination", text)
    if kind == EXCHANGE and len(parts) == 2 and parts[0]:
        return Address(EXCHANGE, _unescape(parts[0]), _unescape(parts[1]))
    return Address(kind, _one_part(kind, parts))


def _one_part(kind: str, parts: list[str]) -> str:
    if len(parts) != 1 or not parts[0]:
        place = "".join(f"/{part}" for part in parts)
        raise ProtocolViolation("Invalid destination", f"'{place}' is not a valid {kind} destination\n")
    return _unescape(parts[0])


def _unescape(part: str) -> str:
    if "%" not in part:
        return part
    return unquote_to_bytes(part.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def write_address(exchange: str, key: str, topic_exchange: str) -> str:
    """The destination that a message was published to, for who receives it."""
    if not exchange:
        return f"/queue/{_escape(key)}"
    if exchange == topic_exchange:
        return f"/topic/{_escape(key)}"
    return f"/exchange/{_escape(exchange)}/{_escape(key)}"


def _escape(part: str) -> str:
    if part.isalnum() and part.isascii():
        return part
    octets = part.encode("utf-8", "surrogateescape")
    return "".join(_escape_octet(octet) for octet in octets)


def _escape_octet(octet: int) -> str:
    if octet < 32 or octet > 127 or octet in b"/%":
        return f"%{octet:02X}"
    return chr(octet)
