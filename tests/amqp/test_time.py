"""What happens when time passes: heartbeats, timeouts, expiry, delays. Time is the tests' own here."""

import pytest

from mqbroker.limits import AMQP_CLOSE_TIMEOUT_S
from tests.support.amqp_house import DirectAmqp, House
from tests.support.amqp_talk import Closed, Refusal
from tests.support.refusals import closes_channel

TIMED_OUT = (
    "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: {} ms. "
    "This timeout value can be configured, see consumers doc guide to learn more"
)


@pytest.fixture
def house() -> House:
    return House()


# --- heartbeats -----------------------------------------------------------------------------------------------------


def heartbeats(client: DirectAmqp) -> int:
    """How many heartbeats have come."""
    count = 0
    while True:
        try:
            frame = client.read_frame()
        except (TimeoutError, Closed):
            return count
        assert (frame.kind, frame.channel, frame.payload) == (8, 0, b"")
        count += 1


def test_heartbeats_are_sent_twice_in_every_interval(house: House) -> None:
    client = house.connect(heartbeat=10)
    for _ in range(6):
        house.pass_time(5_000)
        client.write(b"\x08\0\0\0\0\0\0\xce")
    assert heartbeats(client) in (6, 7)


def test_a_silent_peer_is_cut_after_two_intervals(house: House) -> None:
    client = house.connect(heartbeat=1)
    house.pass_time(1_500)
    assert not client.session.is_closing
    house.pass_time(2_500)
    assert client.session.is_closing


@pytest.mark.parametrize("octets", [b"\x08\0\0\0\0\0\0\xce", b"\x01\0\1"])
def test_whatever_arrives_is_a_sign_of_life(house: House, octets: bytes) -> None:
    client = house.connect(heartbeat=1)
    for each in (octets[:4], octets[4:], b"", b""):
        house.pass_time(1_500)
        if each:
            client.write(each)
    assert client.session.is_closing
    client = house.connect(heartbeat=1)
    for octet in b"\x08\0\0\0\0\0\0\xce":
        house.pass_time(1_500)
        client.write(bytes((octet,)))
    assert not client.session.is_closing


def test_a_peer_that_is_not_read_from_for_the_journals_sake_is_not_taken_for_silent(house: House) -> None:
    client = house.connect(heartbeat=1)
    client.session.is_throttled = True
    house.pass_time(10_000, 500)
    client.session.unthrottle(house.now)
    house.pass_time(1_500)
    assert not client.session.is_closing
    house.pass_time(2_500)
    assert client.session.is_closing


def test_without_heartbeats_silence_is_no_matter(house: House) -> None:
    client = house.connect(heartbeat=0)
    house.pass_time(3_600_000, 10_000)
    assert client.is_silent()
    assert not client.session.is_closing


def test_a_connection_that_is_cut_gives_everything_back(house: House) -> None:
    client, other = house.connect(heartbeat=1), house.connect()
    other.call("queue.declare", queue="q")
    other.publish("q", b"x")
    client.consume("q")
    client.delivery()
    house.pass_time(5_000)
    assert client.session.is_closing
    client.lose()
    message = other.get("q")
    assert message is not None
    assert message.args["redelivered"]


# --- the handshake --------------------------------------------------------------------------------------------------


def test_a_handshake_has_ten_seconds(house: House) -> None:
    silent, slow = house.begin(), house.begin()
    slow.begin()
    slow.log_in()
    slow.tune_ok()
    house.pass_time(9_900)
    assert not silent.session.is_closing
    house.pass_time(200)
    assert silent.is_ended()
    assert slow.is_ended()


def test_a_peer_that_does_not_answer_close_is_cut(house: House) -> None:
    client = house.connect()
    client.send("channel.open", 1)
    assert client.expect("connection.close", 0).args["reply_code"] == 504
    house.pass_time(AMQP_CLOSE_TIMEOUT_S * 1000 - 100)
    assert not client.session.is_closing
    house.pass_time(200)
    assert client.session.is_closing


def test_a_client_that_was_answered_is_given_time_to_leave(house: House) -> None:
    client = house.connect()
    client.call("connection.close", 0)
    house.pass_time(9_900)
    assert not client.session.is_closing
    house.pass_time(200)
    assert client.session.is_closing


@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize("response", [b"\0guest\0wrong", b"guest"])
def test_a_refused_login_waits_for_its_answer(house: House, response: bytes, answers: bool) -> None:
    """connection.close and the end of the stream came together: to a client that was writing, that is a broken pipe."""
    client = house.begin()
    client.begin()
    client.log_in(response=response)
    assert client.expect("connection.close", 0).args["reply_code"] == 403
    house.pass_time(AMQP_CLOSE_TIMEOUT_S * 1000 - 100)
    assert not client.session.is_closing
    if answers:
        client.send("connection.close-ok", 0)
    else:
        house.pass_time(200)
    assert client.is_ended()


# --- the consumer timeout -------------------------------------------------------------------------------------------


def timed_out(client: DirectAmqp, timeout_ms: int) -> bool:
    return client.refusal() == closes_channel(406, TIMED_OUT.format(timeout_ms), (0, 0))


@pytest.mark.parametrize("timeout_ms", [100, 1_000, 60_000])
def test_a_delivery_that_is_never_acked_closes_its_channel(house: House, timeout_ms: int) -> None:
    client = house.connect()
    client.declare("q")
    client.publish("q", b"x")
    client.consume("q", arguments={"x-consumer-timeout": timeout_ms})
    client.delivery()
    house.pass_time(timeout_ms - 50, 50)
    assert client.is_silent()
    house.pass_time(min(timeout_ms, 10_000) + 200, 50)
    assert timed_out(client, timeout_ms)
    message = client.get("q")
    assert message is not None
    assert message.args["redelivered"]


def test_an_acked_delivery_is_in_time(house: House) -> None:
    client = house.connect()
    client.declare("q")
    client.consume("q", arguments={"x-consumer-timeout": 1_000})
    for tag in range(1, 11):
        client.publish("q", b"x")
        client.delivery()
        house.pass_time(500)
        client.send("basic.ack", delivery_tag=tag)
    assert client.is_silent()


@pytest.mark.parametrize("settled_first", [True, False])
def test_only_the_consumer_with_the_timeout_has_one(house: House, settled_first: bool) -> None:
    """An older delivery without a timeout hid a younger one with one, and was closed for it otherwise."""
    client = house.connect()
    for queue in ("patient", "strict"):
        client.declare(queue)
    client.consume("patient")
    client.consume("strict", arguments={"x-consumer-timeout": 1_000})
    client.publish("patient")
    client.delivery()
    house.pass_time(10_000)
    assert client.is_silent()
    client.publish("strict")
    tag = client.delivery().args["delivery_tag"]
    if settled_first:
        client.send("basic.ack", delivery_tag=tag)
        house.pass_time(10_000)
        assert client.is_silent()
    else:
        house.pass_time(2_000)
        assert timed_out(client, 1_000)


def test_a_cancelled_consumer_still_has_to_ack(house: House) -> None:
    client = house.connect()
    client.declare("q")
    client.publish("q")
    client.consume("q", "t", arguments={"x-consumer-timeout": 1_000})
    client.delivery()
    client.call("basic.cancel", consumer_tag="t")
    house.pass_time(2_000)
    assert timed_out(client, 1_000)


def test_the_queue_may_say_what_the_timeout_is(house: House) -> None:
    client = house.connect()
    client.declare("q", arguments={"x-consumer-timeout": 1_000})
    client.publish("q")
    client.consume("q")
    client.delivery()
    house.pass_time(2_000)
    assert timed_out(client, 1_000)


def test_the_broker_may_say_what_the_timeout_is() -> None:
    house = House(consumer_timeout_ms=30_000)
    client = house.connect()
    client.declare("q")
    client.publish("q")
    assert client.get("q", no_ack=False) is not None
    house.pass_time(29_000, 1_000)
    assert client.is_silent()
    house.pass_time(12_000, 1_000)
    assert timed_out(client, 30_000)


def test_there_is_no_timeout_unless_somebody_wants_one(house: House) -> None:
    client = house.connect()
    client.declare("q")
    client.publish("q")
    client.consume("q")
    client.delivery()
    house.pass_time(24 * 3_600_000, 60_000)
    assert client.is_silent()


@pytest.mark.parametrize("value", [0, -5, (1 << 63) - 1])
def test_a_timeout_of_nothing_or_of_ages_is_none(house: House, value: int) -> None:
    """A negative timeout closed the channel at the next sweep."""
    client = house.connect()
    client.declare("q")
    client.publish("q")
    client.consume("q", arguments={"x-consumer-timeout": value})
    client.delivery()
    house.pass_time(60_000, 1_000)
    assert client.is_silent()


@pytest.mark.parametrize("value", ["1000", True])
def test_a_timeout_has_to_be_a_number(house: House, value: object) -> None:
    client = house.connect()
    client.declare("q")
    refusal = client.refused("basic.consume", queue="q", arguments={"x-consumer-timeout": value})
    assert isinstance(refusal, Refusal)
    assert (refusal.method, refusal.code) == ("channel.close", 406)


# --- queues and messages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", ["basic.get", "queue.declare", "consume", "nothing"])
def test_a_queue_expires_when_it_is_not_used(house: House, use: str) -> None:
    client = house.connect()
    arguments = {"x-expires": 10_000}
    client.call("queue.declare", queue="q", arguments=arguments)
    house.pass_time(8_000)
    if use == "basic.get":
        client.get("q")
    elif use == "queue.declare":
        client.call("queue.declare", queue="q", arguments=arguments)
    elif use == "consume":
        client.consume("q", "t")
        house.pass_time(60_000)
        client.call("basic.cancel", consumer_tag="t")
    house.pass_time(9_000)
    assert ("q" in house.broker.vhosts["/"].queues) is (use != "nothing")
    house.pass_time(2_000)
    assert "q" not in house.broker.vhosts["/"].queues


def test_publishing_to_a_queue_is_not_using_it(house: House) -> None:
    client = house.connect()
    client.call("queue.declare", queue="q", arguments={"x-expires": 10_000})
    for _ in range(6):
        house.pass_time(2_000)
        client.publish("q")
    assert "q" not in house.broker.vhosts["/"].queues


def test_a_message_is_there_until_its_time_has_come(house: House) -> None:
    client = house.connect()
    client.declare("q", arguments={"x-message-ttl": 1_000})
    client.publish("q", b"x")
    house.pass_time(999, 999)
    assert client.count("q") == 1
    house.pass_time(1)
    assert client.count("q") == 0


def behind_a_delay(client: DirectAmqp) -> str:
    """A queue bound to the x-delayed-message exchange `x`."""
    arguments = {"x-delayed-type": "fanout"}
    client.call("exchange.declare", exchange="x", exchange_type="x-delayed-message", arguments=arguments)
    queue = client.declare()
    client.call("queue.bind", queue=queue, exchange="x")
    return queue


@pytest.mark.parametrize("delay", [1, 60_000, (1 << 32) - 1])
def test_a_delayed_message_waits_for_its_delay(house: House, delay: int) -> None:
    client = house.connect()
    queue = behind_a_delay(client)
    client.publish("", b"x", exchange="x", headers={"x-delay": delay}, mandatory=True)
    assert client.is_silent()
    house.pass_time(delay - 1, max(1, delay))
    assert client.count(queue) == 0
    house.pass_time(1)
    assert client.drain(queue) == [b"x"]


def test_copies_of_a_delayed_message_count_when_its_time_has_come(house: House) -> None:
    """The fault: blind copies were forgotten while the message waited."""
    client = house.connect()
    arguments = {"x-delayed-type": "direct"}
    client.call("exchange.declare", exchange="x", exchange_type="x-delayed-message", arguments=arguments)
    queues = {key: client.declare() for key in ("key", "copy", "blind")}
    for key, queue in queues.items():
        client.call("queue.bind", queue=queue, exchange="x", routing_key=key)
    client.publish("key", b"x", exchange="x", headers={"x-delay": 5, "CC": ["copy"], "BCC": ["blind"]})
    house.pass_time(5)
    for queue in queues.values():
        message = client.get(queue)
        assert message is not None
        assert message.headers == {"x-delay": -5, "CC": ["copy"]}


@pytest.mark.parametrize("delay", [0, -5, 1 << 32, "soon", None])
def test_what_is_no_delay_does_not_wait(house: House, delay: object) -> None:
    client = house.connect()
    queue = behind_a_delay(client)
    client.publish("", b"x", exchange="x", headers={"x-delay": delay})
    assert client.drain(queue) == [b"x"]
