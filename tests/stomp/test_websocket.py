"""STOMP over WebSocket against a real broker, by each of its subprotocols."""

import ssl
from contextlib import AbstractContextManager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.connection import Connection
from websockets.typing import Subprotocol

from tests.stomp.house import Frame, frame, parse_frames
from tests.support.broker_process import BrokerProcess
from tests.support.websocket_client import connect

WAIT_S = 15
LOGIN = frame("CONNECT", accept_version="1.2", login="guest", passcode="guest")


def opened(broker: BrokerProcess, subprotocol: str, scheme: str = "ws") -> AbstractContextManager[Connection]:
    tls = None
    if scheme == "wss":
        tls = ssl.create_default_context(cafile=str(broker.data_dir / "certs" / "ca.pem"))
    url = f"{scheme}://localhost:{broker.ports[scheme]}/ws"
    return connect(url, tls, subprotocols=[Subprotocol(subprotocol)], open_timeout=WAIT_S, max_size=None)


def received(client: Connection, count: int) -> list[Frame]:
    """So many frames, and whether all messages were text ones."""
    data = b""
    while True:
        message: Any = client.recv(WAIT_S)
        data += message.encode() if isinstance(message, str) else message
        try:
            frames = parse_frames(data)
        except (ValueError, AssertionError):
            continue  # the last one is not complete
        if len(frames) >= count:
            return frames


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("subprotocol", ["v10.stomp", "v11.stomp", "v12.stomp", "stomp"])
def test_frames_come_and_go_in_text_messages(broker: BrokerProcess, subprotocol: str, scheme: str) -> None:
    with opened(broker, subprotocol, scheme) as client:
        assert client.subprotocol == subprotocol
        client.send(LOGIN.decode())
        assert isinstance(client.recv(WAIT_S), str)
        queue = f"/queue/{subprotocol}-{scheme}"
        client.send((frame("SUBSCRIBE", id=1, destination=queue) + b"\n").decode())
        client.send(frame("SEND", "hällo".encode(), destination=queue).decode())
        assert received(client, 1)[0].body == "hällo".encode()


@pytest.mark.parametrize("path", ["/ws", "/", "/stomp"])
@pytest.mark.parametrize("as_text", [True, False])
def test_a_client_may_name_no_subprotocol(broker: BrokerProcess, path: str, as_text: bool) -> None:
    """Pages that were written for RabbitMQ's web_stomp say `Stomp.over(new WebSocket(".../ws"))`."""
    with connect(f"ws://localhost:{broker.ports['ws']}{path}", open_timeout=WAIT_S) as client:
        assert client.subprotocol is None
        login = b"\n" + LOGIN
        client.send(login.decode() if as_text else login)
        assert isinstance(client.recv(WAIT_S), str)
        queue = f"/queue/unnamed{path.strip('/')}-{as_text}"
        for octets in (frame("SUBSCRIBE", id=1, destination=queue), frame("SEND", b"x", destination=queue)):
            client.send(octets.decode())
        assert received(client, 1)[0].body == b"x"


def test_a_client_without_a_subprotocol_that_says_nothing_known_is_told(broker: BrokerProcess) -> None:
    with connect(f"ws://localhost:{broker.ports['ws']}/ws", open_timeout=WAIT_S) as client:
        client.send(b"nonsense")
        assert client.recv(WAIT_S) == b"AMQP\0\0\x09\x01"  # what is taken where nothing else is meant


@pytest.mark.parametrize("offered", [["v10.stomp", "v11.stomp", "v12.stomp"], ["unknown", "v11.stomp", "v12.stomp"]])
def test_the_newest_subprotocol_wins(broker: BrokerProcess, offered: list[str]) -> None:
    with connect(
        f"ws://localhost:{broker.ports['ws']}/ws", subprotocols=[Subprotocol(each) for each in offered]
    ) as client:
        assert client.subprotocol == "v12.stomp"


@pytest.mark.parametrize(
    ("octets", "code", "reason"),
    [
        (frame("DISCONNECT"), 1000, "STOMP died"),
        (b"SEND\nno colon\n\n\0", 1007, ""),
        (frame("CONNECT"), 1000, "STOMP died"),
    ],
)
def test_the_close_says_why(broker: BrokerProcess, octets: bytes, code: int, reason: str) -> None:
    """A client could not tell whether it was its own frame that had ended the connection."""
    with opened(broker, "v12.stomp") as client:
        client.send(LOGIN)
        client.recv(WAIT_S)
        client.send(octets)
        with pytest.raises(ConnectionClosed) as closed:
            list(iter(lambda: client.recv(WAIT_S), None))
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)


def test_a_frame_may_span_messages_of_either_kind(broker: BrokerProcess) -> None:
    with opened(broker, "v12.stomp") as client:
        for octet in LOGIN.decode():
            client.send(octet)
        client.recv(WAIT_S)
        body = bytes(range(256)) * 600
        client.send(frame("SUBSCRIBE", id=1, destination="/queue/pieces"))
        octets = frame("SEND", body, destination="/queue/pieces", content_length=len(body))
        for start in range(0, len(octets), 50_000):
            client.send(octets[start : start + 50_000])
        assert received(client, 1)[0].body == body


def test_a_long_text_comes_in_pieces_that_are_texts(broker: BrokerProcess) -> None:
    with opened(broker, "v11.stomp") as client:
        client.send(LOGIN.decode())
        client.recv(WAIT_S)
        body = "€" * 100_000
        client.send(frame("SUBSCRIBE", id=1, destination="/queue/long").decode())
        client.send(frame("SEND", body.encode(), destination="/queue/long").decode())
        assert received(client, 1)[0].body.decode() == body
