"""Whose a message is: what a consumer says of itself, alike in all protocols, and who is at work at the moment."""

from mqbroker.core.tap import Taker
from mqbroker.core.vhost import VHost
from mqbroker.protocols.session import Peer, Session

Whose = tuple[str, str, object]
"""A connection, a user, and the number of a channel."""

NOBODY: Whose = ("", "", 0)
"""The broker itself, or a request of HTTP."""


def taker_facts(connection: str, peer: Peer, user: str, number: int = 1) -> dict[str, object]:
    """Facts by neutral names (`Consumer.describe`); who has no channels has the first one."""
    return {
        "name": f"{connection} ({number})",
        "number": number,
        "connection_name": connection,
        "peer_host": peer.host,
        "peer_port": peer.port,
        "user": user,
    }


def publisher_in(vhost: VHost) -> Whose:
    """Who publishes there at the moment. It is known while there is a tap (core/tap.py)."""
    speaker = vhost.speaker
    return speaker.speaking() if isinstance(speaker, Session) else NOBODY


def whose(taker: Taker | None, vhost: VHost) -> Whose:
    """Who is given a message; somebody who polls is at work himself."""
    if taker is None:
        return NOBODY
    facts = taker.describe()
    if not facts:
        return publisher_in(vhost)
    return str(facts.get("connection_name", "")), str(facts.get("user", "")), facts.get("number", 0)
