"""A virtual host: exchanges, queues, the bindings between them, and the one way a message takes through them.

The vhost owns the names and the topology, tells the ledger what is durable, and finds the queues for a message. It does
not know who asks: permissions are checked by the session (core/access.py), and texts of refusals are RabbitMQ's.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mqbroker.core import definitions, polled_queues
from mqbroker.core.arguments import QueueArguments, check_equivalent, queue_type_of, with_default_type
from mqbroker.core.binding_index import Binding
from mqbroker.core.burial import Burials
from mqbroker.core.deadletter import all_keys
from mqbroker.core.delayed import DelayedMessages
from mqbroker.core.exchange import Exchange, headers_after_delay, make_exchange, resolve
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.poll_settings import PollSettings
from mqbroker.core.polled_queue import PolledQueue
from mqbroker.core.queue import ROUTED, UNROUTED, Queue
from mqbroker.core.queue_checks import check_deletable, check_reserved, check_server_named
from mqbroker.core.queue_factory import make_queue, pack_exchange, pack_queue
from mqbroker.core.retained import RetainedMessages
from mqbroker.core.route import Route
from mqbroker.core.router import Router, publish_to
from mqbroker.core.scheduler import Task
from mqbroker.core.subscriber_queue import role_of
from mqbroker.core.targets import RememberedTargets, Targets
from mqbroker.core.values import octets
from mqbroker.errors import AccessRefused, NotFound, PreconditionFailed, ResourceLocked
from mqbroker.limits import NAME_BYTES_MAX

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


class VHost(Router):
    """The exchanges and queues of one virtual host."""

    def __init__(self, name: str, broker: "Broker") -> None:
        Router.__init__(self)
        self.name = name
        self.broker = broker
        self.ledger = broker.ledger
        self.timers = broker.timers
        self.scheduler = broker.scheduler
        self.exchanges: dict[str, Exchange] = {}
        self.queues: dict[str, Queue] = {}
        self.reply_queues: dict[str, Queue] = {}
        """Queues of direct reply-to: messages find them by name, and nothing else does."""
        self.default_queue_type = "classic"
        self._sources: dict[object, dict[Exchange, None]] = {}
        """Which exchanges each destination is bound to."""
        self._delayed: dict[str, DelayedMessages] = {}
        self._remembered = RememberedTargets()
        self.retained: RetainedMessages | None = None
        """The last messages of topics; None until a protocol that retains is used (`retain`)."""
        self._owned: dict[object, dict[Queue, None]] = {}
        self._burials = Burials(self)
        for exchange_name, kind, internal in PREDECLARED:
            self.exchanges[exchange_name] = make_exchange(exchange_name, kind, True, False, internal, {})

    # --- look-ups ---------------------------------------------------------------------------------------------------

    def exchange(self, name: str) -> Exchange:
        """The exchange of that name. Raises NotFound."""
        found = self.exchanges.get(name)
        if found is None:
            raise NotFound(f"no exchange '{name}' in vhost '{self.name}'")
        return found

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
        delayed = self._delayed[name] = DelayedMessages(
            self.ledger, self.timers, number, lambda message, now: self._publish_due(name, message, now)
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
        for binding in list(exchange.bindings()):
            self._forget_source(binding.destination, exchange)
            self._undefine_binding(exchange, binding.destination, binding.key, binding.arguments)
        self._unbind_everything_from(exchange)
        delayed = self._delayed.pop(exchange.name, None)
        if delayed is not None:
            held = delayed.drop()  # also from memory: its timer would route by an exchange that is gone
            if delayed.number:
                self.ledger.forget(delayed.number, held)
                self.ledger.define(definitions.key("delayed", self.name, exchange.name), None)
        if exchange.durable:
            self.ledger.define(definitions.key("exchange", self.name, exchange.name), None)
        self.generation += 1

    # --- bindings ---------------------------------------------------------------------------------------------------

    def bind(
        self, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> bool:
        """Binds a queue or an exchange to `exchange`; twice is once. True if it is for the journal."""
        if not exchange.bind(destination, key, arguments):
            return self._is_durable_binding(exchange, destination)
        self._sources.setdefault(destination, {})[exchange] = None
        self.generation += 1
        return self._define_binding(exchange, destination, key, arguments)

    def restore_binding(
        self, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> None:
        """Puts back a binding that the journal kept."""
        exchange.bind(destination, key, arguments)
        self._sources.setdefault(destination, {})[exchange] = None
        self.generation += 1

    def unbind(
        self, exchange: Exchange, destination: Queue | Exchange, key: str, arguments: Mapping[str, object]
    ) -> bool:
        """Removes a binding; one that is not there is removed already. True if the journal has to know."""
        if not exchange.unbind(destination, key, arguments):
            return False
        if not exchange.bindings_of(destination):
            self._forget_source(destination, exchange)
        is_durable = self._undefine_binding(exchange, destination, key, arguments)
        self.generation += 1
        self._delete_exchange_if_unused(exchange)
        return is_durable

    def _delete_exchange_if_unused(self, exchange: Exchange) -> None:
        if exchange.auto_delete and exchange.is_unused and self.exchanges.get(exchange.name) is exchange:
            self._remove_exchange(exchange)

    def _forget_source(self, destination: object, exchange: Exchange) -> None:
        sources = self._sources.get(destination, {})
        sources.pop(exchange, None)
        if not sources:
            self._sources.pop(destination, None)

    def _unbind_everything_from(self, destination: Queue | Exchange) -> None:
        for exchange in self._sources.pop(destination, ()):
            for binding in exchange.unbind_all(destination):
                self._undefine_binding(exchange, destination, binding.key, binding.arguments)
            self._delete_exchange_if_unused(exchange)

    def _is_durable_binding(self, exchange: Exchange, destination: object) -> bool:
        assert isinstance(destination, Queue | Exchange)
        is_kept = destination.number > 0 if isinstance(destination, Queue) else destination.durable
        return exchange.durable and is_kept

    def _binding_key(
        self, exchange: Exchange, destination: object, key: str, arguments: Mapping[str, object]
    ) -> str:
        assert isinstance(destination, Queue | Exchange)
        kind = "q" if isinstance(destination, Queue) else "e"
        tail = definitions.canonical(arguments) if arguments else ""
        return definitions.key("binding", self.name, exchange.name, kind, destination.name, key, tail)

    def _define_binding(
        self, exchange: Exchange, destination: object, key: str, arguments: Mapping[str, object]
    ) -> bool:
        is_durable = self._is_durable_binding(exchange, destination)
        if is_durable:
            value = definitions.pack({"arguments": arguments})
            self.ledger.define(self._binding_key(exchange, destination, key, arguments), value)
        return is_durable

    def _undefine_binding(
        self, exchange: Exchange, destination: object, key: str, arguments: Mapping[str, object]
    ) -> bool:
        is_durable = self._is_durable_binding(exchange, destination)
        if is_durable:
            self.ledger.define(self._binding_key(exchange, destination, key, arguments), None)
        return is_durable

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
        """A queue of one subscriber (core/subscriber_queue.py). Raises PreconditionFailed, ResourceLocked."""
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
            self.retained = RetainedMessages(self.ledger, self.timers, number, count_max, bytes_max)
        self.retained.count_max = count_max
        self.retained.bytes_max = bytes_max
        return self.retained

    def _forget_retained(self) -> None:
        if self.retained is not None:
            self.ledger.forget(self.retained.number, self.retained.drop())
            self.ledger.define(definitions.key("retained", self.name), None)

    # --- polled queues (core/polled_queues.py) ----------------------------------------------------------------------

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
            bindings = [(each, bound) for each in self._sources.get(former, ()) for bound in each.bindings_of(former)]
            for exchange, binding in bindings:  # at first: an exchange may be deleted with its last binding
                self.restore_binding(exchange, queue, binding.key, binding.arguments)
            self._remove_queue(former)
        self._add_queue(queue)
        for exchange, binding in bindings:
            self._define_binding(exchange, queue, binding.key, binding.arguments)

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
        self.generation += 1
        return count

    def delete_everything(self) -> None:
        """The vhost is to be deleted: so are its queues and exchanges."""
        for queue in (*self.queues.values(), *self.reply_queues.values()):
            self._remove_queue(queue)
        for exchange in list(self.exchanges.values()):
            self._remove_exchange(exchange)
        self._forget_retained()

    def delete_owned(self, owner: object) -> None:
        """A connection is gone: its exclusive queues go with it."""
        for queue in list(self._owned.get(owner, ())):
            self._remove_queue(queue)
        self._owned.pop(owner, None)

    def queue_unused(self, queue: Queue, now: int) -> None:
        """QueueHost: the last consumer of an auto-delete queue has left."""
        if not queue.is_deleted:
            self._remove_queue(queue)

    def _watch_expiry(self, queue: Queue, now: int) -> None:
        if queue.settings is not None and queue.settings.expires is not None:
            expires = queue.settings.expires
            self.timers.at(now + expires, lambda at: self._expire_queue(queue, expires, at))

    def _expire_queue(self, queue: Queue, expires: int, now: int) -> None:
        """Deletes a queue that nobody has used for its x-expires; otherwise looks again when that could be so."""
        if queue.is_deleted or queue.settings is None or queue.settings.expires != expires:
            return
        if not queue.consumers and queue.used_at + expires <= now:
            self._remove_queue(queue)
        else:
            self._watch_expiry(queue, now if queue.consumers else queue.used_at)

    # --- publishing -------------------------------------------------------------------------------------------------

    def route(self, exchange_name: str, routing_key: str) -> Route:
        """A route for messages to that exchange with that key. Raises NotFound for an exchange that is not there."""
        route = Route(exchange_name, routing_key)
        self.refresh(route)
        return route

    def refresh(self, route: Route) -> None:
        """Looks the route up in today's topology. Raises NotFound."""
        if not route.exchange_name:
            queue = self._queue_for(route.routing_key)
            route.queues = [] if queue is None else [queue]
        else:
            exchange = self.exchange(route.exchange_name)
            queues, route.is_fixed = resolve(exchange, route.routing_key, None, self.exchanges.get)
            route.queues = _speakable(queues, route.routing_key)
        route.generation = self.generation

    def publish_by_content(self, exchange_name: str, keys: list[str], message: Message, now: int) -> int:
        """Routes one message by several keys (CC, BCC) or by an exchange that looks into it. Raises NotFound."""
        return self.publish_to_targets(self.targets(exchange_name, keys, message), message, now)

    def targets(self, exchange_name: str, keys: list[str], message: Message) -> Targets:
        """Where a message goes by any of its keys and by its properties. Raises NotFound."""
        question = (exchange_name, *keys, message.properties.code, message.properties.raw)
        found = self._remembered.get(question, self.generation)
        if found is None:
            held_by: list[Exchange] = []
            queues = self.queues_for(exchange_name, keys, message, held_by)
            found = self._remembered.put(question, Targets(queues, list(dict.fromkeys(held_by))))
        return found

    def publish_to_targets(self, targets: Targets, message: Message, now: int) -> int:
        """Publishes where `targets` said; what has gone since then is passed over."""
        for exchange in targets.held_by:
            if exchange.name in self._delayed:
                self._hold(exchange, message, now)
        outcome = publish_to([queue for queue in targets.queues if not queue.is_deleted], message, now)
        return ROUTED if targets.held_by and outcome == UNROUTED else outcome

    def queues_for(
        self, exchange_name: str, keys: list[str], message: Message, held_by: list[Exchange] | None = None
    ) -> list[Queue]:
        """The queues that a message goes to by any of its keys, each once. Raises NotFound.

        With a list in `held_by`, exchanges that are to hold the message back are added to it instead of followed.
        """
        found: dict[Queue, None] = {}
        for key in keys:
            if exchange_name:
                queues, _ = resolve(self.exchange(exchange_name), key, message, self.exchanges.get, held_by)
                found.update(dict.fromkeys(_speakable(queues, key)))
            elif (queue := self._queue_for(key)) is not None:
                found[queue] = None
        return list(found)

    def _queue_for(self, key: str) -> Queue | None:
        """Where the default exchange leads by this key."""
        return self.queues.get(key) or self.reply_queues.get(key)

    def _hold(self, exchange: Exchange, message: Message, now: int) -> None:
        """Keeps a message at an x-delayed-message exchange until its time has come."""
        headers = message.properties.headers()
        properties = message.properties.with_headers(headers_after_delay(headers))
        held = new_message(message.exchange, message.routing_key, properties, message.body, now)
        self._delayed[exchange.name].hold(held, now + exchange.delay_of(headers))

    def _publish_due(self, exchange_name: str, message: Message, now: int) -> None:
        self.publish_by_content(exchange_name, all_keys(message), message, now)

    # --- dead letters -----------------------------------------------------------------------------------------------

    def dead_letter(self, queue: Queue, entry: Entry, reason: str, now: int) -> None:
        """QueueHost: publishes a copy of the entry to the queue's dead-letter exchange."""
        self._burials.bury(queue, entry, reason, now)

    # --- timers and policies ----------------------------------------------------------------------------------------

    def arm(self, queue: Queue, deadline: int) -> None:
        """QueueHost: has the queue look for expired messages at the deadline."""
        self.timers.at(deadline, queue.timer_fired)

    def schedule(self, task: Task) -> None:
        """QueueHost: has the task run in portions."""
        self.scheduler.add(task)

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


def _speakable(queues: list[Queue], key: str) -> list[Queue]:
    """Those that a message with this key may enter. One too long for a short string has no place in a common queue,
    whose consumers could not be told it; the queues of a subscriber are read by its own protocol."""
    if len(key) <= NAME_BYTES_MAX // 4 or len(octets(key)) <= NAME_BYTES_MAX:
        return queues
    return [queue for queue in queues if role_of(queue)]
