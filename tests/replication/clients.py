"""Ordinary clients of three protocols with the addresses of both nodes: what each sent, had confirmed and received.

Each runs in a thread and knows one way out of trouble, which is what users' code does: try the next address.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.config  # type: ignore[import-untyped]
import paho.mqtt.client as paho
import pika  # type: ignore[import-untyped]
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

RETRY_S = 0.05
TIMEOUT_S = 5
TOPIC = "pair/messages"
QUEUE = "pair.amqp"
SQS_QUEUE = "pair-sqs"


class Client:
    """Sends numbered messages one by one, and receives them, until it is stopped; the addresses are tried in turn."""

    name = ""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.confirmed: set[str] = set()
        self.received: set[str] = set()
        self.repeated = 0
        self.longest_wait_s = 0.0
        self.is_stopping = False
        self.is_draining = False
        self.trouble = ""
        self._turns = {"send": 0, "receive": 0}
        self._threads = [threading.Thread(target=self._run, args=(each,), daemon=True) for each in ("send", "receive")]

    def start(self) -> None:
        """Begins."""
        for thread in self._threads:
            thread.start()

    def _port(self, way: str) -> int:
        return self.ports[self._turns[way] % len(self.ports)]

    def _run(self, way: str) -> None:
        work: Callable[[int], None] = self.sending if way == "send" else self.receiving
        while not self.is_stopping and not (way == "send" and self.is_draining):
            try:
                work(self._port(way))
            except Exception as error:  # whatever it is: a user's code would try the next address too
                self.trouble = f"{way}: {error!r}"
                self._turns[way] += 1
                time.sleep(RETRY_S)

    def send_all(self, send: Callable[[str], None]) -> None:
        """Sends messages with that call, which returns once one is confirmed; unconfirmed ones are left alone."""
        while not self.is_stopping and not self.is_draining:
            ident = f"{self.name}-{len(self.confirmed)}-{time.monotonic_ns()}"
            began = getattr(self, "_waits_since", 0.0) or time.monotonic()
            self._waits_since = began
            send(ident)
            self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)
            self._waits_since = 0.0
            self.confirmed.add(ident)

    def note(self, ident: str) -> None:
        """A message came."""
        self.repeated += ident in self.received
        self.received.add(ident)

    def missing(self) -> set[str]:
        """What was confirmed and has not come."""
        return self.confirmed - self.received

    def stop(self) -> None:
        """Ends, soon."""
        self.is_stopping = True
        for thread in self._threads:
            thread.join(20)

    def prepare(self, port: int) -> None:
        """Makes what has to be there."""

    def sending(self, port: int) -> None:
        """Connects there and calls `send_all`."""
        raise NotImplementedError

    def receiving(self, port: int) -> None:
        """Connects there and calls `note` until it is stopped."""
        raise NotImplementedError


class AmqpClient(Client):
    """pika, with publisher confirms and acknowledgements."""

    name = "AMQP"

    def _channel(self, port: int) -> Any:
        credentials = pika.PlainCredentials("guest", "guest")
        parameters = pika.ConnectionParameters(
            "127.0.0.1", port, credentials=credentials, heartbeat=2, socket_timeout=TIMEOUT_S,
            blocked_connection_timeout=TIMEOUT_S,
        )  # fmt: skip
        channel = pika.BlockingConnection(parameters).channel()
        channel.queue_declare(QUEUE, durable=True)
        return channel

    def prepare(self, port: int) -> None:
        self._channel(port).connection.close()

    def sending(self, port: int) -> None:
        channel = self._channel(port)
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2)
        self.send_all(lambda ident: channel.basic_publish("", QUEUE, ident.encode(), properties, mandatory=True))
        channel.connection.close()

    def receiving(self, port: int) -> None:
        channel = self._channel(port)
        for method, _, body in channel.consume(QUEUE, inactivity_timeout=0.2):
            if method is not None:
                self.note(body.decode())
                channel.basic_ack(method.delivery_tag)
            if self.is_stopping:
                channel.connection.close()
                return


class MqttClient(Client):
    """paho, QoS 1 both ways, with a session that outlives its connection."""

    name = "MQTT"

    def __init__(self, ports: list[int]) -> None:
        super().__init__(ports)
        self.lost: dict[str, threading.Event] = {}

    def _connected(self, port: int, ident: str, on_message: Any = None) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, ident, protocol=paho.MQTTv5, reconnect_on_failure=False)
        client.username_pw_set("guest", "guest")
        client.on_message = on_message
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        arrived, lost = threading.Event(), threading.Event()
        client.on_connect = lambda *_: arrived.set()
        client.on_disconnect = lambda *_: lost.set()
        self.lost[ident] = lost  # `is_connected` does not tell after a DISCONNECT of the broker
        client.connect("127.0.0.1", port, keepalive=2, clean_start=False, properties=properties)
        client.loop_start()
        if not arrived.wait(TIMEOUT_S):
            client.loop_stop()
            raise TimeoutError("no CONNACK")
        return client

    def prepare(self, port: int) -> None:
        client = self._connected(port, "receiver")
        done = threading.Event()
        client.on_subscribe = lambda *_: done.set()
        client.subscribe(TOPIC, 1)
        assert done.wait(TIMEOUT_S)
        client.disconnect()
        client.loop_stop()

    def sending(self, port: int) -> None:
        client = self._connected(port, "sender")

        def send(ident: str) -> None:
            sent = client.publish(TOPIC, ident, qos=1)
            deadline = time.monotonic() + TIMEOUT_S
            while not sent.is_published():
                sent.wait_for_publish(0.1)
                if self.lost["sender"].is_set() or time.monotonic() > deadline:
                    raise ConnectionError("not acknowledged")

        try:
            self.send_all(send)
        finally:
            with suppress(Exception):
                client.disconnect()
            client.loop_stop()

    def receiving(self, port: int) -> None:
        client = self._connected(port, "receiver", lambda _client, _data, message: self.note(message.payload.decode()))
        while not self.is_stopping:
            if self.lost["receiver"].is_set():
                client.loop_stop()
                raise ConnectionError("lost")
            time.sleep(0.05)
        client.disconnect()
        client.loop_stop()


class SqsClient(Client):
    """boto3."""

    name = "SQS"

    def _sqs(self, port: int) -> Any:
        config = botocore.config.Config(
            connect_timeout=1, read_timeout=TIMEOUT_S, retries={"max_attempts": 0, "mode": "standard"}
        )
        return boto3.client(
            "sqs", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="guest",
            aws_secret_access_key="guest", config=config,
        )  # fmt: skip

    def _url(self, sqs: Any) -> str:
        return str(sqs.get_queue_url(QueueName=SQS_QUEUE)["QueueUrl"])

    def prepare(self, port: int) -> None:
        self._sqs(port).create_queue(QueueName=SQS_QUEUE, Attributes={"VisibilityTimeout": "2"})

    def sending(self, port: int) -> None:
        sqs = self._sqs(port)
        url = self._url(sqs)
        self.send_all(lambda ident: sqs.send_message(QueueUrl=url, MessageBody=ident))

    def receiving(self, port: int) -> None:
        sqs = self._sqs(port)
        url = self._url(sqs)
        while not self.is_stopping:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in found.get("Messages", ()):
                self.note(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


KINDS: dict[str, type[Client]] = {"amqp": AmqpClient, "mqtt": MqttClient, "aws": SqsClient}
