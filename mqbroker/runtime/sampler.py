"""Looks at the broker's counts every few seconds: rates, a short history, and what happened to many messages since.

Nothing is done per message for that: core/stats.py counts, and this reads. There may be a hundred thousand queues, so a
look is a task that is done in portions, in turn with others. What it finds is for whoever shows it; what nobody could
be told message by message, it tells as events: queues that overflow, dead letters, and what has expired.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from mqbroker.core.broker import Broker
from mqbroker.core.queues.base import Queue
from mqbroker.core.scheduler import Task
from mqbroker.core.stats import QUEUE_COUNTS, Counts
from mqbroker.core.totals import Totals, totals_of
from mqbroker.limits import SAMPLE_INTERVAL_MS, SAMPLED_QUEUES_MAX, SAMPLES_KEPT

_NOTED = ("dropped", "refused", "dead_lettered", "expired")
_COST = 4  # of a look at a queue, in messages


@dataclass(slots=True)
class Sample:
    """What was found at one time."""

    at_ms: int = 0
    node: Mapping[str, int] = field(default_factory=dict)
    """The numbers of the whole node: those of `Totals.numbers`, and what the sampler was given beside them."""
    vhosts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    queues: dict[Queue, Counts] = field(default_factory=dict)
    """Empty when there are more than SAMPLED_QUEUES_MAX."""


class Sampler(Task):
    """The looks at one broker."""

    __slots__ = (
        "_broker", "_latest", "_more", "_noted", "_past", "_previous", "_rest", "_sample", "_seen", "_totals",
        "followers", "history",
    )  # fmt: skip

    def __init__(self, broker: Broker, more: Callable[[], Mapping[str, int]] = dict) -> None:
        """`more` says what else there is to know of the node, by name."""
        Task.__init__(self)
        self._broker = broker
        self._more = more
        self.history: deque[tuple[int, Mapping[str, int]]] = deque(maxlen=SAMPLES_KEPT)
        """The last samples of the node, with their times."""
        self.followers: list[Callable[[], None]] = []
        """Called after each look."""
        self._latest = self._previous = Sample()
        self._rest: deque[tuple[Totals, deque[Queue]]] = deque()
        self._totals: dict[str, Totals] = {}
        self._past = Totals()
        self._sample = Sample()
        self._noted: dict[Queue, tuple[int, ...]] = {}
        self._seen: dict[Queue, tuple[int, ...]] = {}
        """What queues had of _NOTED: at the last look, and so far at this one."""

    def start(self, now: int) -> None:
        """Looks from now on."""
        self._begin(now)

    # --- what was found ---------------------------------------------------------------------------------------------

    @property
    def latest(self) -> Sample:
        """The last look that is complete."""
        return self._latest

    def rates(self, vhost: str = "") -> dict[str, float]:
        """How much each number of the node, or of a vhost, has changed in a second between the last two looks."""
        before, after = self._previous, self._latest
        if not vhost:
            return _rates(before.node, after.node, after.at_ms - before.at_ms)
        return _rates(before.vhosts.get(vhost, {}), after.vhosts.get(vhost, {}), after.at_ms - before.at_ms)

    def queue_rates(self, queue: Queue) -> dict[str, float]:
        """The same for the counts of a queue; empty for one that was not there, or when there are too many."""
        before, after = self._previous.queues.get(queue), self._latest.queues.get(queue)
        if before is None or after is None:
            return {}
        return _rates(_numbers(before), _numbers(after), self._latest.at_ms - self._previous.at_ms)

    def pair(self, queue: Queue) -> tuple[Counts, Counts, int] | None:
        """What a queue had counted at the last two looks, and the milliseconds between them; None as above."""
        before, after = self._previous.queues.get(queue), self._latest.queues.get(queue)
        if before is None or after is None:
            return None
        return before, after, self._latest.at_ms - self._previous.at_ms

    # --- looking ----------------------------------------------------------------------------------------------------

    def _begin(self, now: int) -> None:
        """What is deleted during the look is counted with what was there: its vhost's past is taken now."""
        broker = self._broker
        self._past = Totals()
        self._past.add(broker.past)
        self._totals = {name: totals_of(vhost) for name, vhost in broker.vhosts.items()}
        self._rest = deque(
            (self._totals[name], deque([*vhost.queues.values(), *vhost.reply_queues.values()]))
            for name, vhost in broker.vhosts.items()
        )
        self._sample = Sample(now)
        self._seen = {}
        broker.scheduler.add(self)
        broker.timers.at(now + SAMPLE_INTERVAL_MS, self._next)

    def _next(self, now: int) -> None:
        if self._rest:  # the last look is not over: the machine is very busy
            self._broker.timers.at(now + SAMPLE_INTERVAL_MS, self._next)
        else:
            self._begin(now)

    def run(self, _now: int, portion: int) -> bool:
        """Task: looks at a portion of the queues."""
        left = max(1, portion // _COST)
        while self._rest and left > 0:
            totals, queues = self._rest[0]
            for queue in islice(queues, left):
                self._look(queue, totals)
            for _ in range(min(left, len(queues))):
                queues.popleft()
                left -= 1
            if not queues:
                self._rest.popleft()
        if self._rest:
            return True
        self._end()
        return False

    def _look(self, queue: Queue, totals: Totals) -> None:
        counts = totals.add_queue(queue)
        if counts.dropped or counts.refused or counts.dead_lettered or counts.expired:
            self._note(queue, counts)
        if len(self._sample.queues) < SAMPLED_QUEUES_MAX:
            self._sample.queues[queue] = counts

    def _note(self, queue: Queue, counts: Counts) -> None:
        before = self._noted.get(queue, (0,) * len(_NOTED))
        after = self._seen[queue] = tuple(getattr(counts, name) for name in _NOTED)
        dropped, refused, letters, expired = (new - old for new, old in zip(after, before, strict=True))
        events, vhost = self._broker.events, queue.host.name
        if dropped or refused:
            events.tell("queue.overflowed", vhost=vhost, queue=queue.name, dropped=dropped, refused=refused)
        if letters:
            events.tell("queue.dead.lettered", vhost=vhost, queue=queue.name, messages=letters)
        if expired:
            events.tell("queue.expired", vhost=vhost, queue=queue.name, messages=expired)

    def _end(self) -> None:
        node, sample = self._past, self._sample
        for totals in self._totals.values():
            node.add(totals)
        sample.node = {**node.numbers(), **self._more()}
        sample.vhosts = {name: totals.numbers() for name, totals in self._totals.items()}
        if len(sample.queues) >= SAMPLED_QUEUES_MAX:
            sample.queues = {}
        self._noted = self._seen
        self._previous, self._latest = self._latest, sample
        self.history.append((sample.at_ms, sample.node))
        for follower in self.followers:
            follower()


def _numbers(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in QUEUE_COUNTS}


def _rates(before: Mapping[str, int], after: Mapping[str, int], span_ms: int) -> dict[str, float]:
    """Changes per second of what is in both."""
    if span_ms <= 0:
        return {}
    return {name: (number - before[name]) * 1000 / span_ms for name, number in after.items() if name in before}
