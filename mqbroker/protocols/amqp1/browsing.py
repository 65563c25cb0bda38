"""A link that looks at what waits in queues, and takes nothing: a source with the distribution mode copy.

It shows every message that was there at the attach, once, as far as the client's credit goes. It is over when all were
shown: a client that drains its link learns so by the credit that comes back.
"""

from typing import TYPE_CHECKING

from mqbroker.core.browsing import Browsing
from mqbroker.core.consumer import Gate
from mqbroker.core.message import Entry, failures_of
from mqbroker.core.selectors.selector import Selector
from mqbroker.protocols.amqp1.outgoing import OutgoingLink

if TYPE_CHECKING:
    from mqbroker.core.queues.base import Queue
    from mqbroker.protocols.amqp1.session import LinkSession


class BrowsingLink(OutgoingLink):
    """One look at queues. It is no consumer of them."""

    __slots__ = ("_browsing", "_has_begun", "_has_ended", "_room")

    def __init__(
        self, queues: "list[Queue]", session: "LinkSession", name: str, handle: int, selector: Selector | None
    ) -> None:
        """Shows one of the queues after the other."""
        OutgoingLink.__init__(self, queues[0], session, name, handle)
        self._room = Gate()
        self._room.is_open = False
        self._browsing = Browsing([(queue, self._show) for queue in queues], self._room, self._all_shown, selector)
        self._has_begun = self._has_ended = False

    def attached(self, _now: int) -> None:
        """Overrides OutgoingLink's: the queue does not know of it."""

    def detached(self, _now: int) -> None:
        """Overrides OutgoingLink's."""
        self._has_ended = True
        self._browsing.end()

    def update(self) -> None:
        """Credit or the session's window has changed: shows more."""
        self._set_room()
        if not self._room.is_open or self._has_ended:
            return
        if not self._has_begun:
            self._has_begun = True
            self._browsing.begin(self.session.connection.now)
        else:
            self._room.go_on()

    def end_drain(self) -> None:
        """Gives back credit once everything was shown."""
        if self._has_ended or self.credit <= 0:
            self.give_back_credit()

    def _set_room(self) -> None:
        self._room.is_open = self.credit > 0 and self.session.is_flowing and self.gate.is_open

    def _all_shown(self) -> None:
        self._has_ended = True
        if self.is_draining:
            self.end_drain()

    def _show(self, entry: Entry) -> None:
        self.put(entry.message, not entry.is_redelivered, failures_of(entry.attempts))
        self._set_room()
