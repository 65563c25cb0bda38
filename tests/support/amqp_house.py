"""A broker in this process without sockets, threads or a clock: its time passes when a test says so.

`House.connect` gives a `Talk` whose octets go straight into a session, as if each write were a chunk from the network.
What operators set (limits, policies, permissions) is set on `House.broker`.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from mqbroker.clock import Clock
from mqbroker.core.access.access import Permissions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.amqp.config import AmqpConfig
from mqbroker.protocols.amqp.connection import AmqpConnection
from mqbroker.protocols.amqp.services import AmqpServices
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Outbox, Peer
from tests.support.amqp_talk import Closed, Talk
from tests.support.output import all_output

START = 1_700_000_000_000
LOCAL = Peer("127.0.0.1", 50_000, True, "127.0.0.1", 5672)


class Passwords:
    """Everybody's password is their name."""

    def check(
        self, user: str, password: bytes, answer: Callable[[bool], None], address: str, is_wanted: Callable[[], bool]
    ) -> None:
        answer(password == user.encode())


class Alarms:
    """What a test says is low."""

    def __init__(self) -> None:
        self.reason = ""


class House:
    """One broker with the vhost `/` and the user guest, who may do everything."""

    def __init__(self, ledger: Ledger | None = None, **settings: Any) -> None:
        self.now = START
        names = count(1)
        self.broker = Broker(ledger or Ledger(), lambda: f"name{next(names)}")
        self.alarms = Alarms()
        self.outbox = Outbox(lambda: None)
        shared = {name: settings.pop(name) for name in ("loopback_users",) if name in settings}
        budget = {name: settings.pop(name) for name in ("bodies_bytes_max",) if name in settings}
        everyone = Services(self.broker, Passwords(), self.alarms, self.outbox, Clock(), **shared)
        self.services = AmqpServices(everyone, AmqpConfig(**settings), **budget)
        self.talks: list[DirectAmqp] = []
        self.broker.add_vhost("/")
        self.add_user("guest")

    def add_user(self, name: str, *tags: str, configure: str = ".*", write: str = ".*", read: str = ".*") -> None:
        """A user with permissions in the vhost `/`."""
        self.broker.put_user(name, "", tags)
        self.broker.set_permissions(name, "/", Permissions(configure, write, read))

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

    def pass_time(self, duration_ms: int, step_ms: int = 100) -> None:
        """Lets time pass in steps: deadlines of the core and of sessions are met at the end of the step."""
        end = self.now + duration_ms
        while self.now < end:
            self.now = min(end, self.now + step_ms)
            self.broker.advance(self.now)
            for talk in self.talks:
                session = talk.session
                if not session.is_closing and 0 < session.deadline <= self.now:
                    session.tick(self.now)
            self.turn()

    def turn(self) -> None:
        """The end of a turn of the loop and of those that it leads to: what is done in portions goes on, batches are
        sealed, and everybody's output is taken."""
        broker = self.broker
        while broker.ledger.waiting or self.outbox.marked or broker.scheduler.round:
            broker.scheduler.finish(self.now)
            broker.ledger.seal()
            marked = self.outbox.take()
            for talk in self.talks:
                if talk.session in marked:
                    talk.arrived += all_output(talk.session)
                    talk.session.output_written(self.now)

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
