"""RabbitMQ's exchange of events: what happens beside messages, as messages of amq.rabbitmq.event in the default vhost.

The routing key is the event's name in RabbitMQ, the body is empty, what has happened stands in the headers. While
nothing is bound to the exchange, nothing is made.
"""

from collections.abc import Mapping

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.events import Event
from mqbroker.core.message import new_message
from mqbroker.core.rabbitmq.exchange_types import make_exchange
from mqbroker.core.values import Timestamp
from mqbroker.management.firehose import EVENT, Compose
from mqbroker.management.known_tags import CREATED, PASSWORD_CHANGED, RETAGGED, KnownTags
from mqbroker.management.outlet import Outlet

_MS = 1000
_NAMES: Mapping[str, str] = {
    "user.refused": "user.authentication.failure",
    "session.opened": "connection.created",
    "session.closed": "connection.closed",
    "channel.opened": "channel.created",
    "permission.set": "permission.created",
    "permission.cleared": "permission.deleted",
    "topic.permission.set": "topic.permission.created",
    "topic.permission.cleared": "topic.permission.deleted",
    "policy.deleted": "policy.cleared",
}
"""Events that RabbitMQ calls otherwise."""
_PUT: Mapping[str, str] = {
    CREATED: "user.created",
    RETAGGED: "user.tags.set",
    PASSWORD_CHANGED: "user.password.changed",
}
"""What it calls those of users who were put."""
_ALIKE = (
    "vhost.created", "vhost.deleted", "vhost.limits.set", "user.deleted", "user.limits.set", "exchange.created",
    "exchange.deleted", "queue.created", "queue.deleted", "binding.created", "binding.deleted", "consumer.created",
    "consumer.deleted", "channel.closed", "policy.set", "alarm.set", "alarm.cleared", "parameter.set",
    "parameter.cleared",
)  # fmt: skip
_RENAMED: Mapping[str, Mapping[str, str]] = {
    "vhost": {"vhost": "name"},
    "user": {"user": "name"},
    "exchange": {"exchange": "name", "kind": "type"},
    "queue": {"queue": "name", "kind": "type"},
    "policy": {"policy": "name", "apply_to": "apply-to"},
    "binding": {
        "source": "source_name", "destination": "destination_name", "destination_kind": "destination_kind",
        "key": "routing_key",
    },
    "parameter": {"parameter": "name"},
    "consumer": {"consumer": "consumer_tag", "acknowledges": "ack_required", "prefetch": "prefetch_count"},
    "session": {"session": "name"},
    "channel": {"session": "connection", "channel": "number"},
    "alarm": {"reason": "resource"},
}  # fmt: skip
"""Fields that RabbitMQ calls otherwise, by the first word of our event's name."""


class Announcer:
    """A subscriber of the events of one broker."""

    def __init__(self, broker: Broker, vhost: str, clock: Clock, compose: Compose) -> None:
        """`vhost` is where the exchange is."""
        self._broker = broker
        self._clock = clock
        self._compose = compose
        self._vhost = broker.vhost(vhost)
        self._outlet = Outlet(broker.scheduler, self._vhost)
        self._tags = KnownTags({name: user.tags for name, user in broker.access.users.items()})
        if EVENT not in self._vhost.exchanges:
            self._vhost.add_exchange(make_exchange(EVENT, "topic", True, False, True, {}))

    def take(self, event: Event) -> None:
        """Something has happened."""
        name = _PUT.get(self._tags.take(event)) or _NAMES.get(event.name)
        name = name or (event.name if event.name in _ALIKE else "")
        if event.name == "session.opened":
            self._announce("user.authentication.success", _fields(event), event.at_ms)
        if name:
            self._announce(name, _fields(event), event.at_ms)

    def _announce(self, key: str, fields: Mapping[str, object], at_ms: int) -> None:
        exchange = self._vhost.exchanges.get(EVENT)
        if exchange is None or exchange.is_unused:
            return
        wall = self._clock.wall()
        headers = {"timestamp_in_ms": wall, **fields}
        properties = self._compose({"headers": headers, "delivery_mode": 2, "timestamp": Timestamp(wall // _MS)})
        self._outlet.put(new_message(EVENT, key, properties, b"", at_ms))


def _fields(event: Event) -> dict[str, object]:
    renamed = _RENAMED.get(event.name.partition(".")[0], {})
    if event.name == "user.refused":
        renamed = {"user": "name", "reason": "error", "peer": "peer"}
    shown = {renamed.get(name, name): _plain(value) for name, value in event.fields.items()}
    if "peer" in shown:
        shown["peer_host"], _, port = str(shown.pop("peer")).rpartition(":")
        shown["peer_port"] = int(port) if port.isdecimal() else 0
    if event.name.startswith("vhost."):
        shown["name"] = event.fields["vhost"]
    return shown


def _plain(value: object) -> object:
    """The value as a table of AMQP may have it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
