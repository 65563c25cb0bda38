"""From the protocol header to connection.open: what is offered, what is accepted, and how a client is refused."""

import pytest

import mqbroker
from mqbroker.protocols.amqp.frames import body_frames, content_header_frame
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.amqp.tables import write_table
from tests.amqp.conftest import Connect
from tests.support.amqp_house import House
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
    [b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x00\x00\x09\x02", b"AMQX1234"],
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


def test_the_header_of_0_9_is_taken_for_0_9_1(connect: Connect) -> None:
    """Clients in Perl send it, and were refused."""
    client = connect()
    client.write(b"AMQP\x01\x01\x00\x09")
    start = client.expect("connection.start", 0)
    assert (start.args["version_major"], start.args["version_minor"]) == (0, 9)
    client.log_in()
    client.tune_ok()
    client.call("connection.open", 0, virtual_host="/")
    client.call("channel.open")


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
    client.send("connection.close-ok", 0)
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
    """What came after a refused tune-ok in the same segment was answered with connection.close."""
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
    client.call("connection.close", 0)  # and leaves first: nobody closes the socket under its hands


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


def pipelined(password: str, queue: str, *bodies: bytes, frame_max: int = 131_072) -> bytes:
    """All that a client has to say, from its log-in to its messages."""
    capabilities = {"authentication_failure_close": True}
    return b"".join([
        encode_method(
            "connection.start-ok", 0, client_properties={"capabilities": capabilities}, mechanism="PLAIN",
            response=f"\0guest\0{password}".encode(),
        ),
        encode_method("connection.tune-ok", 0, channel_max=10, frame_max=frame_max, heartbeat=0),
        encode_method("connection.open", 0, virtual_host="/"),
        encode_method("channel.open", 1),
        encode_method("queue.declare", 1, queue=queue, exclusive=True),
        *(publish(queue, body) for body in bodies),
        encode_method("queue.declare", 1, queue=queue, passive=True),
    ])  # fmt: skip


def publish(queue: str, body: bytes) -> bytes:
    method = encode_method("basic.publish", 1, routing_key=queue)
    return method + content_header_frame(1, build().raw, len(body)) + b"".join(body_frames(1, body, 131_072))


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_a_client_need_not_wait_for_its_login(connect: Connect, name: str, ours: None, size: int) -> None:
    """What followed start-ok in the same segment was out of turn, and counted against the 64 KiB of strangers."""
    # RabbitMQ 3.10.8 checks the password before it reads on as well, but takes no frame above 4 KiB before tune-ok.
    client = connect()
    client.begin()
    client.write(pipelined("guest", name, bytes(size), b"small"))
    names = [client.next().name for _ in range(5)]
    assert names == ["connection.tune", "connection.open-ok", "channel.open-ok", "queue.declare-ok", "queue.declare-ok"]
    assert [len(body) for body in client.drain(name)] == [size, 5]


def test_what_was_agreed_counts_for_what_comes_with_it() -> None:
    """Frames in the same chunk as tune-ok were measured by the limit of strangers, or by one that was not agreed on."""
    client = House().begin()
    client.begin()
    client.write(pipelined("guest", "q", bytes(5_000), frame_max=4096))
    for number, name in ((0, "connection.tune"), (0, "connection.open-ok"), (1, "channel.open-ok")):
        client.expect(name, number)
    client.expect("queue.declare-ok")
    text = "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,5000,4088}"
    assert client.refusal() == closes_connection(501, text)


def test_a_wrong_login_is_told_to_a_client_that_has_not_waited(connect: Connect, name: str, ours: None) -> None:
    """Octets that nobody reads would reset the socket, and what the client has to be told with it."""
    client = connect()
    client.begin()
    client.write(pipelined("wrong", name, bytes(1_000_000)))
    assert client.expect("connection.close", 0).args["reply_code"] == 403
    client.send("connection.close-ok", 0)
    assert client.is_cut()


def test_the_client_closes_the_socket_first(client: RawAmqp) -> None:
    """The stream ended after close-ok: a client that closes from two threads at once took that for a failure."""
    client.call("connection.close", 0)
    client.call("connection.close", 0)


def test_a_secret_can_be_updated(client: RawAmqp) -> None:
    client.call("connection.update-secret", 0, new_secret=b"new", reason="expired")
    client.sync()
