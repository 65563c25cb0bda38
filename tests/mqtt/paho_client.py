"""A paho client over a real socket whose events are taken one by one."""

import queue
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

WAIT_S = 15
_PROPERTIES: Any = Properties


def told(message: paho.MQTTMessage) -> dict[str, Any]:
    """The properties of a message."""
    properties: Any = message.properties
    found: dict[str, Any] = properties.json()
    return found


def new_properties(kind: int) -> Any:
    """Properties for a packet, still empty."""
    return _PROPERTIES(kind)


class Paho:
    """A paho client whose events are taken one by one."""

    def __init__(self, port: int, client_id: str, version: int, expiry_s: int = 0, **options: Any) -> None:
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.version = version
        clean: dict[str, Any] = {} if version == 5 else {"clean_session": not expiry_s}
        protocol = MQTTProtocolVersion(version)
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=protocol, **clean, **options)
        self.client.on_connect = lambda c, u, flags, reason, p: self.events.put(("connected", flags.session_present))
        self.client.on_subscribe = lambda c, u, mid, reasons, p: self.events.put(("subscribed", reasons))
        self.client.on_publish = lambda c, u, mid, reason, p: self.events.put(("published", mid))
        self.client.on_message = lambda c, u, message: self.messages.put(message)
        self.port = port
        self.expiry_s = expiry_s

    def __enter__(self) -> Self:
        options: dict[str, Any] = {}
        if self.version == 5:
            options["clean_start"] = not self.expiry_s
            options["properties"] = new_properties(PacketTypes.CONNECT)
            options["properties"].SessionExpiryInterval = self.expiry_s
        self.client.connect("127.0.0.1", self.port, **options)
        self.client.loop_start()
        self.is_present = self.event("connected")
        return self

    def __exit__(self, *details: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def event(self, name: str) -> Any:
        while True:
            found, value = self.events.get(timeout=WAIT_S)
            if found == name:
                return value

    def subscribe(self, *args: Any, **options: Any) -> Any:
        self.client.subscribe(*args, **options)
        return self.event("subscribed")

    def publish(self, topic: str, payload: bytes, qos: int, **options: Any) -> None:
        self.client.publish(topic, payload, qos, **options).wait_for_publish(WAIT_S)

    def message(self) -> paho.MQTTMessage:
        return self.messages.get(timeout=WAIT_S)
