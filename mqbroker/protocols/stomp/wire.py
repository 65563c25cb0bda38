"""What a subscription knows of its connection: where its output goes, in which version, and under which numbers."""

from mqbroker.protocols.session import Outbox, Session
from mqbroker.protocols.stomp.codec.escapes import V1_0


class StompWire(Session):
    """A connection as subscriptions know it."""

    protocol = "STOMP"
    takes_text = True

    __slots__ = ("client_id", "is_jms", "name", "next_number", "session_id", "topic_exchange", "version")

    def __init__(self, outbox: Outbox, name: str, topic_exchange: str, is_jms: bool) -> None:
        Session.__init__(self, outbox)
        self.name = name
        self.topic_exchange = topic_exchange
        self.is_jms = is_jms
        """Whether its destinations and headers are ActiveMQ's, otherwise RabbitMQ's."""
        self.client_id = ""
        """What durable subscriptions of ActiveMQ's dialect belong to."""
        self.version = V1_0
        self.session_id = ""
        self.next_number = 1
        """The number of the next delivery; part of its message-id."""

    def label(self) -> str:
        """Overrides Session's."""
        return self.name

    def taker(self) -> dict[str, object]:
        """What its subscriptions say of whose they are. Overridden."""
        raise NotImplementedError

    def subscription_ended(self, subscription: object) -> None:
        """Its queue is gone: the client is told. Overridden."""
        raise NotImplementedError
