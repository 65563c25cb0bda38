"""An MQTT connection: packets in, packets out, no I/O.

The hot path is here: `scan` looks at the fixed header of each packet, knows PUBLISH and PUBACK by their first octet,
and reads them in place. A publisher's topics lead to routes that are kept; what it publishes at QoS 0 costs one look-up
and one call to the core. All else is decoded by the codec and answered by the functions of connecting.py,
subscribing.py and publishing.py.

    AWAIT_CONNECT --CONNECT--> CHECKING (password, or AUTH to and fro) --> OPEN --DISCONNECT, violation--> closed

Acknowledgements leave in the order in which their packets came, and none before the journal has what it promises.
"""

import logging

from mqbroker.core.message import new_message
from mqbroker.errors import AccessPending, ProtocolViolation, RequestRefused
from mqbroker.protocols.mqtt import connecting, ending, pacing, publishing
from mqbroker.protocols.mqtt.backpressure import Backpressure
from mqbroker.protocols.mqtt.codec import constants as c
from mqbroker.protocols.mqtt.codec.decode import decode
from mqbroker.protocols.mqtt.codec.reasons import Reason, malformed
from mqbroker.protocols.mqtt.codec.wire import packet_ends, scan_varint
from mqbroker.protocols.mqtt.connection_state import MqttConnectionState
from mqbroker.protocols.mqtt.description import describe
from mqbroker.protocols.mqtt.dispatch import HANDLERS
from mqbroker.protocols.mqtt.stages import AWAIT_CONNECT, CHECKING, CLOSED, OPEN
from mqbroker.protocols.mqtt.topics import TOPIC_EXCHANGE
from mqbroker.protocols.session import Session

log = logging.getLogger("mqbroker.mqtt")

_PUBREL = b"\x62\x02"
_PUBCOMP = b"\x70\x02"
_ANSWERS = (c.SUBACK, c.UNSUBACK)  # which say what is delivered from now on, so they overtake no delivery
_FIRST_HEADER_BYTES = 5  # the longest fixed header


class MqttConnection(MqttConnectionState):
    """One client."""

    __slots__ = ()

    # --- input ------------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: int) -> None:
        """Takes what arrived. Whatever the peer did wrong ends as the specification says."""
        self.now = now
        self.registry.now = now
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

    def process(self, data: bytes) -> None:  # noqa: C901  once for each frame, packet or record
        """Handles every complete packet of a chunk and keeps the rest."""
        if self.held and not self.is_blocked:
            data = b"".join(self.held) + self.take_parts() + data
            self.held.clear()
            self.held_bytes = 0
        self.position = 0
        self.needed = 0
        self.is_scanning = True
        self.registry.publisher = self
        vhost = self.vhost
        watched = vhost if vhost is not None and vhost.tap is not None else None
        if watched is not None:
            watched.speaker = self
        if self.access_generation != self.registry.broker.access.generation:
            self.access_generation = self.registry.broker.access.generation
            self.routes.clear()
        try:
            if self.state == AWAIT_CONNECT:
                connecting.check_beginning(self, data)
            self.scan(data)
        except AccessPending as pending:
            pacing.wait_for(self, pending)
        except ProtocolViolation as error:
            ending.fail(self, error)
        except RequestRefused as error:
            ending.disconnect(self, Reason.IMPLEMENTATION_SPECIFIC_ERROR, str(error))
        self.is_scanning = False
        self.registry.publisher = None
        if watched is not None:
            watched.speaker = None
        if self.state == CLOSED:
            return
        if self.position < len(data):
            self._keep(data, self.position)
        if self.acks:
            self.flush_acks()
        if self.registry.settings.receive_rate_max:
            pacing.limit_rate(self)
        if self.is_blocked or self.is_asking or self.state == CHECKING:
            pacing.update(self)

    def _keep(self, data: bytes, start: int) -> None:
        rest = data[start:] if start else data
        self.parts.append(rest)
        self.parts_bytes += len(rest)

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
            self.counters.packets_received += 1
            if self.state != OPEN:
                self.position = end
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
            self.position = position = end  # not before: what has to be asked about is taken again

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
            publishing.publish_in_full(self, first, topic, packet_id, properties, data[body_at:end])
            return
        route = self.routes.get(topic)
        if route is None:
            route = publishing.find_route(self, topic, qos, packet_id, end - body_at)
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
        self.registry.now = max(now, self.registry.now)
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

    def speaking(self) -> tuple[str, str, int]:
        """Overrides Session's."""
        return self.name, self.user, 1

    def describe(self) -> dict[str, object]:
        """What an operator sees of it."""
        return describe(self)

    def is_silent(self, now: int) -> bool:
        """Whether nothing was heard for longer than the keep alive, though somebody has listened."""
        is_heard = not (self.is_blocked or self.is_asking or self.is_throttled)
        return is_heard and 0 < self.keep_alive_ms < now - self.received_at

    def unthrottle(self, now: int) -> None:
        """It could not be heard while nobody listened."""
        self.is_throttled = False
        self.received_at = now

    def alarms_changed(self) -> None:
        """A resource has run low or has recovered."""
        pacing.alarms_changed(self)
        self.mark()

    def hold(self, pressure: Backpressure) -> None:
        """Others cannot keep up with what this one publishes. Overrides MqttConnectionState's, as the next one does."""
        pacing.hold(self, pressure)

    def unhold(self, pressure: Backpressure) -> None:
        """They have caught up, or are not waited for any longer."""
        pacing.unhold(self, pressure)

    # --- ends -------------------------------------------------------------------------------------------------------

    def take_over(self) -> None:
        """Another connection with the same client id has come [MQTT-3.1.4-3]."""
        ending.disconnect(self, Reason.SESSION_TAKEN_OVER, "the session was taken over by another connection")

    def end(self, reason: str, now: int) -> None:
        """An operator's action has taken the session away, or the user, or the vhost."""
        self.now = now
        self.registry.now = max(now, self.registry.now)
        ending.end(self, reason)

    def input_ended(self, now: int) -> bool:
        """The client has left without a word; what it published is acknowledged all the same."""
        self.now = now
        self.registry.now = max(now, self.registry.now)
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
        self.registry.now = max(now, self.registry.now)
        self.owed.clear()
        ending.note_loss(self)
        ending.release(self)
