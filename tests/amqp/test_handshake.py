"""From the protocol header to connection.open: what is offered, what is accepted, and how a client is refused."""

import pytest

import mqbroker
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.tables import write_table
from tests.amqp.conftest import Connect
from tests.support.amqp_talk import HEADER
from tests.support.raw_amqp import RawAmqp
from tests.support.refusals import closes_connection

NINE_CAPABILITIES = {
    "publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify", "connection.blocked",
    "consumer_priorities", "authentication_failure_close", "per_consumer_qos", "direct_reply_to",
}  # fmt: skip
LOGIN_REFUSED = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism {}. For details see the broker logfile."
)


@pytest.mark.parametrize(
    "header",
    [b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x00\x01\x00\x00", b"AMQP\x00\x00\x09\x02", b"AMQP\x03\x01\x00\x00", b"AMQX1234"],
)
def test_another_protocol_is_answered_with_our_header(connect: Connect, header: bytes) -> None:
    client = connect()
    client.write(header)
    assert client.read_octets(8) == HEADER
    assert client.is_cut()


def test_a_header_may_come_octet_by_octet(connect: Connect) -> None:
    client = connect()
    for octet in HEADER:
        client.write(bytes((octet,)))
    client.expect("connection.start", 0)


def test_start_says_who_we_are(connect: Connect) -> None:
    client = connect()
    start = client.begin()
    assert (start.args["version_major"], start.args["version_minor"]) == (0, 9)
    assert b"PLAIN" in start.args["mechanisms"].split()
    assert b"AMQPLAIN" in start.args["mechanisms"].split()
    assert start.args["locales"] == b"en_US"
    properties = client.server_properties
    assert properties.keys() == {
        "capabilities", "cluster_name", "copyright", "information", "platform", "product", "version",
    }  # fmt: skip
    assert properties["capabilities"] == dict.fromkeys(NINE_CAPABILITIES, True)


def test_start_names_the_product(connect: Connect, ours: None) -> None:
    client = connect()
    start = client.begin()
    assert start.args["mechanisms"] == b"PLAIN AMQPLAIN"  # EXTERNAL would be chosen by clients that cannot use it
    # Clients look at the product and its version before they use what a dialect has.
    assert client.server_properties["product"] == "RabbitMQ"
    assert client.server_properties["platform"] == f"mqbroker {mqbroker.__version__}"


def test_plain_logs_in(connect: Connect) -> None:
    client = connect()
    client.begin()
    client.log_in()
    assert client.expect("connection.tune", 0).args == {"channel_max": 2047, "frame_max": 131_072, "heartbeat": 60}


def test_amqplain_logs_in(connect: Connect) -> None:
    client = connect()
    client.begin()
    client.log_in(mechanism="AMQPLAIN", response=write_table({"LOGIN": "guest", "PASSWORD": "guest"})[4:])
    client.expect("connection.tune", 0)


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("PLAIN", b"\0guest\0wrong"),
        ("PLAIN", b"\0nobody\0guest"),
        ("PLAIN", b"\0guest\0"),
        ("AMQPLAIN", write_table({"LOGIN": "guest", "PASSWORD": "wrong"})[4:]),
    ],
)
def test_a_wrong_login_is_told_to_who_wants_to_know(connect: Connect, mechanism: str, response: bytes) -> None:
    client = connect()
    client.begin()
    client.log_in(mechanism=mechanism, response=response)
    close = client.expect("connection.close", 0)
    assert close.args == {
        "reply_code": 403, "reply_text": LOGIN_REFUSED.format(mechanism), "class_id": 0, "method_id": 0,
    }  # fmt: skip
    assert client.is_cut()


def test_a_wrong_login_just_ends_any_other_client(connect: Connect) -> None:
    client = connect()
    client.begin()
    client.log_in(password="wrong", capabilities={})
    assert client.is_cut()


@pytest.mark.parametrize("mechanism", ["CRAM-MD5", "EXTERNAL", ""])
def test_a_mechanism_that_was_not_offered_ends_the_connection(connect: Connect, mechanism: str, ours: None) -> None:
    client = connect()
    client.begin()
    client.log_in(mechanism=mechanism)
    assert client.is_cut()


def test_a_login_that_makes_no_sense_is_a_wrong_one(connect: Connect, ours: None) -> None:
    client = connect()
    client.begin()
    client.log_in(response=b"guest")
    assert client.expect("connection.close", 0).args["reply_code"] == 403


def test_a_start_ok_may_come_octet_by_octet(connect: Connect) -> None:
    """Octets that waited for the rest of their frame were counted again with every chunk, against the 64 KiB."""
    client = connect()
    client.begin()
    properties = {f"property {number}": "value" for number in range(40)}
    start_ok = encode_method(
        "connection.start-ok", 0, client_properties=properties, mechanism="PLAIN", response=b"\0guest\0guest"
    )
    for octet in start_ok:
        client.write(bytes((octet,)))
    client.expect("connection.tune", 0)


def test_more_than_64_kib_before_the_login_ends_the_connection(connect: Connect, ours: None) -> None:
    client = connect()
    client.begin()
    client.write(b"\1\0\0\0\1\0\0" + bytes(65_600))
    assert client.is_cut()


@pytest.mark.parametrize(
    "change",
    [{"channel_max": 2048}, {"frame_max": 131_073}, {"frame_max": 4095}, {"channel_max": 0}, {"frame_max": 0}],
)
def test_more_than_was_offered_ends_the_connection(connect: Connect, change: dict[str, int]) -> None:
    """What came behind a refused tune-ok in the same segment was answered with connection.close."""
    client = connect()
    client.begin()
    client.log_in()
    client.tune_ok(**change)
    client.send("connection.open", 0, virtual_host="/")
    assert client.is_cut()


def test_less_than_was_offered_is_agreed(connect: Connect) -> None:
    client = connect()
    client.open(channel_max=1, frame_max=4096)
    client.call("basic.qos")


def test_a_missing_vhost_is_530(connect: Connect, name: str) -> None:
    client = connect()
    client.begin()
    client.log_in()
    client.tune_ok()
    client.send("connection.open", 0, virtual_host=name)
    close = client.expect("connection.close", 0)
    assert (close.args["reply_code"], close.args["reply_text"]) == (530, f"NOT_ALLOWED - vhost {name} not found")
    assert (close.args["class_id"], close.args["method_id"]) == (10, 40)


def test_channels_beyond_the_agreed_number_are_530(connect: Connect) -> None:
    client = connect()
    client.open(channel_max=1)
    client.send("channel.open", 2)
    text = "NOT_ALLOWED - number of channels opened (1) has reached the negotiated channel_max (1)"
    close = client.expect("connection.close", 0)
    assert (close.args["reply_code"], close.args["reply_text"]) == (530, text)


def test_a_client_may_leave_before_it_has_opened(connect: Connect, ours: None) -> None:
    client = connect()
    client.begin()
    client.log_in()
    client.tune_ok()
    client.call("connection.close", 0)
    assert client.is_cut()


def test_methods_out_of_turn_end_the_handshake(connect: Connect) -> None:
    client = connect()
    client.begin()
    client.send("connection.open", 0, virtual_host="/")
    assert client.is_cut()


def test_a_channel_is_not_opened_before_the_connection(connect: Connect, ours: None) -> None:
    client = connect()
    client.begin()
    client.log_in()
    client.tune_ok()
    text = "UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>>"
    assert client.refused("channel.open", 1) == closes_connection(505, text, (20, 10))


def test_everything_may_come_at_once(connect: Connect) -> None:
    client = connect()
    client.write(HEADER)
    client.log_in()
    client.send("connection.tune-ok", 0, channel_max=10, frame_max=131_072, heartbeat=0)
    client.send("connection.open", 0, virtual_host="/")
    client.send("channel.open")
    names = [client.next().name for _ in range(4)]
    assert names == ["connection.start", "connection.tune", "connection.open-ok", "channel.open-ok"]


def test_the_client_closes_the_socket_first(client: RawAmqp) -> None:
    """The stream ended behind close-ok: a client that closes from two threads at once took that for a failure."""
    client.call("connection.close", 0)
    client.call("connection.close", 0)


def test_a_secret_can_be_updated(client: RawAmqp) -> None:
    client.call("connection.update-secret", 0, new_secret=b"new", reason="expired")
    client.sync()
