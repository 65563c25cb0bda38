"""RabbitMQ's firehose: copies of all messages of a traced vhost, to the exchange amq.rabbitmq.trace.

    publish.<exchange>    each message that is published; publish. for the exchange without a name
    deliver.<queue>       each message that a consumer gets, or somebody who polls

A copy has the body of the message, and as headers its exchange, keys and properties, and by which connection, channel
and user it came or goes. Copies themselves are not traced.
"""

from collections.abc import Callable, Mapping, Sequence

from mqbroker.core.broker import Broker
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.rabbitmq.x_death import all_keys
from mqbroker.core.tap import Taker, Tap
from mqbroker.core.vhost import VHost
from mqbroker.management.outlet import Outlet
from mqbroker.management.properties import shown_properties
from mqbroker.protocols.takers import Whose, publisher_in, whose

TRACE = "amq.rabbitmq.trace"
EVENT = "amq.rabbitmq.event"
LOG = "amq.rabbitmq.log"
OWN_EXCHANGES = (TRACE, EVENT, LOG)

Compose = Callable[[Mapping[str, object]], Properties]


class Firehose:
    """The traced vhosts of one broker."""

    def __init__(self, broker: Broker, node: str) -> None:
        self._broker = broker
        self._node = node

    def follow(self, vhost_name: str, is_traced: bool, compose: Compose) -> None:
        """Begins or ends the tracing of a vhost; one that is as wanted already stays so."""
        vhost = self._broker.vhosts.get(vhost_name)
        if vhost is None:
            return
        own = next((tap for tap in vhost.taps() if isinstance(tap, TraceTap)), None)
        if own is None and is_traced:
            vhost.add_tap(TraceTap(self._broker, vhost, self._node, compose))
        elif own is not None and not is_traced:
            vhost.remove_tap(own)


class TraceTap(Tap):
    """Makes the copies of one vhost."""

    def __init__(self, broker: Broker, vhost: VHost, node: str, compose: Compose) -> None:
        self._outlet = Outlet(broker.scheduler, vhost)
        self._vhost = vhost
        self._node = node
        self._compose = compose

    def published(self, message: Message, queues: Sequence[str]) -> None:
        """Overrides Tap's."""
        if self._is_wanted(message):
            more = {"routed_queues": list(queues)}
            self._copy(f"publish.{message.exchange}", message, publisher_in(self._vhost), more)

    def delivered(self, queue: str, entry: Entry, taker: Taker | None) -> None:
        """Overrides Tap's."""
        if self._is_wanted(entry.message):
            more = {"redelivered": int(entry.is_redelivered)}
            self._copy(f"deliver.{queue}", entry.message, whose(taker, self._vhost), more)

    def _is_wanted(self, message: Message) -> bool:
        exchange = self._vhost.exchanges.get(TRACE)
        return not (message.exchange in OWN_EXCHANGES or exchange is None or exchange.is_unused)

    def _copy(self, key: str, message: Message, who: Whose, more: Mapping[str, object]) -> None:
        headers = {
            "exchange_name": message.exchange,
            "routing_keys": all_keys(message),
            "properties": dict(shown_properties(message.properties)),
            "node": self._node,
            "vhost": self._vhost.name,
            **dict(zip(("connection", "user", "channel"), who, strict=True)),
            **more,
        }
        properties = self._compose({"headers": headers})
        self._outlet.put(new_message(TRACE, key, properties, message.content(), message.received_at))
