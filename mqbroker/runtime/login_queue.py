"""Log-ins that wait for a thread to check their password: whose turn it is, and who has to wait for guessing wrongly.

Addresses take turns, and so do the users that one address tries, so that who guesses by the thousand delays nobody
else. What waits for the same user from the same address is checked newest first: while somebody guesses, a right log-in
that comes in between is then not at the end of the line. Each wrong guess makes the next check for that user from that
address wait longer. No threads, no loop, no clock: `now` is an argument.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from mqbroker.limits import (
    LOGIN_DELAY_MS_FIRST,
    LOGIN_DELAY_MS_MAX,
    LOGIN_FAILURES_FREE,
    LOGIN_OFFENDERS_MAX,
    LOGIN_OFFENDERS_MS,
)

T = TypeVar("T")


class LoginQueue(Generic[T]):
    """What waits, by address and user."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, OrderedDict[str, list[T]]] = OrderedDict()
        self._offenders: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        """How often in a row an address was wrong about a user, and until when its next check waits."""

    def put(self, address: str, user: str, item: T) -> None:
        """Adds a check."""
        self._waiting.setdefault(address, OrderedDict()).setdefault(user, []).append(item)

    def take(self, now: int) -> T | None:
        """The check whose turn it is; None when nothing waits or everything has to wait longer."""
        for address, users in self._waiting.items():
            for user in users:
                if self._blocked_until(address, user) <= now:
                    return self._take_from(address, user)
        return None

    def _take_from(self, address: str, user: str) -> T:
        users = self._waiting[address]
        item = users[user].pop()
        users.move_to_end(user)
        self._waiting.move_to_end(address)
        if not users[user]:
            del users[user]
            if not users:
                del self._waiting[address]
        return item

    def next_at(self) -> int:
        """When the first of those that wait for their delay may go on; 0 when nothing waits."""
        times = [self._blocked_until(address, user) for address, users in self._waiting.items() for user in users]
        return min(times, default=0)

    def _blocked_until(self, address: str, user: str) -> int:
        return self._offenders.get((address, user), (0, 0))[1]

    def was_right(self, address: str, user: str) -> None:
        """The password was right: earlier wrong ones are forgiven."""
        self._offenders.pop((address, user), None)

    def was_wrong(self, address: str, user: str, now: int) -> None:
        """The password was wrong: from the third time in a row on the next check waits, twice as long each time."""
        offender = address, user
        count, blocked_until = self._offenders.pop(offender, (0, 0))
        if blocked_until and blocked_until + LOGIN_OFFENDERS_MS < now:
            count = 0
        count += 1
        doublings = count - LOGIN_FAILURES_FREE - 1
        delay_ms = 0 if doublings < 0 else min(LOGIN_DELAY_MS_FIRST << min(doublings, 16), LOGIN_DELAY_MS_MAX)
        self._offenders[offender] = count, now + delay_ms
        if len(self._offenders) > LOGIN_OFFENDERS_MAX:
            self._offenders.popitem(last=False)
