"""What operators set that the core has no use for: parameters, global parameters, what vhosts are described with.

It is in the journal with the definitions of everything else, under a kind of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.protocols.auditing import redacted

KIND = "management"
GLOBAL, PARAMETER, VHOST = "global-parameter", "parameter", "vhost"

VhostMetadata = Mapping[str, Any]
NO_METADATA: VhostMetadata = {"description": "", "tags": [], "default_queue_type": "undefined", "tracing": False}


class Store:
    """Of one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.global_parameters: dict[str, Any] = {}
        self.parameters: dict[tuple[str, str, str], Any] = {}
        """By component, vhost and name."""
        self.vhosts: dict[str, VhostMetadata] = {}
        self.described: Callable[[str, VhostMetadata], None] = lambda _name, _metadata: None
        """Called when a vhost is described otherwise."""

    def restore(self, found: Mapping[str, bytes]) -> None:
        """Puts back what the journal kept."""
        for names, data in definitions.of_kinds(found, (KIND,))[KIND]:
            what, *place = names
            value = definitions.unpack(data)["value"]
            if what == GLOBAL:
                self.global_parameters[place[0]] = value
            elif what == PARAMETER:
                self.parameters[place[0], place[1], place[2]] = value
            elif isinstance(value, Mapping):
                self._describe(place[0], value)

    def set_global(self, name: str, value: object) -> None:
        """Sets a global parameter."""
        self.global_parameters[name] = value
        self._define(value, GLOBAL, name)
        self._broker.events.tell("parameter.set", component="", vhost="", parameter=name, value=redacted(value))

    def clear_global(self, name: str) -> bool:
        """Whether it was there."""
        if name not in self.global_parameters:
            return False
        del self.global_parameters[name]
        self._undefine(GLOBAL, name)
        self._broker.events.tell("parameter.cleared", component="", vhost="", parameter=name)
        return True

    def set_parameter(self, component: str, vhost: str, name: str, value: object) -> None:
        """Sets a parameter."""
        self.parameters[component, vhost, name] = value
        self._define(value, PARAMETER, component, vhost, name)
        self._broker.events.tell(
            "parameter.set", component=component, vhost=vhost, parameter=name, value=redacted(value)
        )

    def clear_parameter(self, component: str, vhost: str, name: str) -> bool:
        """Whether it was there."""
        if (component, vhost, name) not in self.parameters:
            return False
        del self.parameters[component, vhost, name]
        self._undefine(PARAMETER, component, vhost, name)
        self._broker.events.tell("parameter.cleared", component=component, vhost=vhost, parameter=name)
        return True

    def describe_vhost(self, name: str, metadata: VhostMetadata) -> None:
        """Sets what a vhost is described with, and of which type its queues are unless they say so."""
        self._describe(name, metadata)
        self._define(metadata, VHOST, name)

    def _describe(self, name: str, metadata: VhostMetadata) -> None:
        self.vhosts[name] = metadata
        vhost = self._broker.vhosts.get(name)
        kind = metadata["default_queue_type"]
        if vhost is not None and kind != "undefined":
            vhost.default_queue_type = kind
        self.described(name, metadata)

    def metadata(self, name: str) -> VhostMetadata:
        """What a vhost is described with."""
        return {**NO_METADATA, **self.vhosts.get(name, {})}

    def forget_vhost(self, name: str) -> None:
        """The vhost is gone."""
        if self.vhosts.pop(name, None) is not None:
            self._undefine(VHOST, name)
        for component, vhost, parameter in [key for key in self.parameters if key[1] == name]:
            self.clear_parameter(component, vhost, parameter)

    def _define(self, value: object, *place: str) -> None:
        self._broker.ledger.define(definitions.key("management", *place), definitions.pack({"value": value}))

    def _undefine(self, *place: str) -> None:
        self._broker.ledger.define(definitions.key("management", *place), None)
