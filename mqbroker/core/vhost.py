"""A virtual host: exchanges, queues, the bindings between them, and the one way a message takes through them.

The vhost owns the names and the topology, and tells the ledger what is durable; routing/resolution.py, on which it is
built, finds the queues for a message. It does not know who asks: permissions are checked by the session (core/access),
and texts of refusals are RabbitMQ's.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING

from mqbroker.core import definitions
from mqbroker.core.queues.base import Queue
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.queues.kinds import make_queue, pack_exchange, pack_queue
from mqbroker.core.queues.polled import declaring as polled_queues
from mqbroker.core.queues.polled.queue import PolledQueue
from mqbroker.core.queues.polled.settings import PollSettings
from mqbroker.core.queues.retained import RetainedMessages
from mqbroker.core.rabbitmq.arguments import QueueArguments, check_equivalent, queue_type_of, with_default_type
from mqbroker.core.rabbitmq.queue_checks import check_deletable, check_reserved, check_server_named
from mqbroker.core.routing.binding_index import Binding
from mqbroker.core.routing.bindings import Bindings
from mqbroker.core.routing.exchange import Exchange, make_exchange
from mqbroker.core.routing.resolution import Routing
from mqbroker.core.timers import Timer
from mqbroker.errors import AccessRefused, NotFound, PreconditionFailed, ResourceLocked
from mqbroker.limits import PORTION

if TYPE_CHECKING:
    from mqbroker.core.broker import Broker

PREDECLARED = (
    ("amq.direct", "direct", False),
    ("amq.fanout", "fanout", False),
    ("amq.topic", "topic", False),
    ("amq.headers", "headers", False),
    ("amq.match", "headers", False),
    ("amq.rabbitmq.trace", "topic", True),
)


class VHost(Routing):
    """The exchanges and queues of one virtual host."""

    def __init__(self, name: str, broker: "Broker") -> None:
        Routing.__init__(self, name, broker.scheduler)
        self.broker = broker
        self.ledger = broker.ledger
        self.timers = broker.timers
        self.default_queue_type = "classic"
        self._bindings = Bindings(name, self.ledger, self.exchanges, self.queues)
        self.retained: RetainedMessages | None = None
        """The last messages of topics; None until a protocol that retains is used (`retain`)."""
        self._owned: dict[object, dict[Queue, None]] = {}
        self._expiries: dict[Queue, Timer] = {}
        """The timers of queues with x-expires."""
        for exchange_name, kind, internal in PREDECLARED:
            self.exchanges[exchange_name] = make_exchange(exchange_name, kind, True, False, internal, {})

    # --- look-ups ---------------------------------------------------------------------------------------------------

    def queue(self, name: str, owner: object | None = None) -> Queue:
        """The queue of that name, for the connection `owner`. Raises NotFound, or ResourceLocked if it is another's."""
        found = self.queues.get(name)
        if found is None:
            raise NotFound(f"no queue '{name}' in vhost '{self.name}'")
        if found.owner is not None and found.owner is not owner:
            raise self._locked(name)
        return found

    def _locked(self, name: str) -> ResourceLocked:
        return ResourceLocked(
            f"cannot obtain exclusive access to locked queue '{name}' in vhost '{self.name}'. It could be originally "
            "declared on another connection or the exclusive property value does not match that of the original "
            "declaration."
        )

    def bindings(self) -> Iterator[tuple[Exchange, Binding]]:
        """Every binding with its source, without those of the default exchange."""
        for exchange in self.exchanges.values():
            for binding in exchange.bindings():
                if not binding.destination.is_deleted:
                    yield exchange, binding

    # --- exchanges --------------------------------------------------------------------------------------------------

    def declare_exchange(
        self, name: str, kind: str, durable: bool, auto_delete: bool, internal: bool, arguments: Mapping[str, object]
    ) -> Exchange:
        """Declares an exchange, or checks that the one there is equivalent.

        Raises PreconditionFailed, AccessRefused.
        """
        current = self.exchanges.get(name)
        if current is not None:
            received = {
                "type": kind,
                "durable": durable,
                "auto_delete": auto_delete,
                "internal": internal,
                "arguments": arguments,
            }
            have = {field: getattr(current, "kind" if field == "type" else field) for field in received}
            check_equivalent(have, received, "exchange", name, self.name)
            return current
        exchange = make_exchange(name, kind, durable, auto_delete, internal, arguments, self.name)
        check_reserved("exchange", name)
        self.broker.limits_of(self.name).check_exchanges(self.name, name, len(self.exchanges))
        exchange.number = self.broker.next_number() if durable else 0
        self._add_exchange(exchange)
        if durable:
            self.ledger.define(definitions.key("exchange", self.name, name), pack_exchange(exchange))
        return exchange

    def _add_exchange(self, exchange: Exchange) -> None:
        self.exchanges[exchange.name] = exchange
        exchange.apply_policy(self.broker.policies.effective(self.name, "exchange", exchange.name))
        if exchange.is_delayed:
            number = self.broker.next_number() if exchange.durable else 0
            self._add_delayed(exchange, number)
            if number:
                value = definitions.pack({"number": number})
                self.ledger.define(definitions.key("delayed", self.name, exchange.name), value)
        self.generation += 1

    def _add_delayed(self, exchange: Exchange, number: int) -> DelayedMessages:
        name = exchange.name
        delayed = self.delayed[name] = DelayedMessages(
            self.ledger, self.timers, self.scheduler, number, lambda message, now: self.publish_due(name, message, now)
        )
        return delayed

    def restore_exchange(self, exchange: Exchange, delayed_number: int) -> DelayedMessages | None:
        """Puts back an exchange that the journal kept; the store of its delayed messages if it has one."""
        self.exchanges[exchange.name] = exchange
        exchange.apply_policy(self.broker.policies.effective(self.name, "exchange", exchange.name))
        self.generation += 1
        if not exchange.is_delayed:
            return None
        return self._add_delayed(exchange, delayed_number)

    def delete_exchange(self, name: str, if_unused: bool = False) -> None:
        """Deletes an exchange with its bindings; one that is not there is deleted already."""
        if name.startswith("amq."):
            raise AccessRefused(f"deletion of system exchange '{name}' in vhost '{self.name}' not allowed")
        exchange = self.exchanges.get(name)
        if exchange is None:
            return
        if if_unused and not exchange.is_unused:
            raise PreconditionFailed(f"exchange '{name}' in vhost '{self.name}' in use")
        self._remove_exchange(exchange)

    def _remove_exchange(self, exchange: Exchange) -> None:
        del self.exchanges[exchange.name]
        exchange.is_deleted = True
        self._unbind_everything_from(exchange)
        delayed = self.delayed.pop(exchange.name, None)
        if delayed is not None:
            self.leave([delayed.drop()])  # its timer would route by an exchange that is gone
            if delayed.number:
                self.ledger.forget(delayed.number)
                self.ledger.define(definitions.key("delayed", self.name, exchange.name), None)
        if exchange.durable:
            self.ledger.define(definitions.key("exchange", self.name, exchange.name), None)
        self.generation += 1

    # --- bindings ---------------------------------------------------------------------------------------------------

    def bind(
        self, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> bool:
        """Binds a queue or an exchange to `exchange`; twice is once. True if it is for the journal."""
        if self._bindings.add(exchange, destination, key, arguments):
            self.generation += 1
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
        self._delete_exchange_if_unused(exchange)
        return self._bindings.is_durable(exchange, destination)

    def _delete_exchange_if_unused(self, exchange: Exchange) -> None:
        if exchange.auto_delete and exchange.is_unused and self.exchanges.get(exchange.name) is exchange:
            self._remove_exchange(exchange)

    def _unbind_everything_from(self, gone: Queue | Exchange) -> None:
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

    def generated_name(self) -> str:
        """A name of the server's for a queue that was declared without one."""
        return f"amq.gen-{self.broker.unique_name()}"

    def declare_queue(
        self,
        name: str,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: Mapping[str, object],
        now: int,
        connection: object | None = None,
        is_generated: bool = False,
    ) -> Queue:
        """Declares a queue, or checks that the one there is equivalent. An exclusive one belongs to `connection`.

        Raises PreconditionFailed, AccessRefused, ResourceLocked, NotAllowed.
        """
        if not is_generated:
            check_reserved("queue", name)
        durable = durable and not exclusive  # it does not outlive its connection, whatever the client says
        current = self.queues.get(name)
        if current is not None:
            owner = connection if exclusive else None
            if current.owner is not owner:
                raise self._locked(name)
            if current.settings is not None:
                arguments = with_default_type(arguments, self.default_queue_type, durable, exclusive, auto_delete)
            received = {"durable": durable, "auto_delete": auto_delete, "arguments": arguments}
            have = {field: getattr(current, field) for field in received}
            check_equivalent(have, received, "queue", name, self.name)
            current.used_at = now
            return current
        arguments = with_default_type(arguments, self.default_queue_type, durable, exclusive, auto_delete)
        if is_generated:
            check_server_named(arguments)
        settings = self._settings(name, arguments, durable, exclusive, auto_delete)
        self.broker.limits_of(self.name).check_queues(self.name, name, len(self.queues))
        number = self.broker.next_number() if durable else 0
        queue = make_queue(self, self.ledger, name, number, durable, settings)
        queue.auto_delete = auto_delete
        queue.arguments = arguments
        queue.used_at = now
        if exclusive:
            queue.owner = connection
            self._owned.setdefault(connection, {})[queue] = None
        self._add_queue(queue)
        if number:
            self.ledger.define(definitions.key("queue", self.name, name), pack_queue(queue))
        return queue

    def _settings(
        self, name: str, arguments: Mapping[str, object], durable: bool, exclusive: bool, auto_delete: bool
    ) -> QueueArguments:
        policy = self.broker.policies.effective(self.name, "queue", name, queue_type_of(arguments))
        return QueueArguments.parse(arguments, name, self.name, policy, durable, exclusive, auto_delete)

    def add_reply_queue(self, name: str) -> Queue:
        """A queue for direct reply-to. Whoever knows its name can publish to it, and do nothing else with it."""
        queue = self.reply_queues[name] = Queue(self, self.ledger, name, 0, False)
        self.generation += 1
        return queue

    def remove_reply_queue(self, queue: Queue) -> None:
        """The consumer of a reply queue has gone."""
        if not queue.is_deleted:
            self._remove_queue(queue)

    def add_subscriber_queue(
        self, name: str, role: str, durable: bool, arguments: Mapping[str, object], now: int
    ) -> Queue:
        """A queue of one subscriber (core/queues/subscriber.py). Raises PreconditionFailed, ResourceLocked."""
        if name in self.queues:
            raise ResourceLocked(f"queue '{name}' in vhost '{self.name}' is there and is not this subscriber's")
        self.broker.limits_of(self.name).check_queues(self.name, name, len(self.queues))
        settings = self._settings(name, arguments, durable, False, False)
        number = self.broker.next_number() if durable else 0
        queue = make_queue(self, self.ledger, name, number, durable, settings, role)
        queue.arguments = arguments
        queue.used_at = now
        self._add_queue(queue)
        if durable:
            self.ledger.define(definitions.key("queue", self.name, name), pack_queue(queue))
        return queue

    def retain(self, count_max: int, bytes_max: int) -> RetainedMessages:
        """The store of retained messages; made at the first call, which says how much it may hold."""
        if self.retained is None:
            number = self.broker.next_number()
            self.ledger.define(definitions.key("retained", self.name), definitions.pack({"number": number}))
            self.retained = RetainedMessages(
                self.ledger, self.timers, self.scheduler, number, count_max, bytes_max
            )
        self.retained.count_max = count_max
        self.retained.bytes_max = bytes_max
        return self.retained

    def _forget_retained(self) -> None:
        if self.retained is not None:
            self.ledger.forget(self.retained.number)
            self.leave([self.retained.drop()])
            self.ledger.define(definitions.key("retained", self.name), None)

    # --- polled queues (core/queues/polled/declaring.py) ------------------------------------------------------------

    def add_polled_queue(self, name: str, settings: PollSettings, now: int, fifo: bool = False) -> PolledQueue:
        """A durable queue that clients poll, in the place of a plain one if there is one of that name.

        Raises AccessRefused, NotAllowed, and PreconditionFailed with what another queue of that name has or is.
        """
        check_reserved("queue", name)
        if name not in self.queues:
            self.broker.limits_of(self.name).check_queues(self.name, name, len(self.queues))
        return polled_queues.add(self, name, settings, now, fifo)

    def change_polled_queue(self, queue: PolledQueue, settings: PollSettings, now: int) -> None:
        """Changes what it does, in force at once."""
        polled_queues.change(self, queue, settings, now)

    def restore_polled_queue(self, name: str, value: Mapping[str, object], now: int) -> PolledQueue:
        """Puts back a polled queue that the journal kept."""
        queue = polled_queues.restored(self, name, value, now)
        self._add_queue(queue)
        return queue

    def polled_queue(self, name: str) -> PolledQueue | None:
        """PollHost: the polled queue of that name, if there is one."""
        found = self.queues.get(name)
        return found if isinstance(found, PolledQueue) else None

    def renumber(self, queue: PolledQueue) -> None:
        """PollHost: the journal forgets all that it keeps for the queue, which goes on under new numbers."""
        polled_queues.renumber(self, queue)

    def add_queue(self, queue: Queue) -> None:
        """Adds a queue that was made elsewhere, in the place of its namesake, whose bindings become its own.

        The journal has to be told of the queue itself.
        """
        bindings: list[tuple[Exchange, Binding]] = []
        former = self.queues.get(queue.name)
        if former is not None:
            bindings = self._bindings.to(former)
            for exchange, binding in bindings:  # at first: an exchange may be deleted with its last binding
                self.restore_binding(exchange, queue, binding.key, binding.arguments)
            self._remove_queue(former)
        self._add_queue(queue)
        for exchange, binding in bindings:
            self._bindings.define(exchange, queue, binding.key, binding.arguments)

    def _add_queue(self, queue: Queue) -> None:
        self.queues[queue.name] = queue
        self.generation += 1
        self._watch_expiry(queue, queue.used_at)

    def restore_queue(
        self, name: str, number: int, auto_delete: bool, arguments: Mapping[str, object], now: int, role: str = ""
    ) -> Queue:
        """Puts back a durable queue that the journal kept."""
        settings = self._settings(name, arguments, True, False, auto_delete)
        queue = make_queue(self, self.ledger, name, number, True, settings, role)
        queue.auto_delete = auto_delete
        queue.arguments = arguments
        queue.used_at = now
        self._add_queue(queue)
        return queue

    def delete_queue(
        self, name: str, owner: object | None = None, if_unused: bool = False, if_empty: bool = False
    ) -> int:
        """Deletes a queue; the number of messages that waited in it. One that is not there had none."""
        if name not in self.queues:
            return 0
        queue = self.queue(name, owner)
        check_deletable(queue, self.name, if_unused, if_empty)
        return self._remove_queue(queue)

    def _remove_queue(self, queue: Queue) -> int:
        count = queue.waiting_count()
        queue.is_deleted = True
        del (self.queues if queue.name in self.queues else self.reply_queues)[queue.name]
        if queue.owner is not None:
            self._owned[queue.owner].pop(queue, None)
        self._unbind_everything_from(queue)
        if queue.number:
            queue.forget()
            self.ledger.define(definitions.key("queue", self.name, queue.name), None)
        for consumer in queue.dismiss():
            consumer.cancelled()
        self._release(queue)
        return count

    def _release(self, queue: Queue) -> None:
        """Nothing keeps a deleted queue: no route of a publisher that rests, no timer; and its messages go at once."""
        queue.alone.clear()
        self.release_routes()
        self.timers.cancel(queue.alarm)
        self.timers.cancel(self._expiries.pop(queue, None))
        queue.alarm = None
        self.leave(queue.empty())

    def delete_some(self, most: int) -> int:
        """The vhost is to be deleted: so are its queues and exchanges, so many of them at most. How many it were."""
        names = list(islice(chain(self.queues, self.reply_queues), most))
        for name in names:
            self._remove_queue(self.queues.get(name) or self.reply_queues[name])
        exchanges = list(islice(self.exchanges.values(), most - len(names)))
        for exchange in exchanges:
            if not exchange.is_deleted:  # with the last that was bound to it
                self._remove_exchange(exchange)
        done = len(names) + len(exchanges)
        if done < most:
            self._forget_retained()
            self._bindings.finish()
        return done

    def delete_owned(self, owner: object, most: int) -> int:
        """A connection is gone: its exclusive queues go with it, so many of them at most. How many it were."""
        queues = list(islice(self._owned.get(owner, ()), most))
        for queue in queues:
            self._remove_queue(queue)
        if len(queues) < most:
            self._owned.pop(owner, None)
        return len(queues)

    def queue_unused(self, queue: Queue, now: int) -> None:
        """QueueHost: the last consumer of an auto-delete queue has left."""
        if not queue.is_deleted:
            self._remove_queue(queue)

    def _watch_expiry(self, queue: Queue, now: int) -> None:
        if queue.settings is not None and queue.settings.expires is not None:
            expires = queue.settings.expires
            timer = self._expiries.get(queue)
            self.timers.cancel(timer)
            self._expiries[queue] = self.timers.at(now + expires, lambda at: self._expire_queue(queue, expires, at))

    def _expire_queue(self, queue: Queue, expires: int, now: int) -> None:
        """Deletes a queue that nobody has used for its x-expires; otherwise looks again when that could be so."""
        if queue.is_deleted or queue.settings is None or queue.settings.expires != expires:
            return
        if not queue.consumers and queue.used_at + expires <= now:
            self._remove_queue(queue)
        else:
            self._watch_expiry(queue, now if queue.consumers else queue.used_at)

    # --- timers and policies ----------------------------------------------------------------------------------------

    def arm(self, queue: Queue, deadline: int) -> None:
        """QueueHost: has the queue look for expired messages at the deadline."""
        if queue.alarm is None:
            queue.alarm = self.timers.at(deadline, queue.timer_fired)
        else:
            self.timers.move(queue.alarm, deadline)

    def apply_policies(self, now: int) -> None:
        """The policies have changed: every queue and exchange takes over what applies to it now."""
        for queue in list(self.queues.values()):
            if queue.settings is not None:
                is_exclusive = queue.owner is not None
                before = queue.settings.expires
                queue.configure(
                    self._settings(queue.name, queue.arguments, queue.durable, is_exclusive, queue.auto_delete)
                )
                if queue.settings.expires != before:
                    self._watch_expiry(queue, now)
                queue.enforce(now)
        for exchange in self.exchanges.values():
            exchange.apply_policy(self.broker.policies.effective(self.name, "exchange", exchange.name))
        self.generation += 1


