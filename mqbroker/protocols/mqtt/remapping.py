"""What the journal has from a time when topics became routing keys by another mapping (`mqtt.topic_mapping`).

Runs once at each start. Retained messages, bindings of sessions and of groups, and wills get the key that their topic
has now, so that they meet what is published from now on. Messages that wait in queues keep their keys, for AMQP queues
may share them. They are matched by the former key of their subscription, and sent by the mapping that their own flags
name where the present one has no topic for them (output.py).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mqbroker.core.message import new_message
from mqbroker.protocols.mqtt.properties import MqttProperties, in_mapping
from mqbroker.protocols.mqtt.topics import MAPPINGS
from mqbroker.protocols.mqtt.topics import Mapping as TopicMapping

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.core.queues.retained import RetainedMessages
    from mqbroker.core.routing.exchange import Exchange
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.mqtt.wills import PendingWill


def remap_retained(retained: "RetainedMessages", mapping: TopicMapping) -> None:
    """Gives every retained message of MQTT the key that its topic has now."""
    for entry in retained.entries():
        message, properties = entry.message, entry.message.properties
        if not isinstance(properties, MqttProperties) or properties.mapping is mapping:
            continue
        key, changed = in_mapping(message.routing_key, properties, mapping)
        if key != message.routing_key:
            retained.move(entry, new_message(message.exchange, key, changed, message.content(), message.received_at))


def remap_binding(
    vhost: "VHost", exchange: "Exchange", queue: "Queue", former: str, key: str, arguments: Mapping[str, object]
) -> None:
    """Binds by the present key in place of the former one."""
    vhost.bind(exchange, queue, key, arguments)
    vhost.unbind(exchange, queue, former, arguments)


def remap_group(vhost: "VHost", exchange: "Exchange", queue: "Queue", topic: str, mapping: TopicMapping) -> None:
    """The same for the one binding of a shared subscription. Others of that queue are an operator's."""
    key = mapping.to_key(topic)
    formers = {each.to_key(topic) for each in MAPPINGS.values()} - {key}
    for binding in exchange.bindings_of(queue):
        if binding.key in formers and not binding.arguments:
            remap_binding(vhost, exchange, queue, binding.key, key, {})


def remap_will(will: "PendingWill", mapping: TopicMapping) -> None:
    """Gives a will the key that its topic has now."""
    if will.properties.mapping is not mapping:
        will.key, will.properties = in_mapping(will.key, will.properties, mapping)
