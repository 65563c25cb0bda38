"""Passwords are checked in a small pool of threads: a check costs a fifth of a second of processor time on purpose.

A login that was right is remembered for a short time as a keyed digest, and one that is being checked is checked for
all who come with it meanwhile, so that a fleet that reconnects does not wait in line. The key lives as long as the
process; a changed password changes the digest.
"""

import asyncio
import hmac
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mqbroker.clock import Clock
from mqbroker.core.access import Access
from mqbroker.core.passwords import decoy, verify
from mqbroker.limits import LOGIN_CACHE_ENTRIES_MAX, LOGIN_CACHE_MS, LOGINS_PENDING_MAX

_THREADS = 2


class PooledAuthenticator:
    """Checks passwords against the hashes of `access`."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="login")
        self._key = os.urandom(32)
        self._right_until: dict[bytes, int] = {}
        self._waiting: dict[bytes, list[Callable[[bool], None]]] = {}
        """Who waits for each check that is under way."""
        self._pending = 0

    def check(self, user: str, password: bytes, answer: Callable[[bool], None]) -> None:
        """Calls `answer` on the loop's thread: at once for a login remembered as right, otherwise after the check.

        A name that nobody has takes as long as one that somebody has. When too many checks wait, the answer is no.
        """
        found = self._access.users.get(user)
        password_hash = found.password_hash if found is not None else decoy()
        digest = self._digest(user, password, password_hash)
        if self._right_until.get(digest, 0) > self._clock.now():
            answer(True)
        elif self._pending >= LOGINS_PENDING_MAX:
            answer(False)
        else:
            self._pending += 1
            self._queue(digest, password, password_hash, answer)

    def _queue(self, digest: bytes, password: bytes, password_hash: str, answer: Callable[[bool], None]) -> None:
        if digest in self._waiting:
            self._waiting[digest].append(answer)
            return
        self._waiting[digest] = [answer]
        work = asyncio.get_running_loop().run_in_executor(self._pool, verify, password, password_hash)
        work.add_done_callback(lambda done: self._checked(digest, done))

    def _checked(self, digest: bytes, done: "asyncio.Future[bool]") -> None:
        waiting = self._waiting.pop(digest)
        self._pending -= len(waiting)
        if done.cancelled():
            return
        is_right = done.result()
        if is_right:
            if len(self._right_until) >= LOGIN_CACHE_ENTRIES_MAX:
                self._right_until.clear()
            self._right_until[digest] = self._clock.now() + LOGIN_CACHE_MS
        for answer in waiting:
            answer(is_right)

    def _digest(self, user: str, password: bytes, password_hash: str) -> bytes:
        octets = user.encode(errors="surrogateescape")
        text = b"%d:%b%d:%b%b" % (len(octets), octets, len(password), password, password_hash.encode())
        return hmac.digest(self._key, text, "sha256")

    def close(self) -> None:
        """Ends the pool; checks that wait are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)
