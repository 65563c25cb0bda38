"""Deliveries that their client does not settle in time: they go back, and the client is told (RabbitMQ 4).

    a link with a timeout: its property rabbitmq:consumer-timeout, else its queue's x-consumer-timeout
    disposition of the sender, released, not settled -->      <-- the client settles it, or has done so meanwhile

A connection looks for them from time to time, as often as the shortest of its timeouts asks for; ages.py knows how old
a delivery is. Whoever has no such link has none of this.
"""

from typing import TYPE_CHECKING

from mqbroker.core.message import Entry
from mqbroker.limits import COUNT_MAX
from mqbroker.protocols.ages import Ages, Reached, sweep_interval
from mqbroker.protocols.amqp1 import settling
from mqbroker.protocols.amqp1.codec.messaging import Released
from mqbroker.protocols.amqp1.codec.performatives import SENDER, Attach, Disposition
from mqbroker.protocols.amqp1.composite import link_of

if TYPE_CHECKING:
    from mqbroker.protocols.amqp1.outgoing import OutgoingLink
    from mqbroker.protocols.amqp1.session import LinkSession
    from mqbroker.protocols.amqp1.state import Amqp1State

PROPERTY = "rabbitmq:consumer-timeout"


def timeout_of(message: Attach, link: "OutgoingLink") -> int:
    """The timeout of a link in milliseconds; 0 for none."""
    wanted = message.properties.get(PROPERTY)
    if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0:
        return min(int(wanted), COUNT_MAX)
    return link.queue.spec.consumer_timeout or 0


class Timeouts:
    """Those of the links of one connection."""

    __slots__ = ("_ages", "_of_links", "next_sweep")

    def __init__(self) -> None:
        self._ages: dict[LinkSession, Ages] = {}
        self._of_links: dict[OutgoingLink, int] = {}
        self.next_sweep = COUNT_MAX

    def watch(self, link: "OutgoingLink", timeout_ms: int, now: int) -> None:
        """Deliveries of the link are to be settled so soon."""
        self._ages.setdefault(link.session, Ages()).watch(timeout_ms)
        self._of_links[link] = timeout_ms
        self.next_sweep = min(self.next_sweep, now + sweep_interval(timeout_ms))

    def sweep(self, connection: "Amqp1State", now: int) -> None:
        """Takes back what is overdue."""
        self._forget(connection)
        wait_ms = COUNT_MAX
        for session, ages in self._ages.items():
            wait_ms = min(wait_ms, sweep_interval(ages.shortest_ms))
            ages.mark(now, session.next_tag)
            for entry in self._overdue(session, ages, now):
                _take_back(connection, session, entry)
        self.next_sweep = now + wait_ms if self._ages else COUNT_MAX

    def _forget(self, connection: "Amqp1State") -> None:
        sessions = set(connection.sessions.values())
        self._of_links = {
            link: timeout for link, timeout in self._of_links.items() if link.session.outgoing.get(link.handle) is link
        }
        kept = sessions.intersection(link.session for link in self._of_links)
        self._ages = {session: ages for session, ages in self._ages.items() if session in kept}

    def _overdue(self, session: "LinkSession", ages: Ages, now: int) -> list[Entry]:
        found = []
        reached = Reached(ages, now)
        for entry in session.unacked.below(reached[ages.shortest_ms]):
            link = link_of(entry.consumer)
            timeout_ms = self._of_links.get(link, 0) if link is not None else 0
            if timeout_ms and entry.tag < reached[timeout_ms]:
                found.append(entry)
        return found


def _take_back(connection: "Amqp1State", session: "LinkSession", entry: Entry) -> None:
    """A delivery is the client's no more; it may settle it still, and that means nothing."""
    number = (entry.tag - 1) & 0xFFFF_FFFF
    entries = session.take_entries(number, number)
    connection.send_performative(session.channel, Disposition(SENDER, number, None, False, Released()))
    settling.settle(connection, entries, Released())
