"""Error conditions (AMQP 1.0 part 2, 2.8.15 to 2.8.18): what is wrong, in the protocol's words, and what ends."""

from dataclasses import dataclass, field

from mqbroker.errors import (
    AccessRefused,
    ContentTooLarge,
    MqbrokerError,
    NotAllowed,
    NotFound,
    NotImplementedByPeer,
    PreconditionFailed,
    ProtocolViolation,
    ResourceLocked,
)
from mqbroker.protocols.amqp1.codec.performatives import Error
from mqbroker.protocols.amqp1.codec.types import Symbol

LINK, SESSION, CONNECTION = "link", "session", "connection"

INTERNAL_ERROR = "amqp:internal-error"
NOT_FOUND = "amqp:not-found"
UNAUTHORIZED = "amqp:unauthorized-access"
DECODE_ERROR = "amqp:decode-error"
RESOURCE_LIMIT = "amqp:resource-limit-exceeded"
NOT_ALLOWED = "amqp:not-allowed"
INVALID_FIELD = "amqp:invalid-field"
NOT_IMPLEMENTED = "amqp:not-implemented"
RESOURCE_LOCKED = "amqp:resource-locked"
PRECONDITION_FAILED = "amqp:precondition-failed"
RESOURCE_DELETED = "amqp:resource-deleted"
ILLEGAL_STATE = "amqp:illegal-state"
FRAME_SIZE_TOO_SMALL = "amqp:frame-size-too-small"
FRAMING_ERROR = "amqp:connection:framing-error"
CONNECTION_FORCED = "amqp:connection:forced"
WINDOW_VIOLATION = "amqp:session:window-violation"
ERRANT_LINK = "amqp:session:errant-link"
HANDLE_IN_USE = "amqp:session:handle-in-use"
UNATTACHED_HANDLE = "amqp:session:unattached-handle"
DETACH_FORCED = "amqp:link:detach-forced"
TRANSFER_LIMIT = "amqp:link:transfer-limit-exceeded"
MESSAGE_SIZE = "amqp:link:message-size-exceeded"
UNKNOWN_TRANSACTION = "amqp:transaction:unknown-id"
ROLLBACK = "amqp:transaction:rollback"


@dataclass(slots=True)
class Fault:
    """What ends, and the error that says why."""

    scope: str
    condition: str
    text: str
    info: dict[str, object] = field(default_factory=dict)

    def error(self) -> Error:
        """As it is sent."""
        return Error(self.condition, self.text, {Symbol(key): value for key, value in self.info.items()})


_VIOLATIONS = {
    "decode": (CONNECTION, DECODE_ERROR),
    "missing": (CONNECTION, INVALID_FIELD),
    "framing": (CONNECTION, FRAMING_ERROR),
    "frame_size": (CONNECTION, FRAME_SIZE_TOO_SMALL),
    "not_allowed": (CONNECTION, NOT_ALLOWED),
    "illegal": (CONNECTION, ILLEGAL_STATE),
    "window": (SESSION, WINDOW_VIOLATION),
    "handle_max": (SESSION, FRAMING_ERROR),
    "handle_in_use": (SESSION, HANDLE_IN_USE),
    "unattached": (SESSION, UNATTACHED_HANDLE),
    "errant": (SESSION, ERRANT_LINK),
    "size": (SESSION, MESSAGE_SIZE),
    "session_field": (SESSION, INVALID_FIELD),
    "resources": (SESSION, RESOURCE_LIMIT),
    "field": (LINK, INVALID_FIELD),
    "not_implemented": (LINK, NOT_IMPLEMENTED),
    "message": (LINK, DECODE_ERROR),
    "credit": (LINK, TRANSFER_LIMIT),
    "user_id": (LINK, UNAUTHORIZED),
    "transaction": (LINK, UNKNOWN_TRANSACTION),
    "precondition": (LINK, PRECONDITION_FAILED),
}
"""By `ProtocolViolation.reason`. Where there is no link, or no session, what it belongs to ends."""

_REFUSALS: dict[type[MqbrokerError], tuple[str, str]] = {
    NotFound: (LINK, NOT_FOUND),
    PreconditionFailed: (LINK, PRECONDITION_FAILED),
    AccessRefused: (SESSION, UNAUTHORIZED),
    ResourceLocked: (LINK, RESOURCE_LOCKED),
    NotAllowed: (LINK, NOT_ALLOWED),
    NotImplementedByPeer: (LINK, NOT_IMPLEMENTED),
    ContentTooLarge: (LINK, RESOURCE_LIMIT),
}


def fault_of(error: MqbrokerError) -> Fault:
    """What an exception means to the peer."""
    if isinstance(error, ProtocolViolation):
        return Fault(*_VIOLATIONS[error.reason], error.text)
    known = (_REFUSALS[kind] for kind in type(error).__mro__ if kind in _REFUSALS)
    scope, condition = next(known, (LINK, INTERNAL_ERROR))
    return Fault(scope, condition, str(error))
