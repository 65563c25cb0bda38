"""Passwords are checked in a pool of threads: a check costs a fifth of a second of processor time on purpose.

A log-in that was right is remembered for a short time as a keyed digest, and one that is being checked is checked for
all who come with it meanwhile, so that a fleet that reconnects does not wait in line. The key lives as long as the
process; a changed password changes the digest. Whose check comes next is decided in login_queue.py. How many may wait
is bounded by the connections that may be open without a name.
"""

import asyncio
import hmac
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from mqbroker.clock import Clock
from mqbroker.core.access.access import Access
from mqbroker.core.access.passwords import decoy, verify
from mqbroker.limits import LOGIN_CACHE_ENTRIES_MAX, LOGIN_CACHE_MS
from mqbroker.protocols.backends import NO_DETAILS
from mqbroker.runtime.login_queue import LoginQueue


class Attempt:
    """One password for one user, and everybody who waits to hear whether it is right."""

    __slots__ = ("addresses", "digest", "is_running", "password", "password_hash", "user", "waiting")

    def __init__(self, digest: bytes, user: str, password: bytes, password_hash: str) -> None:
        self.digest = digest
        self.user = user
        self.password = password
        self.password_hash = password_hash
        self.addresses: set[str] = set()
        self.is_running = False
        self.waiting: list[tuple[Callable[[bool], None], Callable[[], bool]]] = []

    @property
    def is_wanted(self) -> bool:
        """Whether anybody who waits for the answer is still there."""
        return any(is_wanted() for _, is_wanted in self.waiting)


class PooledAuthenticator:
    """Checks passwords against the hashes of `access`."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._threads = len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="login")
        self._key = os.urandom(32)
        self._right_until: dict[bytes, int] = {}
        self._attempts: dict[bytes, Attempt] = {}
        """What waits or is being checked, by digest."""
        self._queue: LoginQueue[Attempt] = LoginQueue()
        self._busy = 0
        self._timer: asyncio.TimerHandle | None = None
        self._expected: dict[str, bytes] = {}

    def expect(self, user: str, password: bytes) -> None:
        """Takes this password for a user whose hash is still being made; see `forget_expected`."""
        self._expected[user] = password

    def forget_expected(self, user: str) -> None:
        """The user has a hash from now on."""
        self._expected.pop(user, None)

    def is_expected(self, user: str) -> bool:
        """Whether their hash is still being made."""
        return user in self._expected

    def check(
        self,
        user: str,
        password: bytes,
        answer: Callable[[bool], None],
        address: str = "",
        is_wanted: Callable[[], bool] = lambda: True,
        _details: Mapping[str, str] = NO_DETAILS,
    ) -> None:
        """Calls `answer` on the loop's thread: at once for a login remembered as right, otherwise after the check.

        A name that nobody has takes as long as one that somebody has. A check whose turn comes when nobody wants its
        answer any more is left out.
        """
        found = self._access.users.get(user)
        password_hash = found.password_hash if found is not None else ""
        if password and not password_hash and hmac.compare_digest(self._expected.get(user, b""), password):
            answer(True)
            return
        digest = self._digest(user, password, password_hash)
        if self._right_until.get(digest, 0) > self._clock.now():
            answer(True)
            return
        attempt = self._attempts.get(digest)
        if attempt is None:
            attempt = self._attempts[digest] = Attempt(digest, user, password, password_hash or decoy())
        attempt.waiting.append((answer, is_wanted))
        if not attempt.is_running and address not in attempt.addresses:
            attempt.addresses.add(address)
            self._queue.put(address, user, attempt)
            self._start()

    def _start(self) -> None:
        """Gives free threads something to do."""
        while self._busy < self._threads:
            attempt = self._queue.take(self._clock.now())
            if attempt is None:
                self._wait_for_delay()
                return
            if attempt.is_running or self._attempts.get(attempt.digest) is not attempt:
                continue  # it came from several addresses, and another one's turn was earlier
            if attempt.is_wanted:
                self._run(attempt)
            else:
                del self._attempts[attempt.digest]

    def _run(self, attempt: Attempt) -> None:
        attempt.is_running = True
        self._busy += 1
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._pool, verify, attempt.password, attempt.password_hash)
        work.add_done_callback(lambda done: self._checked(attempt, done))

    def _wait_for_delay(self) -> None:
        """Everything that waits comes from addresses that were wrong lately: looks again when the first one may go."""
        at = self._queue.next_at()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at:
            delay_s = max(0, at - self._clock.now()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._start)

    def _checked(self, attempt: Attempt, done: "asyncio.Future[bool]") -> None:
        self._busy -= 1
        del self._attempts[attempt.digest]
        if done.cancelled():
            return
        now = self._clock.now()
        is_right = done.result()
        if is_right:
            self._remember(attempt.digest, now)
        for address in attempt.addresses:
            if is_right:
                self._queue.was_right(address, attempt.user)
            else:
                self._queue.was_wrong(address, attempt.user, now)
        for answer, is_wanted in attempt.waiting:
            if is_wanted():
                answer(is_right)
        self._start()

    def _remember(self, digest: bytes, now: int) -> None:
        if len(self._right_until) >= LOGIN_CACHE_ENTRIES_MAX:
            # The oldest goes: emptying the whole cache would have everybody checked anew at once.
            del self._right_until[next(iter(self._right_until))]
        self._right_until.pop(digest, None)
        self._right_until[digest] = now + LOGIN_CACHE_MS

    def _digest(self, user: str, password: bytes, password_hash: str) -> bytes:
        octets = user.encode(errors="surrogateescape")
        text = b"%d:%b%d:%b%b" % (len(octets), octets, len(password), password, password_hash.encode())
        return hmac.digest(self._key, text, "sha256")

    def close(self) -> None:
        """Ends the pool; checks that wait are dropped."""
        if self._timer is not None:
            self._timer.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
