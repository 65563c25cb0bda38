"""Endpoints that hang, drip, send megabytes, redirect, flap or are dead, by the thousand; mail servers that greylist.

Whoever behaves is served meanwhile, connections and memory are bounded, and each retry is accounted for.
"""

import asyncio
import json
import re
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mqbroker.net import devcerts
from tests.aws.sns.conftest import Queues
from tests.aws.sns.receiver import WAIT_S, Receiver
from tests.aws.sns.test_http import confirmed
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess
from tests.support.ports import free_port

CONNECTIONS = 32
THOUSAND = 1000
ACCOUNT = "000000000000"
DEAD_TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:dead"


class Crowd:
    """A server of a thousand endpoints, by path. It takes requests to confirm a subscription, and keeps their tokens;
    what it does with all else depends on how the path begins."""

    def __init__(self) -> None:
        self.open = self.most = 0
        self.arrived: dict[str, int] = {}
        self.tokens: Queue[str] = Queue()
        self.taken: Queue[str] = Queue()
        """What an endpoint that flaps has said that it has taken."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(WAIT_S)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, backlog=THOUSAND)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                assert length is not None
                body = await reader.readexactly(int(length[1]))
                path = head.split(" ")[1]
                if "x-amz-sns-message-type: SubscriptionConfirmation" in head:
                    self.tokens.put(json.loads(body)["Token"])
                    path = "/ok"
                elif path.startswith("/flap") and self.arrived.get(path, 0) % 3 == 0:
                    self.taken.put(json.loads(body)["Message"])
                self.arrived[path] = self.arrived.get(path, 0) + 1
                await self._answer(path, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if path.startswith("/hang"):
            await reader.read()
        elif path.startswith("/drip"):
            for octet in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000:
                writer.write(bytes((octet,)))
                await writer.drain()
                await asyncio.sleep(0.05)
        elif path.startswith("/megabytes"):
            writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                writer.write(bytes(65_536))
                await writer.drain()
        elif path.startswith("/flap") and self.arrived[path] % 3 == 0:
            writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
        elif path.startswith("/redirect"):
            writer.write(b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        elif path.startswith("/close") or (path.startswith("/flap") and self.arrived[path] % 3 == 2):
            writer.transport.abort()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(WAIT_S)


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    made = Crowd()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, crowd: Crowd) -> Iterator[BrokerProcess]:
    """A broker with few connections, and a topic whose thousand endpoints do not answer."""
    lines = [f"[aws.sns]\nconnections_max = {CONNECTIONS}\ntimeout_s = 2\n", '[[aws.topics]]\nname = "dead"\n']
    for number in range(THOUSAND):
        kind = ("hang", "drip", "megabytes", "close")[number % 4]
        endpoint = f"http://127.0.0.1:{crowd.port}/{kind}/{number}"
        lines.append(f'[[aws.subscriptions]]\ntopic = "dead"\nprotocol = "http"\nendpoint = "{endpoint}"\n')
    data_dir = tmp_path_factory.mktemp("sns") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=("aws",), config="\n".join(lines)) as running:
        yield running


def metric(broker: BrokerProcess, name: str, topic: str = "") -> float:
    """The value of a metric, of all topics or of one."""
    with urllib.request.urlopen(f"http://127.0.0.1:{broker.ports['aws']}/_mqbroker/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if line.startswith(name) and (not topic or f'TopicName="{topic}"' in line)]
    return sum(float(line.rpartition(" ")[2]) for line in found)


def resident_bytes(broker: BrokerProcess) -> int:
    status = Path(f"/proc/{broker.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.timeout(180)
def test_a_thousand_dead_endpoints_disturb_nobody(
    sns: Any, topic: str, queues: Queues, broker: BrokerProcess, crowd: Crowd
) -> None:
    """Each took a place until its time was over, and whoever came next waited for all of them."""
    url = queues.subscribed(topic)
    with Receiver() as good:
        confirmed(sns, topic, good)
        sns.publish(TopicArn=topic, Message="first")
        good.take()
        before = resident_bytes(broker)
        for number in range(10):
            sns.publish(TopicArn=DEAD_TOPIC, Message=str(number))
        waits = []
        for number in range(50):
            began = time.monotonic()
            sns.publish(TopicArn=topic, Message=str(number))
            assert good.take().json()["Message"] == str(number)
            waits.append(time.monotonic() - began)
        assert sorted(waits)[45] < 2, "no longer than one that hangs may take"
    assert len(queues.take(url)) == 51
    assert crowd.most <= CONNECTIONS
    assert metric(broker, "DeliveriesUnderWay") <= CONNECTIONS
    assert metric(broker, "NumberOfNotificationsWaiting", "dead") == 10 * THOUSAND
    assert resident_bytes(broker) - before < 100 << 20
    sns.delete_topic(TopicArn=DEAD_TOPIC)


def outcomes(broker: BrokerProcess, subscription: str) -> list[dict[str, Any]]:
    """What became of the messages of a subscription."""
    with urllib.request.urlopen(f"http://127.0.0.1:{broker.ports['aws']}/_mqbroker/sns/notifications") as answer:
        found = json.load(answer)["Notifications"]
    return [each for each in found if each["SubscriptionArn"] == subscription]


RETRIES: dict[str, Any] = {
    "healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 2, "numNoDelayRetries": 2}
}


@pytest.mark.parametrize("kind", ["hang", "drip", "megabytes", "close"])
def test_what_does_not_answer_is_given_up_and_each_attempt_is_counted(
    sns: Any, topic: str, name: str, queues: Queues, crowd: Crowd, broker: BrokerProcess, kind: str
) -> None:
    dead, path = queues.make(), f"/{kind}/{name}"
    redrive = json.dumps({"deadLetterTargetArn": queues.arn(dead)})
    given = {"DeliveryPolicy": json.dumps(RETRIES), "RedrivePolicy": redrive}
    endpoint = f"http://127.0.0.1:{crowd.port}{path}"
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint, Attributes=given)
    arn = sns.confirm_subscription(TopicArn=topic, Token=crowd.tokens.get(timeout=WAIT_S))["SubscriptionArn"]
    retried = metric(broker, "DeliveryRetries_total")
    sns.publish(TopicArn=topic, Message="m")
    (notice,) = queues.notices(dead, 20)
    assert notice["Message"] == "m"
    (outcome,) = outcomes(broker, arn)
    assert (outcome["Status"], outcome["Attempts"]) == ("FAILURE", 3)
    assert metric(broker, "DeliveryRetries_total") == retried + 2
    assert metric(broker, "NumberOfNotificationsFailed_total", name) == 1
    assert crowd.arrived[path] >= 3  # a kept connection that is closed has the request sent on another one


def test_a_redirection_is_not_followed(
    sns: Any, topic: str, name: str, queues: Queues, crowd: Crowd, broker: BrokerProcess
) -> None:
    """An endpoint could have led the broker to services of its network."""
    dead = queues.make()
    given = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": queues.arn(dead)})}
    endpoint = f"http://127.0.0.1:{crowd.port}/redirect/{name}"
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint, Attributes=given)
    arn = sns.confirm_subscription(TopicArn=topic, Token=crowd.tokens.get(timeout=WAIT_S))["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="m")
    assert queues.texts(dead, 20) == ["m"]
    (outcome,) = outcomes(broker, arn)
    assert (outcome["StatusCode"], outcome["Attempts"]) == (307, 1)
    assert "/elsewhere" not in crowd.arrived


def test_a_certificate_of_nobody_known_is_not_trusted(
    sns: Any, topic: str, broker: BrokerProcess, tmp_path: Path
) -> None:
    """Not even the request to confirm is sent, which has the token. It may be a mistake, so it is tried again."""
    certificates = devcerts.ensure(tmp_path / "certs")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    retried = metric(broker, "DeliveryRetries_total")
    with Receiver(tls=tls) as receiver:
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=f"{receiver.url}/in")
        deadline = time.monotonic() + WAIT_S
        while metric(broker, "DeliveryRetries_total") == retried:
            assert time.monotonic() < deadline
        assert receiver.arrivals.empty()


def test_an_endpoint_that_flaps_gets_everything(sns: Any, topic: str, name: str, crowd: Crowd) -> None:
    """It answers, closes the connection, answers with 503, and answers again."""
    patient = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 60}}
    endpoint = f"http://127.0.0.1:{crowd.port}/flap/{name}"
    given = {"DeliveryPolicy": json.dumps(patient)}
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint, Attributes=given)
    sns.confirm_subscription(TopicArn=topic, Token=crowd.tokens.get(timeout=WAIT_S))
    texts = {str(number) for number in range(30)}
    for text in texts:
        sns.publish(TopicArn=topic, Message=text)
    arrived: set[str] = set()
    while arrived != texts:
        arrived.add(crowd.taken.get(timeout=WAIT_S))


@pytest.mark.timeout(120)
def test_endpoints_in_private_networks_are_not_called(tmp_path: Path) -> None:
    """Whoever may subscribe could have called the services of the broker's network."""
    config = '[aws.sns]\nprivate_networks = ["10.255.255.0/24"]\n'
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=config) as broker, Receiver() as receiver:
        sns = client(broker, "sns")
        topic = sns.create_topic(Name="t")["TopicArn"]
        port = receiver.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://{host}:{port}/")
        deadline = time.monotonic() + WAIT_S
        while metric(broker, "NumberOfNotificationsWaiting", "t"):
            assert time.monotonic() < deadline
        assert receiver.is_quiet(0.5)
        sns.close()


class Greylisting:
    """A mail server that refuses each recipient the first time."""

    def __init__(self) -> None:
        self.attempts: Queue[str] = Queue()
        self.known: set[str] = set()

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        self.attempts.put(address)
        if address not in self.known:
            self.known.add(address)
            return "450 4.2.0 greylisted, try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.attempts.put("delivered")
        return "250 OK"


@pytest.mark.timeout(120)
def test_mail_that_is_greylisted_comes_later(tmp_path: Path) -> None:
    """Over a kill as well: that it is to be tried again is in the journal."""
    handler = Greylisting()
    server = Controller(handler, hostname="127.0.0.1", port=free_port())
    server.start()
    config = f'[aws.sns]\nsmtp_url = "smtp://127.0.0.1:{server.port}"\n'
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", schemes=("aws",), config=config) as broker:
        sns = client(broker, "sns")
        topic = sns.create_topic(Name="t")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com")
        assert handler.attempts.get(timeout=WAIT_S) == "ann@example.com"
        deadline = time.monotonic() + WAIT_S
        while metric(broker, "DeliveryRetries_total") < 1:
            assert time.monotonic() < deadline
        sns.close()
        broker.kill()
        broker.start()
        assert handler.attempts.get(timeout=2 * WAIT_S) == "ann@example.com"
        assert handler.attempts.get(timeout=WAIT_S) == "delivered"
    server.stop()
