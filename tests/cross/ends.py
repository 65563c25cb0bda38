"""The two ends of a message for each protocol, with an unmodified client: who sends it, and who receives it.

Messages meet at a topic: a key of amq.topic. What SQS sends meets the others in its queue, which MQTT cannot read.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from socket import create_connection
from typing import Any, ClassVar, Protocol

import pika  # type: ignore[import-untyped]
import pytest
from websockets.typing import Subprotocol

from tests.mqtt.paho_client import Paho, new_properties, told
from tests.support import aws_clients
from tests.support.broker_process import BrokerProcess
from tests.support.websocket_client import connect

WAIT_S = 15
OWN_HEADERS = ("colour", "grün", "traceparent", "tracestate")
ALL = (
    "delivery_mode", "priority", "expiration", "message_id", "reply_to", "content_encoding", "timestamp", "type",
    "app_id",
)  # fmt: skip


@dataclass
class Letter:
    """A message as every protocol can say it."""

    body: str
    content_type: str = "text/plain"
    correlation_id: str = "question-1"
    headers: dict[str, str] = field(default_factory=lambda: {"colour": "red", "grün": "ja"})
    properties: dict[str, str] = field(default_factory=dict)
    """By their neutral names; what the protocol that has received it can say."""


Receive = Callable[[], Letter]


class End(Protocol):
    """How one protocol sends and receives."""

    @property
    def names(self) -> Collection[str]:
        """The neutral names of the properties that it can say, beside content type and correlation id."""

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        """Sends to the topic; SQS to its queue."""

    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> AbstractContextManager[Receive]:
        """Subscribes to the topic, or consumes from the queue of SQS."""


def known(pairs: dict[str, Any]) -> dict[str, str]:
    """Properties that are there, as texts."""
    return {name: str(value) for name, value in pairs.items() if value is not None}


class Amqp091:
    """pika."""

    names = ALL
    numbers = ("delivery_mode", "priority", "timestamp")

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            properties = pika.BasicProperties(
                content_type=letter.content_type,
                correlation_id=letter.correlation_id,
                headers=letter.headers,
                **{
                    name: int(value) if name in self.numbers else value
                    for name, value in letter.properties.items()
                    if name in self.names
                },
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
                    found = known({name: getattr(properties, name) for name in self.names})
                    return Letter(body.decode(), properties.content_type, properties.correlation_id, own, found)
                raise AssertionError("the queue is gone")

            yield receive


class Mqtt:
    """Paho with version 5, over TCP or in a WebSocket."""

    def __init__(self, scheme: str = "mqtt") -> None:
        self.scheme = scheme
        self.options: dict[str, Any] = {"transport": "websockets"} if scheme == "ws" else {}

    names = ("reply_to", "expiration")

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        properties = new_properties(3)
        properties.ContentType = letter.content_type
        properties.CorrelationData = letter.correlation_id.encode()
        properties.UserProperty = list(letter.headers.items())
        if "reply_to" in letter.properties:
            properties.ResponseTopic = letter.properties["reply_to"]
            properties.MessageExpiryInterval = int(letter.properties["expiration"]) // 1000
        with Paho(broker.ports[self.scheme], f"{name}-sender", 5, **self.options) as client:
            client.publish(f"cross/{name}", letter.body.encode(), 1, properties=properties)

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        assert not in_queue
        with Paho(broker.ports[self.scheme], f"{name}-receiver", 5, **self.options) as client:
            client.subscribe(f"cross/{name}", 1)

            def receive() -> Letter:
                message = client.message()
                found = told(message)
                own = {key: value for key, value in found.get("UserProperty", []) if key[0] != "x"}
                correlation = bytes.fromhex(found.get("CorrelationData", "")).decode()
                expiry = found.get("MessageExpiryInterval")
                more = known({"reply_to": found.get("ResponseTopic"), "expiration": expiry and expiry * 1000})
                return Letter(message.payload.decode(), found.get("ContentType", ""), correlation, own, more)

            yield receive


class Stomp:
    """A socket: STOMP's clients are simple enough to be written down."""

    def __init__(self, scheme: str = "stomp") -> None:
        self.scheme = scheme

    names: ClassVar = {
        "delivery_mode": "persistent", "priority": "priority", "expiration": "expiration",
        "message_id": "amqp-message-id", "reply_to": "reply-to", "content_encoding": "content-encoding",
        "timestamp": "timestamp", "type": "type", "app_id": "app-id",
    }  # fmt: skip

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        with _StompSocket(broker, self.scheme) as client:
            headers = {"content-type": letter.content_type, "correlation-id": letter.correlation_id, **letter.headers}
            for property_name, value in letter.properties.items():
                header = self.names[property_name]
                headers[header] = "true" if header == "persistent" else value
            body = letter.body.encode()
            length = {"content-length": str(len(body))}
            client.say("SEND", {"destination": f"/topic/cross.{name}", "receipt": "1", **headers, **length}, body)
            assert client.frame()[0] == "RECEIPT"

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        with _StompSocket(broker, self.scheme) as client:
            destination = f"/amq/queue/{name}" if in_queue else f"/topic/cross.{name}"
            client.say("SUBSCRIBE", {"id": "1", "destination": destination, "receipt": "1"})
            assert client.frame()[0] == "RECEIPT"

            def receive() -> Letter:
                command, headers, body = client.frame()
                assert command == "MESSAGE"
                own = {key: value for key, value in headers.items() if key in OWN_HEADERS}
                found = {name: headers[header] for name, header in self.names.items() if header in headers}
                if "delivery_mode" in found:
                    found["delivery_mode"] = "2"
                if "reply_to" in found:
                    found["reply_to"] = found["reply_to"].removeprefix("/reply-queue/")
                return Letter(
                    body.decode(), headers.get("content-type", ""), headers.get("correlation-id", ""), own, found
                )

            yield receive


class _StompSocket:
    """A client over TCP or in a WebSocket."""

    def __init__(self, broker: BrokerProcess, scheme: str) -> None:
        self._stack = ExitStack()
        port = broker.ports[scheme]
        if scheme == "ws":
            offered = [Subprotocol("v12.stomp")]
            socket = self._stack.enter_context(connect(f"ws://127.0.0.1:{port}/ws", subprotocols=offered))
            self._write: Callable[[bytes], Any] = socket.send
            self._read: Callable[[], Any] = lambda: socket.recv(WAIT_S)
        else:
            stream = self._stack.enter_context(create_connection(("127.0.0.1", port), WAIT_S))
            self._write, self._read = stream.sendall, lambda: stream.recv(65_536)
        self._arrived = b""
        self.say("CONNECT", {"accept-version": "1.2", "host": "/", "login": "guest", "passcode": "guest"})
        assert self.frame()[0] == "CONNECTED"

    def __enter__(self) -> "_StompSocket":
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def say(self, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        self._write(f"{command}\n{lines}\n".encode() + body + b"\0")

    def frame(self) -> tuple[str, dict[str, str], bytes]:
        while b"\n\n" not in self._arrived.lstrip(b"\n\0"):
            self._take()
        head, _, rest = self._arrived.lstrip(b"\n\0").partition(b"\n\n")
        command, *lines = head.decode().split("\n")
        headers = dict(line.split(":", 1) for line in lines)
        size = int(headers.get("content-length", 0))
        self._arrived = rest
        while len(self._arrived) <= size:
            self._take()
        body, self._arrived = self._arrived[:size], self._arrived[size + 1 :]
        return command, headers, body

    def _take(self) -> None:
        found = self._read()
        assert found, "the connection ended"
        self._arrived += found.encode() if isinstance(found, str) else found


class Sqs:
    """boto3."""

    names: ClassVar = {
        "reply_to": "ReplyTo", "content_encoding": "mqbroker.content_encoding", "type": "mqbroker.type",
        "app_id": "mqbroker.app_id", "timestamp": "mqbroker.timestamp",
    }  # fmt: skip

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        client = aws_clients.client(broker, "sqs")
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody=letter.body, MessageAttributes=_attributes(letter))
        client.close()

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        client = aws_clients.client(broker, "sqs")
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        if not in_queue:
            with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
                connection.channel().queue_bind(name, "amq.topic", f"cross.{name}")

        def receive() -> Letter:
            found = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=WAIT_S)
            (message,) = found["Messages"]
            texts = {key: value["StringValue"] for key, value in message.get("MessageAttributes", {}).items()}
            own = {key: value for key, value in texts.items() if key in OWN_HEADERS}
            found = {name: texts[attribute] for name, attribute in self.names.items() if attribute in texts}
            return Letter(message["Body"], texts.get("ContentType", ""), texts.get("CorrelationId", ""), own, found)

        yield receive
        client.close()


def _attributes(letter: Letter) -> dict[str, dict[str, str]]:
    """Those of a message of SQS or SNS, which have ASCII alone in their names."""
    texts = {"ContentType": letter.content_type, "CorrelationId": letter.correlation_id}
    texts |= {key: value for key, value in letter.headers.items() if key.isascii()}
    texts |= {Sqs.names[key]: value for key, value in letter.properties.items() if key in Sqs.names}
    return {key: {"DataType": "String", "StringValue": value} for key, value in texts.items()}


class Amqp1:
    """Qpid Proton."""

    names = ALL

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
        self._put(message, letter.properties)
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
            own = dict(message.properties or {})
            return Letter(body, str(message.content_type), message.correlation_id, own, self._taken(message))

        try:
            yield receive
        finally:
            connection.close()

    def _put(self, message: Any, properties: dict[str, str]) -> None:
        if not properties:
            return
        proton = pytest.importorskip("proton")
        message.durable = properties["delivery_mode"] == "2"
        message.priority = int(properties["priority"])
        message.ttl = int(properties["expiration"]) / 1000
        message.id = properties["message_id"]
        message.reply_to = f"/queues/{properties['reply_to']}"
        message.content_encoding = properties["content_encoding"]
        message.creation_time = int(properties["timestamp"])
        message.annotations = {proton.symbol("x-basic-type"): properties["type"]}
        message.group_id = properties["app_id"]

    def _taken(self, message: Any) -> dict[str, str]:
        reply_to = message.reply_to
        return known(
            {
                "delivery_mode": "2" if message.durable else None,
                "priority": message.priority,
                "expiration": round(message.ttl * 1000) or None,
                "message_id": message.id,
                "reply_to": reply_to and reply_to.removeprefix("/queues/").removeprefix("/exchanges/amq.topic/"),
                "content_encoding": message.content_encoding or None,
                "timestamp": round(message.creation_time) or None,
                "type": (message.annotations or {}).get("x-basic-type"),
                "app_id": message.group_id,
            }
        )


class Mqtt3:
    """Paho with version 3.1.1, which has nothing but a body."""

    names = ()

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        with Paho(broker.ports["mqtt"], f"{name}-sender", 4) as client:
            client.publish(f"cross/{name}", letter.body.encode(), 1)

    @contextmanager
    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> Iterator[Receive]:
        assert not in_queue
        with Paho(broker.ports["mqtt"], f"{name}-receiver", 4) as client:
            client.subscribe(f"cross/{name}", 1)
            yield lambda: Letter(client.message().payload.decode(), "", "", {})


class Sns:
    """boto3; a subscription with raw delivery takes it to a queue of SQS."""

    names = Sqs.names

    def send(self, broker: BrokerProcess, name: str, letter: Letter) -> None:
        client = aws_clients.client(broker, "sns")
        topic = client.create_topic(Name=name)["TopicArn"]
        queue = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        raw = {"RawMessageDelivery": "true"}
        client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)
        client.publish(TopicArn=topic, Message=letter.body, MessageAttributes=_attributes(letter))
        client.close()

    def receiver(self, broker: BrokerProcess, name: str, in_queue: bool) -> AbstractContextManager[Receive]:
        raise NotImplementedError("what SNS sends is received by others")


ENDS: dict[str, End] = {"0-9-1": Amqp091(), "1.0": Amqp1(), "mqtt": Mqtt(), "stomp": Stomp(), "sqs": Sqs()}
WEBSOCKETS: dict[str, End] = {"mqtt in a websocket": Mqtt("ws"), "stomp in a websocket": Stomp("ws")}
SENDERS: dict[str, End] = {**ENDS, **WEBSOCKETS, "mqtt 3": Mqtt3(), "sns": Sns()}
RECEIVERS: dict[str, End] = {**ENDS, **WEBSOCKETS, "mqtt 3": Mqtt3()}
