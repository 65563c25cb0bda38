"""What users of another service may do, as that service says when they do it: asked once, and kept for a while.

    asked --no answer kept--> AccessPending, and a question to the service --> answer kept --> who waits asks again

The loop never waits. A service that is silent allows nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.recent import remember
from mqbroker.core.timers import Timer
from mqbroker.errors import AccessPending, AccessRefused
from mqbroker.limits import (
    BACKEND_CALLS_MAX,
    BACKEND_DECISION_MS_MIN,
    BACKEND_DECISIONS_MAX,
    BACKEND_QUESTIONS_MAX,
)
from mqbroker.protocols.backends import Backend, BackendSilent
from mqbroker.protocols.rate_log import RateLog

log = logging.getLogger(__name__)

_TIMES_ASKED = 4
"""An answer counts for so many times as long as it took: with less, who asks slowly would never have all answers."""

Question = tuple[tuple[str, str], ...]


class BackendJudge:
    """A `Judge` (core/access/access.py)."""

    def __init__(
        self, broker: Broker, clock: Clock, backend: Backend, is_foreign: Callable[[str], bool],
        asked: tuple[bool, bool], cache_ms: int,
    ) -> None:  # fmt: skip
        """`is_foreign`: whether a user is one of the backend's; `asked`: whether it is asked about resources, and about
        topics."""
        self._is_foreign = is_foreign
        self._broker = broker
        self._clock = clock
        self._backend = backend
        self._has_resources, self._has_topics = asked
        self._cache_ms = max(cache_ms, BACKEND_DECISION_MS_MIN)
        self._known: dict[Question, tuple[int, bool]] = {}
        """What was said, and until when that counts."""
        self._asked: dict[Question, list[Callable[[int], None]]] = {}
        """What is being asked, and who waits for it."""
        self._slots = asyncio.Semaphore(BACKEND_CALLS_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = RateLog(log)
        self._forgetting = Timer(self._forget)
        self._forgets_at = 0
        self.wake: Callable[[], None] = lambda: None
        """Asks for a turn of the loop."""

    def has_resources(self, user: str) -> bool:
        """Implements Judge's."""
        return self._has_resources and self._is_foreign(user)

    def has_topics(self, user: str) -> bool:
        """Implements Judge's."""
        return self._has_topics and self._is_foreign(user)

    def may(self, user: str, vhost: str, kind: str, resource: str, action: str) -> bool:
        """Implements Judge's."""
        asked = (("resource", kind), ("name", resource), ("permission", action))
        return self._decision((*self._who(user, vhost), *asked))

    def may_topic(
        self, user: str, vhost: str, exchange: str, key: str, action: str, variables: Mapping[str, str]
    ) -> bool:
        """Implements Judge's."""
        asked = (("resource", "topic"), ("name", exchange), ("permission", action), ("routing_key", key))
        named = ((f"variable_map.{name}", value) for name, value in variables.items())
        return self._decision((*self._who(user, vhost), *asked, *named))

    def _who(self, user: str, vhost: str) -> Question:
        found = self._broker.access.users.get(user)
        tags = " ".join(sorted(found.tags)) if found is not None else ""
        return ("username", user), ("vhost", vhost), ("tags", tags)

    def _decision(self, question: Question) -> bool:
        known = self._known.get(question)
        if known is not None and known[0] > self._clock.now():
            return known[1]
        waiting = self._asked.get(question)
        if waiting is None:
            if len(self._asked) >= BACKEND_QUESTIONS_MAX:
                raise AccessRefused("too much is being asked about at once")
            waiting = self._asked[question] = []
            task = asyncio.get_running_loop().create_task(self._ask(question))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        fields = dict(question)
        raise AccessPending(
            f"access to {fields['resource']} '{fields['name']}' in vhost '{fields['vhost']}' refused for user "
            f"'{fields['username']}'", waiting.append,
        )  # fmt: skip

    async def _ask(self, question: Question) -> None:
        is_allowed, kept_ms, asked_at = False, BACKEND_DECISION_MS_MIN, self._clock.now()
        try:
            async with self._slots:
                is_allowed = await self._backend.allows(dict(question))
            kept_ms = self._cache_ms
        except BackendSilent as error:
            self._complaints.warning(self._clock.now(), f"the backend says nothing about rights: {error}")
        except Exception:
            log.exception("the backend failed: internal error")
        finally:
            waiting, now = self._asked.pop(question), self._clock.now()
            # What asks several questions asks all of them anew as long as one has no answer.
            kept_ms = max(kept_ms, _TIMES_ASKED * (now - asked_at))
            remember(self._known, question, (now + kept_ms, is_allowed), BACKEND_DECISIONS_MAX)
            self._forget_at(now + kept_ms)
        for go_on in waiting:
            go_on(now)
        self.wake()

    def _forget_at(self, deadline: int) -> None:
        """Protocols remember where somebody may publish: not for longer than the answers count."""
        if not self._forgets_at or deadline < self._forgets_at:
            self._forgets_at = deadline
            self._broker.timers.move(self._forgetting, deadline)

    def _forget(self, now: int) -> None:
        self._forgets_at = 0
        self._known = {question: known for question, known in self._known.items() if known[0] > now}
        # Also where nothing is left out: what was asked anew may have another answer than what protocols remember.
        self._broker.access.forget_decisions()
        if self._known:
            first = min(until for until, _ in self._known.values())
            self._forget_at(max(first, now + BACKEND_DECISION_MS_MIN))

    def close(self) -> None:
        """Nothing is asked any more."""
        for task in list(self._tasks):
            task.cancel()
