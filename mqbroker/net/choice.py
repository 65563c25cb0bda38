"""One listener for several protocols: which one a client speaks is known by its first octets.

A connection to such a listener begins with an `Undecided` session, which answers nothing and keeps little. As soon as
the octets tell, the connection goes on with the session of the protocol that they are of, which is given all of them;
from then on nothing is left of the choice. What begins like none of the guests is the host's, whose listener it is.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from mqbroker.protocols.protocol import Protocol
from mqbroker.protocols.session import Outbox, Peer, Session

log = logging.getLogger(__name__)

_FIRST_BYTES = 512  # a first packet, by which the log can name any protocol; the rest is read as its session wants it

UNNAMED = ""
"""What makes the sessions of WebSockets of which only their octets tell what they speak."""

SessionFactory = Callable[[Peer], Session]

Adopt = Callable[[SessionFactory, bytes, int], None]
"""Has a connection go on with another session, which is given what has arrived."""


class Undecided(Session):
    """The session of a peer of whom it is not known what it speaks."""

    __slots__ = ("_arrived", "_choice", "_peer", "adopt")

    def __init__(self, outbox: Outbox, choice: "Choice", peer: Peer, deadline: int) -> None:
        Session.__init__(self, outbox)
        self.adopt: Adopt | None = None
        """Given by the connection that this is the session of."""
        self.appetite = _FIRST_BYTES
        self.deadline = deadline
        self._choice = choice
        self._peer = peer
        self._arrived = b""

    def receive_data(self, data: bytes, now: int) -> None:
        """Looks at the first octets, and hands them on once they tell."""
        arrived = self._arrived + data
        chosen = self._choice.of(arrived)
        if chosen is None:
            self._arrived = arrived
            return
        assert self.adopt is not None
        self.adopt(chosen, arrived, now)

    def tick(self, _now: int) -> None:
        """It has not said enough in its time."""
        log.warning("%s:%d -> %s: timed out before it was open", self._peer.host, self._peer.port, self._peer.listener)
        self.is_closing = True
        self.mark()


class UndecidedText(Undecided):
    """One that may turn out to speak a protocol of texts."""

    takes_text = True

    __slots__ = ()


class Choice:
    """The protocols of one listener: the host, and the guests with the octets that they begin with."""

    def __init__(self, host: SessionFactory, guests: Sequence[tuple[bytes, SessionFactory]]) -> None:
        self._host = host
        self._guests = guests

    def of(self, data: bytes) -> SessionFactory | None:
        """Who makes the session of a peer that begins so; None while that is not clear."""
        for beginning, factory in self._guests:
            if data.startswith(beginning):
                return factory
        if any(beginning.startswith(data) for beginning, _ in self._guests):
            return None
        return self._host


def with_guests(
    protocols: Sequence[Protocol],
    factories: Mapping[str, SessionFactory],
    outbox: Outbox,
    now: Callable[[], int],
    timeout_ms: int,
) -> dict[str, SessionFactory]:
    """What makes the sessions of each protocol, by its name; that of a host tells its guests apart.

    `timeout_ms` is how long a peer may take to say what it speaks.
    """
    found = dict(factories)
    started = [each for each in protocols if each.name in factories]

    def guests_of(host: str) -> list[tuple[bytes, SessionFactory]]:
        guests = [each for each in started if each.guest_of == host]
        return [(beginning, factories[each.name]) for each in guests for beginning in each.beginnings]

    for host in {each.guest_of for each in started if each.guest_of in factories}:
        choice = Choice(factories[host], guests_of(host))
        found[host] = _undecided(Undecided, choice, outbox, now, timeout_ms)
    carried = [(first, factories[each.name]) for each in started for first in each.websocket_beginnings]
    default = next((each.name for each in started if each.is_websocket_default), None)
    if carried and default is not None:
        choice = Choice(factories[default], [*guests_of(default), *carried])
        found[UNNAMED] = _undecided(UndecidedText, choice, outbox, now, timeout_ms)
    return found


def _undecided(
    kind: type[Undecided], choice: Choice, outbox: Outbox, now: Callable[[], int], timeout_ms: int
) -> SessionFactory:
    return lambda peer: kind(outbox, choice, peer, now() + timeout_ms)
