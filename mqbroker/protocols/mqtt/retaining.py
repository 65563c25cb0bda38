"""How protocols without a retain flag retain messages: by an exchange of each vhost that MQTT is used in."""

from typing import TYPE_CHECKING

from mqbroker.core.message import Message
from mqbroker.core.queues.base import ROUTED, Queue
from mqbroker.core.queues.retained import RetainedMessages
from mqbroker.core.rabbitmq.exchange_types import make_exchange

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost

RETAINING_EXCHANGE = "amq.retained"
"""A topic exchange: what is published to it is retained, and goes on to amq.topic."""


class RetainingQueue(Queue):
    """Where the retaining exchange sends its messages: nothing waits here, each becomes its topic's last one."""

    __slots__ = ("retained",)

    retained: RetainedMessages

    def publish(self, message: Message, now: int) -> int:
        """Retains the message. Always ROUTED."""
        self.retained.put(message, now)
        return ROUTED


def add_retaining_exchange(vhost: "VHost", retained: RetainedMessages) -> None:
    """Gives a vhost the exchange by which protocols without a retain flag retain messages. Not for the journal."""
    if RETAINING_EXCHANGE in vhost.exchanges:
        return
    exchange = make_exchange(RETAINING_EXCHANGE, "topic", False, False, False, {})
    vhost.exchanges[RETAINING_EXCHANGE] = exchange
    queue = RetainingQueue(vhost, vhost.ledger, RETAINING_EXCHANGE, 0, False)
    queue.retained = retained
    exchange.bind(queue, "#", {})
    exchange.bind(vhost.exchanges["amq.topic"], "#", {})
