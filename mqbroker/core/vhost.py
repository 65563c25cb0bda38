"""A virtual host: exchanges, queues, the bindings between them, and the one way a message takes through them.

The vhost puts the topology together: queues come and go in queues/register.py, exchanges in their own register
(routing/exchange_register.py), bindings in routing/bindings.py; routing/resolution.py, on which it is built, finds the
queues for a message. It does not know who asks: permissions are checked by the session (core/access), and declarations
are translated by core/rabbitmq.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.message import Message
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.queues.kind import Entries
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.queues.register import QueueRegister
from mqbroker.core.queues.retained import RetainedMessages
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq import x_death
from mqbroker.core.rabbitmq.arguments import arguments_for
from mqbroker.core.rabbitmq.checks import check_deletable, check_removable, locked
from mqbroker.core.rabbitmq.exchange_types import predeclared
from mqbroker.core.routing.binding_index import Binding
from mqbroker.core.routing.bindings import Bindings
from mqbroker.core.routing.exchange import Exchange
from mqbroker.core.routing.exchange_register import ExchangeRegister
from mqbroker.core.routing.relay import Relay
from mqbroker.core.routing.resolution import Routing
from mqbroker.core.scheduling.schedule import Schedule
from mqbroker.core.scheduling.scheduled import ScheduledMessages
from mqbroker.core.tap import Tap, joined, taps_of
from mqbroker.errors import NotFound, PreconditionFailed
from mqbroker.limits import PORTION

if TYPE_CHECKING:
    from mqbroker.core.broker import Broker


class VHost(Routing):
    """The exchanges and queues of one virtual host."""

    def __init__(self, name: str, broker: "Broker") -> None:
        Routing.__init__(self, name, broker.scheduler, x_death)
        self.broker = broker
        self.events = broker.events
        self.ledger = broker.ledger
        self.timers = broker.timers
        self.default_queue_type = "classic"
        self._bindings = Bindings(name, self.ledger, self.exchanges, self.queues)
        self.retained: RetainedMessages | None = None
        """The last messages of topics; None until a protocol that retains is used (`retain`)."""
        self.scheduled: ScheduledMessages | None = None
        """Messages that are to be delivered later; None until there was one (`schedule_message`)."""
        self.speaker: object | None = None
        self._queues = QueueRegister(self)
        self._exchanges = ExchangeRegister(self)
        self.exchanges.update(predeclared())

    # --- look-ups ---------------------------------------------------------------------------------------------------

    def queue(self, name: str, owner: object | None = None) -> Queue:
        """The queue of that name, for the connection `owner`. Raises NotFound, or ResourceLocked if it is another's."""
        found = self.queues.get(name)
        if found is None:
            raise NotFound(f"no queue '{name}' in vhost '{self.name}'")
        if found.spec.owner is not None and found.spec.owner is not owner:
            raise locked(name, self.name)
        return found

    def bindings(self) -> Iterator[tuple[Exchange, Binding]]:
        """Every binding with its source, without those of the default exchange and of relays."""
        for exchange in self.exchanges.values():
            for binding in exchange.bindings():
                if not binding.destination.is_deleted and not isinstance(binding.destination, Relay):
                    yield exchange, binding

    def bindings_to(self, destination: Queue | Exchange) -> list[tuple[Exchange, Binding]]:
        """The bindings of a queue or an exchange with their sources."""
        return self._bindings.to(destination)

    # --- exchanges --------------------------------------------------------------------------------------------------

    def add_exchange(self, exchange: Exchange) -> None:
        """A new exchange (core/rabbitmq/declaring.py). Raises PreconditionFailed when it is one too many."""
        self.broker.limits_of(self.name).check_exchanges(self.name, exchange.name, len(self.exchanges))
        self._exchanges.add(exchange)

    def restore_exchange(self, exchange: Exchange, delayed_number: int) -> DelayedMessages | None:
        """Puts back an exchange that the journal kept; the store of its delayed messages if it has one."""
        return self._exchanges.restore(exchange, delayed_number)

    def delete_exchange(self, name: str, if_unused: bool = False) -> None:
        """Deletes an exchange with its bindings; one that is not there is deleted already."""
        check_removable(name, self.name)
        exchange = self.exchanges.get(name)
        if exchange is None:
            return
        if if_unused and not exchange.is_unused:
            raise PreconditionFailed(f"exchange '{name}' in vhost '{self.name}' in use")
        self._exchanges.remove(exchange)

    # --- bindings ---------------------------------------------------------------------------------------------------

    def bind(
        self, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> bool:
        """Binds a queue or an exchange to `exchange`; twice is once. True if it is for the journal."""
        if self._bindings.add(exchange, destination, key, arguments):
            self.generation += 1
            self._tell_of_binding("binding.created", exchange, destination, key, arguments)
        return self._bindings.is_durable(exchange, destination)

    def restore_binding(
        self, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> None:
        """Puts back a binding that the journal kept."""
        self._bindings.restore(exchange, destination, key, arguments)
        self.generation += 1

    def unbind(
        self, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> bool:
        """Removes a binding; one that is not there is removed already. True if the journal has to know."""
        if not self._bindings.remove(exchange, destination, key, arguments):
            return False
        self.generation += 1
        self._tell_of_binding("binding.deleted", exchange, destination, key, arguments)
        self._delete_exchange_if_unused(exchange)
        return self._bindings.is_durable(exchange, destination)

    def _tell_of_binding(
        self, event: str, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> None:
        self.events.tell(
            event,
            vhost=self.name,
            source=exchange.name,
            destination=destination.name,
            destination_kind="exchange" if isinstance(destination, Exchange) else "queue",
            key=key,
            arguments=arguments,
        )

    def _delete_exchange_if_unused(self, exchange: Exchange) -> None:
        if exchange.auto_delete and exchange.is_unused and self.exchanges.get(exchange.name) is exchange:
            self._exchanges.remove(exchange)

    def unbind_everything_from(self, gone: Queue | Exchange) -> None:
        """RegisterHost: a queue or an exchange is gone, and so are its bindings."""
        leaving = self._bindings.leave(gone)
        if leaving.run(0, PORTION):
            self.schedule(leaving)
        for source in leaving.sources:
            self._delete_exchange_if_unused(source)

    def define_bindings(self, queue: Queue) -> None:
        """The queue has another number: so have the definitions of its bindings."""
        for exchange, binding in self._bindings.to(queue):
            self._bindings.define(exchange, queue, binding.key, binding.arguments)

    # --- queues -----------------------------------------------------------------------------------------------------

    def declare(self, spec: QueueSpec, now: int) -> Queue:
        """A new queue. Raises PreconditionFailed, ResourceLocked."""
        return self._queues.declare(_with_arguments(spec), now)

    def take_over(self, spec: QueueSpec, now: int) -> Queue:
        """A new queue, in the place of a plain one if there is one of that name; that one's bindings become its own.

        Raises PreconditionFailed with what another queue of that name has or is.
        """
        former = self.queues.get(spec.name)
        if former is None:
            return self.declare(spec, now)
        queue = self._queues.replace(former, _with_arguments(spec), now, self._inherit)
        self.define_bindings(queue)
        return queue

    def _inherit(self, former: Queue, queue: Queue) -> None:
        for exchange, binding in self._bindings.to(former):
            self.restore_binding(exchange, queue, binding.key, binding.arguments)

    def restore_queue(self, spec: QueueSpec, value: Mapping[str, object], entries: Entries, now: int) -> Queue:
        """Puts back a queue that the journal kept."""
        return self._queues.restore(spec, value, entries, now)

    def change_polling(self, queue: PolledQueue, settings: PollSettings, now: int) -> None:
        """Changes what a polled queue does, in force at once."""
        queue.declared = queue.spec = replace(queue.declared, polling=settings)
        queue.apply(settings, now)
        self._queues.define(queue)

    def delete_queue(
        self, name: str, owner: object | None = None, if_unused: bool = False, if_empty: bool = False
    ) -> int:
        """Deletes a queue; the number of messages that waited in it. One that is not there had none."""
        if name not in self.queues:
            return 0
        queue = self.queue(name, owner)
        check_deletable(queue, self.name, if_unused, if_empty)
        return self._queues.remove(queue)

    def delete_owned(self, owner: object, most: int) -> int:
        """A connection is gone: its exclusive queues go with it, so many of them at most. How many it were."""
        return self._queues.remove_owned(owner, most)

    def remove(self, queue: Queue) -> None:
        """Deletes a queue, unless it is gone already."""
        if not queue.is_deleted:
            self._queues.remove(queue)

    def delete_some(self, most: int) -> int:
        """The vhost goes: so do its queues and exchanges, so many of them at most. How many it were."""
        queues = list(islice(chain(self.queues.values(), self.reply_queues.values()), most))
        for queue in queues:
            self.remove(queue)
        exchanges = list(islice(self.exchanges.values(), most - len(queues)))
        for exchange in exchanges:
            if not exchange.is_deleted:  # with the last that was bound to it
                self._exchanges.remove(exchange)
        done = len(queues) + len(exchanges)
        if done < most:
            self._forget_retained()
            self._forget_scheduled()
            self._bindings.finish()
        return done

    # --- what queues and exchanges ask for ----------------------------------------------------------------------------

    def next_number(self) -> int:
        """RegisterHost: a number for something that the journal keeps messages of."""
        return self.broker.next_number()

    def check_room(self, queue_name: str) -> None:
        """RegisterHost: raises PreconditionFailed when one more queue is too many."""
        self.broker.limits_of(self.name).check_queues(self.name, queue_name, len(self.queues))

    def policy_of(self, exchange: Exchange) -> Mapping[str, object]:
        """ExchangeHost: the settings that policies lay over an exchange."""
        return self.broker.policies.effective(self.name, "exchange", exchange.name)

    def in_force(self, declared: QueueSpec) -> QueueSpec:
        """RegisterHost: what policies make of a spec."""
        return self.broker.policies.in_force(declared, self.name)

    def polled_queue(self, name: str) -> PolledQueue | None:
        """PollHost: the polled queue of that name, if there is one."""
        found = self.queues.get(name)
        return found if isinstance(found, PolledQueue) else None

    def renumber(self, queue: PolledQueue) -> None:
        """PollHost: the journal forgets all that it keeps for the queue, which goes on under new numbers."""
        self._queues.renumber(queue)
        self.define_bindings(queue)

    def queue_unused(self, queue: Queue, _now: int) -> None:
        """QueueHost: the last consumer of an auto-delete queue has left."""
        self.remove(queue)

    def retain(self, count_max: int, bytes_max: int) -> RetainedMessages:
        """The store of retained messages; made at the first call, which says how much it may hold."""
        if self.retained is None:
            number = self.broker.next_number()
            self.ledger.define(definitions.key("retained", self.name), definitions.pack({"number": number}))
            self.retained = RetainedMessages(self.ledger, self.timers, self.scheduler, number, count_max, bytes_max)
        self.retained.count_max = count_max
        self.retained.bytes_max = bytes_max
        return self.retained

    def restore_scheduled(self, number: int) -> ScheduledMessages:
        """The store of messages that are to be delivered later, with the number that the journal has for it."""
        self.scheduled = ScheduledMessages(self.ledger, self.timers, self.scheduler, number, self._publish_scheduled)
        return self.scheduled

    def schedule_message(self, message: Message, schedule: Schedule, now: int) -> None:
        """Publishes a message, which has this schedule in its headers, whenever it is due."""
        if self.scheduled is None:
            number = self.broker.next_number()
            self.ledger.define(definitions.key("scheduled", self.name), definitions.pack({"number": number}))
            self.restore_scheduled(number)
        assert self.scheduled is not None
        self.scheduled.schedule(message, schedule, now)

    def _publish_scheduled(self, message: Message, now: int) -> None:
        if not message.exchange or message.exchange in self.exchanges:
            self.publish_by_content(message.exchange, [message.routing_key], message, now)

    def _forget_scheduled(self) -> None:
        if self.scheduled is not None:
            self.ledger.forget(self.scheduled.number)
            self.leave([self.scheduled.drop()])
            self.ledger.define(definitions.key("scheduled", self.name), None)

    def _forget_retained(self) -> None:
        if self.retained is not None:
            self.ledger.forget(self.retained.number)
            self.leave([self.retained.drop()])
            self.ledger.define(definitions.key("retained", self.name), None)

    def taps(self) -> tuple[Tap, ...]:
        """All who look on."""
        return taps_of(self.tap)

    def add_tap(self, tap: Tap) -> None:
        """Has somebody more look on from now on."""
        self._set_taps([*self.taps(), tap])

    def remove_tap(self, tap: Tap) -> None:
        """That one looks on no more."""
        self._set_taps([each for each in self.taps() if each is not tap])

    def _set_taps(self, taps: list[Tap]) -> None:
        self.tap = tap = joined(taps)
        for queue in chain(self.queues.values(), self.reply_queues.values()):
            queue.tap = tap
        self.generation += 1

    # --- timers and policies ----------------------------------------------------------------------------------------

    def arm(self, queue: Queue, deadline: int) -> None:
        """QueueHost: has the queue look for expired messages at the deadline."""
        if queue.alarm is None:
            queue.alarm = self.timers.at(deadline, queue.timer_fired)
        else:
            self.timers.move(queue.alarm, deadline)

    def apply_policies(self, now: int) -> None:
        """The policies have changed: every queue and exchange takes over what applies to it now."""
        self._queues.apply_policies(now)
        self._exchanges.apply_policies()
        self.generation += 1


def _with_arguments(spec: QueueSpec) -> QueueSpec:
    """A spec with the arguments by which a client of AMQP would say the same, if nobody has said it with such."""
    return spec if spec.arguments else replace(spec, arguments=arguments_for(spec))
