"""ERROR frames: which refusals of the core and which violations have which `message`, and which end the connection."""

from mqbroker.errors import (
    AccessRefused,
    ContentTooLarge,
    NotAllowed,
    NotFound,
    NotImplementedByPeer,
    PreconditionFailed,
    RequestRefused,
    ResourceLocked,
)
from mqbroker.protocols.stomp.codec.escapes import header_line

_NAMES: dict[type[RequestRefused], str] = {
    NotFound: "not_found",
    PreconditionFailed: "precondition_failed",
    AccessRefused: "access_refused",
    ResourceLocked: "resource_locked",
    NotAllowed: "not_allowed",
    NotImplementedByPeer: "not_implemented",
    ContentTooLarge: "content_too_large",
}

INVALID_FRAME = "Invalid frame"
"""What came is none, or is too long."""

_FATAL = frozenset(
    (
        INVALID_FRAME,
        "Version mismatch",
        "Illegal command",
        "Duplicated subscription identifier",
        "Processing error",
        "Connection closed",
    )
)


def words_of(error: RequestRefused) -> tuple[str, str]:
    """The message and the detail of a refusal: RabbitMQ's name for it, and its text."""
    name = next((name for kind, name in _NAMES.items() if isinstance(error, kind)), "internal_error")
    return name, f"{name.upper()} - {error}"


def is_fatal(message: str) -> bool:
    """Whether the connection ends with an ERROR of this message."""
    return message in _FATAL


def error_frame(message: str, detail: str, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """An ERROR frame."""
    body = detail.encode("utf-8", "surrogateescape").replace(b"\0", b"")
    lines = b"".join(header_line(name, value) for name, value in headers)
    return b"ERROR\n%bcontent-type:text/plain\nversion:1.0,1.1,1.2\n%bcontent-length:%d\n\n%b\0\n" % (
        header_line("message", message),
        lines,
        len(body),
        body,
    )
