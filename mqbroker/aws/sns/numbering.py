"""FIFO topics: each message has a number, and none is published twice within five minutes.

Both are the business of the FIFO queue beside the topic: what enters it has the next number, or is known already. It
leaves it at once, unless the topic has an archive: then the queue is that.
"""

from collections.abc import Callable
from typing import NamedTuple

from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sqs.shown_message import SEQUENCE_BASE
from mqbroker.core.queues.polled.fifo import FifoQueue

_AT_ONCE = 10
_HELD_MS = 60_000


class Numbered(NamedTuple):
    """What became of a message: its id and number, or those of the one that it repeats, for which there is no
    notification."""

    notification: Notification | None
    message_id: str
    sequence: str


def number(topic: Topic, make: Callable[[str], Notification], now: int) -> Numbered:
    """Numbers the message that `make` makes for a number."""
    log = topic.log
    assert log is not None
    notification = make(str(SEQUENCE_BASE + log.next_sequence))
    entry = log.send(notification.message, now)
    sequence = str(SEQUENCE_BASE + entry.sequence)
    if entry.message is not notification.message:
        known = entry.message.properties.text("message_id") or notification.message_id
        return Numbered(None, known, sequence)
    if not topic.attributes.get("ArchivePolicy"):
        _empty(log, now)
    return Numbered(notification, notification.message_id, sequence)


def _empty(log: FifoQueue, now: int) -> None:
    for entry in log.receive(_AT_ONCE, _HELD_MS, now):
        log.delete(entry, now)
