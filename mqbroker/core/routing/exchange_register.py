"""The exchanges of one vhost: added, put back by a restart, and removed, with the messages that some of them hold back.

It tells the ledger what is durable. What is bound is the business of bindings.py, and how exchanges are declared that
of core/rabbitmq.
"""

from collections.abc import Mapping
from typing import Protocol

from mqbroker.core import definitions
from mqbroker.core.events import Events
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Message
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.queues.leftovers import Container
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.scheduler import Scheduler
from mqbroker.core.stats import Flow
from mqbroker.core.timers import Timers


class ExchangeHost(Protocol):
    """What the register asks of its vhost."""

    name: str
    ledger: Ledger
    timers: Timers
    scheduler: Scheduler
    exchanges: dict[str, Exchange]
    delayed: dict[str, DelayedMessages]
    generation: int
    events: Events
    past_flow: Flow

    def next_number(self) -> int:
        """A number for something that the journal keeps."""

    def policy_of(self, exchange: Exchange) -> Mapping[str, object]:
        """The settings that policies lay over an exchange."""

    def publish_due(self, exchange_name: str, message: Message, now: int) -> None:
        """The time of a message that was held back has come."""

    def unbind_everything_from(self, gone: Exchange) -> None:
        """The exchange is gone: so are its bindings."""

    def leave(self, containers: list[Container]) -> None:
        """Has what is in the containers freed."""


class ExchangeRegister:
    """The exchanges of one vhost."""

    def __init__(self, host: ExchangeHost) -> None:
        self._host = host

    def add(self, exchange: Exchange) -> None:
        """A new exchange, and its definition."""
        host = self._host
        exchange.number = host.next_number() if exchange.durable else 0
        delayed = self.restore(exchange, host.next_number() if exchange.is_delayed and exchange.durable else 0)
        if delayed is not None and delayed.number:
            host.ledger.define(self._delayed_key(exchange), definitions.pack({"number": delayed.number}))
        if exchange.durable:
            host.ledger.define(self._key(exchange), exchange.packed())
        host.events.tell(
            "exchange.created",
            vhost=host.name,
            exchange=exchange.name,
            kind=exchange.kind,
            durable=exchange.durable,
            auto_delete=exchange.auto_delete,
            internal=exchange.internal,
            arguments=exchange.arguments,
        )

    def restore(self, exchange: Exchange, delayed_number: int) -> DelayedMessages | None:
        """Puts back an exchange that the journal kept; the store of its delayed messages if it has one."""
        host, name = self._host, exchange.name
        host.exchanges[name] = exchange
        exchange.apply_policy(host.policy_of(exchange))
        host.generation += 1
        if not exchange.is_delayed:
            return None
        delayed = host.delayed[name] = DelayedMessages(
            host.ledger, host.timers, host.scheduler, delayed_number,
            lambda message, now: host.publish_due(name, message, now),
        )  # fmt: skip
        return delayed

    def remove(self, exchange: Exchange) -> None:
        """The exchange goes, with its bindings and all that it holds back."""
        host = self._host
        del host.exchanges[exchange.name]
        exchange.is_deleted = True
        host.unbind_everything_from(exchange)
        delayed = host.delayed.pop(exchange.name, None)
        if delayed is not None:
            host.leave([delayed.drop()])  # its timer would route by an exchange that is gone
            if delayed.number:
                host.ledger.forget(delayed.number)
                host.ledger.define(self._delayed_key(exchange), None)
        if exchange.durable:
            host.ledger.define(self._key(exchange), None)
        host.generation += 1
        host.past_flow.add(exchange.flow)
        host.events.tell("exchange.deleted", vhost=host.name, exchange=exchange.name)

    def apply_policies(self) -> None:
        """The policies have changed: every exchange does what applies to it now."""
        for exchange in self._host.exchanges.values():
            exchange.apply_policy(self._host.policy_of(exchange))

    def _key(self, exchange: Exchange) -> str:
        return definitions.key("exchange", self._host.name, exchange.name)

    def _delayed_key(self, exchange: Exchange) -> str:
        return definitions.key("delayed", self._host.name, exchange.name)
