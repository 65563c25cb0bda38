"""Messages that another service put into a queue, and whose receivers are shown an envelope around the body.

The envelope is written when somebody receives: so a message that went to a hundred queues is kept once, although each
queue's envelope is another one. Receivers of other protocols get the body as it is.
"""

from collections.abc import Callable

from mqbroker.aws.sqs.properties import SqsProperties
from mqbroker.aws.sqs.redrive import QueueArn


class EnvelopedProperties(SqsProperties):
    """Properties of such a message. Subclassed by the service that sends it."""

    __slots__ = ()

    @property
    def shows_group(self) -> bool:
        """Whether receivers of a standard queue are shown the message group."""
        return True


Write = Callable[[EnvelopedProperties, bytes, QueueArn], str]
"""The envelope of a message that was sent to a queue, from its properties and its body."""


class Envelopes:
    """Who writes the envelopes of one broker."""

    __slots__ = ("write",)

    def __init__(self) -> None:
        self.write: Write = _nobody


def _nobody(_properties: EnvelopedProperties, content: bytes, _queue: QueueArn) -> str:
    return content.decode(errors="replace")
