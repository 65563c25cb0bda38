"""Holds publishers back while the journal is behind, so that none of them makes the confirms of all others wait.

What is published goes into the journal's open batch; while one batch is on its way to the disk the next one grows, and
every confirm waits for what stands before it. So beyond a bound the connections that have added most to the open batch
are not read from, whatever protocol they speak, and far beyond it all that add anything. They are read again in the
order in which they were held, as many in a turn of the loop as the journal has room for.

    free --adds to a journal that is behind--> held --the journal has room, and it is its turn--> hasty, or free
      ^                                         ^                                                  |
      |                                         +------------adds to a journal that is behind------+
      +---------------------------------------------has no more to say, or nobody else publishes---+

Where several publish the bound is lower. A confirm also takes two or three turns of the loop then, to read the message
and to hear of its batch; so who is hasty, as one is that was held, is read in smaller slices.

Nobody is held for ever: a turn follows each batch that is durable, and each turn in which somebody was let go.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.ledger import Ledger
from mqbroker.core.recent import remember
from mqbroker.limits import (
    JOURNAL_FAR_BEHIND_FACTOR,
    JOURNAL_SHARED_BEHIND_SHARE,
    JOURNAL_SHARED_MS,
    PUBLISHERS_HEAVY_MAX,
    PUBLISHERS_LET_GO_MAX,
)

if TYPE_CHECKING:
    from mqbroker.net.connection import Connection

# C integers when compiled
_SHARED_SHARE = JOURNAL_SHARED_BEHIND_SHARE
_SHARED_MS = JOURNAL_SHARED_MS
_HEAVY_MAX = PUBLISHERS_HEAVY_MAX
_FAR_BEHIND = JOURNAL_FAR_BEHIND_FACTOR

_TURNS_KEPT = 64  # of connections: four times as many as can be heavy in one batch


class Congestion:
    """The connections that are held back for the journal's sake."""

    __slots__ = ("_held", "_is_shared", "_latest", "_shared_until", "_turns", "_wake", "ledger")

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._wake: Callable[[], None] = _nothing
        self._held: deque[Connection] = deque()
        self._latest = 0
        self._turns: dict[int, int] = {}
        """When each of the latest connections began to add, by its id()."""
        self._shared_until = 0
        self._is_shared = False

    def attach(self, ledger: Ledger, wake: Callable[[], None]) -> None:
        """Says whose journal it is. `wake` asks for the end of this turn of the loop, at which `release` is called."""
        self.ledger = ledger
        self._wake = wake

    def __len__(self) -> int:
        return len(self._held)

    def _bound(self) -> int:
        """How much may wait before those who add most are held."""
        most = self.ledger.backlog_max
        return most // _SHARED_SHARE if self._is_shared else most

    def weigh(self, connection: "Connection", added: int, now: int) -> None:
        """A connection has added so many bytes to the journal: holds it if that is too much for now."""
        who = id(connection)
        if who != self._latest:
            self._take_turns(who, now)
        self._is_shared = is_shared = now < self._shared_until
        ledger = self.ledger
        total = connection.count_added(added, ledger.position)
        backlog = ledger.backlog()
        if backlog * _SHARED_SHARE > ledger.backlog_max:  # or else it is below any bound
            bound = self._bound()
            is_heavy = total * _HEAVY_MAX >= bound
            if (is_heavy and backlog > bound) or backlog > bound * _FAR_BEHIND:
                if connection.hold(is_shared):
                    self._held.append(connection)
                return
        if not is_shared:
            connection.is_hasty = False

    def _take_turns(self, who: int, now: int) -> None:
        """Another one than before has added something. Who comes back shares; who adds once, as a client that only
        subscribes does, is no publisher."""
        self._latest = who
        turns = self._turns
        began = turns.get(who)
        if began is None:
            remember(turns, who, now, _TURNS_KEPT)
            return
        turns[who] = now
        if now < began + _SHARED_MS:
            self._shared_until = now + _SHARED_MS

    def release(self, now: int) -> None:
        """Lets go as many as the journal has room for. To be called at the end of each turn."""
        held = self._held
        if not held:
            return
        bound = self._bound()
        room = bound - self.ledger.backlog()
        if room <= 0:
            return
        while held and room > 0:
            held.popleft().let_go(now)
            room -= bound // PUBLISHERS_LET_GO_MAX
        if held:
            self._wake()  # who was let go may have nothing to say


def _nothing() -> None:
    """Stands in until there is a turn to wake."""
