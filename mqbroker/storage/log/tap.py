"""The tap: gives whoever follows the log every piece of it in order, before this node's disk has it.

A link to a standby sends what it gets while the local sync runs, a backup writes it elsewhere. Frames are made in the
appending thread, and followers are told on the loop's thread through the injected wake-up; or at once where that is the
thread that appends. Without followers all of this is one look at an empty tuple per batch.
"""

from collections.abc import Callable
from functools import partial
from threading import get_ident

from mqbroker.storage.log.executors import Wake
from mqbroker.storage.log.pieces import Piece

Follower = Callable[[Piece], object]
"""Takes the next piece, on the loop's thread. It must not raise, and bounds what it keeps."""
Followers = tuple[Follower, ...]


class Tap:
    """Who follows the log. All but `tell` is for the loop's thread."""

    def __init__(self, wake: Wake) -> None:
        self.followers: Followers = ()
        """Whoever follows at this moment; never changed in place, so that a batch may take it to the thread."""
        self.last_lsn = 0
        """The newest batch on its way to the disk: those that follow from now on are told what comes after it."""
        self._wake = wake
        self._loop_thread = 0

    def follow(self, follower: Follower) -> int:
        """Has every later piece told. Returns the last batch that is not: it is in the files, or soon will be."""
        self.followers = (*self.followers, follower)
        self._loop_thread = get_ident()
        return self.last_lsn

    def leave(self, follower: Follower) -> None:
        """Tells that follower nothing more."""
        self.followers = tuple(known for known in self.followers if known != follower)

    def tell_all(self, piece: Piece) -> None:
        """Tells a piece to whoever follows now."""
        if self.followers:
            self._wake(partial(self._deliver, self.followers, piece))

    def tell(self, followers: Followers, piece: Piece) -> None:
        """Tells a piece to those that followed when it was put on its way. From any thread: while one of the journal's
        has anything to tell, nothing is appended in the loop's, so the order is kept."""
        if get_ident() == self._loop_thread:
            self._deliver(followers, piece)
        else:
            self._wake(partial(self._deliver, followers, piece))

    def _deliver(self, followers: Followers, piece: Piece) -> None:
        for follower in followers:
            if follower in self.followers:
                follower(piece)
