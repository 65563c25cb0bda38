"""Whatever stops a broker from reading a connection ends by itself: no other event is needed, on any protocol.

The clients here send everything in one go and then only read: no heartbeat, no ping, nobody else connected.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from mqbroker.protocols.amqp import frames
from mqbroker.protocols.amqp.limits import AMQP_HELD_FRAMES_BYTES_MAX
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.http.limits import HTTP_PIPELINE_MAX
from mqbroker.protocols.mqtt.codec import packets as p
from mqbroker.protocols.mqtt.codec.encode import encode
from tests.support.amqp_talk import Talk
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp
from tests.support.raw_http import RawHttp
from tests.support.raw_mqtt import RawMqtt
from tests.support.websocket_amqp import WebSocketAmqp

PATIENCE_S = 60.0  # a busy machine declares 50,000 queues in a few seconds
CONFIG = """
[mqtt]
receive_rate_max = 100
system_interval_s = 0
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker that syncs each batch, so that commits take their time."""
    options = ("--dev", "--durability", "fsync")
    folder = tmp_path_factory.mktemp("reading")
    with BrokerProcess(folder / "data", *options, schemes=("amqp", "ws", "aws", "mqtt"), config=CONFIG) as process:
        yield process


@contextmanager
def raw(broker: BrokerProcess) -> Iterator[Talk]:
    """A connection over TCP."""
    with RawAmqp(broker.ports["amqp"]) as client:
        client.socket.settimeout(PATIENCE_S)
        client.open()
        yield client


@contextmanager
def websocket(broker: BrokerProcess) -> Iterator[Talk]:
    """A connection over WebSocket."""
    with WebSocketAmqp(f"ws://127.0.0.1:{broker.ports['ws']}/", patience_s=PATIENCE_S) as client:
        client.open()
        yield client


Connect = Callable[[BrokerProcess], AbstractContextManager[Talk]]
OVER = pytest.mark.parametrize("connection", [raw, websocket])


def sent_aside(client: Talk, octets: bytes) -> threading.Thread:
    """Sends octets while the caller reads: a broker that is not read need not read either."""
    sender = threading.Thread(target=client.write, args=(octets,), daemon=True)
    sender.start()
    return sender


# --- AMQP: waiting for the journal ----------------------------------------------------------------------------------


@OVER
def test_50000_queues_declared_in_one_go_without_waiting_are_all_there(
    broker: BrokerProcess, connection: Connect
) -> None:
    """The fault: reading stopped after a commit, and nobody woke it. It stopped for ever at the 31,292nd of 50,000
    no-wait durable declarations, with 716 kB unread."""
    name = f"{connection.__name__}.queue"
    with connection(broker) as client:
        declarations = [
            encode_method("queue.declare", 1, queue=f"{name}.{number}", durable=True, nowait=True)
            for number in range(50_000)
        ]
        last = encode_method("queue.declare", 1, queue=f"{name}.49999", passive=True)
        sender = sent_aside(client, b"".join(declarations) + last)
        assert client.expect("queue.declare-ok").args["queue"] == f"{name}.49999"
        sender.join(PATIENCE_S)


@OVER
def test_more_than_is_kept_after_a_commit_is_all_done(broker: BrokerProcess, connection: Connect) -> None:
    """Each commit holds its channel until the disk has it; what comes after it is kept, up to a bound."""
    body = bytes(20_000)
    content = frames.content_header_frame(1, build(delivery_mode=2).raw, len(body))
    with connection(broker) as client:
        queue = client.declare(f"{connection.__name__}.held", durable=True)
        client.call("tx.select")
        publish = encode_method("basic.publish", 1, routing_key=queue) + content
        publish += b"".join(frames.body_frames(1, body, client.frame_max))
        count = 4 * AMQP_HELD_FRAMES_BYTES_MAX // len(publish)
        sender = sent_aside(client, (publish + encode_method("tx.commit", 1)) * count)
        for _ in range(count):
            client.expect("tx.commit-ok")
        sender.join(PATIENCE_S)
        assert client.count(queue) == count


def test_a_close_after_much_that_is_held_comes_after_all_of_it(broker: BrokerProcess) -> None:
    with raw(broker) as client:
        declarations = [encode_method("queue.declare", 1, queue=f"held.{n}", durable=True) for n in range(500)]
        sender = sent_aside(client, b"".join(declarations) + encode_method("connection.close", 0))
        for number in range(500):
            assert client.expect("queue.declare-ok").args["queue"] == f"held.{number}"
        client.expect("connection.close-ok", 0)
        sender.join(PATIENCE_S)


# --- MQTT -----------------------------------------------------------------------------------------------------------


def test_a_publisher_over_its_rate_goes_on_in_the_next_second(broker: BrokerProcess) -> None:
    with RawMqtt(broker.ports["mqtt"]) as client:
        assert client.connect("fast", keep_alive_s=0).reason == 0
        packets = [encode(p.Publish("t", bytes(2_000), 1, packet_id=number + 1), 5) for number in range(350)]
        sender = threading.Thread(target=client.say, args=(b"".join(packets),), daemon=True)
        sender.start()
        for number in range(350):
            assert client.receive().packet_id == number + 1
        sender.join(PATIENCE_S)


def test_a_publisher_that_is_held_for_a_client_that_never_reads_goes_on(tmp_path: Path) -> None:
    options = ("--dev", "--durability", "memory")
    config = "[mqtt]\nsystem_interval_s = 0\n"
    with (
        BrokerProcess(tmp_path / "data", *options, schemes=("mqtt",), config=config) as broker,
        RawMqtt(broker.ports["mqtt"]) as stuck,
        RawMqtt(broker.ports["mqtt"]) as client,
    ):
        stuck.connect("stuck", keep_alive_s=0)
        stuck.send(p.Subscribe(1, [p.TopicFilter("t")]))
        stuck.receive()
        client.connect("fast", keep_alive_s=0)
        packet = encode(p.Publish("t", bytes(100_000)), 5)
        for _ in range(300):
            client.say(packet)
        client.send(p.PingReq())
        assert isinstance(client.receive(), p.PingResp)


def test_what_follows_a_log_in_that_takes_its_time_is_done(broker: BrokerProcess) -> None:
    """A password is checked elsewhere, and nothing is read meanwhile."""
    with RawMqtt(broker.ports["mqtt"]) as client:
        packets = [encode(p.Publish("t", bytes(4_000), 1, packet_id=number + 1), 5) for number in range(80)]
        connect = encode(p.Connect("eager", user_name="guest", password=b"guest", keep_alive_s=0), 5)
        sender = threading.Thread(target=client.say, args=(connect + b"".join(packets),), daemon=True)
        sender.start()
        assert client.receive().reason == 0
        for number in range(80):
            assert client.receive().packet_id == number + 1
        sender.join(PATIENCE_S)


# --- HTTP -----------------------------------------------------------------------------------------------------------


def call(action: str, body: str) -> bytes:
    """One call of SQS, unsigned."""
    lines = (
        "POST / HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/x-amz-json-1.0",
        f"X-Amz-Target: AmazonSQS.{action}",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    return "\r\n".join(lines).encode()


def test_calls_in_a_pipeline_that_is_too_long_are_all_answered(broker: BrokerProcess) -> None:
    url = "http://localhost/000000000000/pipeline"
    with RawHttp(broker.ports["aws"]) as client:
        client.send(call("CreateQueue", '{"QueueName": "pipeline"}'))
        assert client.answer()[0] == 200
        count = 20 * HTTP_PIPELINE_MAX
        body = f'{{"QueueUrl": "{url}", "MessageBody": "{"x" * 1000}"}}'
        sender = threading.Thread(target=client.send, args=(call("SendMessage", body) * count,), daemon=True)
        sender.start()
        assert [client.answer()[0] for _ in range(count)] == [200] * count
        sender.join(PATIENCE_S)


def test_long_polls_in_a_pipeline_that_is_too_long_are_all_answered(broker: BrokerProcess) -> None:
    with RawHttp(broker.ports["aws"]) as client:
        client.send(call("CreateQueue", '{"QueueName": "polled"}'))
        assert client.answer()[0] == 200
        poll = call("ReceiveMessage", '{"QueueUrl": "http://localhost/000000000000/polled", "WaitTimeSeconds": 1}')
        count = 2 * HTTP_PIPELINE_MAX + 5
        client.send(poll * count)
        assert [client.answer()[0] for _ in range(count)] == [200] * count
