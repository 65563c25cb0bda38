"""What was last published to each topic of an exchange, for those who subscribe later and want it all the same.

It is bound like a queue, and hands nothing out: whoever wants something of it takes `messages`. What it keeps is
bounded for each topic, and for all together, where the topic that nothing was published to for longest goes first.
"""

from collections import OrderedDict, deque
from itertools import chain
from typing import TYPE_CHECKING

from mqbroker.core.message import Message
from mqbroker.core.queues.base import ROUTED
from mqbroker.core.queues.host import QueueHost
from mqbroker.core.queues.kind import Kind
from mqbroker.core.queues.kinds import register
from mqbroker.core.routing.relay import Relay
from mqbroker.limits import RECENT_MESSAGE_OVERHEAD_BYTES, RECENT_MESSAGES_BYTES_MAX, RECENT_TOPICS_MAX

if TYPE_CHECKING:
    from mqbroker.core.ledger import Ledger


class RecentQueue(Relay):
    """The last messages of each routing key."""

    role = "recent"
    """The name of the kind."""

    __slots__ = ("_bytes", "_count", "_topics", "each_max")

    def __init__(self, host: QueueHost, ledger: "Ledger", name: str, _number: int, _durable: bool) -> None:
        Relay.__init__(self, host, ledger, name, self._keep)
        self.each_max = 1
        """How many messages of a topic it keeps."""
        self._topics: OrderedDict[str, deque[tuple[int, Message]]] = OrderedDict()
        self._count = 0
        self._bytes = 0

    def _keep(self, message: Message, _now: int) -> int:
        kept = self._topics.setdefault(message.routing_key, deque())
        self._topics.move_to_end(message.routing_key)
        self._count += 1
        self._bytes += _size(message)
        kept.append((self._count, message))
        if len(kept) > self.each_max:
            self._bytes -= _size(kept.popleft()[1])
        while self._bytes > RECENT_MESSAGES_BYTES_MAX or len(self._topics) > RECENT_TOPICS_MAX:
            _, oldest = self._topics.popitem(last=False)
            self._bytes -= sum(_size(each) for _, each in oldest)
        return ROUTED

    def topics(self) -> list[str]:
        """The routing keys that it has messages of."""
        return list(self._topics)

    def messages(self, topics: list[str]) -> list[Message]:
        """What it has of these, in the order in which they were published."""
        return [message for _, message in sorted(chain(*(self._topics[topic] for topic in topics)), key=_number)]


def _size(message: Message) -> int:
    return message.size + len(message.properties.raw) + RECENT_MESSAGE_OVERHEAD_BYTES


def _number(kept: tuple[int, Message]) -> int:
    return kept[0]


register(Kind(RecentQueue.role, RecentQueue))
