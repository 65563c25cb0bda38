"""Looks at what the services measure: once a minute, and when somebody asks about the minute that runs.

There may be a hundred thousand queues, so a look is a task that is done in portions.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from mqbroker.aws.cloudwatch.custom import Custom
from mqbroker.aws.cloudwatch.series import MINUTE_MS, Things
from mqbroker.aws.family import AwsService
from mqbroker.aws.limits import CLOUDWATCH_LOOKS_PER_MS
from mqbroker.aws.measures import Measure
from mqbroker.core.broker import Broker
from mqbroker.core.scheduler import Task

log = logging.getLogger(__name__)

_COST = 20  # of a look at a thing, in messages

Looked = Callable[[int], None]
"""Called after a look with what time it is then."""


class Recorder(Task):
    """The looks at the services of one broker."""

    __slots__ = (
        "_again_at", "_broker", "_custom", "_is_first", "_minute", "_rest", "_seen", "_services", "_things", "_waiting",
        "followers",
    )  # fmt: skip

    def __init__(self, broker: Broker, services: Iterable[AwsService], things: Things, custom: Custom) -> None:
        Task.__init__(self)
        self._broker = broker
        self._services = services
        self._things = things
        self._custom = custom
        self._rest: Iterator[Measure] | None = None
        self._minute = 0
        self._is_first = False
        self._seen = self._again_at = 0
        self._waiting: list[Looked] = []
        self.followers: list[Looked] = []
        """Called after the look of each minute."""

    def start(self, now: int) -> None:
        """Looks from now on."""
        self._broker.timers.at((now // MINUTE_MS + 1) * MINUTE_MS, self._at_minute)
        self._look(now)

    def when_looked(self, now: int, end: int, answer: Looked) -> None:
        """Calls `answer` once enough is known of what was before `end`: at once if its minutes are over."""
        if end // MINUTE_MS * MINUTE_MS < now // MINUTE_MS * MINUTE_MS or now < self._again_at:
            answer(now)
        else:
            self._waiting.append(answer)
            self._look(now)

    def _at_minute(self, now: int) -> None:
        self._broker.timers.at((now // MINUTE_MS + 1) * MINUTE_MS, self._at_minute)
        self._waiting += self.followers
        self._look(now)

    def _look(self, now: int) -> None:
        if self._rest is None:
            minute = now // MINUTE_MS
            self._is_first, self._minute, self._seen = self._minute == minute - 1, minute, 0
            self._rest = chain.from_iterable(service.measures(now) for service in self._services)
            self._broker.scheduler.add(self)

    def run(self, now: int, portion: int) -> bool:
        """Task: looks at a portion of the things."""
        count = self._record(max(1, portion // _COST))
        self._seen += count
        if count:
            return True
        self._rest = None
        self._again_at = now + self._seen // CLOUDWATCH_LOOKS_PER_MS
        self._things.bound(self._minute)
        self._custom.bound(self._minute)
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(now)
        return False

    def _record(self, most: int) -> int:
        """Looks at some things; how many those were. A service that fails ends this look, not the broker."""
        assert self._rest is not None
        count = 0
        try:
            for measure in islice(self._rest, most):
                self._things.record(measure, self._minute, self._is_first)
                count += 1
        except Exception:
            log.exception("a look at what is measured has failed: internal error")
            return 0
        return count
