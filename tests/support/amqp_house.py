"""A broker in this process (session_house.py) that AMQP is spoken to.

`House.connect` gives a `Talk` whose octets go straight into a session, as if each write were a chunk from the network.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mqbroker.clock import Clock
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.amqp.config import AmqpConfig
from mqbroker.protocols.amqp.connection import AmqpConnection
from mqbroker.protocols.amqp.services import AmqpServices
from mqbroker.protocols.backends import NO_DETAILS
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer
from tests.support.amqp_talk import Closed, Talk
from tests.support.session_house import SessionHouse

LOCAL = Peer("127.0.0.1", 50_000, True, "127.0.0.1", 5672)


class Passwords:
    """Everybody's password is their name."""

    def check(
        self, user: str, password: bytes, answer: Callable[[bool], None], address: str, is_wanted: Callable[[], bool],
        details: Mapping[str, str] = NO_DETAILS,
    ) -> None:  # fmt: skip
        answer(password == user.encode())


class House(SessionHouse):
    """One broker with the vhost `/` and the user guest, who may do everything."""

    def __init__(self, ledger: Ledger | None = None, **settings: Any) -> None:
        super().__init__(ledger)
        shared = {name: settings.pop(name) for name in ("loopback_users",) if name in settings}
        budget = {name: settings.pop(name) for name in ("bodies_bytes_max",) if name in settings}
        everyone = Services(self.broker, Passwords(), self.alarms, self.outbox, Clock(), **shared)
        self.services = AmqpServices(everyone, AmqpConfig(**settings), **budget)
        self.talks: list[DirectAmqp] = []

    def conversations(self) -> Sequence["DirectAmqp"]:
        return self.talks

    def connect(self, user: str = "guest", vhost: str = "/", peer: Peer = LOCAL, **tuning: Any) -> "DirectAmqp":
        """A connection with channel 1 open."""
        talk = self.begin(peer)
        talk.open(user, user, vhost, **tuning)
        return talk

    def begin(self, peer: Peer = LOCAL) -> "DirectAmqp":
        """A connection that has not said anything."""
        talk = DirectAmqp(self, AmqpConnection(self.outbox, self.services, peer, self.now))
        self.talks.append(talk)
        return talk

    def change_alarm(self, reason: str) -> None:
        """A resource runs low, or recovers."""
        self.alarms.reason = reason
        for talk in self.talks:
            talk.session.now = self.now
            talk.session.alarms_changed()
        self.turn()


class DirectAmqp(Talk):
    """A conversation with a session in this process."""

    def __init__(self, house: House, session: AmqpConnection) -> None:
        super().__init__()
        self.house = house
        self.session = session
        self.arrived = b""
        """What the session has sent and nobody has read."""

    def write(self, data: bytes) -> None:
        """Hands octets to the session."""
        if not self.session.is_closing:
            self.session.receive_data(data, self.house.now)
        self.house.turn()

    def read(self) -> bytes:
        """What the session has sent. Raises TimeoutError where nothing comes without more time, Closed at the end."""
        if not self.arrived:
            raise Closed if self.session.is_closing else TimeoutError
        data, self.arrived = self.arrived, b""
        return bytes(data)

    def strays(self) -> list[str]:
        """What nobody has taken; here also what nobody has read, for nothing can be on its way any more."""
        with suppress(Closed, TimeoutError):
            while True:
                self._waiting.append(self.read_method())
        return super().strays()

    def is_silent(self) -> bool:
        """Whether there is nothing to read, heartbeats included."""
        return not (self.arrived or self._input or self._waiting)

    def is_ended(self) -> bool:
        """Whether the session has asked for its socket to be closed, having said nothing more."""
        return self.session.is_closing and self.is_silent()

    def lose(self) -> None:
        """The socket is gone."""
        self.house.talks.remove(self)
        self.session.connection_lost(self.house.now)
        self.house.turn()
