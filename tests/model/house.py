"""The real thing for the model test: a broker on a journal on a simulated disk, driven one piece of work at a time.

What the broker decides by itself (deliveries, dead letters) is noted in `observed` as it happens. It knows nothing of
the model but the form of these notes.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count
from typing import Any
from unittest.mock import patch

from mqbroker.core.broker import Broker
from mqbroker.core.consumer import Consumer, Gate, Window
from mqbroker.core.message import Entry, Message, failures_of, new_message, returns_of
from mqbroker.core.queues.base import REJECTED as QUEUE_REJECTED
from mqbroker.core.queues.base import UNROUTED as QUEUE_UNROUTED
from mqbroker.core.queues.base import Queue
from mqbroker.core.restoration import restore
from mqbroker.core.routing.binding_index import Destination
from mqbroker.core.vhost import VHost
from mqbroker.errors import DiskFailed
from mqbroker.protocols.amqp.properties import build
from mqbroker.server import formats_of
from mqbroker.spoken import PROTOCOLS
from mqbroker.storage.journal import assemble
from mqbroker.storage.log.executors import Executor
from tests.core.messages import nothing
from tests.model.model import REJECTED, ROUTED, UNROUTED, Binding, Deaths, Delivery, Letter, Name, Observed
from tests.storage.house import KEYRING, ManualExecutor
from tests.storage.simdisk import PowerCut, SimDisk
from tests.support.window import WINDOW

SEGMENT_BYTES = 8192  # small, so that a run sees many segments begin and go
STEPS_MAX = 10_000
OUTCOMES = {QUEUE_REJECTED: REJECTED, QUEUE_UNROUTED: UNROUTED}


class Taker(Consumer):
    """A subscription, or a client that polls; it notes what it is sent."""

    def __init__(self, queue: Queue, number: int, observed: Observed) -> None:
        super().__init__(queue, Gate(), Window())
        self.number = number
        self.observed = observed
        self.held: dict[Name, Entry] = {}

    def deliver(self, entry: Entry) -> None:
        self._note(entry.message, entry.is_redelivered)
        if not self.no_ack:
            self.held[name_of(entry.message)] = entry

    def pass_on(self, message: Message) -> None:
        self._note(message, False)

    def _note(self, message: Message, is_redelivered: bool) -> None:
        seen = Delivery(self.number, name_of(message), is_redelivered)
        self.observed.deliveries.setdefault(self.queue.name, deque()).append(seen)

    def cancelled(self) -> None:
        """The queue has gone. What is held stays."""


class House:
    """One life of a broker, from its start to its end. The journals that are synced are encrypted, the others plain."""

    def __init__(
        self,
        disk: SimDisk,
        sync: bool,
        now: int,
        observed: Observed,
        entropy_start: int,
        window: int = WINDOW,
        reads: Executor | None = None,
    ) -> None:
        self.disk = disk
        self.now = now
        self.observed = observed
        self.appends, self.background = ManualExecutor(), ManualExecutor()
        entropy = count(entropy_start)
        self.ledger, self.recovered = assemble(
            disk, formats_of(PROTOCOLS), sync, self.appends, self.background, _never, SEGMENT_BYTES,
            lambda size: next(entropy).to_bytes(size, "little"), KEYRING if sync else None, window=window, reads=reads,
        )  # fmt: skip
        self.promised = self.ledger.committed
        """The newest batch that somebody was told is safe."""
        names = count(1)
        self.broker = Broker(self.ledger, lambda: str(next(names)))
        self._recorder = patch.object(VHost, "dead_letter", self._recording(VHost.dead_letter))

    def start(self) -> None:
        """Puts back what the journal kept."""
        self._recorder.start()
        self.begin()

    def begin(self) -> None:
        """The same without noting what is dead-lettered."""
        restore(self.broker, self.recovered.definitions, self.recovered.entries, self.now)
        self.vhost = self.broker.add_vhost("/")

    def end(self) -> None:
        """Takes its hands off the broker."""
        self._recorder.stop()

    def _recording(self, dead_letter: Any) -> Any:
        def noting(vhost: VHost, queue: Queue, entry: Entry, reason: str, now: int) -> None:
            self.observed.deaths.append((queue.name, ident_of(entry.message), reason))
            dead_letter(vhost, queue, entry, reason, now)

        return noting

    # --- what clients do --------------------------------------------------------------------------------------------

    def publish(self, letter: Letter) -> str:
        """Publishes a message like the letter."""
        route = self.vhost.route(letter.exchange, letter.key)
        outcome = self.vhost.publish(route, _message(letter, self.now), self.now)
        return OUTCOMES.get(outcome, ROUTED)

    def consume(self, queue: str, number: int, prefetch: int, no_ack: bool) -> Taker:
        """Subscribes."""
        taker = self.holder(queue, number)
        taker.prefetch, taker.no_ack = prefetch, no_ack
        taker.queue.add_consumer(taker, self.now)
        taker.queue.offer(taker, self.now)
        return taker

    def holder(self, queue: str, number: int) -> Taker:
        """Somebody who can hold messages of that queue, and is sent none."""
        taker = Taker(self.vhost.queues[queue], number, self.observed)
        taker.is_active = False
        return taker

    def get(self, taker: Taker) -> Entry | None:
        """Polls."""
        entry = taker.queue.get(taker, self.now)
        if entry is not None:
            taker.held[name_of(entry.message)] = entry
        return entry

    def acknowledge(self, taker: Taker, name: Name) -> None:
        """The client has done with it."""
        taker.queue.acknowledge(taker.held.pop(name), self.now)

    def reject(self, taker: Taker, name: Name) -> None:
        """The client refuses it for good."""
        taker.queue.reject(taker.held.pop(name), self.now)

    def requeue(self, taker: Taker, names: list[Name], is_failure: bool) -> None:
        """The client gives messages back."""
        taker.queue.requeue([taker.held.pop(name) for name in names], self.now, is_failure)

    def purge(self, queue: str) -> int:
        """Empties the queue; of how many messages."""
        count = self.vhost.queues[queue].purge(self.now, nothing)
        self.broker.scheduler.finish(self.now)
        return count

    # --- time and disk ----------------------------------------------------------------------------------------------

    def steps(self, target: int) -> Iterator[int]:
        """Lets time pass up to `target`; gives each moment at which something was done, once it is done: first what is
        left of the last call, then what is due."""
        timers = self.broker.timers
        if self.broker.scheduler.round:
            self.broker.scheduler.finish(self.now)
            yield self.now
        while 0 < timers.next_deadline() <= target:
            self.now = max(self.now, timers.next_deadline())
            self._run_timers()
            yield self.now
        self.now = target

    def _run_timers(self) -> None:
        for _ in range(STEPS_MAX):
            if not 0 < self.broker.timers.next_deadline() <= self.now:
                return
            self.broker.advance(self.now)
            self.broker.scheduler.finish(self.now)
        raise AssertionError("the timers never come to rest")

    def promise(self) -> None:
        """Asks to be told when everything so far is safe."""
        position = self.ledger.position
        self.ledger.promise(position, lambda: self._kept(position))

    def _kept(self, position: int) -> None:
        assert position >= self.promised, "promises are kept in order"
        self.promised = position

    def work(self, is_append: bool) -> bool:
        """Does one piece of the journal's work on the disk; False when there is none."""
        return (self.appends if is_append else self.background).step()

    def finish(self) -> None:
        """Makes everything durable."""
        self.ledger.seal()
        while self.appends.step() or self.background.step():
            pass

    def crash_in_call(self, number: int) -> None:
        """Stops the machine in the midst of that disk call from now, if it comes to that."""
        self.disk.fail_at = self.disk.calls + number
        self.disk.failure = PowerCut()
        with suppress(PowerCut):
            self.finish()

    # --- what can be seen -------------------------------------------------------------------------------------------

    def route_order(self, exchange: str, key: str) -> list[str]:
        """The queues of a route, in the order in which they are served."""
        return [queue.name for queue in self.vhost.queues_for(exchange, [key], _message(_NOBODY, self.now))]

    def waiting(self) -> dict[str, list[tuple[object, ...]]]:
        """What waits in each queue, as `Letter.shown`."""
        return {name: [_shown(entry) for entry in queue.waiting()] for name, queue in self.vhost.queues.items()}

    def bindings(self) -> set[Binding]:
        """Every binding."""
        return {
            (source.name, _kind_of(each.destination), each.destination.name, each.key)
            for source, each in self.vhost.bindings()
        }

    def attempts_recovered(self) -> dict[tuple[str, Name], tuple[int, int]]:
        """Per queue and message: how often the journal says that it came back."""
        return {
            (queue, name_of(entry.message)): attempts_of(entry)
            for queue, number in self._recovered_queues().items()
            for entry in self.recovered.entries.get(number, ())
        }

    def _recovered_queues(self) -> Mapping[str, int]:
        return {name: queue.number for name, queue in self.vhost.queues.items()}

    def strays(self) -> set[int]:
        """Numbers of queues that the journal keeps messages of although there is no such queue."""
        return set(self.recovered.entries) - set(self._recovered_queues().values())

    def live_entries(self) -> int:
        """How many entries the journal thinks it has to keep. Ask when everything is durable."""
        return sum(segment.live for segment in self.ledger.encoder.liveness.by_first.values())


def _kind_of(destination: Destination) -> str:
    return "queue" if isinstance(destination, Queue) else "exchange"


_NOBODY = Letter(0, 1, "", "", False, 0, None)


def _message(letter: Letter, now: int) -> Message:
    expiration = None if letter.ttl_ms is None else str(letter.ttl_ms)
    properties = build(delivery_mode=1 + letter.persistent, priority=letter.priority, expiration=expiration)
    body = str(letter.ident).encode().ljust(letter.size, b".")
    return new_message(letter.exchange, letter.key, properties, body, now)


def ident_of(message: Message) -> int:
    """The number of the message, which is at the beginning of its body."""
    return int(message.content().rstrip(b"."))


def name_of(message: Message) -> Name:
    """`Letter.name` of the message."""
    return ident_of(message), deaths_in(message)


def deaths_in(message: Message) -> Deaths:
    """The history in the headers of a message."""
    found = message.properties.headers().get("x-death", [])
    assert isinstance(found, list)
    return tuple((death["queue"], death["reason"], death["count"]) for death in found)


def attempts_of(entry: Entry) -> tuple[int, int]:
    """How often an entry came back, and how often as a failure."""
    return returns_of(entry.attempts), failures_of(entry.attempts)


def _shown(entry: Entry) -> tuple[object, ...]:
    message = entry.message
    properties = message.properties
    return (
        ident_of(message), len(message.content()), message.exchange, message.routing_key, properties.persistent,
        properties.priority, deaths_in(message), entry.expires_at, entry.is_redelivered, attempts_of(entry),
    )  # fmt: skip


def _never(error: DiskFailed) -> None:
    raise AssertionError("the simulated disk does not fail") from error
