"""A broker in this process with open AMQP 1.0 connections, which are given octets and answer with octets."""

from typing import Any

from mqbroker.clock import Clock
from mqbroker.core.access.access import Permissions
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.messaging import Source, Target
from mqbroker.protocols.amqp1.codec.performatives import Attach, Begin, Open, SaslInit, Transfer
from mqbroker.protocols.amqp1.config import Amqp1Config
from mqbroker.protocols.amqp1.connection import Amqp1Connection
from mqbroker.protocols.amqp1.services import Amqp1Services
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Outbox, Peer


class _Quiet:
    """Alarms that are off, and an authenticator that nobody asks."""

    reason = ""

    def check(
        self, user: str, password: bytes, answer: object, address: str, is_wanted: object, details: object = None
    ) -> None:
        raise AssertionError("nobody logs in with a password")


def _new_broker() -> Broker:
    names = iter(range(1, 1 << 30))
    broker = Broker(Ledger(), lambda: f"name{next(names)}")
    broker.add_vhost("/")
    broker.put_user("guest", "")
    broker.set_permissions("guest", "/", Permissions(".*", ".*", ".*"))
    return broker


class House:
    """One broker that lets everybody in."""

    def __init__(self, broker: Broker | None = None, **options: Any) -> None:
        """`options` are of the section [amqp1]; a broker that is given is another protocol's too."""
        quiet = self.alarms = _Quiet()
        self.broker = broker or _new_broker()
        self.vhost = self.broker.vhosts["/"]
        shared = Services(self.broker, quiet, quiet, Outbox(lambda: None), Clock())
        self.services = Amqp1Services(shared, Amqp1Config(mechanisms=("ANONYMOUS",), anonymous_user="guest", **options))
        self.now = 1_000_000
        self.clients: list[Client] = []

    def open(self) -> "Client":
        """A client that has logged in, with a session on channel 0."""
        client = Client(self)
        self.clients.append(client)
        client.receive(frames.SASL_HEADER + frames.sasl(SaslInit("ANONYMOUS")) + frames.AMQP_HEADER)
        client.receive(frames.performative(0, Open("c")) + frames.performative(0, Begin(None, 0, 1000, 1000)))
        self.turn()
        client.output = b""
        assert client.connection.sessions
        return client

    def turn(self) -> None:
        """The end of a turn of the loop."""
        self.broker.scheduler.finish(self.now)
        self.broker.ledger.seal()
        for session in self.services.outbox.take():
            lent, output = session.take_lent(), session.take_output()
            for client in self.clients:
                if client.connection is session:
                    client.output += b"".join(lent or ()) + bytes(output)
            session.output_written(self.now)


class Client:
    """One connection."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.output = b""
        """What has come since it was last asked for."""
        self.connection = Amqp1Connection(house.services.outbox, house.services, Peer("127.0.0.1", 1, True), house.now)

    def receive(self, data: bytes) -> None:
        """What the client sends."""
        if data and not self.connection.is_closing:
            self.connection.receive_data(data, self.house.now)

    def frames(self) -> list[tuple[Any, bytes]]:
        """The performatives that have come since the last call, each with its payload."""
        self.house.turn()
        data, self.output, found, at = self.output, b"", [], 0
        while at < len(data):
            end = at + int.from_bytes(data[at : at + 4], "big")
            if end > at + 8:
                value, payload_at = frames.read_performative(data, at + 8, end)
                found.append((value, data[payload_at:end]))
            at = end
        return found

    def lose(self) -> None:
        """The socket is gone."""
        self.connection.connection_lost(self.house.now)

    def serves(self) -> bool:
        """Whether a message goes round on this connection."""
        vhost = self.house.vhost
        before = vhost.default_flow.received
        attach = Attach("s", 0, False, source=Source(), target=Target("/queue/served"), initial_delivery_count=0)
        transfer = frames.performative(0, Transfer(0, 0, b"t", 0, True))
        payload = b"\x00\x53\x75\xa0\x02hi"
        self.receive(frames.performative(0, attach))
        self.receive((len(transfer) + len(payload)).to_bytes(4, "big") + transfer[4:] + payload)
        return vhost.queues["served"].waiting_count() == 1 and vhost.default_flow.received == before + 1
