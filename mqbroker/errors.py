"""Every exception of the broker.

The tree separates whose fault it is, because that decides what happens next: a refusal answers one request, a protocol
error closes one connection, a configuration error stops the start, and a storage failure ends the process.

    MqbrokerError
    +-- RequestRefused               the peer asked for something that cannot be done; the request ends, nothing else
    |   +-- NotFound                 a vhost, exchange, queue or user that does not exist
    |   +-- PreconditionFailed       exists, but differently; in use; not empty; a bad argument
    |   |   +-- InvalidSelector      a selector that is none; `position` says where
    |   +-- AccessRefused            permissions, reserved names, credentials
    |   |   +-- AccessPending        another service has yet to say so; who can wait is told when it has
    |   +-- ResourceLocked           an exclusive queue of another connection
    |   +-- NotAllowed               limits of a vhost or user, tag reuse
    |   |   +-- TooManyConnections   one more is too many
    |   +-- NotImplementedByPeer     a feature that the dialect refuses by name
    |   +-- ContentTooLarge          more than there is room for now; it may be tried again
    +-- MissingMember                a parameter of a request is missing; each wire of AWS makes an AwsError of it
    +-- AwsError                     the same for a request of an AWS service, with AWS's code and text
    +-- ProtocolViolation            the peer broke the wire protocol; its connection ends
    +-- ConfigError                  a file or option that the operator has to mend before the start
    +-- PairError                    the link between two nodes, or the election store
        +-- LinkBroken               the other side of a link does not speak its language
        +-- LinkRefused              one side will not have the other: one sentence that says what to do
        +-- ElectionUnreachable      the store did not answer; whether a change was made is not known
    +-- StorageError                 our disk
        +-- JournalCorrupt           a journal that must not be opened as it is
        +-- KeyMissing               a segment of the journal is encrypted with a key that was not given
        +-- DiskFailed               a write or sync failed; never retried, the process ends
        +-- LogRefused               octets of another node's log that do not continue the one here
            +-- StaleEpoch           they are of a node that was replaced
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class MqbrokerError(Exception):
    """The root of all exceptions raised on purpose."""


class RequestRefused(MqbrokerError):
    """A request that is understood and refused. `str(error)` is what RabbitMQ's clients see after the code's name."""


class NotFound(RequestRefused):
    """The vhost, exchange, queue or user does not exist."""


class PreconditionFailed(RequestRefused):
    """It exists but differs, is in use, is not empty, or an argument is invalid."""


class AccessRefused(RequestRefused):
    """Permissions, reserved names or credentials forbid it."""


class AccessPending(AccessRefused):
    """A service has been asked whether it is allowed. For who cannot wait for its answer it is refused."""

    def __init__(self, text: str, when_known: "Callable[[Callable[[int], None]], None]") -> None:
        """`when_known` has a call made once there is an answer, with the time: then the same is to be asked again."""
        super().__init__(text)
        self.when_known = when_known


class ResourceLocked(RequestRefused):
    """The queue is exclusive to another connection."""


class NotAllowed(RequestRefused):
    """A limit of the vhost or the user is reached, or a name is taken that may be used once."""


class TooManyConnections(NotAllowed):
    """A vhost or a user has as many connections as it may have."""

    def __init__(self, text: str, of: str) -> None:
        """`of` is "vhost" or "user"."""
        super().__init__(text)
        self.of = of


class NotImplementedByPeer(RequestRefused):
    """A feature of the protocol that the dialect we speak refuses by name."""


class InvalidSelector(PreconditionFailed):
    """The text of a selector is none. `position` is the number of characters before the first that does not fit."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"invalid selector: {reason} (at character {position + 1})")
        self.reason = reason
        self.position = position


class ContentTooLarge(RequestRefused):
    """A message for which there is no room at the moment."""


class AwsError(MqbrokerError):
    """A request of an AWS service is refused with AWS's own code and text.

    `shape` is the error's shape in the service model (JSON's `__type`), `code` what the Query wire and the header
    `x-amzn-query-error` say (the same as the shape unless given), `status` the HTTP status, `is_sender` whether the
    client is at fault. `query_message` is the text on the Query wire where that differs.
    """

    def __init__(
        self,
        shape: str,
        message: str,
        code: str = "",
        status: int = 400,
        is_sender: bool = True,
        query_message: str | None = None,
    ) -> None:
        super().__init__(message)
        self.shape = shape
        self.message = message
        self.code = code or shape
        self.status = status
        self.is_sender = is_sender
        self.query_message = message if query_message is None else query_message


class MissingMember(MqbrokerError):
    """A structure among a request's parameters lacks what it has to have. `name` is the way there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is missing")
        self.name = name


class ProtocolViolation(MqbrokerError):
    """The peer broke its wire protocol. Each protocol maps `reason` to its own code in one table.

    `reason` is a short neutral word such as "frame", "syntax", "unexpected", "channel", "command"; `text` is what the
    peer is told.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class ConfigError(MqbrokerError):
    """A configuration file or option that the operator has to mend: one plain sentence, with the line where known."""


class PairError(MqbrokerError):
    """Something is wrong between the nodes of a pair, or between a node and the election store."""


class LinkBroken(PairError):
    """What came over a link is not what it should be."""


class LinkRefused(PairError):
    """A link is not to be: nothing has changed, and the text says what to do."""


class ElectionUnreachable(PairError):
    """The election store did not answer. Whether it has made the change is not known."""


class StorageError(MqbrokerError):
    """Something is wrong with what is on disk, or with the disk."""


class JournalCorrupt(StorageError):
    """The journal holds damage that is not a torn tail, so opening it could lose confirmed messages.

    `path` is the segment, `start` and `end` the damaged byte range in it.
    """

    def __init__(self, path: str, start: int, end: int, reason: str) -> None:
        super().__init__(f"{path}: bytes {start} to {end} are damaged ({reason})")
        self.path = path
        self.start = start
        self.end = end
        self.reason = reason


class KeyMissing(StorageError):
    """A segment of the journal is encrypted with a master key that was not given. `key_id` is that key's id."""

    def __init__(self, name: str, key_id: str, given: str) -> None:
        super().__init__(f"{name} is encrypted with the key {key_id}, and {given} (option journal.encryption_keys)")
        self.key_id = key_id


class LogRefused(StorageError):
    """What another node's log says does not continue the copy that is here. Nothing has changed."""


class StaleEpoch(LogRefused):
    """It is from an older epoch than the copy: its node was replaced, and may not know it."""


class DiskFailed(StorageError):
    """A write or sync of the journal failed. What the disk holds is unknown from here on, so the process must end."""
