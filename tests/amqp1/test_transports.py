"""AMQP 1.0 over TLS and WebSocket, its other mechanisms, and signs of life."""

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.typing import Subprotocol

from mqbroker.core.access.passwords import hash_for_scram
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.performatives import (
    Begin,
    Close,
    Open,
    SaslChallenge,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    SaslResponse,
)
from tests.amqp1.raw import RawAmqp1
from tests.support.broker_process import BrokerProcess
from tests.support.scram import ScramClient
from tests.support.websocket_client import connect

CONFIG = f"""
[amqp1]
mechanisms = ["PLAIN", "SCRAM-SHA-256", "ANONYMOUS"]
anonymous_user = "guest"
idle_timeout_ms = 1000
[[users]]
name = "anna"
password_hash = "{hash_for_scram(b"secret", b"0123456789abcdef")}"
[[users.permissions]]
vhost = "/"
configure = ".*"
write = ".*"
read = ".*"
"""


@pytest.fixture(scope="module")
def open_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker that lets in clients without a name."""
    data_dir: Path = tmp_path_factory.mktemp("open") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=("amqp",), config=CONFIG) as running:
        yield running


def test_tls(broker: BrokerProcess) -> None:
    context = ssl.create_default_context(cafile=str(broker.data_dir / "certs" / "ca.pem"))
    with RawAmqp1(broker.ports["amqps"], context) as client:
        client.open()
        client.begin()


@pytest.mark.parametrize("subprotocol", ["amqp", None])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_websocket(broker: BrokerProcess, scheme: str, subprotocol: str | None) -> None:
    """A WebSocket for AMQP was one for 0-9-1, whatever header came."""
    context = ssl.create_default_context(cafile=str(broker.data_dir / "certs" / "ca.pem"))
    offered = None if subprotocol is None else [Subprotocol(subprotocol)]
    url = f"{scheme}://localhost:{broker.ports[scheme]}/"
    with connect(url, context if scheme == "wss" else None, subprotocols=offered) as socket:
        socket.send(frames.SASL_HEADER + frames.sasl(SaslInit("PLAIN", b"\0guest\0guest")))
        socket.send(frames.AMQP_HEADER + frames.performative(0, Open("web")))
        socket.send(frames.performative(0, Close()))
        received = b""
        while not received.endswith(frames.performative(0, Close())):
            part = socket.recv(15)
            assert isinstance(part, bytes)
            received += part
        assert received.startswith(frames.SASL_HEADER)
        assert frames.AMQP_HEADER in received


def test_a_client_without_a_name_is_let_in_where_somebody_is_anonymous(open_broker: BrokerProcess) -> None:
    """rhea without a user name skips SASL."""
    with RawAmqp1(open_broker.ports["amqp"]) as client:
        client.say(frames.AMQP_HEADER)
        assert client.octets(8) == frames.AMQP_HEADER
        client.send(Open("nobody"))
        client.expect(Open)
    with RawAmqp1(open_broker.ports["amqp"]) as client:
        client.say(frames.SASL_HEADER + frames.sasl(SaslInit("ANONYMOUS", b"trace")))
        client.octets(8)
        client.expect(SaslMechanisms)
        assert client.expect(SaslOutcome).code == 0


@pytest.mark.parametrize(("password", "code"), [("secret", 0), ("wrong", 1)])
def test_scram(open_broker: BrokerProcess, password: str, code: int) -> None:
    """The password does not go over the wire, and the broker shows that it knows it too."""
    with RawAmqp1(open_broker.ports["amqp"]) as client:
        scram = ScramClient("anna", password.encode())
        client.say(frames.SASL_HEADER + frames.sasl(SaslInit("SCRAM-SHA-256", scram.first)))
        client.octets(8)
        client.expect(SaslMechanisms)
        challenge = client.expect(SaslChallenge).challenge
        client.say(frames.sasl(SaslResponse(scram.final(challenge))))
        outcome = client.expect(SaslOutcome)
        assert outcome.code == code
        if code == 0:
            assert outcome.additional_data == b"v=" + base64.b64encode(scram.signature)
            client.say(frames.AMQP_HEADER)
            assert client.octets(8) == frames.AMQP_HEADER
        else:
            assert client.is_cut()


def test_a_silent_client_is_closed(open_broker: BrokerProcess) -> None:
    with RawAmqp1(open_broker.ports["amqp"]) as client:
        assert client.open().idle_time_out == 1000
        text = "no frame received from client within idle timeout threshold"
        assert client.error_of(Close) == ("amqp:resource-limit-exceeded", text)


def test_a_client_that_wants_signs_of_life_gets_them(open_broker: BrokerProcess) -> None:
    with RawAmqp1(open_broker.ports["amqp"]) as client:
        client.open(idle_time_out=1000)
        client.send(Begin(None, 0, 1, 1))
        client.expect(Begin)
        for _ in range(3):
            assert client.octets(8) == frames.EMPTY
            client.say(frames.EMPTY)


def test_a_broker_that_stops_says_so(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev") as broker, RawAmqp1(broker.ports["amqp"]) as client:
        client.open()
        assert broker.process is not None
        broker.process.terminate()
        condition, text = client.error_of(Close)
        assert condition == "amqp:connection:forced"
        assert "shutdown" in text
        client.send(Close())
