"""MQTT 3.1.1 under the load loops: QoS 1 where a job has a window or a prefetch, QoS 0 otherwise.

Owns the set-up and the orderly end of connections; the bytes in between are `mqtt_records`.
"""

import os
import socket

import numpy as np

from bench.driver import mqtt_records
from bench.driver.amqp import CALL_TIMEOUT_SECONDS, connect
from bench.driver.dialect import ConsumeSide, Ledger, PublishSide
from bench.driver.jobs import ConsumeJob, Endpoint, PublishJob, Subscription
from bench.driver.records import RecordLayout
from bench.errors import ProtocolError


class MqttConnection:
    """A connected client with a clean session."""

    def __init__(self, endpoint: Endpoint, client: str) -> None:
        self.buffer = bytearray()
        self.socket: socket.socket = connect(endpoint)
        self.socket.sendall(mqtt_records.connect_packet(endpoint, client))
        answer = self.read(mqtt_records.CONNACK)
        if answer[3] != 0:
            raise ProtocolError(f"the broker refused the connection with code {answer[3]}")

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

    def close(self) -> int:
        """Disconnect once the broker has read everything; how many packets still came."""
        self.socket.settimeout(CALL_TIMEOUT_SECONDS)
        self.socket.sendall(mqtt_records.PINGREQ)
        count = 0
        while self.read_any()[0] != mqtt_records.PINGRESP:
            count += 1
        self.socket.sendall(mqtt_records.DISCONNECT)
        self.socket.close()
        return count


class MqttPublishSide:
    """One publishing connection."""

    def __init__(self, job: PublishJob, publisher: int) -> None:
        self._connection = MqttConnection(job.endpoint, f"bench-{os.getpid()}-p{publisher}")
        self.socket = self._connection.socket
        self.layout = mqtt_records.publish_layout(job, qos=1 if job.window else 0)
        self.ledger: Ledger | None = mqtt_records.PubackLedger() if job.window else None

    def finish(self) -> None:
        """Disconnect once the broker has read everything."""
        self._connection.close()


class MqttConsumeSide:
    """One consuming connection with all topics in one subscription."""

    numbered = False

    def __init__(self, job: ConsumeJob, subscription: Subscription) -> None:
        qos = 1 if job.prefetch else 0
        self.settles_by_content = bool(qos)
        self._layout = mqtt_records.publish_layout(job.published, qos)
        name = f"bench-{os.getpid()}-c{job.subscriptions.index(subscription)}-{id(self)}"
        self._connection = MqttConnection(job.endpoint, name)
        self.socket = self._connection.socket
        self.socket.sendall(mqtt_records.subscribe_packet(subscription.queues, qos))
        granted = self._connection.read(mqtt_records.SUBACK)
        if any(code != qos for code in granted[4:]):
            raise ProtocolError(f"the broker granted the subscriptions {granted[4:].hex()} instead of QoS {qos}")
        self.early = bytes(self._connection.buffer)
        self._connection.buffer.clear()

    def learn(self, data: bytes) -> RecordLayout | None:
        """What is published is what arrives."""
        return self._layout

    def acknowledge(self, records: memoryview, upto: int) -> bytes:
        """One PUBACK for each."""
        return mqtt_records.pubacks(np.frombuffer(records, self._layout.dtype)["number"])

    def explain(self, data: bytes) -> str:
        """MQTT 3.1.1 brokers say nothing when they leave."""
        return ""

    def finish(self) -> int:
        """Disconnect; how many deliveries still came."""
        return self._connection.close()


class MqttDialect:
    """MQTT 3.1.1."""

    def open_publisher(self, job: PublishJob, publisher: int) -> PublishSide:
        """Connect and prepare one publishing connection."""
        return MqttPublishSide(job, publisher)

    def open_consumer(self, job: ConsumeJob, subscription: Subscription) -> ConsumeSide:
        """Connect and subscribe one consuming connection."""
        return MqttConsumeSide(job, subscription)
