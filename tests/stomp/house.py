"""A broker in this process (tests/support/session_house.py), and clients that speak STOMP to it frame by frame.

A `Client` is a connection seen from outside.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mqbroker.clock import Clock
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.backends import NO_DETAILS
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Peer
from mqbroker.protocols.stomp.budget import Budget
from mqbroker.protocols.stomp.config import StompConfig
from mqbroker.protocols.stomp.connection import StompConnection
from tests.support.session_house import SessionHouse

LOCAL = Peer("127.0.0.1", 50_000, True, "127.0.0.1", 61613)


class Frame(NamedTuple):
    """A frame as it stands on the wire, headers not unescaped."""

    command: str
    headers: dict[str, str]
    body: bytes


def parse_frames(data: bytes) -> list[Frame]:
    """Every frame in the output of the broker, written apart from its own parser. Heart-beats are passed over."""
    found = []
    while data.lstrip(b"\n"):
        head, _, rest = data.lstrip(b"\n").partition(b"\n\n")
        command, *lines = head.decode(errors="surrogateescape").split("\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name, value)
        size = int(headers.get("content-length", rest.index(b"\0")))
        assert rest[size : size + 2] == b"\0\n", rest
        found.append(Frame(command, headers, rest[:size]))
        data = rest[size + 1 :]
    return found


def frame(command: str, body: bytes = b"", **headers: Any) -> bytes:
    """A frame; an underscore in the name of a header is a dash, unless the name is in capitals."""
    names = {name: name if name.isupper() else name.replace("_", "-") for name in headers}
    lines = "".join(f"{names[name]}:{value}\n" for name, value in headers.items())
    return f"{command}\n{lines}\n".encode() + body + b"\0"


class Passwords:
    """Everybody's password is their name; `is_slow` keeps the answers until `answer`."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.is_slow = False
        self.pending: list[Callable[[], None]] = []

    def check(
        self, user: str, password: bytes, answer: Callable[[bool], None], address: str, is_wanted: Callable[[], bool],
        details: Mapping[str, str] = NO_DETAILS,
    ) -> None:  # fmt: skip
        is_right = user in self.broker.access.users and password == user.encode()
        if self.is_slow:
            self.pending.append(lambda: answer(is_right) if is_wanted() else None)
        else:
            answer(is_right)


class House(SessionHouse):
    """One broker with the vhost `/` and the user guest, who may do everything."""

    def __init__(self, ledger: Ledger | None = None, **settings: Any) -> None:
        super().__init__(ledger)
        self.passwords = Passwords(self.broker)
        self.services = Services(self.broker, self.passwords, self.alarms, self.outbox, Clock())
        self.settings = StompConfig(**settings)
        self.budget = Budget(1 << 20)
        self.clients: list[Client] = []

    def conversations(self) -> Sequence["Client"]:
        return self.clients

    def begin(self, peer: Peer = LOCAL) -> "Client":
        """A connection that has not said anything."""
        client = Client(self, StompConnection(self.services, self.settings, self.budget, peer, self.now))
        self.clients.append(client)
        return client

    def connect(self, version: str = "1.2", user: str = "guest", **headers: Any) -> "Client":
        """A client that has logged in."""
        client = self.begin()
        client.send("CONNECT", accept_version=version, login=user, passcode=user, **headers)
        assert client.take("CONNECTED").headers["version"] == version
        return client

    def change_alarm(self, reason: str) -> None:
        self.alarms.reason = reason
        for client in self.clients:
            client.session.alarms_changed()
        self.turn()


class Client:
    """A conversation with a session in this process."""

    def __init__(self, house: House, session: StompConnection) -> None:
        self.house = house
        self.session = session
        self.arrived = b""

    def write(self, data: bytes) -> None:
        """Hands octets to the session, as one chunk."""
        if not self.session.is_closing:
            self.session.receive_data(data, self.house.now)
        self.house.turn()

    def send(self, command: str, body: Any = b"", **headers: Any) -> None:
        self.write(frame(command, body, **headers))

    def frames(self) -> list[Frame]:
        """What has arrived since the last call."""
        data, self.arrived = self.arrived, b""
        return parse_frames(data)

    def take(self, command: str) -> Frame:
        """The only frame that has arrived, which is of this command."""
        found = self.frames()
        assert [each.command for each in found] == [command], found
        return found[0]

    def error(self) -> tuple[str, str]:
        """The message and the body of the only frame, which is an ERROR."""
        found = self.take("ERROR")
        return found.headers["message"], found.body.decode()

    def messages(self) -> list[bytes]:
        """The bodies of all that has arrived, which are MESSAGE frames."""
        found = self.frames()
        assert {each.command for each in found} <= {"MESSAGE"}, found
        return [each.body for each in found]

    @property
    def is_ended(self) -> bool:
        return self.session.is_closing

    def lose(self) -> None:
        """The socket is gone."""
        self.house.clients.remove(self)
        self.session.connection_lost(self.house.now)
        self.house.turn()
