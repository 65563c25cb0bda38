"""The opening handshake of a WebSocket without a socket: which requests are accepted, and what the others are told."""

import pytest

from mqbroker.config.sections import WebSocketConfig
from mqbroker.limits import PREAUTH_BYTES_MAX
from mqbroker.net.upgrade import Answer, Carried, Handshake
from mqbroker.protocols.session import Peer, Session
from mqbroker.spoken import PROTOCOLS

CARRIED = Carried(PROTOCOLS)
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3, with the accept value below
ACCEPT = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"


def amqp(peer: Peer) -> Session:
    raise AssertionError("sessions are not made here")


def mqtt(peer: Peer) -> Session:
    raise AssertionError("sessions are not made here")


def stomp(peer: Peer) -> Session:
    raise AssertionError("sessions are not made here")


def request(path: str = "/ws/amqp", /, **headers: str | None) -> bytes:
    """A good request with headers changed, added, or left out where they are None; `_` in a name stands for `-`."""
    every = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}\r\n" for name, value in every.items() if value is not None]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")


def answer_to(data: bytes, config: WebSocketConfig | None = None, has_mqtt: bool = True) -> Answer:
    factories = {"amqp": amqp, "mqtt": mqtt, "stomp": stomp} if has_mqtt else {"amqp": amqp}
    answer = Handshake(config or WebSocketConfig(), CARRIED, factories).receive(data)
    assert answer is not None
    return answer


def status(answer: Answer) -> int:
    assert answer.data.startswith(b"HTTP/1.1 ")
    return int(answer.data.split(b" ")[1])


@pytest.mark.parametrize(
    ("authorization", "basic"),
    [
        (None, ("", "")),
        ("Basic Z3Vlc3Q6YTpi", ("guest", "a:b")),
        ("basic Z3Vlc3Q6", ("guest", "")),
        ("Basic", ("", "")),
        ("Basic Z3Vlc3Q=", ("", "")),  # no colon
        ("Basic =", ("", "")),
        ("Basic Zz", ("", "")),  # cut
        ("Bearer abc", ("", "")),
        ("", ("", "")),
    ],
)
def test_the_user_and_password_of_the_request_are_kept(authorization: str | None, basic: tuple[str, str]) -> None:
    answer = answer_to(request(Authorization=authorization))
    assert (status(answer), answer.basic) == (101, basic)


def test_an_upgrade_without_a_subprotocol_is_amqp() -> None:
    answer = answer_to(request())
    assert status(answer) == 101
    assert ACCEPT in answer.data
    assert b"Sec-WebSocket-Protocol" not in answer.data
    assert answer.new_session is amqp


@pytest.mark.parametrize(
    ("path", "offered", "chosen", "new_session"),
    [
        ("/", "amqp", "amqp", amqp),
        ("/ws", None, None, amqp),
        ("/mqtt/", None, None, amqp),
        ("/stomp", None, None, stomp),
        ("/stomp?x", "v12.stomp", "v12.stomp", stomp),
        ("/stomp", "mqtt", "mqtt", mqtt),
        ("/mqtt", "mqtt", "mqtt", mqtt),
        ("/mqtt?token=1", "mqtt", "mqtt", mqtt),
        ("/ws", "mqtt", "mqtt", mqtt),
        ("/ws", "mqttv3.1", "mqttv3.1", mqtt),
        ("/any/path", "mqttv3.1, mqtt", "mqttv3.1", mqtt),
        ("/", "chat, mqtt", "mqtt", mqtt),
        ("/", "amqp, mqtt", "amqp", amqp),
    ],
)
def test_the_first_known_subprotocol_says_what_is_spoken(
    path: str, offered: str | None, chosen: str | None, new_session: object
) -> None:
    """[MQTT-6.0.0-3] and [MQTT-6.0.0-4] ask for the subprotocol mqtt; RabbitMQ takes mqttv3.1 as well."""
    answer = answer_to(request(path, Sec_WebSocket_Protocol=offered))
    assert status(answer) == 101
    assert answer.new_session is new_session
    assert (b"Sec-WebSocket-Protocol: %s\r\n" % (chosen or "").encode() in answer.data) is (chosen is not None)


def test_several_header_lines_of_subprotocols_count_as_one() -> None:
    data = request().replace(b"Host:", b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: mqtt\r\nHost:")
    assert answer_to(data).new_session is mqtt


@pytest.mark.parametrize("offered", ["chat", "MQTT", "AMQPWSB9", "chat, v9.stomp"])
def test_unknown_subprotocols_are_refused(offered: str) -> None:
    answer = answer_to(request(Sec_WebSocket_Protocol=offered))
    assert status(answer) == 400
    assert b"none of the subprotocols is one of " in answer.data
    assert answer.new_session is None


@pytest.mark.parametrize("offered", [None, "amqp"])
@pytest.mark.parametrize("path", ["/mqtt", "/mqtt?x=/ws"])
def test_on_the_path_of_mqtt_its_subprotocol_must_be_named(path: str, offered: str | None) -> None:
    answer = answer_to(request(path, Sec_WebSocket_Protocol=offered))
    assert status(answer) == 400
    assert answer.data.endswith(b"\r\n\r\n/mqtt needs the subprotocol mqtt or mqttv3.1\n")


def test_a_health_check_is_answered_and_is_no_failure() -> None:
    """GET /health on the WebSocket listener was answered with an error, and logged as a failed connection."""
    answer = answer_to(b"GET /health?verbose HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status(answer) == 200
    assert answer.data.endswith(b"\r\n\r\nok\n")
    assert (answer.new_session, answer.reason) == (None, "")
    assert status(answer_to(request("/health"))) == 101


def test_a_protocol_that_is_not_there_is_unavailable() -> None:
    answer = answer_to(request(Sec_WebSocket_Protocol="mqtt"), has_mqtt=False)
    assert status(answer) == 503
    assert answer.data.endswith(b"\r\n\r\nmqtt is not spoken here\n")
    assert answer.reason == "HTTP 503 Service Unavailable"


@pytest.mark.parametrize("extension", ["permessage-deflate", "permessage-deflate; client_max_window_bits, x-anything"])
def test_compression_is_never_agreed_on(extension: str) -> None:
    answer = answer_to(request(Sec_WebSocket_Extensions=extension))
    assert status(answer) == 101
    assert b"Sec-WebSocket-Extensions" not in answer.data


@pytest.mark.parametrize(
    ("origins", "origin", "expected"),
    [
        ((), None, 101),
        ((), "https://anywhere.example", 101),
        (("https://shop.example",), "https://shop.example", 101),
        (("https://a.example", "https://b.example:8443"), "https://b.example:8443", 101),
        (("https://shop.example",), None, 101),
        (("https://shop.example",), "https://evil.example", 403),
        (("https://shop.example",), "https://shop.example.evil.example", 403),
        (("https://shop.example",), "http://shop.example", 403),
        (("https://shop.example",), "https://shop.example:8443", 403),
        (("https://shop.example",), "null", 403),
        (("https://shop.example",), "", 403),
        (("loopback",), "http://localhost:8000", 101),
        (("loopback",), "http://127.0.0.1:8000", 101),
        (("loopback",), None, 101),
        (("loopback",), "https://evil.example", 403),
    ],
)
def test_pages_of_other_origins_are_refused_when_origins_are_listed(
    origins: tuple[str, ...], origin: str | None, expected: int
) -> None:
    answer = answer_to(request(Origin=origin), WebSocketConfig(origins=origins))
    assert status(answer) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": None, "Connection": None, "Sec_WebSocket_Key": None, "Sec_WebSocket_Version": None},
        {"Upgrade": None},
        {"Connection": "close"},
        {"Upgrade": "h2c"},
    ],
)
def test_a_request_that_is_no_upgrade_is_told_that_one_is_required(changes: dict[str, str | None]) -> None:
    answer = answer_to(request(**changes))
    assert status(answer) == 426
    assert b"\r\nUpgrade: websocket\r\n" in answer.data
    assert b"\r\nConnection: close\r\n" in answer.data
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in answer.data


@pytest.mark.parametrize(
    "changes",
    [
        {"Sec_WebSocket_Version": "8"},
        {"Sec_WebSocket_Version": None},
        {"Sec_WebSocket_Key": None},
        {"Sec_WebSocket_Key": "short"},
        {"Sec_WebSocket_Key": "dG9vIHNob3J0"},
        {"Content_Length": "5"},
        {"Transfer_Encoding": "chunked"},
    ],
)
def test_a_malformed_upgrade_is_a_bad_request(changes: dict[str, str | None]) -> None:
    assert status(answer_to(request(**changes))) == 400


def test_another_version_is_told_which_one_is_spoken() -> None:
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in answer_to(request(Sec_WebSocket_Version="8")).data


@pytest.mark.parametrize(
    "data",
    [
        b"AMQP\x00\x00\x09\x01",
        b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
        b"\x16\x03\x01\x02\x00\x01",
        b"POST /ws HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_bad_one(data: bytes) -> None:
    answer = answer_to(data)
    assert status(answer) == 400
    assert answer.new_session is None
    assert answer.reason


def test_a_request_may_come_byte_by_byte() -> None:
    handshake = Handshake(WebSocketConfig(), CARRIED, {"amqp": amqp})
    data = request()
    assert [handshake.receive(data[at : at + 1]) for at in range(len(data) - 1)] == [None] * (len(data) - 1)
    answer = handshake.receive(data[-1:])
    assert answer is not None
    assert answer.new_session is amqp


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_request_may_be_cut_anywhere_and_what_follows_is_left(cut: int) -> None:
    handshake = Handshake(WebSocketConfig(), CARRIED, {"amqp": amqp})
    data = request()
    assert handshake.receive(data[:-cut]) is None
    answer = handshake.receive(data[-cut:] + b"frames")
    assert answer is not None
    assert (answer.new_session, answer.rest) == (amqp, b"frames")


def test_a_request_has_a_largest_size() -> None:
    handshake = Handshake(WebSocketConfig(), CARRIED, {"amqp": amqp})
    line = b"X-Filler: %s\r\n" % (b"x" * 1000)
    assert handshake.receive(b"GET / HTTP/1.1\r\n") is None
    for _ in range(PREAUTH_BYTES_MAX // len(line)):
        assert handshake.receive(line) is None
    answer = handshake.receive(line)
    assert answer is not None
    assert status(answer) == 431


@pytest.mark.parametrize(
    "data",
    [
        request("/" + "x" * 9000),
        request(Cookie="x" * 9000),
        request(**{f"X_{number}": "x" for number in range(200)}),
    ],
    ids=["path", "line", "lines"],
)
def test_lines_and_their_number_are_bounded(data: bytes) -> None:
    assert 400 <= status(answer_to(data)) < 500
