"""AMQP over real connections with a configuration of their own: TLS, PROXY headers, alarms, time limits, shutdown."""

import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mqbroker.net.devcerts import DevCertificates, generate
from tests.amqp.conftest import Connect
from tests.support.amqp_talk import Closed
from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp

pytestmark = pytest.mark.usefixtures("ours")

USERS = """
[[users]]
name = "shop"
password = "secret"
[[users.permissions]]
vhost = "/"
configure = ".*"
write = ".*"
read = ".*"
"""
PROXY_V1 = b"PROXY TCP4 192.0.2.7 127.0.0.1 50000 5672\r\n"
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + bytes((192, 0, 2, 7, 127, 0, 0, 1, 0xC3, 0x50, 0x16, 0x28))
PROXY_V2_LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"

Start = Callable[..., BrokerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a broker with a configuration; it is stopped at the end of the test."""
    started: list[BrokerProcess] = []

    def make(config: str, *schemes: str, options: tuple[str, ...] = ("--durability", "write")) -> BrokerProcess:
        process = BrokerProcess(tmp_path / "data", *options, schemes=schemes or ("amqp",), config=config)
        started.append(process.start())
        return process

    yield make
    for process in started:
        process.stop()


@pytest.fixture
def certificates(tmp_path: Path) -> DevCertificates:
    return generate(tmp_path / "certs", client_name="shop")


def context(certificates: DevCertificates, with_certificate: bool = False) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(certificates.ca))
    if with_certificate:
        made.load_cert_chain(certificates.client, certificates.client_key)
    return made


# --- TLS ------------------------------------------------------------------------------------------------------------


def tls_config(certificates: DevCertificates, verify: str) -> str:
    return f"""
[tls]
certificate = "{certificates.server}"
key = "{certificates.server_key}"
client_ca = "{certificates.ca}"
verify = "{verify}"
[amqp]
mechanisms = ["PLAIN", "EXTERNAL"]
{USERS}"""


def test_tls_carries_amqp_and_a_certificate_can_log_in(
    start: Start, connect: Connect, certificates: DevCertificates
) -> None:
    broker = start(tls_config(certificates, "optional"), "amqps")
    with_password = connect(broker.ports["amqps"], tls=context(certificates))
    with_password.open("shop", "secret")
    queue = with_password.declare()
    with_password.publish(queue, bytes(200_000))
    assert with_password.drain(queue) == [bytes(200_000)]

    with_certificate = connect(broker.ports["amqps"], tls=context(certificates, with_certificate=True))
    with_certificate.begin()
    with_certificate.log_in(mechanism="EXTERNAL", response=b"")
    with_certificate.tune_ok()
    with_certificate.call("connection.open", 0, virtual_host="/")
    with_certificate.call("channel.open")
    with_certificate.publish(with_certificate.declare(), user_id="shop")
    with_certificate.sync()

    without = connect(broker.ports["amqps"], tls=context(certificates))
    without.begin()
    without.log_in(mechanism="EXTERNAL", response=b"shop")
    assert without.expect("connection.close", 0).args["reply_code"] == 403


def test_a_certificate_can_be_required(start: Start, connect: Connect, certificates: DevCertificates) -> None:
    broker = start(tls_config(certificates, "required"), "amqps")
    with pytest.raises((ssl.SSLError, Closed)):
        connect(broker.ports["amqps"], tls=context(certificates)).begin()
    connect(broker.ports["amqps"], tls=context(certificates, with_certificate=True)).open("shop", "secret")


def test_amqp_without_tls_is_not_understood_where_tls_is_spoken(
    start: Start, connect: Connect, certificates: DevCertificates
) -> None:
    broker = start(tls_config(certificates, "none"), "amqps")
    client = connect(broker.ports["amqps"])
    with pytest.raises((Closed, AssertionError)):
        client.begin()
    connect(broker.ports["amqps"], tls=context(certificates)).open("shop", "secret")


# --- PROXY protocol -------------------------------------------------------------------------------------------------


def test_the_client_behind_a_proxy_is_the_one_in_the_header(start: Start, connect: Connect) -> None:
    broker = start(f'[proxy_protocol]\nsources = ["127.0.0.0/8"]\n{USERS}', options=("--dev",))
    port = broker.ports["amqp"]
    for preface in (PROXY_V1, PROXY_V2):
        connect(port, preface=preface).open("shop", "secret")
        guest = connect(port, preface=preface)
        guest.begin()
        guest.log_in()
        assert guest.expect("connection.close", 0).args["reply_code"] == 403  # guest comes from this machine only
    connect(port, preface=PROXY_V2_LOCAL).open()
    assert "192.0.2.7:50000" in broker.log()


def test_a_proxy_has_to_say_who_is_there(start: Start, connect: Connect) -> None:
    broker = start('[proxy_protocol]\nsources = ["127.0.0.0/8"]\n', options=("--dev",))
    client = connect(broker.ports["amqp"])
    with pytest.raises(Closed):
        client.begin()


def test_nobody_else_may_send_a_proxy_header(start: Start, connect: Connect) -> None:
    broker = start('[proxy_protocol]\nsources = ["192.0.2.0/24"]\n', options=("--dev",))
    client = connect(broker.ports["amqp"], preface=PROXY_V1)
    assert client.read_octets(8) == b"AMQP\x00\x00\x09\x01"
    assert client.is_cut()


# --- settings -------------------------------------------------------------------------------------------------------


def test_what_is_negotiated_can_be_set(start: Start, connect: Connect) -> None:
    settings = "[amqp]\nframe_max = 8192\nchannel_max = 10\nheartbeat_s = 5\nmessage_size_max = 100\n"
    broker = start(settings, options=("--dev",))
    client = connect(broker.ports["amqp"])
    client.open()
    assert client.tune == {"channel_max": 10, "frame_max": 8192, "heartbeat": 5}
    client.publish("x", bytes(101), exchange="amq.fanout")
    assert client.refusal().text == "PRECONDITION_FAILED - message size 101 is larger than max size 100"


def test_the_mechanisms_can_be_set(start: Start, connect: Connect) -> None:
    broker = start('[amqp]\nmechanisms = ["AMQPLAIN"]\n', options=("--dev",))
    client = connect(broker.ports["amqp"])
    assert client.begin().args["mechanisms"] == b"AMQPLAIN"
    client.log_in(mechanism="PLAIN")
    assert client.is_cut()


# --- time -----------------------------------------------------------------------------------------------------------


def test_heartbeats_are_sent_and_missed(connect: Connect) -> None:
    client = connect()
    client.open(heartbeat=1)
    begun = time.monotonic()
    for _ in range(2):
        assert client.read_frame().kind == 8
    with pytest.raises(Closed):
        client.next()
    assert time.monotonic() - begun >= 1.5


def test_a_delivery_without_an_ack_times_out(client: RawAmqp, name: str) -> None:
    client.declare(name)
    client.publish(name, b"x")
    client.consume(name, arguments={"x-consumer-timeout": 200})
    client.delivery()
    refusal = client.refusal()
    assert (refusal.method, refusal.code) == ("channel.close", 406)
    assert "delivery acknowledgement on channel 1 timed out. Timeout value used: 200 ms." in refusal.text


def test_a_stranger_is_cut_in_time(start: Start, connect: Connect) -> None:
    broker = start("[limits]\npreauth_timeout_s = 1\n", options=("--dev",))
    silent, slow = connect(broker.ports["amqp"]), connect(broker.ports["amqp"])
    slow.begin()
    assert silent.is_cut()
    assert slow.is_cut()


# --- alarms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("disk_free_min_bytes = 1000000000000000000", "low on disk"),
        ("memory_high_watermark = 2.0", "low on memory"),
        ("memory_high_watermark = 2.0\ndisk_free_min_bytes = 1000000000000000000", "low on memory & low on disk"),
    ],
)
def test_publishers_are_blocked_and_consumers_are_not(start: Start, connect: Connect, limits: str, reason: str) -> None:
    broker = start(f"[limits]\n{limits}\n", options=("--dev",))
    consumer, publisher = connect(broker.ports["amqp"]), connect(broker.ports["amqp"])
    consumer.open()
    publisher.open()
    queue = consumer.declare()
    consumer.consume(queue)
    publisher.publish(queue, b"held back")
    assert publisher.expect("connection.blocked", 0).args == {"reason": reason}
    publisher.publish(queue, b"held back too")
    publisher.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        publisher.sync()
    assert consumer.count(queue) == 0


def test_connecting_anew_is_no_way_around_the_block(start: Start, connect: Connect) -> None:
    """Ten thousand clients that connected, published and left while publishers were blocked were all taken."""
    broker = start("[limits]\ndisk_free_min_bytes = 1000000000000000000\n", options=("--dev",))
    consumer = connect(broker.ports["amqp"])
    consumer.open()
    queue = consumer.declare()
    for _ in range(20):
        client = connect(broker.ports["amqp"])
        client.open()
        client.publish(queue, b"one")
        client.publish(queue, b"two")
        client.send("connection.close", 0)
        client.expect("connection.blocked", 0)
        client.close()
    assert consumer.count(queue) == 0


def test_clients_are_told_of_a_shutdown(start: Start, connect: Connect) -> None:
    broker = start("", options=("--dev",))
    client = connect(broker.ports["amqp"])
    client.open()
    assert broker.process is not None
    broker.process.terminate()
    refusal = client.refusal()
    assert (refusal.method, refusal.code) == ("connection.close", 320)
    assert refusal.text == "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
    client.close()
    assert broker.process.wait(10) == 0


def test_a_blocked_client_does_not_hold_up_the_shutdown(start: Start, connect: Connect) -> None:
    """A publisher that was held back was not read at the end either, so its close-ok and its end went unheard."""
    broker = start("[limits]\nmemory_high_watermark = 2.0\n", options=("--dev",))
    client = connect(broker.ports["amqp"])
    client.open()
    client.publish("x", exchange="amq.fanout")
    client.expect("connection.blocked", 0)
    assert broker.process is not None
    broker.process.terminate()
    begun = time.monotonic()
    assert client.refusal().code == 320
    client.close()
    assert broker.process.wait(10) == 0
    assert time.monotonic() - begun < 9  # and not the ten seconds that clients have
