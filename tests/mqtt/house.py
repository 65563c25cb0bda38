"""A broker without sockets or clock, and clients that speak to it packet by packet.

`House` runs the turns of the loop that runtime/turn.py runs in earnest; time passes when a test says so. A `Client` is
a connection seen from its other side: packets are sent to it, `received()` is what it was sent since the last call.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from mqbroker.clock import Clock
from mqbroker.core.access.access import Permissions
from mqbroker.core.access.passwords import hash_for_scram
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import new_message
from mqbroker.core.properties import Properties
from mqbroker.core.restoration import restore
from mqbroker.protocols.amqp.properties import AMQP, BasicProperties
from mqbroker.protocols.backends import NO_DETAILS
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.decode import decode
from mqbroker.protocols.mqtt.codec.encode import encode
from mqbroker.protocols.mqtt.codec.wire import scan_varint
from mqbroker.protocols.mqtt.config import MqttConfig
from mqbroker.protocols.mqtt.connection import MqttConnection
from mqbroker.protocols.mqtt.limits import MQTT_SUBSCRIPTIONS_MAX
from mqbroker.protocols.mqtt.properties import MQTT, MqttProperties
from mqbroker.protocols.mqtt.sessions import Sessions
from mqbroker.protocols.services import Services
from mqbroker.protocols.session import Outbox, Peer, Session
from mqbroker.storage.journal import assemble
from mqbroker.storage.ledger import JournalLedger
from mqbroker.storage.log.executors import InlineExecutor
from mqbroker.storage.recovery import Recovered
from tests.storage.simdisk import SimDisk
from tests.support.output import all_output
from tests.support.window import WINDOW

START = 1_000_000
FORMATS: dict[int, Callable[[bytes], Properties]] = {AMQP: BasicProperties, MQTT: MqttProperties}


class PlainAuthenticator:
    """Passwords are right when they equal the user's name; `is_slow` keeps the answers until `answer_all`."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.is_slow = False
        self.pending: list[tuple[Callable[[bool], None], bool]] = []

    def check(
        self, user: str, password: bytes, answer: Callable[[bool], None], address: str, is_wanted: Callable[[], bool],
        details: Mapping[str, str] = NO_DETAILS,
    ) -> None:  # fmt: skip
        is_right = user in self.broker.access.users and password == user.encode()
        if self.is_slow:
            self.pending.append((answer, is_right))
        else:
            answer(is_right)

    def answer_all(self) -> None:
        pending, self.pending = self.pending, []
        for answer, is_right in pending:
            answer(is_right)


class NoAlarms:
    """Nothing is low, unless a test says so."""

    reason = ""


def _open(disk: SimDisk) -> tuple[Ledger, Recovered]:
    numbers = count(1)

    def fatal(error: Exception) -> None:
        raise error

    def entropy(size: int) -> bytes:
        return next(numbers).to_bytes(size, "little")

    parts = InlineExecutor(), InlineExecutor(), fatal
    ledger, found = assemble(disk, FORMATS, True, *parts, 1 << 20, entropy, window=WINDOW)
    return ledger, found


def _sessions(services: Services, settings: dict[str, Any]) -> Sessions:
    """Those of a broker with these settings, some of which stand beside the section [mqtt]."""
    if "mapping" in settings:
        settings["topic_mapping"] = settings.pop("mapping").name
    local_user = settings.pop("anonymous_user") if settings.pop("anonymous_from_loopback_only", False) else ""
    subscriptions_max = settings.pop("subscriptions_max", MQTT_SUBSCRIPTIONS_MAX)
    sessions = Sessions(services, MqttConfig(**settings), local_user)
    sessions.subscriptions_max = subscriptions_max
    return sessions


class House:
    """The broker."""

    def __init__(self, disk: SimDisk | None = None, now: int = START, **settings: Any) -> None:
        """With a disk there is a journal on it, and the broker begins with what it says."""
        self.now = now
        self.disk = disk
        numbers = count(1)
        ledger, found = (Ledger(), Recovered()) if disk is None else _open(disk)
        self.broker = Broker(ledger, lambda: f"name{next(numbers)}")
        restore(self.broker, found.definitions, found.entries, now)
        self.broker.add_vhost("/")
        for name in ("guest", "reader"):
            self.broker.put_user(name, hash_for_scram(name.encode(), bytes(16), 10))
            self.broker.set_permissions(name, "/", Permissions(".*", ".*", ".*"))
        self.authenticator = PlainAuthenticator(self.broker)
        self.alarms = NoAlarms()
        self.outbox = Outbox(lambda: None)
        services = Services(self.broker, self.authenticator, self.alarms, self.outbox, Clock())
        self.sessions = _sessions(services, {"anonymous_user": "guest", "system_interval_s": 0, **settings})
        self.sessions.restore(found.definitions, now)
        self.turn()

    def killed(self, later_s: int = 0) -> "House":
        """What the next process makes of the disk when this one was killed."""
        assert self.disk is not None
        return House(self.disk.after_kill(), self.now + later_s * 1000)

    def stopped(self) -> "House":
        """What the next process makes of the disk when this one has stopped in order."""
        assert self.disk is not None
        assert isinstance(self.broker.ledger, JournalLedger)
        for client in [each for each in CLIENTS.values() if each.house is self]:
            client.connection.shut_down(self.now)
        self.turn()
        self.sessions.close()
        self.broker.ledger.close()
        return House(self.disk.after_kill(), self.now)

    def client(self, host: str = "127.0.0.1", **names: str) -> "Client":
        """A connection on which nothing was said yet; `names` are those of its certificate."""
        return Client(self, Peer(host, 1, host == "127.0.0.1", certificate_names=names))

    def connect(self, client_id: str = "", **fields: Any) -> "Client":
        """A client that is connected: a CONNECT with these fields (packets.py), CONNACK taken off."""
        client = self.client()
        client.connack = client.connect(client_id, **fields)
        assert client.connack.reason == 0, client.connack
        return client

    def turn(self) -> None:
        """The end of a turn of the loop, and of the turns that it leads to."""
        for _ in range(20):
            self.broker.scheduler.finish(self.now)
            self.broker.ledger.seal()
            marked = self.outbox.take()
            for session in marked:
                self._flush(session)
            if not self.outbox.marked and not self.broker.ledger.waiting and not self.broker.scheduler.round:
                return

    def _flush(self, session: Session) -> None:
        assert isinstance(session, MqttConnection)
        client = CLIENTS.get(session)
        data = all_output(session)
        if client is not None:
            client.arrived += data
            if not client.is_stalled:
                session.output_written(self.now)
        if session.is_closing and client is not None and not client.is_gone:
            client.lose()

    def wait(self, seconds: float) -> None:
        """Time passes: timers of the core and deadlines of connections run."""
        self.now += int(seconds * 1000)
        self.broker.advance(self.now)
        for session in list(CLIENTS):
            if session.registry is self.sessions and 0 < session.deadline <= self.now and not session.is_closing:
                session.tick(self.now)
        self.turn()

    def publish_amqp(self, exchange: str, key: str, properties: Any, body: bytes) -> None:
        """A message of another protocol."""
        vhost = self.broker.vhost("/")
        vhost.publish(vhost.route(exchange, key), new_message(exchange, key, properties, body, self.now), self.now)
        self.turn()


CLIENTS: "dict[MqttConnection, Client]" = {}


class Client:
    """The other end of one connection."""

    connack: p.ConnAck

    def __init__(self, house: House, peer: Peer) -> None:
        self.house = house
        self.connection = MqttConnection(house.outbox, house.sessions, peer, house.now)
        self.arrived = bytearray()
        self.version = 5
        self.is_gone = False
        self.is_stalled = False
        CLIENTS[self.connection] = self

    @property
    def is_closed(self) -> bool:
        """Whether the broker has closed the connection."""
        return self.connection.is_closing

    def say(self, octets: bytes) -> None:
        """Sends octets as they are."""
        self.connection.receive_data(octets, self.house.now)
        self.house.turn()

    def send(self, packet: p.Packet) -> None:
        """Sends a packet."""
        self.say(encode(packet, self.version))

    def connect(self, client_id: str = "", **fields: Any) -> p.ConnAck:
        """CONNECT, and the CONNACK that answers it."""
        packet = p.Connect(client_id, **fields)
        self.version = packet.version
        self.send(packet)
        answer, *others = self.received()
        assert isinstance(answer, p.ConnAck)
        self._put_back(others)
        return answer

    def received(self) -> list[p.Packet]:
        """Every packet that arrived since the last call."""
        packets = []
        data = bytes(self.arrived)
        at = 0
        while at < len(data):
            size, body_at = scan_varint(data, at + 1, len(data))
            assert body_at > 0
            packets.append(decode(data[at], data[body_at : body_at + size], self.version))
            at = body_at + size
        self.arrived.clear()
        return packets

    def one(self) -> Any:
        """The only packet that arrived."""
        packets = self.received()
        assert len(packets) == 1, packets
        return packets[0]

    def messages(self) -> list[tuple[str, bytes, int]]:
        """The messages that arrived: topic, payload, QoS. Other packets are passed over."""
        return [(each.topic, each.payload, each.qos) for each in self.received() if isinstance(each, p.Publish)]

    def subscribe(self, *filters: p.TopicFilter | str, qos: int = 2, **properties: Any) -> list[int]:
        """SUBSCRIBE; the reason codes. What else arrives stays for `received`."""
        wanted = [p.TopicFilter(each, qos) if isinstance(each, str) else each for each in filters]
        if "subscription_identifier" in properties:
            properties["subscription_identifier"] = [properties["subscription_identifier"]]
        self.send(p.Subscribe(1, wanted, properties))
        return self._take(p.SubAck).reasons  # type: ignore[no-any-return]

    def unsubscribe(self, *topics: str) -> list[int]:
        """UNSUBSCRIBE; the reason codes."""
        self.send(p.Unsubscribe(2, list(topics)))
        return self._take(p.UnsubAck).reasons  # type: ignore[no-any-return]

    def _take(self, kind: type) -> Any:
        packets = self.received()
        (found,) = [each for each in packets if isinstance(each, kind)]
        self._put_back([each for each in packets if each is not found])
        return found

    def _put_back(self, packets: list[p.Packet]) -> None:
        self.arrived = bytearray(b"".join(encode(each, self.version) for each in packets))

    def publish(self, topic: str, payload: bytes = b"x", qos: int = 0, packet_id: int = 7, **fields: Any) -> None:
        """PUBLISH."""
        self.send(p.Publish(topic, payload, qos, packet_id=packet_id if qos else 0, **fields))

    def puback(self, packet_id: int, reason: int = 0) -> None:
        """PUBACK."""
        self.send(p.Ack(c.PUBACK, packet_id, reason))

    def pubrec(self, packet_id: int, reason: int = 0) -> None:
        """PUBREC."""
        self.send(p.Ack(c.PUBREC, packet_id, reason))

    def pubrel(self, packet_id: int) -> None:
        """PUBREL."""
        self.send(p.Ack(c.PUBREL, packet_id))

    def pubcomp(self, packet_id: int) -> None:
        """PUBCOMP."""
        self.send(p.Ack(c.PUBCOMP, packet_id))

    def disconnect(self, reason: int = 0, **properties: Any) -> None:
        """DISCONNECT, and the socket is closed."""
        self.send(p.Disconnect(reason, properties))

    def lose(self) -> None:
        """The connection breaks."""
        if not self.is_gone:
            self.is_gone = True
            CLIENTS.pop(self.connection, None)
            self.connection.connection_lost(self.house.now)
            self.house.turn()
