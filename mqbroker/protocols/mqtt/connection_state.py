"""What an MQTT connection is at the moment, and the steps that handlers and sessions share: answers and deliveries.

The handlers of packets (connecting.py, subscribing.py, publishing.py ...) work on this; connection.py scans the input
and calls them. So nothing below needs to know how octets become packets.
"""

from typing import TYPE_CHECKING, Any

from mqbroker.core.message import Message
from mqbroker.protocols.mqtt.backpressure import Backpressure, Delayed
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.encode import frame
from mqbroker.protocols.mqtt.fitting import encode_fitting
from mqbroker.protocols.mqtt.limits import MQTT_CONNECT_BYTES_MAX, MQTT_PACKET_BYTES_CEILING
from mqbroker.protocols.mqtt.output import alias_octets
from mqbroker.protocols.mqtt.properties import RETAIN, MqttProperties
from mqbroker.protocols.mqtt.stages import AWAIT_CONNECT, CHECKING
from mqbroker.protocols.session import Outbox, Peer, Session

if TYPE_CHECKING:
    from mqbroker.core.routing.route import Route
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.mqtt.sessions import Sessions
    from mqbroker.protocols.mqtt.state import MqttSession

_NO_TOPIC = b"\x00\x00"


class MqttConnectionState(Session):
    """One client, as handlers and its session know it."""

    protocol = "MQTT"

    __slots__ = (
        "access_generation", "acks", "alias_max_out", "aliases_in", "aliases_out", "auth", "client_id", "connect",
        "counters", "delayed", "encoder", "held", "held_by", "held_bytes", "incoming", "is_asking", "is_blocked",
        "is_bridge", "is_rate_limited", "is_registered", "is_scanning", "keep_alive_ms", "last_words", "ledger",
        "message_size_max", "name", "needed", "now", "owed", "packet_size_max", "parts", "parts_bytes", "peer", "plain",
        "position", "problem_information", "properties", "publishes", "qos_max", "rate_window", "received_at",
        "registry", "resume_at", "routes", "session", "size_limit", "state", "unacked", "unacked_now", "user",
        "version", "vhost",
    )  # fmt: skip

    def __init__(self, outbox: Outbox, registry: "Sessions", peer: Peer, now: int) -> None:
        Session.__init__(self, outbox)
        self.registry = registry
        self.ledger = registry.ledger
        self.encoder = registry.encoder
        self.counters = registry.counters
        self.counters.sockets_opened += 1
        self.peer = peer
        self.name = f"{peer.host}:{peer.port} -> {peer.server_host}:{peer.server_port}"
        self.state = AWAIT_CONNECT
        self.now = now
        self.received_at = now
        self.deadline = now + registry.services.preauth_timeout_ms
        self.position = 0
        self.parts: list[bytes] = []
        """The beginning of a packet that is not complete yet."""
        self.parts_bytes = 0
        self.needed = 0
        """How many octets that packet has; 0 while its header is not complete."""
        self.size_limit = MQTT_CONNECT_BYTES_MAX
        self.qos_max = registry.settings.maximum_qos
        self.message_size_max = registry.settings.message_size_max or MQTT_PACKET_BYTES_CEILING
        self.version = c.V3_1_1
        self.is_bridge = False
        self.client_id = ""
        self.user = ""
        self.vhost: VHost | None = None
        self.session: MqttSession | None = None
        self.incoming: set[int] = set()
        """The session's packet identifiers of QoS 2 messages that are not released yet."""
        self.connect: Any = None  # the CONNECT that is being checked
        self.auth: Any = None  # the exchange of an enhanced authentication (scram.py)
        self.keep_alive_ms = 0
        self.packet_size_max = MQTT_PACKET_BYTES_CEILING
        """The largest packet that the client takes."""
        self.problem_information = True
        self.delayed: Delayed | None = None
        """QoS 0 messages that wait until the client reads."""
        self.held: list[bytes] = []
        """Packets that wait until the resources have recovered (pacing.py)."""
        self.held_bytes = 0
        self.held_by: set[Backpressure] = set()
        """For whom this connection is held back."""
        self.last_words = b""  # sent before the close, after the acknowledgements that are owed
        self.alias_max_out = 0
        self.aliases_in: dict[int, bytes] | None = None
        self.aliases_out: dict[bytes, int] | None = None
        self.plain: list[MqttProperties] = []
        """The properties of a PUBLISH without any, by QoS; empty until the first one: most clients publish nothing."""
        self.properties: MqttProperties | None = None
        """Those of the last PUBLISH that had some."""
        self.routes: dict[bytes, Route] = {}
        """Routes by topic as it is on the wire; only topics that the client may publish to."""
        self.access_generation = 0
        self.acks: list[bytes] = []
        """Acknowledgements for this chunk."""
        self.owed: list[tuple[int, bytes, int]] = []
        """Acknowledgements that wait for the journal: batch, octets, how many of them were for QoS 1."""
        self.unacked = self.unacked_now = 0
        """QoS 1 messages that were received and whose PUBACK has not left yet; and those of this chunk among them."""
        self.publishes = self.rate_window = 0
        """Messages received, in this second (`rate_window`) if the rate is limited."""
        self.resume_at = 0  # when it is read again that rests for others' or for its own rate's sake
        self.is_blocked = False
        """Whether no message is taken, because a resource is low."""
        self.is_asking = False  # another service, whether what is at hand is allowed: all input has to wait
        self.is_rate_limited = self.is_registered = False
        """The latter: whether it counts as an open connection of its user, vhost and address."""
        self.is_scanning = False
        """Whether `process` is at work: what is left of its chunk is its business."""

    def label(self) -> str:
        return self.name

    @property
    def is_waiting(self) -> bool:
        """Whether a login or a permission is being checked, so that all input has to wait."""
        return self.is_asking or (self.state == CHECKING and self.auth is None)

    def take_parts(self) -> bytes:
        """What is there of packets that are not complete, or have to wait."""
        data = b"".join(self.parts)
        self.parts.clear()
        self.parts_bytes = 0
        return data

    # --- answers ----------------------------------------------------------------------------------------------------

    def acknowledge(self, packet: bytes) -> None:
        """An acknowledgement that leaves at the end of this chunk, once the journal has what it stands for."""
        self.acks.append(packet)

    def flush_acks(self) -> None:
        """Sends the acknowledgements of this chunk, now or when the journal has caught up."""
        octets = b"".join(self.acks)
        self.counters.others_sent += len(self.acks)
        self.acks.clear()
        count, self.unacked_now = self.unacked_now, 0
        if self.ledger.is_journalling:
            self.owe(octets, count)
        else:
            self.unacked -= count
            self.send_first(octets)

    def owe(self, octets: bytes, count: int) -> None:
        """Sends octets once the journal has what has happened by now; `count` of them acknowledge at QoS 1."""
        position = self.ledger.position
        self.owed.append((position, octets, count))
        self.ledger.promise(position, self.committed)

    def send_ack(self, kind: int, packet_id: int, reason: int = 0) -> None:
        """PUBACK, PUBREC, PUBREL or PUBCOMP after those that are due before it."""
        number = packet_id.to_bytes(2, "big")
        if reason and self.version == c.V5:
            number += bytes((reason,))
        self.acknowledge(frame(kind << 4 | c.FIXED_FLAGS[kind], number))

    def send_release(self, packet_id: int) -> None:
        """PUBREL, once the journal knows of its PUBREC."""
        self.acknowledge(b"\x62\x02" + packet_id.to_bytes(2, "big"))

    def send_packet(self, packet: Any) -> None:
        """Sends any packet but PUBLISH, if the client takes one of that size [MQTT-3.1.2-24]."""
        octets = self.encoded(packet)
        if octets:
            self.counters.others_sent += 1
            self.send(octets)

    def encoded(self, packet: Any) -> bytes:
        """A packet as the client takes it; empty if it takes no such packet."""
        return encode_fitting(packet, self.version, self.packet_size_max)

    # --- deliveries -------------------------------------------------------------------------------------------------

    def send_message(
        self, message: Message, flags: int, packet_id: int, identifiers: tuple[int, ...], keeps_retain: bool
    ) -> bool:
        """Sends a message; `flags` are DUP and QoS. False when this client cannot be sent it."""
        encoder = self.encoder
        if encoder.message is not message:
            encoder.load(message)
        version = self.version
        if keeps_retain:
            keeps_retain = _is_retained(message)
        if not identifiers and not keeps_retain and not self.alias_max_out and encoder.is_plain:
            if flags == 0:
                self.send_plain(message)
                return True
            if version < c.V5:
                packet = encoder.packet(0x30 | flags, encoder.topic, packet_id.to_bytes(2, "big"), None)
                if encoder.topic and len(packet) <= self.packet_size_max:
                    self.send_delivery(packet)
                    self.count_sent(message)
                    return True
        return self.send_specially(message, flags, packet_id, identifiers, keeps_retain)

    def send_plain(self, message: Message) -> None:
        """Sends a message at QoS 0 to a client that gets the same octets as others, if this is such a one."""
        encoder = self.encoder
        if encoder.message is not message:
            encoder.load(message)
        packet = encoder.plain3 if self.version < 5 else encoder.plain5
        if not packet:
            packet = encoder.plain(self.version)
        if not packet or self.alias_max_out or len(packet) > self.packet_size_max:
            self.send_specially(message, 0, 0, (), False)
        elif self.delayed is None and self.gate.is_open:
            self.send_delivery(packet)
            counters = self.counters  # as count_sent does: a call would be felt in a fan-out
            counters.publishes_sent += 1
            counters.publish_bytes_sent += message.size
        else:
            self.delay(packet, message)

    def send_specially(
        self, message: Message, flags: int, packet_id: int, identifiers: tuple[int, ...], is_retained: bool
    ) -> bool:
        """Sends a message with whatever this client alone is told. False when it cannot be sent it."""
        encoder = self.encoder
        version = self.version
        if not encoder.topic:
            self.registry.note_unsayable(message)
            return False
        if is_retained:
            flags |= c.RETAIN_FLAG
        number = packet_id.to_bytes(2, "big") if packet_id else b""
        octets = encoder.octets_for(identifiers, self.registry.now) if version == c.V5 else None
        is_late = not packet_id and (self.delayed is not None or not self.gate.is_open)
        packet = b""
        if self.alias_max_out and octets is not None:
            packet = self._with_alias(0x30 | flags, number, octets, is_late)
        if not packet:
            packet = encoder.packet(0x30 | flags, encoder.topic, number, octets)
        if len(packet) > self.packet_size_max:  # [MQTT-3.1.2-24]: as if it had been sent [MQTT-3.1.2-25]
            self.counters.dropped += 1
            return False
        if is_late:
            self.delay(packet, message)
        else:
            self.send_delivery(packet)
            self.count_sent(message)
        return True

    def count_sent(self, message: Message) -> None:
        """A message goes to the client, now or when it reads again."""
        counters = self.counters
        counters.publishes_sent += 1
        counters.publish_bytes_sent += message.size

    def delay(self, packet: bytes, message: Message) -> None:
        """A QoS 0 message for a client that does not read at present."""
        if self.delayed is None:
            self.delayed = Delayed(self)
        if self.delayed.add(packet):
            self.count_sent(message)
        else:
            self.counters.dropped += 1

    def _with_alias(self, first: int, number: bytes, octets: bytes, is_late: bool) -> bytes:
        """The current message with a topic alias; empty when its topic gets none, or the client takes no such packet.

        The first topics that are sent get one each (§3.3.2.3.4). An alias counts from the packet that announces it: one
        that may be dropped, or that others overtake, announces nothing.
        """
        if self.aliases_out is None:
            self.aliases_out = {}
        topic = self.encoder.topic
        alias = self.aliases_out.get(topic, 0)
        is_new = not alias
        if is_new:
            alias = len(self.aliases_out) + 1
            if is_late or alias > self.alias_max_out:
                return b""
        packet = self.encoder.packet(first, topic if is_new else _NO_TOPIC, number, octets + alias_octets(alias))
        if len(packet) > self.packet_size_max:
            return b""
        if is_new:
            self.aliases_out[topic] = alias
        return packet

    # --- overridden by what scans -----------------------------------------------------------------------------------

    def process(self, data: bytes) -> None:
        """Handles the packets of a chunk. Overridden, as all below."""
        raise NotImplementedError

    def committed(self) -> None:
        """The journal has moved on."""
        raise NotImplementedError

    def hold(self, pressure: Backpressure) -> None:
        """Others cannot keep up with what this one publishes."""
        raise NotImplementedError

    def unhold(self, pressure: Backpressure) -> None:
        """They have caught up, or are not waited for any longer."""
        raise NotImplementedError

    def take_over(self) -> None:
        """Another connection with the same client id has come."""
        raise NotImplementedError


def _is_retained(message: Message) -> bool:
    properties = message.properties
    return isinstance(properties, MqttProperties) and bool(properties.flags & RETAIN)
