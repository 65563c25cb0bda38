"""The queue of a virtual topic that knows its consumers' selectors: what comes by the topic enters it only if somebody
who consumes from it now selects it (ActiveMQ's selectorAware).

So what nobody wants does not pile up in it. What is sent to the queue itself always enters.
"""

from mqbroker.core.message import Message
from mqbroker.core.queues.base import ROUTED
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.selectors.fields import selects


class AwareQueue(ClassicQueue):
    """Takes in from topics what its consumers select."""

    role = "selector-aware"
    """The name of the kind."""

    __slots__ = ()

    def publish(self, message: Message, now: int) -> int:
        """Takes a message if it is wanted. A publisher does not learn whether it was."""
        if message.exchange and not self._is_wanted(message):
            return ROUTED
        return ClassicQueue.publish(self, message, now)

    def _is_wanted(self, message: Message) -> bool:
        selectors = {} if self.picking is None else self.picking.selectors
        found = map(selectors.get, self.consumers)
        return any(selector is None or selects(selector, message) for selector in found)
