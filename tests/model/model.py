"""A broker in the simplest words: lists, sets and loops, no index, no lanes, no timers. What it cannot know it is told.

The rules of AMQP and RabbitMQ are written down here a second time. Where they leave a choice (which consumer is next,
which of two queues that expire at the same moment is first) the model takes the choice that the broker made from
`Observed`, and insists that it was a legal one.
"""

import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mqbroker.limits import LETTERS_AT_ONCE, QUORUM_PRIORITY_MAX

Deaths = tuple[tuple[str, str, int], ...]
"""The history of a dead letter, newest first: queue, reason, count."""
Name = tuple[int, Deaths]

ROUTED, UNROUTED, REJECTED = "routed", "unrouted", "rejected"


@dataclass(eq=False)
class Letter:
    """A message in one queue."""

    ident: int
    size: int
    exchange: str
    key: str
    persistent: bool
    priority: int
    ttl_ms: int | None
    deaths: Deaths = ()
    expires_at: int = 0
    sequence: int = 0
    attempts: tuple[int, int] = (0, 0)
    """How often it came back, and how often that was a failure."""
    redelivered: bool = False

    @property
    def name(self) -> "Name":
        """What tells it from any other message that ever was in the same queue."""
        return self.ident, self.deaths

    def shown(self) -> tuple[object, ...]:
        """What a client could see of it, and when it expires."""
        return (
            self.ident, self.size, self.exchange, self.key, self.persistent, self.priority, self.deaths,
            self.expires_at, self.redelivered, self.attempts,
        )  # fmt: skip


class Delivery(NamedTuple):
    """The broker gave a message to a consumer."""

    consumer: int
    name: Name
    redelivered: bool


@dataclass
class Observed:
    """What the broker did during one call. The model takes everything out again, or something is wrong."""

    deliveries: dict[str, deque[Delivery]] = field(default_factory=dict)
    deaths: deque[tuple[str, int, str]] = field(default_factory=deque)
    """Queue, message and reason."""

    def is_empty(self) -> bool:
        return not self.deaths and not any(self.deliveries.values())


@dataclass(frozen=True)
class Options:
    """How a queue was declared."""

    durable: bool = True
    auto_delete: bool = False
    ttl_ms: int | None = None
    expires_ms: int | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    overflow: str = "drop-head"
    top_priority: int | None = None
    dead_letter_exchange: str | None = None
    dead_letter_key: str | None = None
    delivery_limit: int | None = None

    def arguments(self) -> dict[str, object]:
        """The same as the arguments of a declaration."""
        named: dict[str, object] = {
            "x-message-ttl": self.ttl_ms,
            "x-expires": self.expires_ms,
            "x-max-length": self.max_length,
            "x-max-length-bytes": self.max_bytes,
            "x-overflow": self.overflow,
            "x-max-priority": self.top_priority,
            "x-dead-letter-exchange": self.dead_letter_exchange,
            "x-dead-letter-routing-key": self.dead_letter_key,
            "x-delivery-limit": self.delivery_limit,
            "x-queue-type": "classic" if self.delivery_limit is None else "quorum",
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(eq=False)
class ModelConsumer:
    """Somebody who holds messages: a subscription, or a client that polls (`prefetch` None: it is sent nothing)."""

    number: int
    queue: "ModelQueue"
    prefetch: int | None
    no_ack: bool
    is_subscribed: bool = True
    held: list[Letter] = field(default_factory=list)

    def is_free(self) -> bool:
        return self.is_subscribed and (self.no_ack or self.prefetch == 0 or len(self.held) < (self.prefetch or 0))


@dataclass(eq=False)
class ModelQueue:
    """Messages that wait, in the order of their delivery."""

    name: str
    options: Options
    used_at: int
    waiting: list[Letter] = field(default_factory=list)
    consumers: list[ModelConsumer] = field(default_factory=list)
    """Those who are subscribed."""
    held: list[Letter] = field(default_factory=list)
    """What somebody holds, subscribed or not."""
    last_sequence: int = 0
    is_deleted: bool = False

    def lane(self, letter: Letter) -> int:
        """Its priority here."""
        is_quorum = self.options.delivery_limit is not None
        return min(letter.priority, QUORUM_PRIORITY_MAX if is_quorum else self.options.top_priority or 0)

    def store(self, letter: Letter) -> None:
        """Puts a message where it belongs: higher priority first, then older first."""
        self.waiting.append(letter)
        self.waiting.sort(key=lambda each: (-self.lane(each), each.sequence))

    def heads(self) -> list[Letter]:
        """The first of each priority: only there is a message seen to have expired."""
        first: dict[int, Letter] = {}
        for letter in self.waiting:
            first.setdefault(self.lane(letter), letter)
        return [first[lane] for lane in sorted(first)]

    def expired(self, now: int) -> Letter | None:
        """A message that is to die now."""
        return next((letter for letter in self.heads() if 0 < letter.expires_at <= now), None)

    def overflows(self, count: int, size: int) -> bool:
        """Whether so many messages of so many bytes are too much."""
        options = self.options
        too_many = options.max_length is not None and count > options.max_length
        return too_many or (options.max_bytes is not None and size > options.max_bytes)

    def bytes_waiting(self) -> int:
        return sum(letter.size for letter in self.waiting)

    def is_over(self) -> bool:
        """Whether the oldest have to go."""
        is_dropping = bool(self.waiting) and self.options.overflow == "drop-head"
        return is_dropping and self.overflows(len(self.waiting), self.bytes_waiting())


Binding = tuple[str, str, str, str]
"""Source, kind of destination ("queue" or "exchange"), destination, key."""


class Exchange(NamedTuple):
    kind: str
    durable: bool


DEFAULT_EXCHANGES = {
    "amq.direct": Exchange("direct", True),
    "amq.fanout": Exchange("fanout", True),
    "amq.topic": Exchange("topic", True),
}


class Model:
    """The whole broker. `route_order` gives the queues of a route in the order in which the broker serves them."""

    def __init__(self, route_order: Callable[[str, str], list[str]]) -> None:
        self.exchanges: dict[str, Exchange] = dict(DEFAULT_EXCHANGES)
        self.bindings: set[Binding] = set()
        self.queues: dict[str, ModelQueue] = {}
        self.observed = Observed()
        self._route_order = route_order
        self._dead: dict[str, deque[tuple[ModelQueue, Letter, str]]] = {}
        """What waits to be published again, by the queue that it died in: one of each queue in turn."""
        self._is_publishing = False

    # --- topology ---------------------------------------------------------------------------------------------------

    def delete_exchange(self, name: str) -> None:
        """An exchange goes with every binding from it and to it."""
        del self.exchanges[name]
        self.bindings = {each for each in self.bindings if name not in (each[0], _exchange_of(each))}

    def delete_queue(self, queue: ModelQueue) -> None:
        """A queue goes with its bindings and messages; who holds one of them goes on holding it."""
        queue.is_deleted = True
        queue.waiting.clear()
        for consumer in queue.consumers:
            consumer.is_subscribed = False
        queue.consumers.clear()
        del self.queues[queue.name]
        self.bindings = {each for each in self.bindings if each[1:3] != ("queue", queue.name)}

    def routes(self, exchange: str, key: str) -> set[str]:
        """The queues that a message goes to."""
        if not exchange:
            return {key} & set(self.queues)
        seen, pending, found = {exchange}, [exchange], set[str]()
        for current in pending:
            for source, kind, name, pattern in self.bindings:
                if source != current or not _matches(self.exchanges[source].kind, pattern, key):
                    continue
                if kind == "queue":
                    found.add(name)
                elif name not in seen:
                    seen.add(name)
                    pending.append(name)
        return found

    def _targets(self, exchange: str, key: str) -> list[ModelQueue]:
        order = self._route_order(exchange, key)
        assert len(order) == len(set(order))
        assert set(order) == self.routes(exchange, key)
        return [self.queues[name] for name in order]

    # --- messages ---------------------------------------------------------------------------------------------------

    def publish(self, letter: Letter, now: int) -> str:
        """Routes a message."""
        return self._publish_to(self._targets(letter.exchange, letter.key), letter, now)

    def _publish_to(self, targets: list[ModelQueue], letter: Letter, now: int) -> str:
        outcomes = {self._enter(queue, replace(letter), now) for queue in targets}
        return REJECTED if REJECTED in outcomes else ROUTED if outcomes else UNROUTED

    def _enter(self, queue: ModelQueue, letter: Letter, now: int) -> str:
        options = queue.options
        if options.overflow != "drop-head" and queue.overflows(
            len(queue.waiting) + 1, queue.bytes_waiting() + letter.size
        ):
            if options.overflow == "reject-publish-dlx":
                self._die(queue, letter, "maxlen", now)
            return REJECTED
        queue.last_sequence += 1
        letter.sequence = queue.last_sequence
        lives = [ttl for ttl in (letter.ttl_ms, options.ttl_ms) if ttl is not None]
        letter.expires_at = now + min(lives) if lives else 0
        coming = self.observed.deliveries.get(queue.name)
        if not queue.waiting and coming and coming[0].name == letter.name:
            self._deliver(queue, letter)
        else:
            queue.store(letter)
            if letter.expires_at or queue.is_over():
                self.enforce(queue, now)
        return ROUTED

    def enforce(self, queue: ModelQueue, now: int) -> None:
        """What has expired dies, then what is too much, and what of the rest has expired too. The broker may do some of
        it in a later turn (`pass_time`), after dead letters of other queues."""
        while (doomed := self._doomed(queue, now)) is not None and self._dies_next(queue, doomed[0]):
            queue.waiting.remove(doomed[0])
            self._die(queue, *doomed, now)

    def _doomed(self, queue: ModelQueue, now: int) -> tuple[Letter, str] | None:
        """What has to die next in a queue, and why."""
        letter = queue.expired(now)
        if letter is not None:
            return letter, "expired"
        return (queue.waiting[0], "maxlen") if queue.is_over() else None

    def pump(self, queue: ModelQueue, now: int) -> None:
        """Follows the broker in handing out what waits; what has expired dies as it comes to the head."""
        while queue.waiting:
            letter = queue.waiting[0]
            has_expired = 0 < letter.expires_at <= now
            if not (self._dies_next(queue, letter) if has_expired else self.observed.deliveries.get(queue.name)):
                break
            queue.waiting.remove(letter)
            if has_expired:
                self._die(queue, letter, "expired", now)
            else:
                self._deliver(queue, letter)

    def _dies_next(self, queue: ModelQueue, letter: Letter) -> bool:
        if queue.options.dead_letter_exchange is None:
            return True
        return bool(self.observed.deaths) and self.observed.deaths[0][:2] == (queue.name, letter.ident)

    def _deliver(self, queue: ModelQueue, letter: Letter) -> None:
        delivery = self.observed.deliveries[queue.name].popleft()
        assert delivery.name == letter.name, "the oldest is delivered first"
        assert delivery.redelivered == letter.redelivered
        [consumer] = [each for each in queue.consumers if each.number == delivery.consumer]
        assert consumer.is_free(), "nobody gets more than the prefetch allows"
        if not consumer.no_ack:
            self.hold(consumer, letter)

    def hold(self, consumer: ModelConsumer, letter: Letter) -> None:
        """Somebody has the message until it is settled."""
        consumer.held.append(letter)
        consumer.queue.held.append(letter)

    # --- settling ---------------------------------------------------------------------------------------------------

    def _release(self, consumer: ModelConsumer, letter: Letter) -> None:
        consumer.held.remove(letter)
        consumer.queue.held.remove(letter)

    def acknowledge(self, consumer: ModelConsumer, letter: Letter) -> None:
        self._release(consumer, letter)

    def reject(self, consumer: ModelConsumer, letter: Letter, now: int) -> None:
        self._release(consumer, letter)
        if not consumer.queue.is_deleted:
            self._die(consumer.queue, letter, "rejected", now)

    def requeue(self, consumer: ModelConsumer, letters: list[Letter], now: int, is_failure: bool) -> None:
        """Messages return to their old places, unless they have failed too often."""
        queue, limit, back = consumer.queue, consumer.queue.options.delivery_limit, list[Letter]()
        for letter in letters:
            self._release(consumer, letter)
            returns, failures = letter.attempts
            letter.attempts = returns + 1, failures + is_failure
            letter.redelivered = True
            if queue.is_deleted:
                continue
            if limit is not None and letter.attempts[1] > limit:
                self._die(queue, letter, "delivery_limit", now)
            else:
                back.append(letter)
        for letter in back:
            queue.store(letter)
        if back:
            self.enforce(queue, now)
            self.pump(queue, now)

    def cancel(self, consumer: ModelConsumer, now: int) -> None:
        """Ends a subscription."""
        if not consumer.is_subscribed:
            return
        queue = consumer.queue
        consumer.is_subscribed = False
        queue.consumers.remove(consumer)
        queue.used_at = now
        if queue.options.auto_delete and not queue.consumers:
            self.delete_queue(queue)

    # --- dead letters -----------------------------------------------------------------------------------------------

    def _die(self, queue: ModelQueue, letter: Letter, reason: str, now: int) -> None:
        if queue.options.dead_letter_exchange is None:
            return
        assert self.observed.deaths, f"{letter.ident} should have been dead-lettered from {queue.name} ({reason})"
        assert self.observed.deaths.popleft() == (queue.name, letter.ident, reason)
        dead = (queue, letter, reason)
        if queue.name in self._dead:
            self._dead[queue.name].append(dead)
        elif self._is_publishing:
            self._dead[queue.name] = deque([dead])
        else:
            self._publish_dead(dead, now)
        if not self._is_publishing:
            self.publish_waiting(now, LETTERS_AT_ONCE)

    def publish_waiting(self, now: int, portion: int) -> None:
        """A portion of the dead letters that wait is published, one of each queue in turn: the rest after the call."""
        while self._dead and portion > 0:
            portion -= 1
            name = next(iter(self._dead))
            waiting = self._dead.pop(name)
            first = waiting.popleft()
            if waiting:
                self._dead[name] = waiting
            self._publish_dead(first, now)

    def _publish_dead(self, dead: tuple[ModelQueue, Letter, str], now: int) -> None:
        self._is_publishing = True
        self._republish(*dead, now)
        self._is_publishing = False

    def _republish(self, queue: ModelQueue, letter: Letter, reason: str, now: int) -> None:
        exchange = queue.options.dead_letter_exchange or ""
        if exchange and exchange not in self.exchanges:
            return
        key = letter.key if queue.options.dead_letter_key is None else queue.options.dead_letter_key
        deaths = _with_death(letter.deaths, queue.name, reason)
        copy = Letter(letter.ident, letter.size, exchange, key, letter.persistent, letter.priority, None, deaths)
        targets = self._targets(exchange, key)
        self._publish_to([each for each in targets if not _is_cycle(each.name, deaths)], copy, now)

    # --- time -------------------------------------------------------------------------------------------------------

    def pass_time(self, now: int) -> None:
        """Everything that is due at this moment happens, after what the last call has left."""
        self.publish_waiting(now, sys.maxsize)
        self._let_die(now)
        while self._dead:  # published, they may displace others
            self.publish_waiting(now, sys.maxsize)
            self._let_die(now)
        for queue in list(self.queues.values()):
            expires = queue.options.expires_ms
            if expires is not None and not queue.consumers and queue.used_at + expires <= now:
                self.delete_queue(queue)

    def _let_die(self, now: int) -> None:
        while due := [queue for queue in self.queues.values() if self._doomed(queue, now) is not None]:
            coming = self.observed.deaths[0][0] if self.observed.deaths else ""
            queue = next((each for each in due if each.name == coming), None)
            if queue is None:
                queue = next(each for each in due if each.options.dead_letter_exchange is None)
            doomed = self._doomed(queue, now)
            assert doomed is not None
            queue.waiting.remove(doomed[0])
            self._die(queue, *doomed, now)

    # --- restart ----------------------------------------------------------------------------------------------------

    def durable(self) -> "Saved":
        """What has to be there after a restart, with the attempts as they are now."""
        queues = {name: queue for name, queue in self.queues.items() if queue.options.durable}
        exchanges = {name: each for name, each in self.exchanges.items() if each.durable}
        return Saved(
            exchanges,
            {each for each in self.bindings if each[0] in exchanges and (_exchange_of(each) or each[2]) in
             (exchanges if each[1] == "exchange" else queues)},
            {name: queue.options for name, queue in queues.items()},
            {name: [(letter, letter.attempts, letter.redelivered) for letter in queue.waiting + queue.held
                    if letter.persistent] for name, queue in queues.items()},
        )  # fmt: skip

    def restart(
        self, saved: "Saved", is_clean: bool, attempts: Mapping[tuple[str, Name], tuple[int, int]], now: int
    ) -> None:
        """Only what was saved is left. `attempts` per queue and message are as the journal has them."""
        self.exchanges = dict(saved.exchanges)
        self.bindings = set(saved.bindings)
        self.queues = {name: ModelQueue(name, options, now) for name, options in saved.options.items()}
        for name, letters in saved.letters.items():
            for letter, least, was_redelivered in letters:
                known = attempts.get((name, letter.name), least)
                assert least <= known <= letter.attempts
                redelivered = not is_clean or was_redelivered
                self.queues[name].store(replace(letter, attempts=known, redelivered=redelivered))
                self.queues[name].last_sequence = max(letter.sequence, self.queues[name].last_sequence)


@dataclass
class Saved:
    """The durable part of a model at one moment. The letters are the live ones, whose attempts may have grown since."""

    exchanges: dict[str, Exchange]
    bindings: set[Binding]
    options: dict[str, Options]
    letters: dict[str, list[tuple[Letter, tuple[int, int], bool]]]


def _exchange_of(binding: Binding) -> str:
    return binding[2] if binding[1] == "exchange" else ""


def _with_death(deaths: Deaths, queue: str, reason: str) -> Deaths:
    for position, (where, why, count) in enumerate(deaths):
        if (where, why) == (queue, reason):
            return ((queue, reason, count + 1), *deaths[:position], *deaths[position + 1 :])
    return ((queue, reason, 1), *deaths)


def _is_cycle(queue: str, deaths: Deaths) -> bool:
    names = [name for name, _, _ in deaths]
    return queue in names and all(reason != "rejected" for _, reason, _ in deaths[: names.index(queue) + 1])


def _matches(kind: str, pattern: str, key: str) -> bool:
    if kind == "fanout":
        return True
    return _topic_matches(pattern.split("."), key.split(".")) if kind == "topic" else pattern == key


def _topic_matches(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_topic_matches(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _topic_matches(pattern[1:], words[1:])
