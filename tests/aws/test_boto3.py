"""boto3 over a real socket, plain and encrypted, against handlers that keep one message."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from mqbroker.aws.front.call import Call
from mqbroker.clock import Clock
from mqbroker.config.composition import listener_parser
from mqbroker.config.sections import LimitsConfig, TlsConfig
from mqbroker.errors import AwsError
from mqbroker.net.connections import Connections
from mqbroker.net.devcerts import generate
from mqbroker.net.listener import Listeners
from mqbroker.net.tls import ServerTls
from mqbroker.spoken import PROTOCOLS
from tests.aws.house import Shop
from tests.aws.http_talk import get
from tests.net.house import until

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
TEXT = "é\u2028\U0001f600" * 1000


class OneMessage:
    """Handlers for a queue that holds one message at a time; a receiver waits for it."""

    def __init__(self) -> None:
        self.message: dict[str, Any] | None = None
        self.waiting: list[Call] = []

    def handle(self, call: Call) -> None:
        name = call.action.name
        if name == "CreateQueue":
            call.answer({"QueueUrl": f"{call.base_url}/{call.caller.account}/{call.parameters['QueueName']}"})
        elif name == "DeleteQueue":
            raise AwsError("QueueDoesNotExist", "The specified queue does not exist.", NO_QUEUE)
        elif name == "ReceiveMessage":
            self.waiting.append(call)
            call.on_abandoned = lambda: self.waiting.remove(call)
            call.on_hurry = lambda: self.give_up(call)
        elif name == "SendMessage":
            self.send(call)
        else:
            call.answer(None)

    def give_up(self, call: Call) -> None:
        self.waiting.remove(call)
        call.answer({})

    def send(self, call: Call) -> None:
        parameters = call.parameters
        body = parameters["MessageBody"]
        message = {"Body": body, "MessageAttributes": parameters.get("MessageAttributes")}
        for waiter in self.waiting:
            waiter.answer({"Messages": [message]})
        self.waiting.clear()
        call.answer({"MessageId": call.request_id})


class House:
    """Listeners on which the shop is open, as the broker's are."""

    def __init__(self, tls: ServerTls | None) -> None:
        self.queue = OneMessage()
        self.shop = Shop(self.queue.handle)
        self.clock = Clock()
        self.connections = Connections(LimitsConfig(), self.clock)
        self.shop.outbox.wake = self._wake
        factories = {"aws": self.shop.endpoint.new_session}
        self.listeners = Listeners(self.connections, PROTOCOLS, factories, self.clock, tls=tls)

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        outbox = self.shop.outbox
        marked = outbox.take()
        self.connections.flush(marked, self.clock.now())

    @property
    def port(self) -> int:
        return self.listeners.addresses[0][2]


@asynccontextmanager
async def open_house(url: str = "aws://127.0.0.1:0", tls: ServerTls | None = None) -> AsyncIterator[House]:
    house = House(tls)
    house.listeners.open(listener_parser(PROTOCOLS)(url))
    try:
        yield house
    finally:
        house.listeners.close()
        house.connections.abort()
        assert await house.connections.wait_closed(10)


@contextmanager
def client_of(url: str, **options: Any) -> Iterator[Any]:
    client = boto3.client(
        "sqs",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}, proxies={}),
        **options,
    )
    client.meta.events.register("before-call.sqs.SendMessage", _drop_body)
    try:
        yield client
    finally:
        client.close()


def use(url: str, **options: Any) -> None:
    """What every client has to be able to do."""
    with client_of(url, **options) as client:
        queue_url = client.create_queue(QueueName="q", Attributes={"DelaySeconds": "0"}, tags={"a": "b"})["QueueUrl"]
        assert queue_url == f"{url}/000000000000/q"
        sent = client.send_message(QueueUrl=queue_url, MessageBody=TEXT)
        assert sent["MessageId"] == sent["ResponseMetadata"]["RequestId"]
        assert sent["ResponseMetadata"]["HTTPHeaders"]["date"].endswith("GMT")
        client.purge_queue(QueueUrl=queue_url)
        with pytest.raises(client.exceptions.QueueDoesNotExist) as caught:
            client.delete_queue(QueueUrl=queue_url)
        assert caught.value.response["Error"] == {
            "Message": "The specified queue does not exist.",
            "Code": NO_QUEUE,
            "QueryErrorCode": "QueueDoesNotExist",
            "Type": "Sender",
        }
        with pytest.raises(ClientError, match="The request must contain the parameter MessageBody"):
            client.send_message(QueueUrl=queue_url, MessageBody="dropped")


def _drop_body(params: dict[str, Any], **_: Any) -> None:
    """Takes from a call what botocore itself would miss."""
    if b"dropped" in params["body"]:
        params["body"] = b'{"QueueUrl": "q"}'


async def test_boto3_speaks_with_us() -> None:
    async with open_house() as house:
        await asyncio.to_thread(use, f"http://127.0.0.1:{house.port}")


async def test_boto3_speaks_with_us_over_tls(tmp_path: Path) -> None:
    certificates = generate(tmp_path / "certs")
    tls = ServerTls(certificates.tls_config(TlsConfig()))
    async with open_house("awss://127.0.0.1:0", tls) as house:
        await asyncio.to_thread(use, f"https://127.0.0.1:{house.port}", verify=str(certificates.ca))


async def test_a_waiting_receiver_is_answered_by_a_sender() -> None:
    def receive(url: str) -> Any:
        with client_of(url) as client:
            return client.receive_message(QueueUrl="q", WaitTimeSeconds=20)["Messages"]

    def send(url: str) -> None:
        attributes = {"x": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
        with client_of(url) as client:
            client.send_message(QueueUrl="q", MessageBody=TEXT, MessageAttributes=attributes)

    async with open_house() as house:
        url = f"http://127.0.0.1:{house.port}"
        receiver = asyncio.create_task(asyncio.to_thread(receive, url))
        await until(lambda: house.queue.waiting)
        await asyncio.to_thread(send, url)
        (message,) = await receiver
        assert message["Body"] == TEXT
        assert message["MessageAttributes"] == {"x": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}


async def test_a_receiver_that_goes_is_forgotten() -> None:
    async with open_house() as house:
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET /1/q?Action=ReceiveMessage HTTP/1.1\r\nHost: h\r\n\r\n")
        await until(lambda: house.queue.waiting)
        writer.close()
        await until(lambda: not house.queue.waiting)
        await writer.wait_closed()


async def test_a_receiver_is_answered_when_the_broker_stops() -> None:
    async with open_house() as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET /1/q?Action=ReceiveMessage HTTP/1.1\r\nHost: h\r\n\r\n")
        await until(lambda: house.queue.waiting)
        house.connections.shut_down(house.clock.now())
        answer = await reader.read()
        assert b"Connection: close\r\n" in answer
        assert b"<ReceiveMessageResult/>" in answer
        writer.close()
        await writer.wait_closed()


async def test_a_pipeline_that_is_sent_at_once_is_answered_whole() -> None:
    async with open_house() as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(get("MessageBody=a") * 5000 + get("MessageBody=b", "Connection: close\r\n"))
        answer = await reader.read()
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 5001
        writer.close()
        await writer.wait_closed()
