"""Where the messages of a subscription go, as the topic sees it.

A target is handed a message in the turn of its publish. What goes to a queue is there in the same commit of the
journal; what is sent elsewhere waits in a queue of its own until it is delivered (delivery/).
"""

from mqbroker.aws.sns.notification import Notification


class Target:
    """Where the messages of one subscription go. Subclassed."""

    __slots__ = ()

    def deliver(self, notification: Notification, now: int) -> None:
        """Takes a message. Never raises. Overridden."""
        raise NotImplementedError

    @property
    def is_full(self) -> bool:
        """Whether so much waits that a message more would be lost. Overridden where that may be."""
        return False

    def begin(self, now: int) -> None:
        """The broker serves: what waits is sent. Overridden where something may wait."""

    def configure(self, topic_policy: str) -> None:
        """The attributes of the subscription have changed, or those of the topic, which has this delivery policy.
        Overridden where that matters."""

    def waiting_count(self) -> int:
        """How many messages wait to be sent. Overridden where some may."""
        return 0

    def end(self) -> None:
        """The subscription is gone. Overridden where something of it is left."""
