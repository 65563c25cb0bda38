"""The one table from neutral errors to AMQP 0-9-1 reply codes, and the reply text.

It owns which code a refusal or violation has on this wire. Who raised it, and which frame answers it, is none of its
business. A hard error closes the connection, a soft one the channel (AMQP 0-9-1 §1.2); on channel 0 the connection is
all there is to close.
"""

from dataclasses import dataclass

from mqbroker import errors
from mqbroker.protocols.amqp import constants
from mqbroker.protocols.amqp.limits import AMQP_SHORTSTR_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply code, its name as RabbitMQ writes it, and whether it closes the connection."""

    code: int
    name: str
    is_hard: bool


def _reply(code: int) -> Reply:
    return Reply(code, constants.CODE_NAMES[code], code in constants.HARD_CODES)


INTERNAL_ERROR = _reply(constants.INTERNAL_ERROR)

_REFUSALS: dict[type, Reply] = {
    errors.RequestRefused: _reply(constants.PRECONDITION_FAILED),
    errors.NotFound: _reply(constants.NOT_FOUND),
    errors.PreconditionFailed: _reply(constants.PRECONDITION_FAILED),
    errors.AccessRefused: _reply(constants.ACCESS_REFUSED),
    errors.ResourceLocked: _reply(constants.RESOURCE_LOCKED),
    errors.NotAllowed: _reply(constants.NOT_ALLOWED),
    errors.NotImplementedByPeer: _reply(constants.NOT_IMPLEMENTED),
    errors.ContentTooLarge: _reply(constants.CONTENT_TOO_LARGE),
}

_VIOLATIONS: dict[str, Reply] = {
    "frame": _reply(constants.FRAME_ERROR),
    "syntax": _reply(constants.SYNTAX_ERROR),
    "command": _reply(constants.COMMAND_INVALID),
    "channel": _reply(constants.CHANNEL_ERROR),
    "unexpected": _reply(constants.UNEXPECTED_FRAME),
    "resource": _reply(constants.RESOURCE_ERROR),
    "not_allowed": _reply(constants.NOT_ALLOWED),
    "not_implemented": _reply(constants.NOT_IMPLEMENTED),
}


def reply_of(error: Exception) -> Reply:
    """The reply for `error`. A refusal answers as its nearest ancestor in the table; what is no refusal and no
    violation is our fault: 541."""
    if isinstance(error, errors.ProtocolViolation):
        return _VIOLATIONS.get(error.reason, INTERNAL_ERROR)
    return next((_REFUSALS[kind] for kind in type(error).__mro__ if kind in _REFUSALS), INTERNAL_ERROR)


def close_text(code: int, text: str) -> str:
    """`NOT_FOUND - no queue 'q' in vhost '/'`, at most 255 bytes of UTF-8.

    RabbitMQ shortens to 252 bytes and dots; so does this, at a character's boundary. Octets of names that are not
    UTF-8 become question marks, because clients fail to decode a reply text that is not.
    """
    name = constants.CODE_NAMES[code]
    encoded = (f"{name} - {text}" if text else name).encode(errors="replace")
    if len(encoded) <= AMQP_SHORTSTR_BYTES_MAX:
        return encoded.decode()
    return encoded[: AMQP_SHORTSTR_BYTES_MAX - 3].decode(errors="ignore") + "..."
