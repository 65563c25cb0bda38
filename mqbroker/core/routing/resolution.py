"""How a message finds its queues in a vhost: routes that publishers keep, exchanges that look into it, delays, letters.

It owns what is remembered of all that, and the names of exchanges and queues as far as messages find them. How the
topology comes about and goes is the vhost's business, which is built on this.
"""

from collections import Counter

from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.queues.base import ROUTED, UNROUTED, Queue
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.queues.delayed import DelayedMessages
from mqbroker.core.queues.leftovers import Container, leave
from mqbroker.core.routing.dead_letters import DeadLetters, History
from mqbroker.core.routing.exchange import Exchange, resolve
from mqbroker.core.routing.route import Route
from mqbroker.core.routing.router import Router, publish_to
from mqbroker.core.routing.targets import RememberedTargets, Targets
from mqbroker.core.scheduler import Scheduler, Task
from mqbroker.core.stats import Counts, Flow
from mqbroker.core.tap import Tap
from mqbroker.core.values import octets
from mqbroker.errors import NotFound
from mqbroker.limits import NAME_BYTES_MAX


class Routing(Router):
    """The ways that messages take through one vhost."""

    def __init__(self, name: str, scheduler: Scheduler, history: History) -> None:
        Router.__init__(self)
        self.name = name
        self.scheduler = scheduler
        self.exchanges: dict[str, Exchange] = {}
        self.queues: dict[str, Queue] = {}
        self.reply_queues: dict[str, Queue] = {}
        """Queues of direct reply-to: messages find them by name, and nothing else does."""
        self.default_flow = Flow()
        """What is published to the exchange without a name."""
        self.past_counts = Counts()
        """Of queues that are gone."""
        self.past_flow = Flow()
        """Of exchanges that are gone."""
        self.delayed: dict[str, DelayedMessages] = {}
        """What x-delayed-message exchanges hold back."""
        self.tap: Tap | None = None
        """Who looks on while the vhost is traced."""
        self._remembered = RememberedTargets()
        self._history = history
        self._dead_letters = DeadLetters(self, history)

    def release_routes(self) -> None:
        """A queue is gone: nothing that is remembered keeps it."""
        Router.release_routes(self)
        self._remembered.forget()
        self._dead_letters.forget()

    def exchange(self, name: str) -> Exchange:
        """The exchange of that name. Raises NotFound."""
        found = self.exchanges.get(name)
        if found is None:
            raise NotFound(f"no exchange '{name}' in vhost '{self.name}'")
        return found

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
            route.flow = self.default_flow
            route.queues = [] if queue is None else queue.alone
            route.is_fixed = True
        else:
            exchange = self.exchange(route.exchange_name)
            route.flow = exchange.flow
            queues, route.is_fixed = resolve(exchange, route.routing_key, None, self.exchanges.get)
            route.queues = self.queues_of_route(_speakable(queues, route.routing_key))
        if self.tap is not None:
            route.is_fixed = False  # every message passes publish_to_targets
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
            flow = self.exchange(exchange_name).flow if exchange_name else self.default_flow
            queues = self.queues_for(exchange_name, keys, message, held_by)
            found = self._remembered.put(question, Targets(queues, list(dict.fromkeys(held_by)), flow))
        return found

    def publish_to_targets(self, targets: Targets, message: Message, now: int) -> int:
        """Publishes where `targets` said; what has gone since then is passed over."""
        for exchange in targets.held_by:
            if exchange.name in self.delayed:
                self._hold(exchange, message, now)
        queues = [queue for queue in targets.queues if not queue.is_deleted]
        flow = targets.flow
        flow.received += 1
        flow.surplus += len(queues) - 1
        if not queues and not targets.held_by:
            flow.unrouted += 1
        if self.tap is not None:
            self.tap.published(message, [queue.name for queue in queues])
        outcome = publish_to(queues, message, now)
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
        properties = message.properties.with_headers(exchange.headers_after_delay(headers))
        held = new_message(message.exchange, message.routing_key, properties, message.content(), now)
        self.delayed[exchange.name].hold(held, now + exchange.delay_of(headers))

    def publish_due(self, exchange_name: str, message: Message, now: int) -> None:
        """The time of a message that was held back has come."""
        self.publish_by_content(exchange_name, self._history.all_keys(message), message, now)

    # --- work in portions -------------------------------------------------------------------------------------------

    def schedule(self, task: Task) -> None:
        """QueueHost: has the task run in portions."""
        self.scheduler.add(task)

    def leave(self, containers: list[Container]) -> None:
        """QueueHost: has what is in the containers freed."""
        leave(self.scheduler, containers)

    # --- dead letters -----------------------------------------------------------------------------------------------

    def deaths(self) -> Counter[str]:
        """How many dead letters there were, by why they had died."""
        return self._dead_letters.by_reason()

    def dead_letter(self, queue: ClassicQueue, entry: Entry, reason: str, now: int) -> None:
        """QueueHost: publishes a copy of the entry to the queue's dead-letter exchange."""
        self._dead_letters.take(queue, entry, reason, now)


def _speakable(queues: list[Queue], key: str) -> list[Queue]:
    """Those that a message with this key may enter: one that is too long for a name has no place in a queue whose
    consumers could not be told it."""
    if len(key) <= NAME_BYTES_MAX // 4 or len(octets(key)) <= NAME_BYTES_MAX:
        return queues
    return [queue for queue in queues if queue.takes_long_keys]
