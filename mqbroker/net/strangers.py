"""Connections whose peer has no name yet: how many there may be, and who makes room when there are too many.

The budget is shared out where it is short, and only there. A listener may use all of it as long as no other one needs
its share; then the listener with the most strangers gives up one, and of its addresses the one with the most gives up
its oldest. So a flood on one port, or from one address, takes nothing from others; who floods is turned away itself.
IPv6 addresses count by their /64, which is what one subscriber has (RFC 6177).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mqbroker.net.connection import Connection

_Share = dict["Connection", None]  # a dict keeps the order in which they came


class Strangers:
    """The connections without a name, by listener and address."""

    def __init__(self, most: int, turn_away: Callable[["Connection"], None]) -> None:
        """`turn_away` is called with each connection that has to make room."""
        self._most = most
        self._turn_away = turn_away
        self._count = 0
        self._shares: dict[int, dict[str, _Share]] = {}

    def __len__(self) -> int:
        return self._count

    def admit(self, connection: "Connection") -> bool:
        """Counts a connection in, if need be in the place of another one; False when there is no place for it."""
        if self._count >= self._most:
            # Who has logged in leaves only here, so that a log-in costs nothing.
            self._forget_named()
        if self._count >= self._most:
            greediest = self._greediest(connection)
            if greediest is None:
                return False
            oldest = next(iter(greediest))
            self.discard(oldest)
            self._turn_away(oldest)
        port, address = _origin(connection)
        self._shares.setdefault(port, {}).setdefault(address, {})[connection] = None
        self._count += 1
        return True

    def _greediest(self, newcomer: "Connection") -> _Share | None:
        """The share that gives up a place for the newcomer: larger than the newcomer's would be then."""
        port, address = _origin(newcomer)
        sizes = {each: sum(map(len, shares.values())) for each, shares in self._shares.items()}
        fullest = max(sizes, key=sizes.__getitem__, default=port)
        shares = self._shares.get(fullest)
        if not shares:
            return None
        largest = max(shares.values(), key=len)
        if fullest != port:
            return largest if sizes[fullest] > sizes.get(port, 0) + 1 else None
        return largest if len(largest) > len(shares.get(address, ())) + 1 else None

    def discard(self, connection: "Connection") -> None:
        """The connection is gone, or has a name."""
        port, address = _origin(connection)
        shares = self._shares.get(port, {})
        share = shares.get(address)
        if share is None or connection not in share:
            return
        self._count -= 1
        del share[connection]
        if not share:
            del shares[address]
            if not shares:
                del self._shares[port]

    def _forget_named(self) -> None:
        named = [
            connection
            for shares in self._shares.values()
            for share in shares.values()
            for connection in share
            if connection.is_authenticated
        ]
        for connection in named:
            self.discard(connection)


def _origin(connection: "Connection") -> tuple[int, str]:
    """The port that a connection came to and the address that it came from, before what a proxy says of it."""
    peer = connection.accepted_from
    if ":" not in peer.host:
        return peer.server_port, peer.host
    return peer.server_port, ":".join(_groups(peer.host)[:4])


def _groups(address: str) -> list[str]:
    """The eight groups of an IPv6 address that is written in its short form."""
    head, gap, tail = address.partition("::")
    first, last = head.split(":") if head else [], tail.split(":") if tail else []
    return [*first, *["0"] * (8 - len(first) - len(last) if gap else 0), *last]
