"""Exchanges, queues and bindings of an AMQP scenario: declared before it, checked for leftovers, deleted after it.

Owns the declarations. Knows nothing about the load.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pamqp import commands
from pamqp.base import Frame
from pamqp.common import FieldTable

from bench.driver.amqp import AmqpConnection
from bench.errors import ProtocolError
from bench.scenarios.base import Site

Arguments = FieldTable


@dataclass(frozen=True)
class ExchangeSpec:
    """An exchange to declare. A binding to a transient one is made sooner, and routes as fast."""

    name: str
    kind: str
    durable: bool = False


@dataclass(frozen=True)
class QueueSpec:
    """A durable queue to declare; the target adds the arguments that its promise needs, unless `plain`."""

    name: str
    arguments: Arguments = field(default_factory=dict)
    plain: bool = False


@dataclass(frozen=True)
class BindingSpec:
    """A binding to declare."""

    exchange: str
    queue: str
    key: str = ""
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True)
class Topology:
    """Everything a scenario declares."""

    queues: tuple[QueueSpec, ...]
    exchanges: tuple[ExchangeSpec, ...] = ()
    bindings: tuple[BindingSpec, ...] = ()

    @contextmanager
    def declared(self, site: Site) -> Iterator[None]:
        """Declare everything, and delete it again at the end. Names of an interrupted run are deleted first."""
        self._delete(site)
        with AmqpConnection(site.endpoint) as connection:
            connection.call_all(self._declarations(site))
        try:
            yield
        finally:
            self._delete(site)

    def _declarations(self, site: Site) -> list[Frame]:
        wanted: list[Frame] = [
            commands.Exchange.Declare(exchange=exchange.name, exchange_type=exchange.kind, durable=exchange.durable)
            for exchange in self.exchanges
        ]
        for queue in self.queues:
            arguments = queue.arguments if queue.plain else queue.arguments | site.target.queue_arguments(site.promise)
            wanted.append(commands.Queue.Declare(queue=queue.name, durable=True, arguments=arguments))
        wanted += [
            commands.Queue.Bind(
                queue=binding.queue, exchange=binding.exchange, routing_key=binding.key, arguments=binding.arguments
            )
            for binding in self.bindings
        ]
        return wanted

    def _delete(self, site: Site) -> None:
        # Deleting what does not exist is no error in AMQP as it is practised (RabbitMQ's dialect).
        with AmqpConnection(site.endpoint) as connection:
            connection.call_all([commands.Queue.Delete(queue=queue.name) for queue in self.queues])
            connection.call_all([commands.Exchange.Delete(exchange=exchange.name) for exchange in self.exchanges])

    def leftovers(self, site: Site) -> int:
        """How many messages are ready in all queues together."""
        try:
            with AmqpConnection(site.endpoint) as connection:
                return sum(connection.message_count(queue.name) for queue in self.queues)
        except ProtocolError as error:
            raise ProtocolError(f"a queue of the scenario cannot be looked at afterwards: {error}") from None
