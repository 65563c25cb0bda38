"""Log-ins that the broker and other sources of users are asked about, one after the other: the first that accepts wins.

A user whom only another source knows becomes a user here for as long as the process lives, without a hash, and never in
the journal: each log-in is decided by the source, with what it said a short time ago. Who has a hash here is checked
here first, if `internal` comes first.
"""

import asyncio
import hmac
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.recent import remember
from mqbroker.limits import BACKEND_CALLS_MAX, BACKEND_USERS_MAX, LOGIN_CACHE_ENTRIES_MAX
from mqbroker.protocols.backends import NO_DETAILS, Backend, BackendSilent, Verdict
from mqbroker.protocols.rate_log import RateLog
from mqbroker.runtime.authenticator import PooledAuthenticator

log = logging.getLogger(__name__)

INTERNAL = "internal"

Answer = Callable[[bool], None]
Waiting = list[tuple[Answer, Callable[[], bool]]]


class LogIn(NamedTuple):
    """Who wants to get in, and from where."""

    user: str
    password: bytes
    address: str
    details: tuple[tuple[str, str], ...]
    """What else the source is told; another answer may follow from it."""


class BackendChain:
    """An `Authenticator` (protocols/services.py)."""

    def __init__(
        self, broker: Broker, clock: Clock, internal: PooledAuthenticator, order: Sequence[str],
        backends: Mapping[str, Backend], cache_ms: int,
    ) -> None:  # fmt: skip
        """`order` names `internal` and backends."""
        self._broker = broker
        self._clock = clock
        self._internal = internal
        self._order = tuple(order)
        self._backends = backends
        self._cache_ms = cache_ms
        self._key = os.urandom(32)
        self._known: dict[bytes, tuple[int, bool]] = {}
        """What was said of a user and password, and until when that counts."""
        self._asked: dict[bytes, Waiting] = {}
        self._slots = asyncio.Semaphore(BACKEND_CALLS_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = RateLog(log)

    def check(
        self,
        user: str,
        password: bytes,
        answer: Answer,
        address: str = "",
        is_wanted: Callable[[], bool] = lambda: True,
        details: Mapping[str, str] = NO_DETAILS,
    ) -> None:
        """Implements Authenticator's."""
        self._check(0, LogIn(user, password, address, tuple(details.items())), answer, is_wanted)

    def _check(self, at: int, login: LogIn, answer: Answer, is_wanted: Callable[[], bool]) -> None:
        user = login.user
        if at >= len(self._order):
            answer(False)
            return
        name = self._order[at]

        def answered(is_right: bool) -> None:
            if is_right:
                answer(True)
            elif is_wanted():
                self._check(at + 1, login, answer, is_wanted)

        if name == INTERNAL:
            if at + 1 < len(self._order) and not self._has_password(user):
                answered(False)
            else:
                self._internal.check(user, login.password, answered, login.address, is_wanted)
        else:
            self._ask(name, login, answered, is_wanted)

    def is_foreign(self, user: str) -> bool:
        """Whether they are a user here only because another source says so."""
        return user in self._broker.provisional_users and not self._has_password(user)

    def _has_password(self, user: str) -> bool:
        """Whether the broker itself can say anything about a password of theirs."""
        found = self._broker.access.users.get(user)
        return found is not None and (bool(found.password_hash) or self._internal.is_expected(user))

    # --- other sources ------------------------------------------------------------------------------------------------

    def _ask(self, name: str, login: LogIn, answer: Answer, is_wanted: Callable[[], bool]) -> None:
        user, digest = login.user, self._digest(name, login)
        known = self._known.get(digest)
        if known is not None and known[0] > self._clock.now() and (not known[1] or user in self._broker.access.users):
            answer(known[1])
            return
        waiting = self._asked.setdefault(digest, [])
        waiting.append((answer, is_wanted))
        if len(waiting) == 1:
            task = asyncio.get_running_loop().create_task(self._decide(digest, name, login))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _decide(self, digest: bytes, name: str, login: LogIn) -> None:
        is_right = False
        try:
            async with self._slots:
                backend, details = self._backends[name], dict(login.details)
                verdict = await backend.authenticate(login.user, login.password, login.address, details)
            is_right = verdict is not None and self._admit(login.user, verdict)
            until = self._clock.now() + self._cache_ms
            remember(self._known, digest, (until, is_right), LOGIN_CACHE_ENTRIES_MAX)
        except BackendSilent as error:
            self._complaints.warning(self._clock.now(), f"the backend {name} says nothing about log-ins: {error}")
        except Exception:
            log.exception("the backend %s failed: internal error", name)
        finally:
            for answer, is_wanted in self._asked.pop(digest):
                if is_wanted():
                    answer(is_right)

    def _admit(self, user: str, verdict: Verdict) -> bool:
        """The user is one here from now on. One who is a user of the broker's own keeps the rights given here."""
        broker, found = self._broker, self._broker.access.users.get(user)
        if found is not None and (user not in broker.provisional_users or self._internal.is_expected(user)):
            return True
        if found is None and len(broker.provisional_users) >= BACKEND_USERS_MAX:
            self._complaints.warning(self._clock.now(), f"there are {BACKEND_USERS_MAX} users of backends: no more")
            return False
        broker.provisional_users.add(user)
        if found is None or found.tags != frozenset(verdict.tags):
            broker.put_user(user, "", verdict.tags)
        kept = broker.access.user(user).permissions
        for vhost in [each for each in kept if each not in verdict.permissions]:
            broker.clear_permissions(user, vhost)
        for vhost, permissions in verdict.permissions.items():
            if kept.get(vhost) != permissions and vhost in broker.vhosts:
                broker.set_permissions(user, vhost, permissions)
        self._set_topics(user, verdict)
        return True

    def _set_topics(self, user: str, verdict: Verdict) -> None:
        broker, kept = self._broker, dict(self._broker.access.user(user).topic_permissions)
        wanted = {place: each for place, each in verdict.topics.items() if place[0] in verdict.permissions}
        for place in kept.keys() - wanted.keys():
            broker.clear_topic_permissions(user, *place)
        for place, each in wanted.items():
            if kept.get(place) != each and place[0] in broker.vhosts:
                broker.set_topic_permissions(user, *place, each)

    def _digest(self, name: str, login: LogIn) -> bytes:
        words = [name, login.user, *(word for pair in login.details for word in pair)]
        parts = [login.password, *(word.encode(errors="surrogateescape") for word in words)]
        text = b"".join([b"%d:%b" % (len(part), part) for part in parts])
        return hmac.digest(self._key, text, "sha256")

    def close(self) -> None:
        """Nothing is asked any more."""
        for task in list(self._tasks):
            task.cancel()
        for backend in self._backends.values():
            backend.close()
