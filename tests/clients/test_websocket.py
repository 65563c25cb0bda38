"""AMQP over WebSocket octet by octet, and what a browser's page may find out, against a real broker."""

import ssl
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.support.amqp_talk import Closed, Talk
from tests.support.broker_process import BrokerProcess
from tests.support.websocket_amqp import WebSocketAmqp


class Recorder(Talk):
    """Keeps what would be sent."""

    written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def url_of(broker: BrokerProcess, scheme: str = "ws", path: str = "/ws/amqp") -> str:
    return f"{scheme}://localhost:{broker.ports[scheme]}{path}"


@pytest.mark.parametrize("message_size", [1, 2, 3, 5, 7, 8, 11, 100])
def test_the_handshake_and_a_publish_may_be_cut_into_messages_anywhere(
    broker: BrokerProcess, name: str, message_size: int
) -> None:
    with WebSocketAmqp(url_of(broker), message_size) as client:
        client.open()
        queue = client.declare(name)
        client.publish(queue, b"octet by octet", correlation_id="7")
        found = client.get(queue)
        assert found is not None
        assert found.body == b"octet by octet"


def test_a_message_may_hold_many_frames(broker: BrokerProcess, name: str) -> None:
    with WebSocketAmqp(url_of(broker)) as client:
        client.open()
        queue = client.declare(name)
        recorder = Recorder()
        for number in range(500):
            recorder.publish(queue, b"%d" % number)
        client.write(recorder.written)
        client.consume(queue, no_ack=True)
        assert client.deliveries(500) == [b"%d" % number for number in range(500)]


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("amqp")]])
@pytest.mark.parametrize("path", ["/", "/ws", "/ws/amqp", "/any/path?at=all"])
def test_amqp_is_on_every_path_but_the_one_of_mqtt(
    broker: BrokerProcess, path: str, subprotocols: list[Subprotocol] | None
) -> None:
    with WebSocketAmqp(url_of(broker, path=path), subprotocols=subprotocols) as client:
        client.open()
        assert client.websocket.subprotocol == (subprotocols[0] if subprotocols else None)


def test_a_body_of_several_frames_crosses_from_tcp_to_tls(broker: BrokerProcess, name: str) -> None:
    context = ssl.create_default_context(cafile=str(broker.data_dir / "certs" / "ca.pem"))
    body = bytes(range(256)) * 8000
    with (
        pika.BlockingConnection(pika.URLParameters(broker.url)) as connection,
        WebSocketAmqp(url_of(broker, "wss"), tls=context) as client,
    ):
        channel = connection.channel()
        channel.queue_declare(name, auto_delete=True)
        client.open()
        client.consume(name, no_ack=True)
        channel.basic_publish("", name, body)
        assert client.delivery().body == body
        client.publish(name, body)
        assert client.delivery().body == body


def test_an_error_of_the_connection_is_told_in_amqp_and_then_closed(broker: BrokerProcess) -> None:
    with WebSocketAmqp(url_of(broker)) as client:
        client.open()
        client.write(b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0b\x00")
        assert client.refusal(0).code == 501
        with pytest.raises(Closed):
            client.read()
        assert client.websocket.protocol.close_code == 1000


def test_a_wrong_password_is_told_and_closed(broker: BrokerProcess) -> None:
    with WebSocketAmqp(url_of(broker)) as client:
        client.begin()
        client.log_in(password="wrong")
        assert client.expect("connection.close", 0).args["reply_code"] == 403


def test_only_pages_of_the_listed_origins_may_connect(tmp_path: Path) -> None:
    config = '[websocket]\norigins = ["https://Shop.example"]\n'
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "memory", schemes=("ws",), config=config) as broker:
        with WebSocketAmqp(url_of(broker), origin=Origin("https://shop.example")) as client:
            client.open()
        with pytest.raises(InvalidStatus, match="HTTP 403"):
            WebSocketAmqp(url_of(broker), origin=Origin("https://evil.example"))


def test_whoever_is_silent_during_the_log_in_is_cut(tmp_path: Path) -> None:
    config = "[limits]\npreauth_timeout_s = 1\n"
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "memory", schemes=("ws",), config=config) as broker:
        client = WebSocketAmqp(url_of(broker))
        client.begin()
        with pytest.raises(Closed):
            client.read()


def test_a_stopping_broker_takes_its_leave(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "memory", schemes=("ws",)) as broker:
        with WebSocketAmqp(url_of(broker)) as client, WebSocketAmqp(url_of(broker)) as silent:
            client.open()
            assert broker.process is not None
            broker.process.terminate()
            assert client.refusal(0).code == 320
            with pytest.raises(Closed):
                client.read()
            with pytest.raises(Closed):
                silent.read()
        assert broker.process.wait(10) == 0
