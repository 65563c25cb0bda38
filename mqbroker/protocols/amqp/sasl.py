"""The responses of the SASL mechanisms, taken apart.

    PLAIN       NUL user NUL password                          RFC 4616; RabbitMQ takes no authorization identity
    AMQPLAIN    a field table without its size, with the long strings LOGIN and PASSWORD
    EXTERNAL    nothing or a name: the client certificate decides

It owns their syntax. Whether a password is right, and which mechanisms are offered, is decided elsewhere. No error text
repeats any part of a response.
"""

from dataclasses import dataclass, field

from mqbroker.core.values import Value
from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp.tables import read_pairs


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who the peer says it is. `password` is None when the mechanism has none to verify."""

    mechanism: str
    username: str
    password: bytes | None = field(repr=False)


def _malformed(mechanism: str) -> ProtocolViolation:
    return ProtocolViolation("syntax", f"{mechanism} response is malformed")


def _text(octets: bytes) -> str:
    return octets.decode(errors="surrogateescape")  # a name that is not UTF-8 is the name of nobody, not an error


def _plain(response: bytes) -> Credentials:
    parts = response.split(b"\0")
    if len(parts) != 3 or parts[0]:
        raise _malformed("PLAIN")
    return Credentials("PLAIN", _text(parts[1]), parts[2])


def _octets(value: Value) -> bytes:
    """The octets of a long string. Any other type is malformed."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return bytes(value)
    raise _malformed("AMQPLAIN")


def _amqplain(response: bytes) -> Credentials:
    table = read_pairs(response)
    return Credentials("AMQPLAIN", _text(_octets(table.get("LOGIN"))), _octets(table.get("PASSWORD")))


def _external(response: bytes) -> Credentials:
    return Credentials("EXTERNAL", _text(response), None)


_PARSERS = {"PLAIN": _plain, "AMQPLAIN": _amqplain, "EXTERNAL": _external}


def parse_response(mechanism: str, response: bytes) -> Credentials:
    """The credentials in connection.start-ok or connection.secure-ok.

    Raises ProtocolViolation: "command" for a mechanism that does not exist, "syntax" for a malformed response.
    """
    parse = _PARSERS.get(mechanism)
    if parse is None:
        raise ProtocolViolation("command", f"unknown authentication mechanism '{mechanism}'")
    return parse(response)
