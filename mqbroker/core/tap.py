"""Who looks on while messages go through a vhost: what is published in it, and what its queues hand over.

A vhost and its queues have a tap only while somebody wants one. It is called in the midst of that work: it must be
quick, keep what it is told of for later, and change nothing in the broker.
"""

from collections.abc import Sequence

from mqbroker.core.message import Entry, Message


class Tap:
    """Of one vhost. Subclassed."""

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """A message was published, to the queues of these names. Overridden."""

    def delivered(self, queue: str, entry: Entry) -> None:
        """An entry of a queue goes to a consumer, or to somebody who polls. Overridden."""
