"""The two ends of a message for each protocol, with an unmodified client: who sends it, and who receives it.

Messages meet at a topic: a key of amq.topic. What SQS sends meets the others in its queue, which MQTT cannot read.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import boto3  # type: ignore[import-untyped]
import pika  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]

from tests.mqtt.paho_client import Paho, new_properties, told
from tests.support.broker_process import BrokerProcess

WAIT_S = 15


@dataclass
class Letter:
    """A message as every protocol can say it."""

    body: str
    content_type: str = "text/plain"
    correlation_id: str = "question-1"
    headers: dict[str, str] = field(default_factory=lambda: {"colour": "red", "grün": "ja"})


Receive = Callable[[], Letter]


class End(Protocol):
    """How one protocol sends and receives."""

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        """Sends to the topic; SQS to its queue."""

    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> AbstractContextManager[Receive]:
        """Subscribes to the topic, or consumes from the queue of SQS."""


class Amqp091:
    """pika."""

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            properties = pika.BasicProperties(
                content_type=letter.content_type, correlation_id=letter.correlation_id, headers=letter.headers
            )
            connection.channel().basic_publish("amq.topic", f"cross.{name}", letter.body.encode(), properties)

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            channel = connection.channel()
            queue = name
            if not in_queue:
                queue = channel.queue_declare("", exclusive=True).method.queue
                channel.queue_bind(queue, "amq.topic", f"cross.{name}")

            def receive() -> Letter:
                for _, properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=WAIT_S):
                    assert body is not None, "nothing came"
                    own = {key: value for key, value in (properties.headers or {}).items() if key[0] != "x"}
                    return Letter(body.decode(), properties.content_type, properties.correlation_id, own)
                raise AssertionError("the queue is gone")

            yield receive


class Mqtt:
    """Paho with version 5."""

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        properties = new_properties(3)
        properties.ContentType = letter.content_type
        properties.CorrelationData = letter.correlation_id.encode()
        properties.UserProperty = list(letter.headers.items())
        with Paho(broker.ports["mqtt"], f"{name}-sender", 5) as client:
            client.publish(f"cross/{name}", letter.body.encode(), 1, properties=properties)

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        assert not in_queue
        with Paho(broker.ports["mqtt"], f"{name}-receiver", 5) as client:
            client.subscribe(f"cross/{name}", 1)

            def receive() -> Letter:
                message = client.message()
                found = told(message)
                own = {key: value for key, value in found.get("UserProperty", []) if key[0] != "x"}
                correlation = bytes.fromhex(found["CorrelationData"]).decode()
                return Letter(message.payload.decode(), found["ContentType"], correlation, own)

            yield receive


class Stomp:
    """A socket: STOMP's clients are simple enough to be written down."""

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        with _StompSocket(broker) as client:
            headers = {"content-type": letter.content_type, "correlation-id": letter.correlation_id, **letter.headers}
            body = letter.body.encode()
            length = {"content-length": str(len(body))}
            client.say("SEND", {"destination": f"/topic/cross.{name}", "receipt": "1", **headers, **length}, body)
            assert client.frame()[0] == "RECEIPT"

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        with _StompSocket(broker) as client:
            destination = f"/amq/queue/{name}" if in_queue else f"/topic/cross.{name}"
            client.say("SUBSCRIBE", {"id": "1", "destination": destination, "receipt": "1"})
            assert client.frame()[0] == "RECEIPT"

            def receive() -> Letter:
                command, headers, body = client.frame()
                assert command == "MESSAGE"
                own = {key: value for key, value in headers.items() if key in ("colour", "grün")}
                return Letter(body.decode(), headers["content-type"], headers["correlation-id"], own)

            yield receive


class _StompSocket:
    def __init__(self, broker: BrokerProcess) -> None:
        self.socket = socket.create_connection(("127.0.0.1", broker.ports["stomp"]), WAIT_S)
        self.input = self.socket.makefile("rb")
        self.say("CONNECT", {"accept-version": "1.2", "host": "/", "login": "guest", "passcode": "guest"})
        assert self.frame()[0] == "CONNECTED"

    def __enter__(self) -> "_StompSocket":
        return self

    def __exit__(self, *details: object) -> None:
        self.input.close()
        self.socket.close()

    def say(self, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        self.socket.sendall(f"{command}\n{lines}\n".encode() + body + b"\0")

    def frame(self) -> tuple[str, dict[str, str], bytes]:
        command = ""
        while not command:
            command = self.input.readline().decode().strip("\n\0")
        pairs = iter(lambda: self.input.readline().decode().rstrip("\n"), "")
        headers = dict(line.split(":", 1) for line in pairs)
        body = self.input.read(int(headers.get("content-length", 0)))
        self.input.read(1)
        return command, headers, body


class Sqs:
    """boto3."""

    def client(self, broker: BrokerProcess) -> Any:
        return boto3.client(
            "sqs",
            endpoint_url=f"http://127.0.0.1:{broker.ports['aws']}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30),
        )

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        client = self.client(broker)
        texts = {"ContentType": letter.content_type, "CorrelationId": letter.correlation_id, **_sqs_names(letter)}
        attributes = {key: {"DataType": "String", "StringValue": value} for key, value in texts.items()}
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody=letter.body, MessageAttributes=attributes)
        client.close()

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        client = self.client(broker)
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        if not in_queue:
            with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
                connection.channel().queue_bind(name, "amq.topic", f"cross.{name}")

        def receive() -> Letter:
            found = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=WAIT_S)
            (message,) = found["Messages"]
            texts = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
            own = {key: value for key, value in texts.items() if key in ("colour", "grün")}
            return Letter(message["Body"], texts["ContentType"], texts["CorrelationId"], own)

        yield receive
        client.close()


def _sqs_names(letter: Letter) -> dict[str, str]:
    """SQS has ASCII alone in the names of attributes."""
    return {key: value for key, value in letter.headers.items() if key.isascii()}


class Amqp1:
    """Qpid Proton."""

    def connect(self, broker: BrokerProcess) -> Any:
        utils = pytest.importorskip("proton.utils", reason="python-qpid-proton is not installed")
        url = f"amqp://guest:guest@127.0.0.1:{broker.ports['amqp']}"
        return utils.BlockingConnection(url, timeout=WAIT_S, allowed_mechs="PLAIN")

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        proton = pytest.importorskip("proton")
        connection = self.connect(broker)
        message = proton.Message(
            body=letter.body.encode(),
            inferred=True,
            content_type=letter.content_type,
            correlation_id=letter.correlation_id,
            properties=letter.headers,
        )
        connection.create_sender(f"/exchanges/amq.topic/cross.{name}").send(message)
        connection.close()

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        connection = self.connect(broker)
        receiver = connection.create_receiver(f"/queues/{name}" if in_queue else f"/topic/cross.{name}")

        def receive() -> Letter:
            message = receiver.receive(WAIT_S)
            receiver.accept()
            body = message.body if isinstance(message.body, str) else bytes(message.body).decode()
            return Letter(body, str(message.content_type), message.correlation_id, dict(message.properties))

        try:
            yield receive
        finally:
            connection.close()


ENDS: dict[str, End] = {"0-9-1": Amqp091(), "1.0": Amqp1(), "mqtt": Mqtt(), "stomp": Stomp(), "sqs": Sqs()}
