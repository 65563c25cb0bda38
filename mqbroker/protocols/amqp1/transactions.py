"""Local transactions."""

from mqbroker.protocols.amqp1.links import Delivery, IncomingLink


class ControlLink(IncomingLink):
    """The link to the coordinator."""

    def take(self, delivery: Delivery, payload: bytes) -> None:
        """Nothing yet."""
