"""MQTT 3.1.1 under the load loops, over TCP or WebSocket: QoS 1 or 2 where a job has a window or a prefetch, else 0.

Owns the set-up and the orderly end of connections; the bytes in between are `mqtt_records`.
"""

import os
from dataclasses import replace

import numpy as np

from bench.driver import mqtt_records, websocket
from bench.driver.amqp import CALL_TIMEOUT_SECONDS, connect
from bench.driver.dialect import ConsumeSide, Ledger, PublishSide, Stream
from bench.driver.jobs import ConsumeJob, Endpoint, PublishJob, Subscription
from bench.driver.mqtt_streams import ConsumerSteps, PublisherSteps
from bench.driver.records import RecordLayout
from bench.errors import ProtocolError

FILTERS_PER_SUBSCRIBE = 1000


class MqttConnection:
    """A connected client."""

    def __init__(self, endpoint: Endpoint, client: str, keeps_session: bool = False) -> None:
        self.buffer = bytearray()
        self.plain_socket = connect(endpoint)
        self.is_framed = endpoint.protocol == "ws"
        self.socket: Stream = self.plain_socket
        if self.is_framed:
            self.socket = websocket.WebSocketStream(self.plain_socket, endpoint)
        self.send(mqtt_records.connect_packet(endpoint, client, keeps_session))
        answer = self.read(mqtt_records.CONNACK)
        if answer[3] != 0:
            raise ProtocolError(f"the broker refused the connection with code {answer[3]}")
        self.is_session_present = answer[2] == 1

    def send(self, packet: bytes) -> None:
        """Sends a packet that is no record."""
        self.socket.sendall(websocket.framed(packet) if self.is_framed else packet)

    def read(self, first: int) -> bytes:
        """The next packet, which must have this first byte."""
        packet = self.read_any()
        if packet[0] != first:
            raise ProtocolError(f"expected a packet {first:#04x}, the broker sent {packet[:16].hex()}")
        return packet

    def read_any(self) -> bytes:
        """The next packet."""
        while (size := mqtt_records.packet_size(self.buffer)) is None:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ProtocolError("the broker closed the connection")
            self.buffer += chunk
        packet = bytes(self.buffer[:size])
        del self.buffer[:size]
        return packet

    def subscribe(self, topics: tuple[str, ...], qos: int) -> None:
        """Subscribes to all of them. Raises ProtocolError unless each is granted as asked."""
        for at in range(0, len(topics), FILTERS_PER_SUBSCRIBE):
            self.send(mqtt_records.subscribe_packet(topics[at : at + FILTERS_PER_SUBSCRIBE], qos))
            granted = mqtt_records.granted(self.read(mqtt_records.SUBACK))
            if any(code != qos for code in granted):
                raise ProtocolError(f"the broker granted the subscriptions {granted[:16].hex()} instead of QoS {qos}")

    def close(self) -> int:
        """Disconnect once the broker has read everything; how many deliveries still came."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self.send(mqtt_records.PINGREQ)
        count = 0
        while (packet := self.read_any())[0] != mqtt_records.PINGRESP:
            if packet[0] == mqtt_records.PUBREL:
                self.send(mqtt_records.completions(packet))
            else:
                count += 1
        self.send(mqtt_records.DISCONNECT)
        self.socket.close()
        return count


def _qos(in_flight: int, exactly_once: bool) -> int:
    return (2 if exactly_once else 1) if in_flight else 0


class MqttPublishSide:
    """One publishing connection."""

    def __init__(self, job: PublishJob, publisher: int) -> None:
        qos = _qos(job.window, job.exactly_once)
        connection = self._connection = MqttConnection(job.endpoint, f"bench-{os.getpid()}-p{publisher}")
        self.layout = mqtt_records.publish_layout(job, qos)
        self.ledger: Ledger | None = None
        if qos:
            self.ledger = mqtt_records.AckLedger(mqtt_records.PUBCOMP if qos == 2 else mqtt_records.PUBACK)
        if connection.is_framed:
            self.layout = in_frames(self.layout)
        self.socket: Stream = connection.socket
        if qos == 2:
            self.socket = PublisherSteps(connection.plain_socket, self.layout.size)

    def finish(self) -> None:
        """Disconnect once the broker has read everything."""
        self._connection.close()


def in_frames(layout: RecordLayout) -> RecordLayout:
    """Records with a WebSocket frame around each, as clients send them."""
    templates = tuple(map(websocket.framed, layout.templates))
    shift = len(templates[0]) - layout.size
    number_at = None if layout.number_at is None else layout.number_at + shift
    return replace(layout, templates=templates, stamp_at=layout.stamp_at + shift, number_at=number_at)


class MqttConsumeSide:
    """One consuming connection with all topics in one subscription."""

    numbered = False

    def __init__(self, job: ConsumeJob, subscription: Subscription) -> None:
        qos = _qos(job.prefetch, job.exactly_once)
        self.settles_by_content = bool(qos)
        self._answer = mqtt_records.PUBREC if qos == 2 else mqtt_records.PUBACK
        self._layout = mqtt_records.publish_layout(job.published, qos)
        self._endpoint = job.endpoint
        self._keeps_session = job.keeps_session
        self._name = f"bench-{os.getpid()}-c{job.subscriptions.index(subscription)}-{id(self)}"
        connection = self._connection = MqttConnection(job.endpoint, self._name, job.keeps_session)
        connection.subscribe(subscription.queues, qos)
        if qos == 2:
            connection.socket = ConsumerSteps(connection.plain_socket, self._layout.size)
        self.socket = connection.socket
        self.early = bytes(connection.buffer)
        connection.buffer.clear()

    def learn(self, data: bytes) -> RecordLayout | None:
        """What is published is what arrives."""
        return self._layout

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """One PUBACK or PUBREC for each."""
        packets = mqtt_records.acks(self._answer, np.frombuffer(records, self._layout.dtype)["number"])
        return websocket.framed(packets) if self._connection.is_framed else packets

    def explain(self, data: bytes) -> str:
        """MQTT 3.1.1 brokers say nothing when they leave."""
        return ""

    def finish(self) -> int:
        """Disconnect; how many deliveries still came, or come to a session that should have nothing left."""
        count = self._connection.close()
        if self._keeps_session:
            again = MqttConnection(self._endpoint, self._name, True)
            if not again.is_session_present:
                raise ProtocolError("the broker has not kept the session")
            count += again.close()
            MqttConnection(self._endpoint, self._name).close()
        return count


class MqttDialect:
    """MQTT 3.1.1."""

    def open_publisher(self, job: PublishJob, publisher: int) -> PublishSide:
        """Connect and prepare one publishing connection."""
        return MqttPublishSide(job, publisher)

    def open_consumer(self, job: ConsumeJob, subscription: Subscription) -> ConsumeSide:
        """Connect and subscribe one consuming connection."""
        return MqttConsumeSide(job, subscription)
