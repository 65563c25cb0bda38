"""What the parts of a connection show to the state below them: shapes alone, so that it need not know the parts."""

from collections.abc import Sized
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mqbroker.core.message import Message
    from mqbroker.core.routing.targets import Targets
    from mqbroker.protocols.amqp.methods import Method


class Opening(Protocol):
    """The handshake of a connection that is not open yet (handshake.py)."""

    octets: int
    stage: str

    @property
    def may_send_close(self) -> bool:
        """Whether connection.close makes sense to the peer."""

    def take_header(self, data: bytes) -> bool:
        """Takes input that may begin with the protocol header; False when there is nothing left to scan now."""

    def take_method(self, method: "Method") -> None:
        """The next method of channel 0."""

    def chunk_taken(self) -> None:
        """All that can be handled of a chunk is."""


class Held(Sized, Protocol):
    """The frames of a channel that waits for the journal (holding.py)."""

    def drop(self) -> None:
        """The channel is closed."""


class UnderWay(Protocol):
    """A transaction (transactions.py)."""

    def publish(self, message: "Message", targets: "Targets", mandatory: bool) -> None:
        """Keeps a message until the commit."""

    def acknowledge(self, tag: int, multiple: bool) -> None:
        """Keeps an ack until the commit."""

    def refuse(self, tag: int, multiple: bool, outcome: int) -> None:
        """Keeps a reject or nack until the commit."""

    def commit(self) -> None:
        """Carries everything out."""

    def rollback(self) -> None:
        """Forgets everything."""
