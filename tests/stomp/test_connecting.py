"""From the first octet to CONNECTED: versions, log-ins, vhosts, heart-beats, and who does not speak STOMP."""

import pytest

from mqbroker.config.composition import listener_parser
from mqbroker.protocols.amqp.protocol import AmqpProtocol
from mqbroker.protocols.recognition import Recognition
from mqbroker.protocols.session import Peer
from mqbroker.spoken import PROTOCOLS
from tests.stomp.house import House, frame


@pytest.fixture
def house() -> House:
    return House()


# --- the log-in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "version"),
    [(None, "1.0"), ("1.0", "1.0"), ("1.0,1.1", "1.1"), ("1.2,1.1,1.0", "1.2"), ("2.0,1.1", "1.1")],
)
def test_the_highest_common_version_is_taken(house: House, accepted: str | None, version: str) -> None:
    client = house.begin()
    headers = {} if accepted is None else {"accept_version": accepted}
    client.send("CONNECT", login="guest", passcode="guest", **headers)
    connected = client.take("CONNECTED")
    assert connected.headers["version"] == version
    assert connected.headers["server"].startswith("mqbroker/")
    assert connected.headers["session"].startswith("session-")


def test_no_common_version_is_answered_with_those_there_are(house: House) -> None:
    client = house.begin()
    client.send("CONNECT", accept_version="2.1,3.0")
    assert client.error() == ("Version mismatch", "Supported versions are 1.0,1.1,1.2\n")
    assert client.is_ended


REFUSED_LOGINS = [
    ({"login": "guest", "passcode": "wrong"}, "Access refused for user 'guest'\n"),
    ({"login": "nobody", "passcode": "nobody"}, "Access refused for user 'nobody'\n"),
    ({}, "Access refused for user ''\n"),
    ({"login": "guest", "passcode": "guest", "host": "v"}, "Virtual host 'v' access denied"),
]


@pytest.mark.parametrize(("headers", "detail"), REFUSED_LOGINS)
def test_a_refused_login_may_be_tried_again(house: House, headers: dict[str, str], detail: str) -> None:
    client = house.begin()
    client.send("CONNECT", **headers)
    assert client.error() == ("Bad CONNECT", detail)
    assert not client.is_ended
    client.send("STOMP", login="guest", passcode="guest")
    client.take("CONNECTED")


def test_guest_from_elsewhere_is_refused(house: House) -> None:
    client = house.begin(Peer("192.0.2.1", 1, False))
    client.send("CONNECT", login="guest", passcode="guest")
    assert client.error() == ("Bad CONNECT", "non-loopback access denied")


def test_a_vhost_may_be_full(house: House) -> None:
    house.broker.set_vhost_limits("/", {"max-connections": 0})
    client = house.begin()
    client.send("CONNECT", login="guest", passcode="guest")
    assert client.error() == ("Bad CONNECT", "Connection refused: vhost connection limit reached")


def test_a_user_may_have_enough_connections(house: House) -> None:
    house.broker.set_user_limits("guest", {"max-connections": 0})
    client = house.begin()
    client.send("CONNECT", login="guest", passcode="guest")
    assert client.error() == ("Bad CONNECT", "Connection refused: user connection limit reached")


def test_a_user_for_those_without_a_login_is_configured() -> None:
    client = House(anonymous_user="guest").begin()
    client.send("CONNECT")
    client.take("CONNECTED")


def test_hosts_that_are_no_vhosts_may_be_ignored() -> None:
    client = House(unknown_host_is_default=True).begin()
    client.send("CONNECT", login="guest", passcode="guest", host="127.0.0.1")
    client.take("CONNECTED")


def test_what_is_sent_ahead_of_connected_waits_for_it(house: House) -> None:
    """aiostomp sends SUBSCRIBE and SEND behind CONNECT, without waiting."""
    house.passwords.is_slow = True
    client = house.begin()
    login = frame("CONNECT", accept_version="1.1", login="guest", passcode="guest")
    subscribe = frame("SUBSCRIBE", id=1, destination="/queue/a")
    client.write(login + subscribe + frame("SEND", b"x", destination="/queue/a"))
    assert client.frames() == []
    assert not client.session.is_reading
    house.passwords.pending.pop()()
    house.turn()
    assert [each.command for each in client.frames()] == ["CONNECTED", "MESSAGE"]


def test_nobody_may_wait_for_ever_before_the_login(house: House) -> None:
    client = house.begin()
    house.pass_time(10_000)
    assert client.is_ended


def test_a_peer_without_a_name_may_not_send_much(house: House) -> None:
    client = house.begin()
    client.write(b"CONNECT\n" + b"a" * 70_000)
    assert client.error()[0] == "Invalid frame"
    assert client.is_ended


# --- heart-beats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("0,0", "0,0"), ("4000,6000", "6000,4000"), ("1,999", "1000,1000"), ("2500,0", "0,2000"), ("-5,1999", "1000,0")],
)
def test_heart_beats_are_whole_seconds(house: House, asked: str, answered: str) -> None:
    client = house.begin()
    client.send("CONNECT", accept_version="1.1", login="guest", passcode="guest", heart_beat=asked)
    assert client.take("CONNECTED").headers["heart-beat"] == answered


def test_heart_beats_that_cannot_be_read_are_refused(house: House) -> None:
    client = house.begin()
    client.send("CONNECT", accept_version="1.1", login="guest", passcode="guest", heart_beat="abc")
    assert client.error()[0] == "Processing error"


def test_we_beat_and_a_silent_peer_is_closed_after_two_to_three_intervals(house: House) -> None:
    client = house.connect(heart_beat="2000,2000")
    house.pass_time(1900)
    assert client.arrived == b"\n"
    client.write(b"\n")
    house.pass_time(3900)
    assert not client.is_ended
    house.pass_time(2200)
    assert client.is_ended


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"AMQP\x00\x00\x09\x01", "AMQP"),
        (b"\x80\n\n\0", ""),
    ],
)
def test_who_speaks_something_else_is_named_in_the_log(
    octets: bytes, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    house = House()
    house.services.recognition = Recognition([AmqpProtocol().recognise])
    client = house.begin()
    client.write(octets)
    house.pass_time(11_000, 1_000)
    assert client.is_ended
    assert (f"this looks like {name}, and " in caplog.text) is bool(name)


def test_a_client_certificate_may_be_the_login() -> None:
    house = House(certificate_name="cn")
    client = house.begin(Peer("127.0.0.1", 1, True, is_tls=True, certificate_names={"cn": "guest"}))
    client.send("CONNECT", accept_version="1.2")
    client.take("CONNECTED")
    assert client.session.user == "guest"


BASIC = Peer("127.0.0.1", 1, True, basic=("guest", "guest"))


def test_a_websocket_may_log_in_by_the_basic_of_its_request() -> None:
    """A page had to have the password in its script, though the browser had sent it already."""
    client = House(http_auth=True).begin(BASIC)
    client.send("CONNECT", accept_version="1.2", login="somebody", passcode="else")
    client.take("CONNECTED")
    assert client.session.user == "guest"
    client = House().begin(BASIC)
    client.send("CONNECT", login="somebody", passcode="else")
    assert client.error() == ("Bad CONNECT", "Access refused for user 'somebody'\n")


def test_without_basic_it_has_no_login() -> None:
    for basic, answer in ((("", ""), "ERROR"), (("guest", "wrong"), "ERROR"), (None, "CONNECTED")):
        client = House(http_auth=True).begin(Peer("127.0.0.1", 1, True, basic=basic))
        client.send("CONNECT", login="guest", passcode="guest")
        client.take(answer)


def test_listeners_may_be_named_as_activemq_names_them() -> None:
    listener = listener_parser(PROTOCOLS)("stomp+ssl://127.0.0.1")
    assert (listener.scheme, listener.port, listener.is_tls) == ("stomps", 61614, True)


def test_a_client_may_begin_without_connect_where_that_is_configured() -> None:
    """RabbitMQ's implicit_connect: there is no CONNECTED for what was not said."""
    house = House(implicit_connect=True, anonymous_user="guest")
    client = house.begin()
    client.write(frame("SUBSCRIBE", destination="/queue/q") + frame("SEND", b"hello", destination="/queue/q"))
    assert client.messages() == [b"hello"]


def test_a_client_without_connect_that_is_nobody_is_closed() -> None:
    """Its frame was looked at again and again."""
    house = House(implicit_connect=True)
    client = house.begin()
    client.write(frame("SEND", b"hello", destination="/queue/q"))
    assert client.error() == ("Bad CONNECT", "Access refused for user ''\n")
    assert client.is_ended
