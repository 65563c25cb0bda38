"""The end of a vhost: everything in it is deleted in portions, and then nothing is known of it any more.

The journal knows the vhost until all of it is gone: if the broker dies in between, what is left is there again.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mqbroker.core.scheduler import Task

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost

_COST = 10  # of a queue or an exchange, which may have some bindings


class VHostEnd(Task):
    """A vhost that nobody finds any more."""

    __slots__ = ("_done", "_vhost")

    def __init__(self, vhost: "VHost", done: Callable[[], None]) -> None:
        Task.__init__(self)
        self._vhost: VHost | None = vhost
        self._done = done

    def run(self, _now: int, portion: int) -> bool:
        """Task: deletes a portion."""
        if self._vhost is None:
            return False
        most = max(1, portion // _COST)
        if self._vhost.delete_some(most) == most:
            return True
        self._vhost = None
        self._done()
        return False

    def finish(self) -> None:
        """Deletes all the rest, for somebody wants to use its name."""
        while self.run(0, 1_000):
            pass
