"""A restart: puts definitions and messages that the journal kept back into a broker.

Definitions come in an order in which each finds what it refers to. Nothing of it is told to the ledger: it said all
this. Then what is left over of deletions goes. Only then each queue does what has become due meanwhile: a dead letter
needs the bindings, and finds its place after what its new queue had before.
"""

from collections.abc import Mapping

from mqbroker.core import definitions
from mqbroker.core.broker import Broker
from mqbroker.core.message import Entry
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.queues.kept import pieces
from mqbroker.core.queues.retained import RetainedMessages
from mqbroker.core.rabbitmq.arguments import declared_spec
from mqbroker.core.rabbitmq.exchange_types import make_exchange
from mqbroker.core.rabbitmq.policy import Policy
from mqbroker.core.vhost import VHost

KINDS = (
    "numbers", "vhost", "vhost-limits", "user", "access-key", "policy", "operator-policy", "delayed", "exchange",
    "queue", "binding", "retained", "scheduled",
)  # fmt: skip
"""The kinds of definitions that are the core's, in an order in which each finds what it refers to."""


def restore(broker: Broker, found: Mapping[str, bytes], entries: Mapping[int, list[Entry]], now: int) -> None:
    """Puts back definitions by key, and the entries of each queue number."""
    Restoration(broker, found, entries, now).run()


class Restoration:
    """One restart: definitions kind by kind, then the messages."""

    def __init__(
        self, broker: Broker, found: Mapping[str, bytes], entries: Mapping[int, list[Entry]], now: int
    ) -> None:
        self.broker = broker
        self.entries = entries
        self.now = now
        self.leftovers: list[str] = []
        """Bindings of queues and exchanges that were gone: the broker has died before they were."""
        self.delayed_numbers: dict[tuple[str, str], int] = {}
        self.by_kind = definitions.of_kinds(found, KINDS)

    def run(self) -> None:
        """Restores every definition and message, then discards what has expired or is too much by now."""
        for kind, found in self.by_kind.items():
            restore = getattr(self, f"_restore_{kind.replace('-', '_')}")
            for names, data in found:
                restore(names, definitions.unpack(data))
        for key in self.leftovers:
            self.broker.ledger.define(key, None)
        for vhost in self.broker.vhosts.values():
            for queue in list(vhost.queues.values()):
                queue.enforce(self.now)
        self.broker.ledger.restored()

    def _restore_numbers(self, _names: list[str], value: dict[str, object]) -> None:
        reserved = value["reserved"]
        assert isinstance(reserved, int)
        self.broker.skip_numbers(reserved)

    def _restore_vhost(self, names: list[str], _value: dict[str, object]) -> None:
        self.broker.vhosts[names[0]] = VHost(names[0], self.broker)

    def _restore_vhost_limits(self, names: list[str], value: dict[str, object]) -> None:
        self.broker.restore_vhost_limits(names[0], value)

    def _restore_user(self, names: list[str], value: dict[str, object]) -> None:
        self.broker.restore_user(names[0], value)

    def _restore_access_key(self, names: list[str], value: dict[str, object]) -> None:
        user, secret, account = value["user"], value["secret"], value["account"]
        assert isinstance(user, str)
        assert isinstance(secret, str)
        assert isinstance(account, str)
        self.broker.access.put_access_key(user, names[0], secret, account)

    def _restore_policy(self, names: list[str], value: dict[str, object], operator: bool = False) -> None:
        pattern, definition = value["pattern"], value["definition"]
        priority, apply_to = value["priority"], value["apply_to"]
        assert isinstance(pattern, str)
        assert isinstance(definition, dict)
        assert isinstance(priority, int)
        assert isinstance(apply_to, str)
        self.broker.policies.set(Policy(names[0], names[1], pattern, definition, priority, apply_to), operator)

    def _restore_operator_policy(self, names: list[str], value: dict[str, object]) -> None:
        self._restore_policy(names, value, operator=True)

    def _restore_delayed(self, names: list[str], value: dict[str, object]) -> None:
        number = value["number"]
        assert isinstance(number, int)
        self.delayed_numbers[names[0], names[1]] = number

    def _restore_exchange(self, names: list[str], value: dict[str, object]) -> None:
        vhost_name, name = names
        kind, arguments = value["type"], value["arguments"]
        assert isinstance(kind, str)
        assert isinstance(arguments, dict)
        exchange = make_exchange(name, kind, True, value["auto_delete"] is True, value["internal"] is True, arguments)
        birth = value.get("number", 0)
        assert isinstance(birth, int)
        exchange.number = birth
        number = self.delayed_numbers.get((vhost_name, name), 0)
        delayed = self.broker.vhost(vhost_name).restore_exchange(exchange, number)
        if delayed is not None:
            self._restore_held(delayed, number)

    def _restore_held(self, held: DelayedMessages, number: int) -> None:
        for place, entries in pieces(self.entries, number):
            held.restore(entries, place)

    def _restore_queue(self, names: list[str], value: dict[str, object]) -> None:
        vhost_name, name = names
        arguments = value["arguments"]
        assert isinstance(arguments, dict)
        spec = declared_spec(arguments, name, vhost_name, True, False, value["auto_delete"] is True)
        self.broker.vhost(vhost_name).restore_queue(spec, value, self.entries, self.now)

    def _restore_binding(self, names: list[str], value: dict[str, object]) -> None:
        vhost_name, exchange_name, kind, name, key, _ = names
        arguments = value["arguments"]
        assert isinstance(arguments, dict)
        vhost = self.broker.vhost(vhost_name)
        destination = vhost.queues.get(name) if kind == "q" else vhost.exchanges.get(name)
        source = vhost.exchanges.get(exchange_name)
        if destination is not None and source is not None:
            ends = [source.number, destination.number]
            if value.get("ends", ends) == ends:  # older journals have none
                vhost.restore_binding(source, destination, key, arguments)
                return
        self.leftovers.append(definitions.key("binding", *names))

    def _restore_scheduled(self, names: list[str], value: dict[str, object]) -> None:
        number = value["number"]
        assert isinstance(number, int)
        self._restore_held(self.broker.vhost(names[0]).restore_scheduled(number), number)

    def _restore_retained(self, names: list[str], value: dict[str, object]) -> None:
        number = value["number"]
        assert isinstance(number, int)
        vhost = self.broker.vhost(names[0])
        vhost.retained = RetainedMessages(vhost.ledger, vhost.timers, vhost.scheduler, number, 0, 0)
        vhost.retained.restore(self.entries.get(number, []))
