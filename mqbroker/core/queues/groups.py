"""Message groups of a queue: whoever is given the first message of a group is given all others of it.

A group ends with a message that says so, with its owner, or when there are too many: then its next message finds a new
owner. It does not know how messages are told to be of a group beyond their neutral property.
"""

from mqbroker.core.consumer import Consumer
from mqbroker.core.message import Message
from mqbroker.core.properties import Properties
from mqbroker.core.recent import remember
from mqbroker.limits import MESSAGE_GROUPS_MAX

SEQUENCE_HEADER = "JMSXGroupSeq"
_LAST = ("-1", -1)


class Groups:
    """Who owns which group."""

    __slots__ = ("_owners",)

    def __init__(self) -> None:
        self._owners: dict[str, Consumer] = {}

    def admits(self, message: Message, consumer: Consumer) -> bool:
        """Whether a consumer may have a message: one without a group, or of a group that nobody else owns."""
        group = message.properties.text("group_id")
        return group is None or self._owners.get(group, consumer) is consumer

    def opens(self, message: Message) -> bool:
        """Whether whoever is given the message next is given a group with it."""
        group = message.properties.text("group_id")
        return group is not None and group not in self._owners

    def assign(self, message: Message, consumer: Consumer) -> bool:
        """The consumer is given the message, and owns its group from now on. Whether a group has ended with it, so that
        others may have what they could not before."""
        properties = message.properties
        group = properties.text("group_id")
        if group is None:
            return False
        if _is_last(properties):
            return self._owners.pop(group, None) is not None
        if group not in self._owners:
            remember(self._owners, group, consumer, MESSAGE_GROUPS_MAX)
        return False

    def left(self, consumer: Consumer) -> bool:
        """A consumer is gone, and its groups are anybody's. Whether it had any."""
        groups = [group for group, owner in self._owners.items() if owner is consumer]
        for group in groups:
            del self._owners[group]
        return bool(groups)


def _is_last(properties: Properties) -> bool:
    """Whether a group ends with a message."""
    return properties.text("group_sequence") in _LAST or properties.headers().get(SEQUENCE_HEADER) in _LAST
