"""What users of another service may do, as that service says when they do it: asked once, and kept for a while.

    asked --no answer kept--> AccessPending, and a question to the service --> answer kept --> who waits asks again
    asked --an old one-----> that answer still, and a question to the service --> another answer: all look again

The loop never waits. A service that is silent allows nothing that it did not allow before.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

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

_PATIENCE = 4  # an answer counts so many times as long as it took: an operation may need several, one after the other

Question = tuple[tuple[str, str], ...]


class Decision(NamedTuple):
    """What the service has said."""

    is_allowed: bool
    fresh_until: int
    kept_until: int
    """Until when it counts for who asks while the service is being asked again: what runs must not be interrupted."""

    def deadline(self, now: int) -> int:
        """What it comes to next."""
        return self.fresh_until if self.fresh_until > now else self.kept_until


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
        self._known: dict[Question, Decision] = {}
        self._asked: dict[Question, list[Callable[[int], None]]] = {}
        """What is being asked, and who waits for it."""
        self._slots = asyncio.Semaphore(BACKEND_CALLS_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = RateLog(log)
        self._looked_at = 0
        self._look = Timer(self._look_through)
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
        known, now = self._known.get(question), self._clock.now()
        if known is not None and known.kept_until > now:
            if known.fresh_until <= now and len(self._asked) < BACKEND_QUESTIONS_MAX:
                self._waiting_for(question)
            return known.is_allowed
        if question not in self._asked and len(self._asked) >= BACKEND_QUESTIONS_MAX:
            raise AccessRefused("too much is being asked about at once")
        fields = dict(question)
        raise AccessPending(
            f"access to {fields['resource']} '{fields['name']}' in vhost '{fields['vhost']}' refused for user "
            f"'{fields['username']}'", self._waiting_for(question).append,
        )  # fmt: skip

    def _waiting_for(self, question: Question) -> list[Callable[[int], None]]:
        """Who waits for an answer. The service is asked, unless it is being asked already."""
        waiting = self._asked.get(question)
        if waiting is None:
            waiting = self._asked[question] = []
            task = asyncio.get_running_loop().create_task(self._ask(question))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return waiting

    async def _ask(self, question: Question) -> None:
        began = self._clock.now()
        said: bool | None = None
        try:
            async with self._slots:
                said = await self._backend.allows(dict(question))
        except BackendSilent as error:
            self._complaints.warning(self._clock.now(), f"the backend says nothing about rights: {error}")
        except Exception:
            log.exception("the backend failed: internal error")
        finally:
            waiting, now = self._asked.pop(question), self._clock.now()
            self._note(question, said, began, now)
        for go_on in waiting:
            go_on(now)
        self.wake()

    def _note(self, question: Question, said: bool | None, began: int, now: int) -> None:
        before = self._known.get(question)
        if said is not None:
            kept_ms = max(self._cache_ms, _PATIENCE * (now - began))
            found = Decision(said, now + kept_ms, now + 2 * kept_ms)
        else:  # it is asked again soon, and no old answer counts longer for that
            soon = now + BACKEND_DECISION_MS_MIN
            found = Decision(False, soon, soon)
            if before is not None and before.kept_until > soon:
                found = before._replace(fresh_until=soon)
        remember(self._known, question, found, BACKEND_DECISIONS_MAX)
        if before is not None and before.is_allowed != found.is_allowed:
            self._broker.access.forget_decisions()
        if not self._look.is_armed or self._look.deadline > found.fresh_until:
            self._look_at(found.fresh_until)

    def _look_at(self, deadline: int) -> None:
        self._broker.timers.move(self._look, max(deadline, self._looked_at + BACKEND_DECISION_MS_MIN))

    def _look_through(self, now: int) -> None:
        """Forgets what counts no longer. Protocols remember where somebody may publish: when an answer has run out they
        have to look again, for only a question that is put here is put to the service."""
        known, before = self._known, self._looked_at
        self._looked_at = now
        self._known = {question: each for question, each in known.items() if each.kept_until > now}
        if len(self._known) < len(known) or any(before < each.fresh_until <= now for each in self._known.values()):
            self._broker.access.forget_decisions()
        if self._known:
            self._look_at(min(each.deadline(now) for each in self._known.values()))

    def close(self) -> None:
        """Nothing is asked any more."""
        for task in list(self._tasks):
            task.cancel()
