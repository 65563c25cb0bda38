"""What both kinds of links have, and the links of publishers: what they may send, and what of it is not complete.

What a publisher's messages are for is said by subclasses: publishing.py, management.py, transactions.py.
"""

from typing import TYPE_CHECKING, Any

from mqbroker.errors import ProtocolViolation
from mqbroker.protocols.amqp1.codec.performatives import Flow, Transfer
from mqbroker.protocols.amqp1.codec.quick import Quick
from mqbroker.protocols.amqp1.limits import CREDIT_AGAIN_SHARE

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.session import LinkSession


class Delivery:
    """What is known of a message that arrives in one or more transfers."""

    __slots__ = ("id", "is_settled", "message_format", "parts", "size", "state", "tag")

    def __init__(self, delivery_id: int, tag: bytes, is_settled: bool, state: Any) -> None:
        self.id = delivery_id
        self.tag = tag
        self.is_settled = is_settled
        self.state = state
        """What the client says of it: a transaction that it belongs to."""
        self.parts: list[bytes] = []
        self.size = 0


class IncomingLink:
    """A link on which the client sends. Subclassed by what its messages are for."""

    __slots__ = (
        "credit", "credit_max", "delivery_count", "handle", "is_changed", "is_settled", "message_size_max", "name",
        "partial", "session", "unsettled",
    )  # fmt: skip

    def __init__(self, session: "LinkSession", name: str, handle: int, is_settled: bool | None, count: int) -> None:
        """`is_settled` is what the settle mode says of all its messages; None for mixed."""
        settings = session.connection.services.settings
        self.session = session
        self.name = name
        self.handle = handle
        self.is_settled = is_settled
        self.delivery_count = count
        self.credit = 0
        self.credit_max = settings.link_credit
        self.message_size_max = settings.message_size_max
        self.unsettled = 0
        """Messages of which the client has not been told what became of them."""
        self.partial: Delivery | None = None
        self.is_changed = False
        """Whether the connection has it on its list of links to look at."""

    def take(self, delivery: Delivery, payload: bytes) -> None:
        """A message is complete. Raises RequestRefused, ProtocolViolation. Overridden."""
        raise NotImplementedError

    def take_run(self, _data: bytes, position: int, _quick: Quick) -> int:
        """Takes the transfers from `position` on that it can take without more ado. Where that ends. Overridden."""
        return position

    def accept(self, delivery_id: int | None, tag: bytes | None, settled: bool | None, state: Any) -> Delivery:
        """The first transfer of a message. Raises ProtocolViolation for one that may not be sent."""
        if self.credit <= 0:
            raise ProtocolViolation("credit", "a transfer came without credit")
        if delivery_id is None:
            raise ProtocolViolation("field", "a transfer has no delivery-id")
        is_settled = bool(settled)
        if self.is_settled is not None and is_settled is not self.is_settled:
            raise ProtocolViolation("field", "a transfer does not agree with the link's snd-settle-mode")
        self.credit -= 1
        self.delivery_count = (self.delivery_count + 1) & 0xFFFF_FFFF
        return Delivery(delivery_id, tag or b"", is_settled, state)

    def check_continuation(self, found: Transfer) -> None:
        """Whether a transfer belongs to the message that is not complete (2.7.5). Raises ProtocolViolation."""
        partial = self.partial
        assert partial is not None
        if found.delivery_id not in (None, partial.id):
            raise ProtocolViolation("field", "a transfer continues a delivery with another delivery-id")
        if found.settled is not None and found.settled is not partial.is_settled:
            if not found.settled:
                raise ProtocolViolation("field", "a transfer continues a delivery with another settled")
            partial.is_settled = True

    def add_part(self, payload: bytes, is_last: bool) -> tuple[Delivery, bytes] | None:
        """More of the message that is not complete; the whole of it, once it is. Raises ProtocolViolation."""
        partial = self.partial
        assert partial is not None
        if payload:  # of empty parts there may be any number
            partial.parts.append(payload)
        partial.size += len(payload)
        self.session.connection.count_partial(len(payload))
        if self.message_size_max and partial.size > self.message_size_max:
            raise too_large(partial.size, self.message_size_max)
        if not is_last:
            return None
        whole = b"".join(partial.parts)
        self.drop_partial()
        return partial, whole

    def drop_partial(self) -> None:
        """The message that was not complete is, or never will be."""
        if self.partial is not None:
            self.session.connection.count_partial(-self.partial.size)
            self.partial = None

    def wants_credit(self) -> bool:
        """Whether it is time to grant more, of which nobody has too many already."""
        return self.credit <= self.credit_max // CREDIT_AGAIN_SHARE and self.unsettled < self.credit_max

    def grant(self) -> None:
        """Renews the credit."""
        self.credit = self.credit_max
        self.session.send_flow(self.flow())

    def flow(self) -> Flow:
        """Its part of a flow."""
        return Flow(handle=self.handle, delivery_count=self.delivery_count, link_credit=self.credit, available=0)

    def begun(self) -> None:
        """The link is attached. Overridden where that leads to more."""

    def ended(self) -> None:
        """The link is gone. Overridden where that leads to more."""
        self.drop_partial()


def too_large(size: int, most: int) -> ProtocolViolation:
    """The violation of a message that is larger than was agreed on."""
    return ProtocolViolation("size", f"message size ({size} bytes) > maximum message size ({most} bytes)")
