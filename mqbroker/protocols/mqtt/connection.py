"""An MQTT connection: packets in, packets out, no I/O.

The hot path is here: `scan` looks at the fixed header of each packet, knows PUBLISH and PUBACK by their first octet,
and reads them in place. A publisher's topics lead to routes that are kept; what it publishes at QoS 0 costs one look-up
and one call to the core. All else is decoded by the codec and answered by the functions of connecting.py,
subscribing.py and publishing.py.

    AWAIT_CONNECT --CONNECT--> CHECKING (password, or AUTH to and fro) --> OPEN --DISCONNECT, violation--> closed

Acknowledgements leave in the order in which their packets came, and none before the journal has what it promises.
"""

import logging
from typing import TYPE_CHECKING, Any

from mqbroker.core.message import Message, new_message
from mqbroker.core.routing.route import Route
from mqbroker.errors import ProtocolViolation, RequestRefused
from mqbroker.protocols.mqtt import connecting, ending, pacing, publishing
from mqbroker.protocols.mqtt.backpressure import Delayed, Jam
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.decode import decode
from mqbroker.protocols.mqtt.codec.encode import frame
from mqbroker.protocols.mqtt.codec.reasons import Reason, malformed
from mqbroker.protocols.mqtt.codec.wire import packet_ends, scan_varint
from mqbroker.protocols.mqtt.description import describe
from mqbroker.protocols.mqtt.dispatch import HANDLERS
from mqbroker.protocols.mqtt.fitting import encode_fitting
from mqbroker.protocols.mqtt.limits import MQTT_CONNECT_BYTES_MAX, MQTT_PACKET_BYTES_CEILING
from mqbroker.protocols.mqtt.output import alias_octets
from mqbroker.protocols.mqtt.properties import RETAIN, MqttProperties
from mqbroker.protocols.mqtt.stages import AWAIT_CONNECT, CHECKING, CLOSED, OPEN
from mqbroker.protocols.mqtt.state import TOPIC_EXCHANGE
from mqbroker.protocols.session import Outbox, Peer, Session

if TYPE_CHECKING:
    from mqbroker.core.vhost import VHost
    from mqbroker.protocols.mqtt.sessions import Sessions
    from mqbroker.protocols.mqtt.state import MqttSession

log = logging.getLogger("mqbroker.mqtt")

_NO_TOPIC = b"\x00\x00"
_PUBREL = b"\x62\x02"
_PUBCOMP = b"\x70\x02"
_ANSWERS = (c.SUBACK, c.UNSUBACK)  # which say what is delivered from now on, so they overtake no delivery
_FIRST_HEADER_BYTES = 5  # the longest fixed header


class MqttConnection(Session):
    """One client."""

    protocol = "MQTT"

    __slots__ = (
        "access_generation", "acks", "alias_max_out", "aliases_in", "aliases_out", "auth", "client_id", "connect",
        "counters", "delayed", "encoder", "held", "held_by", "held_bytes", "hub", "incoming", "is_blocked", "is_bridge",
        "is_rate_limited", "is_registered", "is_scanning", "keep_alive_ms", "last_words", "ledger", "message_size_max",
        "name", "needed", "now", "owed", "packet_size_max", "parts", "parts_bytes", "peer", "plain", "position",
        "problem_information", "properties", "publishes", "qos_max", "rate_window", "received_at", "resume_at",
        "routes", "session", "size_limit", "state", "unacked", "unacked_now", "user", "version", "vhost",
    )  # fmt: skip

    def __init__(self, outbox: Outbox, hub: "Sessions", peer: Peer, now: int) -> None:
        Session.__init__(self, outbox)
        self.hub = hub
        self.ledger = hub.ledger
        self.encoder = hub.encoder
        self.counters = hub.counters
        self.counters.sockets_opened += 1
        self.peer = peer
        self.name = f"{peer.host}:{peer.port} -> {peer.server_host}:{peer.server_port}"
        self.state = AWAIT_CONNECT
        self.now = now
        self.received_at = now
        self.deadline = now + hub.services.preauth_timeout_ms
        self.position = 0
        self.parts: list[bytes] = []
        """The beginning of a packet that is not complete yet."""
        self.parts_bytes = 0
        self.needed = 0
        """How many octets that packet has; 0 while its header is not complete."""
        self.size_limit = MQTT_CONNECT_BYTES_MAX
        self.qos_max = hub.settings.maximum_qos
        self.message_size_max = hub.settings.message_size_max or MQTT_PACKET_BYTES_CEILING
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
        self.held_by: set[Jam] = set()
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
        self.is_rate_limited = False
        self.is_registered = False
        """Whether it counts as an open connection of its user, vhost and address."""
        self.is_scanning = False
        """Whether `process` is at work: what is left of its chunk is its business."""

    # --- input ------------------------------------------------------------------------------------------------------

    def label(self) -> str:
        return self.name

    def receive_data(self, data: bytes, now: int) -> None:
        """Takes what arrived. Whatever the peer did wrong ends as the specification says."""
        self.now = now
        self.hub.now = now
        self.received_at = now
        self.counters.bytes_received += len(data)
        if self.state == CLOSED:
            return
        if self.parts:
            self._keep(data, 0)
            if self.parts_bytes < self.needed or self.is_waiting:
                if self.is_blocked:
                    pacing.update(self)
                return
            data = self.take_parts()
        elif self.is_waiting:
            self._keep(data, 0)
            pacing.update(self)
            return
        self.process(data)

    @property
    def is_waiting(self) -> bool:
        """Whether a login is being checked, so that all input has to wait."""
        return self.state == CHECKING and self.auth is None

    def process(self, data: bytes) -> None:  # noqa: C901  once for each frame, packet or record
        """Handles every complete packet of a chunk and keeps the rest."""
        if self.held and not self.is_blocked:
            data = b"".join(self.held) + self.take_parts() + data
            self.held.clear()
            self.held_bytes = 0
        self.position = 0
        self.needed = 0
        self.is_scanning = True
        self.hub.publisher = self
        if self.access_generation != self.hub.broker.access.generation:
            self.access_generation = self.hub.broker.access.generation
            self.routes.clear()
        try:
            if self.state == AWAIT_CONNECT:
                connecting.check_beginning(self, data)
            self.scan(data)
        except ProtocolViolation as error:
            ending.fail(self, error)
        except RequestRefused as error:
            ending.disconnect(self, Reason.IMPLEMENTATION_SPECIFIC_ERROR, str(error))
        self.is_scanning = False
        self.hub.publisher = None
        if self.state == CLOSED:
            return
        if self.position < len(data):
            self._keep(data, self.position)
        if self.acks:
            self.flush_acks()
        if self.hub.settings.receive_rate_max:
            pacing.limit_rate(self)
        if self.is_blocked or self.state == CHECKING:
            pacing.update(self)

    def _keep(self, data: bytes, start: int) -> None:
        rest = data[start:] if start else data
        self.parts.append(rest)
        self.parts_bytes += len(rest)

    def take_parts(self) -> bytes:
        """What is there of packets that are not complete, or have to wait."""
        data = b"".join(self.parts)
        self.parts.clear()
        self.parts_bytes = 0
        return data

    def scan(self, data: bytes) -> None:  # noqa: C901  once for each frame, packet or record
        """Handles every complete packet from `position` on. Raises ProtocolViolation."""
        length = len(data)
        position = self.position
        while length - position >= 2:
            first = data[position]
            size = data[position + 1]
            at = position + 2
            if size & 0x80:
                size, at = scan_varint(data, position + 1, min(length, position + _FIRST_HEADER_BYTES))
                if at < 0:
                    break
            end = at + size
            if end - position > self.size_limit:
                raise ProtocolViolation("size", f"a packet of {end - position} octets is too large")  # [MQTT-3.1.2-24]
            if end > length:
                self.needed = end - position
                break
            self.position = end
            self.counters.packets_received += 1
            if self.state != OPEN:
                connecting.take_packet(self, first, data[at:end])
                if self.is_waiting or self.state == CLOSED:
                    return
            elif self.is_blocked and pacing.hold_back(self, first, data[position:end]):
                pass
            elif first & 0xF0 == 0x30:
                self.take_publish(first, data, at, end)
            elif first == 0x40 and size == 2:
                self.take_puback(data[at] << 8 | data[at + 1])
            elif size == 2 and (first == 0x50 or first == 0x62 or first == 0x70):
                self.take_step(first, data[at] << 8 | data[at + 1])
            else:
                self.take_packet(first, data[at:end])
                if self.state == CLOSED:
                    return
            position = end

    def take_packet(self, first: int, body: bytes) -> None:
        """Any packet but PUBLISH and a plain PUBACK."""
        handler = HANDLERS.get(first >> 4)
        if handler is None:
            raise ProtocolViolation("protocol", f"{c.NAMES.get(first >> 4, 'packet type 0')} is not for a server")
        handler(self, decode(first, body, self.version))

    # --- publishing -------------------------------------------------------------------------------------------------

    def take_publish(self, first: int, data: bytes, at: int, end: int) -> None:  # noqa: C901  once for each frame, packet or record
        """PUBLISH, in `data[at:end]` (§3.3)."""
        qos = first >> 1 & 3
        if qos > self.qos_max:
            raise publishing.wrong_qos(qos)
        body_at = at + 2
        if body_at > end:
            raise malformed("PUBLISH ends before its topic")
        body_at += data[at] << 8 | data[at + 1]
        topic = data[at:body_at]
        packet_id = 0
        if qos:
            packet_id_at = body_at
            body_at += 2
            if body_at <= end:
                packet_id = data[packet_id_at] << 8 | data[packet_id_at + 1]
                if packet_id == 0:
                    raise malformed("PUBLISH has packet identifier 0")  # [MQTT-2.2.1-3]
        if body_at > end:
            raise malformed("PUBLISH ends inside of its topic or packet identifier")
        if not self.plain:
            self.plain = publishing.plain_properties(self)
        properties = self.plain[qos]
        if self.version == 5:
            if body_at == end:
                raise malformed("PUBLISH ends before its properties")
            if data[body_at]:
                topic, properties, body_at = publishing.take_properties(self, first, topic, data, body_at, end)
            else:
                body_at += 1
        self.publishes += 1
        counters = self.counters
        counters.publishes_received += 1
        if qos == 1:
            counters.publishes_received_qos1 += 1
        elif qos:
            counters.publishes_received_qos2 += 1
        counters.publish_bytes_received += end - body_at
        if end - body_at > self.message_size_max:
            publishing.refuse_large(self, topic, qos, packet_id)
            return
        if self.incoming and qos == 1 and self.version == 5 and packet_id in self.incoming:
            self.send_ack(c.PUBACK, packet_id, Reason.PACKET_IDENTIFIER_IN_USE)  # §2.2.1
            return
        if first & 0x0D:  # DUP, RETAIN or QoS 2
            publishing.publish_unusual(self, first, topic, packet_id, properties, data[body_at:end])
            return
        route = self.routes.get(topic)
        if route is None:
            route = publishing.find_route(self, topic, qos, packet_id)
            if route is None:
                return
        message = new_message(TOPIC_EXCHANGE, route.routing_key, properties, data[body_at:end], self.now)
        assert self.vhost is not None
        outcome = self.vhost.publish(route, message, self.now)
        if qos:
            publishing.acknowledge(self, packet_id, outcome)

    def take_puback(self, packet_id: int) -> None:
        """PUBACK without a reason: the client has it."""
        assert self.session is not None
        self.session.acknowledge(packet_id, True, self.now)

    def take_step(self, first: int, packet_id: int) -> None:
        """PUBREC, PUBREL or PUBCOMP without a reason (acknowledging.py has those with one)."""
        session = self.session
        assert session is not None
        if first == 0x70:
            session.complete(packet_id, self.now)
        elif first == 0x50 and session.release(packet_id):
            self.acks.append(_PUBREL + packet_id.to_bytes(2, "big"))
        elif first == 0x62 and session.release_incoming(packet_id):
            self.acks.append(_PUBCOMP + packet_id.to_bytes(2, "big"))
        else:
            answer = c.PUBREL if first == 0x50 else c.PUBCOMP
            self.send_ack(answer, packet_id, Reason.PACKET_IDENTIFIER_NOT_FOUND)

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

    def committed(self) -> None:
        """The journal has moved on: sends what waited for it."""
        kept = 0
        for position, octets, count in self.owed:
            if position > self.ledger.committed:
                break
            kept += 1
            self.unacked -= count
            if octets[0] >> 4 in _ANSWERS:
                self.send(octets)
            else:
                self.send_first(octets)
        del self.owed[:kept]
        if self.state == CLOSED and not self.owed and not self.is_closing:
            ending.finish(self)

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
            self.hub.note_unsayable(message)
            return False
        if is_retained:
            flags |= c.RETAIN_FLAG
        number = packet_id.to_bytes(2, "big") if packet_id else b""
        octets = encoder.octets_for(identifiers, self.hub.now) if version == c.V5 else None
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

    def owe(self, octets: bytes, count: int) -> None:
        """Sends octets once the journal has what has happened by now; `count` of them acknowledge at QoS 1."""
        position = self.ledger.position
        self.owed.append((position, octets, count))
        self.ledger.promise(position, self.committed)

    def send_ack(self, kind: int, packet_id: int, reason: int = 0) -> None:
        """PUBACK, PUBREC, PUBREL or PUBCOMP behind those that are due before it."""
        number = packet_id.to_bytes(2, "big")
        if reason and self.version == c.V5:
            number += bytes((reason,))
        self.acknowledge(frame(kind << 4 | c.FIXED_FLAGS[kind], number))

    def packet_ends(self, data: bytes) -> list[int]:
        """Where each packet ends of what it has sent."""
        return packet_ends(data)

    def take_output(self) -> bytearray:
        """Counts what leaves. Overrides Session's, as the next one does."""
        self.counters.bytes_sent += len(self.out)
        return Session.take_output(self)

    def take_lent(self) -> list[bytes | bytearray | memoryview] | None:
        """Counts what leaves before that."""
        self.counters.bytes_sent += self.lent_bytes
        return Session.take_lent(self)

    def resume_deliveries(self, now: int) -> None:
        """The client reads again."""
        self.now = now
        Session.resume_deliveries(self, now)
        if self.session is not None:
            self.session.offer(now)
        if self.acks:
            self.flush_acks()

    # --- time and alarms --------------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """The deadline of the log-in, or of the keep alive, or of a pause."""
        self.now = now
        self.hub.now = max(now, self.hub.now)
        if self.state in (AWAIT_CONNECT, CHECKING):
            log.warning("%s: timed out before it was connected", self.name)
            ending.hang_up(self)
        elif self.state == CLOSED:
            ending.finish(self)
        elif self.held and not self.is_blocked:
            self.process(b"")
        elif self.held_by or self.is_rate_limited:
            pacing.go_on(self)
            pacing.set_deadline(self)
        elif self.is_silent(now):
            # [MQTT-3.1.2-22]: one and a half times the keep alive without a packet
            ending.disconnect(self, Reason.KEEP_ALIVE_TIMEOUT, "nothing was heard within the keep alive")
        else:
            pacing.set_deadline(self)

    def describe(self) -> dict[str, object]:
        """What an operator sees of it."""
        return describe(self)

    def is_silent(self, now: int) -> bool:
        """Whether nothing was heard for longer than the keep alive, though somebody has listened."""
        is_heard = not (self.is_blocked or self.is_throttled)
        return is_heard and 0 < self.keep_alive_ms < now - self.received_at

    def unthrottle(self, now: int) -> None:
        """It could not be heard while nobody listened."""
        self.is_throttled = False
        self.received_at = now

    def alarms_changed(self) -> None:
        """A resource has run low or has recovered."""
        pacing.alarms_changed(self)
        self.mark()

    # --- ends -------------------------------------------------------------------------------------------------------

    def end(self, reason: str, now: int) -> None:
        """An operator's action has taken the session away, or the user, or the vhost."""
        self.now = now
        self.hub.now = max(now, self.hub.now)
        ending.end(self, reason)

    def input_ended(self, now: int) -> bool:
        """The client has left without a word; what it published is acknowledged all the same."""
        self.now = now
        self.hub.now = max(now, self.hub.now)
        ending.note_loss(self)
        ending.hang_up(self)
        return not self.is_closing

    def shut_down(self, now: int) -> None:
        """The broker stops."""
        self.now = now
        ending.shut_down(self)

    def connection_lost(self, now: int) -> None:
        """The connection is gone."""
        self.now = now
        self.hub.now = max(now, self.hub.now)
        self.owed.clear()
        ending.note_loss(self)
        ending.release(self)


def _is_retained(message: Message) -> bool:
    properties = message.properties
    return isinstance(properties, MqttProperties) and bool(properties.flags & RETAIN)
