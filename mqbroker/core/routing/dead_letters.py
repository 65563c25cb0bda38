"""Sends the dead letters of a vhost on their way: what is written on each, and which queues it goes to.

Dead letters come in batches: what was published together expires together, with the same properties, in the same
second. What was found out for the last dead letter of a queue holds for the next one that differs from it by its body
only, so history and route are made once for such a batch. What the history says, and how, is the business of a
`History`.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from typing import Protocol

from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.core.queues.classic import ClassicQueue
from mqbroker.core.routing.targets import Targets
from mqbroker.core.scheduler import Task
from mqbroker.limits import LETTERS_AT_ONCE

_AT_ONCE = LETTERS_AT_ONCE  # a C integer when compiled


class DeadLetterRouter(Protocol):
    """What is asked of the vhost."""

    generation: int

    @property
    def exchanges(self) -> Mapping[str, object]:
        """The exchanges by name."""

    def targets(self, exchange_name: str, keys: list[str], message: Message) -> Targets:
        """Where a message goes by any of its keys and by its properties."""

    def publish_to_targets(self, targets: Targets, message: Message, now: int) -> int:
        """Publishes where `targets` said."""

    def schedule(self, task: Task) -> None:
        """Has the task run in portions."""


class History(Protocol):
    """What is written on dead letters: where they died, and why."""

    def headers_of_dead_letter(
        self, queue: ClassicQueue, message: Message, reason: str, now: int
    ) -> Mapping[str, object]:
        """The headers of a message that dies in `queue`."""

    def properties_of_dead_letter(
        self, queue: ClassicQueue, properties: Properties, headers: Mapping[str, object]
    ) -> Properties:
        """The properties of a dead letter of the queue with these headers."""

    def all_keys(self, message: Message) -> list[str]:
        """Every routing key of a message."""

    def goes_round(self, queue_name: str, headers: Mapping[str, object]) -> bool:
        """Whether a dead letter with these headers must not enter a queue, because it would go round for ever."""


class Plan:
    """How the last dead letter of a queue was written, and where it went."""

    __slots__ = ("exchange", "key", "letter_exchange", "letter_key", "letter_properties", "properties", "reason",
                 "second", "sent", "targets")  # fmt: skip

    def __init__(
        self, message: Message, reason: str, now: int, exchange: str, key: str, letter_properties: Properties
    ) -> None:
        self.properties = message.properties
        self.exchange = message.exchange
        self.key = message.routing_key
        self.reason = reason
        self.second = now // 1000
        self.letter_exchange = exchange
        self.letter_key = key
        self.letter_properties = letter_properties
        self.targets: Targets | None = None
        """None when the exchange does not exist."""
        self.sent = 0
        """How many were written so."""

    def fits(self, message: Message, reason: str, now: int) -> bool:
        """Whether the same holds for another message that dies in the same queue."""
        return (
            message.properties is self.properties
            and now // 1000 == self.second
            and message.routing_key == self.key
            and message.exchange == self.exchange
            and reason == self.reason
        )

    def letter(self, message: Message, now: int) -> Message:
        """The dead letter with the body of `message`."""
        return new_message(self.letter_exchange, self.letter_key, self.letter_properties, message.content(), now)


class DeadLetters(Task):
    """The dead letters of one vhost.

    A dead letter may push another one out of its queue, and that one a third. So those wait here for their turn, which
    makes a loop of what would be a recursion; and since two full queues may push a hundred thousand out of each other,
    the loop is done in portions, in turn with others and fairly among the queues. An entry is settled in the batch of
    the journal in which its letter enters another queue, so a crash in between leaves it where it was.
    """

    __slots__ = ("_by_reason", "_dead", "_generation", "_history", "_is_busy", "_plans", "_router")

    def __init__(self, router: DeadLetterRouter, history: History) -> None:
        Task.__init__(self)
        self._router = router
        self._history = history
        self._dead: OrderedDict[ClassicQueue, deque[tuple[Entry, str]]] = OrderedDict()
        """What waits, by the queue that it died in."""
        self._is_busy = False
        self._plans: dict[ClassicQueue, Plan] = {}
        """The last plan of each queue, in one generation of the topology and the policies."""
        self._generation = 0
        self._by_reason: Counter[str] = Counter()
        """How many were sent by plans that are gone."""

    def forget(self) -> None:
        """A queue is gone: no plan must keep it alive."""
        self._by_reason = self.by_reason()
        self._plans.clear()

    def by_reason(self) -> Counter[str]:
        """How many there were, by why they had died."""
        found = self._by_reason.copy()
        for plan in self._plans.values():
            found[plan.reason] += plan.sent
        return found

    def take(self, queue: ClassicQueue, entry: Entry, reason: str, now: int) -> None:
        """Publishes a copy of the entry to the queue's dead-letter exchange and settles the entry: at once, unless
        others have to go first."""
        waiting = self._dead.get(queue)
        if waiting is not None:
            waiting.append((entry, reason))
        elif self._is_busy:
            self._dead[queue] = deque([(entry, reason)])
        else:
            self._is_busy = True
            try:
                self._settle(queue, entry, reason, now)
            finally:
                self._is_busy = False
        if self._dead and not self._is_busy and self.run(now, _AT_ONCE):
            self._router.schedule(self)

    def run(self, now: int, portion: int) -> bool:
        """Task: sends a portion of those that wait, one of each queue in turn."""
        self._is_busy = True
        try:
            while self._dead and portion > 0:
                portion -= 1
                queue, waiting = self._dead.popitem(last=False)
                entry, reason = waiting.popleft()
                if waiting:
                    self._dead[queue] = waiting
                self._settle(queue, entry, reason, now)
        finally:
            self._is_busy = False
        return bool(self._dead)

    def _settle(self, queue: ClassicQueue, entry: Entry, reason: str, now: int) -> None:
        if queue.dead_letter_exchange is not None:  # a policy may have ended while it waited
            self._send(queue, entry.message, reason, now)
        if entry.lsn:
            queue.ledger.settle(entry)

    def _send(self, queue: ClassicQueue, message: Message, reason: str, now: int) -> None:
        if self._generation != self._router.generation:
            self.forget()
            self._generation = self._router.generation
        plan = self._plans.get(queue)
        if plan is None or not plan.fits(message, reason, now):
            plan = self._plan(queue, message, reason, now)
        plan.sent += 1
        if plan.targets is not None:
            self._router.publish_to_targets(plan.targets, plan.letter(message, now), now)

    def _plan(self, queue: ClassicQueue, message: Message, reason: str, now: int) -> Plan:
        history = self._history
        headers = history.headers_of_dead_letter(queue, message, reason, now)
        properties = history.properties_of_dead_letter(queue, message.properties, headers)
        exchange = queue.dead_letter_exchange or ""
        key = message.routing_key if queue.dead_letter_key is None else queue.dead_letter_key
        former = self._plans.get(queue)
        if former is not None:
            self._by_reason[former.reason] += former.sent
        plan = self._plans[queue] = Plan(message, reason, now, exchange, key, properties)
        if not exchange or exchange in self._router.exchanges:
            letter = plan.letter(message, now)
            found = self._router.targets(exchange, history.all_keys(letter), letter)
            queues = [each for each in found.queues if not history.goes_round(each.name, headers)]
            plan.targets = Targets(queues, found.held_by, found.flow)
        return plan
