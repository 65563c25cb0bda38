"""Who may do what: users, permissions, topic permissions, limits, policies, alarms. Set on a broker in this process."""

from collections.abc import Mapping
from typing import Any

import pytest

from mqbroker.core.access.access import Permissions, TopicPermissions
from mqbroker.core.ledger import Ledger
from mqbroker.core.rabbitmq.policy import Policy
from mqbroker.limits import PREAUTH_BYTES_MAX
from mqbroker.protocols.amqp.frames import body_frames, content_header_frame
from mqbroker.protocols.amqp.methods import encode_method
from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.session import Peer
from tests.support.amqp_house import DirectAmqp, House
from tests.support.refusals import closes_channel, closes_connection

REMOTE = Peer("192.0.2.1", 50_000, False, "192.0.2.2", 5672)
OPEN = (10, 40)


@pytest.fixture
def house() -> House:
    return House()


def opening(house: House, user: str = "guest", vhost: str = "/", peer: Peer | None = None) -> DirectAmqp:
    """A connection that has sent connection.open."""
    talk = house.begin() if peer is None else house.begin(peer)
    talk.begin()
    talk.log_in(user, user)
    talk.tune_ok()
    talk.send("connection.open", 0, virtual_host=vhost)
    return talk


# --- logging in -----------------------------------------------------------------------------------------------------


def test_guest_comes_from_this_machine_only(house: House) -> None:
    house.add_user("someone")
    talk = house.begin(REMOTE)
    talk.begin()
    talk.log_in()
    assert talk.expect("connection.close", 0).args["reply_code"] == 403
    opening(house, "someone", peer=REMOTE).expect("connection.open-ok", 0)


def test_loopback_users_are_a_setting() -> None:
    house = House(loopback_users=())
    opening(house, peer=REMOTE).expect("connection.open-ok", 0)


def test_a_vhost_without_permissions_is_closed(house: House) -> None:
    house.broker.add_vhost("theirs")
    text = "NOT_ALLOWED - access to vhost 'theirs' refused for user 'guest'"
    assert opening(house, vhost="theirs").refusal() == closes_connection(530, text, OPEN)


def test_a_vhost_has_its_own_names(house: House) -> None:
    house.broker.add_vhost("theirs")
    house.broker.set_permissions("guest", "theirs", Permissions(".*", ".*", ".*"))
    here, there = house.connect(), house.connect(vhost="theirs")
    here.declare("q")
    refusal = there.refused("queue.declare", queue="q", passive=True)
    assert refusal == closes_channel(404, "NOT_FOUND - no queue 'q' in vhost 'theirs'", (50, 10))


@pytest.mark.parametrize("chosen", ["cn", "san_email"])
def test_a_certificate_logs_in(chosen: str) -> None:
    house = House(mechanisms=("PLAIN", "EXTERNAL"), external_name=chosen)
    house.add_user("rabbit")
    peer = Peer("192.0.2.1", 50_000, False, is_tls=True, certificate_names={chosen: "rabbit", "dn": "CN=x"})
    talk = house.begin(peer)
    assert talk.begin().args["mechanisms"] == b"PLAIN EXTERNAL"
    talk.log_in(mechanism="EXTERNAL", response=b"")
    talk.expect("connection.tune", 0)
    assert talk.session.user == "rabbit"


@pytest.mark.parametrize("names", [{}, {"cn": "nobody"}, {"dn": "guest"}])
def test_a_certificate_of_nobody_does_not_log_in(names: dict[str, str]) -> None:
    house = House(mechanisms=("EXTERNAL",))
    talk = house.begin(Peer("127.0.0.1", 50_000, True, is_tls=True, certificate_names=names))
    talk.begin()
    talk.log_in(mechanism="EXTERNAL", response=b"guest")
    text = (
        "ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL. "
        "For details see the broker logfile."
    )
    assert talk.expect("connection.close", 0).args["reply_text"] == text


# --- permissions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "args", "at", "resource"),
    [
        ("queue.declare", {"queue": "q"}, (50, 10), "queue 'q'"),
        ("queue.declare", {"queue": "missing"}, (50, 10), "queue 'missing'"),
        ("queue.bind", {"queue": "q", "exchange": "amq.direct"}, (50, 20), "queue 'q'"),
        ("queue.unbind", {"queue": "q", "exchange": "amq.direct"}, (50, 50), "queue 'q'"),
        ("queue.purge", {"queue": "q"}, (50, 30), "queue 'q'"),
        ("queue.delete", {"queue": "q"}, (50, 40), "queue 'q'"),
        ("exchange.declare", {"exchange": "x", "exchange_type": "fanout"}, (40, 10), "exchange 'x'"),
        ("exchange.delete", {"exchange": "amq.direct"}, (40, 20), "exchange 'amq.direct'"),
        ("exchange.bind", {"source": "amq.direct", "destination": "amq.fanout"}, (40, 30), "exchange 'amq.fanout'"),
        ("exchange.unbind", {"source": "amq.direct", "destination": "amq.fanout"}, (40, 40), "exchange 'amq.fanout'"),
        ("basic.consume", {"queue": "q"}, (60, 20), "queue 'q'"),
        ("basic.get", {"queue": "q"}, (60, 70), "queue 'q'"),
    ],
)
def test_everything_is_denied_that_is_not_allowed(
    house: House, method: str, args: dict[str, str], at: tuple[int, int], resource: str
) -> None:
    house.add_user("nobody", configure="", write="", read="")
    house.connect().call("queue.declare", queue="q")
    text = f"ACCESS_REFUSED - access to {resource} in vhost '/' refused for user 'nobody'"
    assert house.connect("nobody").refused(method, **args) == closes_channel(403, text, at)


@pytest.mark.parametrize(
    ("method", "kind", "name", "at"),
    [
        ("queue.declare", "queue", "q", (50, 10)),
        ("queue.declare", "queue", "missing", (50, 10)),
        ("exchange.declare", "exchange", "amq.topic", (40, 10)),
        ("exchange.declare", "exchange", "missing", (40, 10)),
    ],
)
def test_a_passive_declaration_needs_some_permission(
    house: House, method: str, kind: str, name: str, at: tuple[int, int]
) -> None:
    """Who may do nothing with a queue was told how much is in it, and of any name whether it exists."""
    house.add_user("nobody", configure="^$", write="^other", read="^mine$")
    house.connect().call("queue.declare", queue="q")
    text = f"ACCESS_REFUSED - access to {kind} '{name}' in vhost '/' refused for user 'nobody'"
    refusal = house.connect("nobody").refused(method, passive=True, **{kind: name})
    assert refusal == closes_channel(403, text, at)


@pytest.mark.parametrize("action", ["configure", "write", "read"])
def test_any_permission_will_do_for_a_passive_declaration(house: House, action: str) -> None:
    house.add_user("someone", **{"configure": "", "write": "", "read": "", action: "^(q|amq.topic|missing)$"})
    house.connect().call("queue.declare", queue="q")
    client = house.connect("someone")
    client.call("queue.declare", queue="q", passive=True)
    client.call("exchange.declare", exchange="amq.topic", passive=True)
    assert client.refused("queue.declare", queue="missing", passive=True).code == 404


def test_an_answer_may_be_looked_for_without_permission(house: House) -> None:
    house.add_user("nobody", configure="", write="", read="")
    client = house.connect("nobody")
    client.call("queue.declare", queue="amq.rabbitmq.reply-to", passive=True)


@pytest.mark.parametrize(("exchange", "shown"), [("amq.fanout", "amq.fanout"), ("", "amq.default")])
def test_publishing_needs_write_on_the_exchange(house: House, exchange: str, shown: str) -> None:
    house.add_user("reader", configure="", write="", read=".*")
    client = house.connect("reader")
    client.publish("key", exchange=exchange)
    text = f"ACCESS_REFUSED - access to exchange '{shown}' in vhost '/' refused for user 'reader'"
    assert client.refusal() == closes_channel(403, text, (60, 40))


def test_a_permission_is_looked_for_in_the_name(house: House) -> None:
    house.add_user("shop", configure="^shop\\.", write="^shop\\.|^amq.default$", read="^shop\\.")
    client = house.connect("shop")
    client.declare("shop.orders")
    client.publish("shop.orders", b"x")
    assert client.drain("shop.orders") == [b"x"]
    assert client.refused("queue.declare", queue="my.shop.orders").code == 403


def test_a_permission_that_is_taken_away_counts_at_once(house: House) -> None:
    house.add_user("writer")
    client = house.connect("writer")
    client.publish("key", exchange="amq.fanout")
    client.sync()
    house.broker.set_permissions("writer", "/", Permissions(".*", "", ".*"))
    client.publish("key", exchange="amq.fanout")
    assert client.refusal().code == 403


def test_a_permission_that_is_taken_away_counts_within_a_run_of_equal_messages(house: House) -> None:
    """The rest of a run was published when the permission went between a method frame and its content."""
    client = house.connect()
    client.declare("q")
    method = encode_method("basic.publish", 1, exchange="", routing_key="q")
    content = content_header_frame(1, build().raw, 1) + b"".join(body_frames(1, b"x", 4096))
    client.write((method + content) * 5 + method)
    house.broker.set_permissions("guest", "/", Permissions(".*", "", ".*"))
    client.write(content + (method + content) * 5)
    assert client.refusal().code == 403
    assert client.drain("q") == [b"x"] * 6


@pytest.mark.parametrize(("arguments", "refused"), [({"x-dead-letter-exchange": "theirs"}, "theirs"), ({}, None)])
def test_dead_letters_need_write_on_their_exchange(
    house: House, arguments: dict[str, str], refused: str | None
) -> None:
    house.add_user("shop", configure="^shop", write="^shop", read="^shop")
    client = house.connect("shop")
    if refused is None:
        client.declare("shop.q", arguments={"x-dead-letter-exchange": "shop.x"})
        return
    text = f"ACCESS_REFUSED - access to exchange '{refused}' in vhost '/' refused for user 'shop'"
    refusal = client.refused("queue.declare", queue="shop.q", arguments=arguments)
    assert refusal == closes_channel(403, text, (50, 10))


def test_an_alternate_exchange_needs_write(house: House) -> None:
    house.add_user("shop", configure="^shop", write="^shop", read="^shop")
    refusal = house.connect("shop").refused(
        "exchange.declare", exchange="shop.x", exchange_type="fanout", arguments={"alternate-exchange": "theirs"}
    )
    text = "ACCESS_REFUSED - access to exchange 'theirs' in vhost '/' refused for user 'shop'"
    assert refusal == closes_channel(403, text, (40, 10))


def test_topics_can_be_restricted(house: House) -> None:
    house.add_user("shop")
    house.broker.set_topic_permissions("shop", "/", "amq.topic", TopicPermissions("^{username}\\.", "^{username}\\."))
    client = house.connect("shop")
    queue = client.declare()
    client.call("queue.bind", queue=queue, exchange="amq.topic", routing_key="shop.#")
    client.publish("shop.order", b"mine", exchange="amq.topic")
    text = "ACCESS_REFUSED - access to topic '{}' in exchange 'amq.topic' in vhost '/' refused for user 'shop'"
    client.publish("bank.order", b"theirs", exchange="amq.topic")
    assert client.refusal() == closes_channel(403, text.format("bank.order"), (60, 40))
    refusal = client.refused("queue.bind", queue=queue, exchange="amq.topic", routing_key="#")
    assert refusal == closes_channel(403, text.format("#"), (50, 20))
    assert client.drain(queue) == [b"mine"]
    client.publish("bank.order", exchange="amq.direct")  # not a topic exchange
    client.sync()


def test_an_impersonator_may_speak_for_others(house: House) -> None:
    house.add_user("proxy", "impersonator")
    client = house.connect("proxy")
    queue = client.declare()
    client.publish(queue, b"x", user_id="somebody")
    assert client.drain(queue) == [b"x"]


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 2])
def test_a_vhost_has_so_many_connections(house: House, most: int) -> None:
    house.broker.set_vhost_limits("/", {"max-connections": most})
    opened = [house.connect() for _ in range(most)]
    text = f"NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit ({most}) is reached"
    assert opening(house).refusal() == closes_connection(530, text, OPEN)
    for each in opened:
        each.call("connection.close", 0)
    if opened:
        house.connect()


def test_a_user_has_so_many_connections(house: House) -> None:
    house.broker.set_user_limits("guest", {"max-connections": 1})
    client = house.connect()
    text = "NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached"
    assert opening(house).refusal() == closes_connection(530, text, OPEN)
    client.lose()
    house.connect()


def test_a_user_has_so_many_channels_on_all_connections(house: House) -> None:
    """Only the channels of the same connection were counted."""
    house.broker.set_user_limits("guest", {"max-channels": 2})
    house.connect()
    client = house.connect()
    refusal = client.refused("channel.open", 2)
    assert (refusal.method, refusal.code) == ("connection.close", 530)
    assert refusal.text == (
        "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum allowed user limit of (2)"
    )
    house.connect().call("channel.close")


def test_a_vhost_has_so_many_queues(house: House) -> None:
    house.broker.set_vhost_limits("/", {"max-queues": 1})
    client = house.connect()
    client.declare("first")
    client.declare("first")
    text = "PRECONDITION_FAILED - cannot declare queue 'second': queue limit in vhost '/' (1) is reached"
    assert client.refused("queue.declare", queue="second") == closes_channel(406, text, (50, 10))


def test_a_vhost_has_so_many_exchanges(house: House) -> None:
    """The limit of exchanges was kept and never looked at."""
    house.broker.set_vhost_limits("/", {"max-exchanges": len(house.broker.vhosts["/"].exchanges) + 1})
    client = house.connect()
    client.call("exchange.declare", exchange="first", exchange_type="fanout")
    client.call("exchange.declare", exchange="first", exchange_type="fanout")
    refusal = client.refused("exchange.declare", exchange="second", exchange_type="fanout")
    text = "PRECONDITION_FAILED - cannot declare exchange 'second' in vhost '/': exchange limit of 7 is reached"
    assert refusal == closes_channel(406, text, (40, 10))


# --- policies -------------------------------------------------------------------------------------------------------


def with_policy(house: House, definition: Mapping[str, object], operator: bool = False, pattern: str = "^q") -> None:
    house.broker.set_policy(Policy("/", "p", pattern, definition, apply_to="all"), house.now, operator)


def test_a_policy_comes_into_force_at_once_and_ends(house: House) -> None:
    client = house.connect()
    client.declare("q")
    for body in (b"1", b"2", b"3"):
        client.publish("q", body)
    with_policy(house, {"max-length": 2})
    assert client.count("q") == 2
    house.broker.delete_policy("/", "p", house.now)
    client.publish("q", b"4")
    assert client.drain("q") == [b"2", b"3", b"4"]


@pytest.mark.parametrize(("argument", "policy", "left"), [(1, 2, 1), (2, 1, 1)])
def test_of_argument_and_policy_the_lower_number_wins(house: House, argument: int, policy: int, left: int) -> None:
    with_policy(house, {"max-length": policy})
    client = house.connect()
    client.declare("q", arguments={"x-max-length": argument})
    for _ in range(3):
        client.publish("q")
    assert client.count("q") == left


def test_an_operator_policy_is_merged_in(house: House) -> None:
    with_policy(house, {"max-length": 5, "dead-letter-exchange": "", "dead-letter-routing-key": "dead"})
    with_policy(house, {"max-length": 1}, operator=True)
    client = house.connect()
    client.declare("q")
    client.declare("dead")
    client.publish("q", b"1")
    client.publish("q", b"2")
    assert (client.drain("q"), client.drain("dead")) == ([b"2"], [b"1"])


def test_a_policy_can_expire_queues_and_messages(house: House) -> None:
    client = house.connect()
    client.call("queue.declare", queue="q")
    client.publish("q", b"x")
    house.pass_time(5_000)
    with_policy(house, {"message-ttl": 1_000, "expires": 10_000})
    client.publish("q", b"y")
    house.pass_time(1_100)
    assert house.broker.vhosts["/"].queues["q"].waiting_count() in (0, 2)  # after one that never expires
    house.pass_time(12_000)
    assert "q" not in house.broker.vhosts["/"].queues


def test_a_policy_can_name_an_alternate_exchange(house: House) -> None:
    client = house.connect()
    client.call("exchange.declare", exchange="qx", exchange_type="direct")
    queue = client.declare()
    client.call("queue.bind", queue=queue, exchange="amq.fanout")
    client.publish("nowhere", b"lost", exchange="qx")
    with_policy(house, {"alternate-exchange": "amq.fanout"})
    client.publish("nowhere", b"found", exchange="qx")
    assert client.drain(queue) == [b"found"]


def test_a_policy_can_set_the_consumer_timeout(house: House) -> None:
    with_policy(house, {"consumer-timeout": 1_000})
    client = house.connect()
    client.declare("q")
    client.publish("q")
    client.consume("q")
    client.delivery()
    house.pass_time(2_000)
    assert client.refusal().code == 406


def test_a_vhosts_default_queue_type_counts_for_redeclarations(house: House) -> None:
    house.broker.vhosts["/"].default_queue_type = "quorum"
    client = house.connect()
    client.declare("q", durable=True)
    assert house.broker.vhosts["/"].queues["q"].counts_failures
    client.declare("q", durable=True)
    client.declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    client.declare("transient", auto_delete=True)
    assert not house.broker.vhosts["/"].queues["transient"].counts_failures


# --- alarms ---------------------------------------------------------------------------------------------------------


def test_a_publisher_is_told_and_held_back(house: House) -> None:
    publisher, consumer = house.connect(), house.connect()
    consumer.declare("q")
    publisher.publish("amq.fanout", b"1")
    house.change_alarm("low on disk")
    assert publisher.expect("connection.blocked", 0).args == {"reason": "low on disk"}
    assert not publisher.session.is_reading
    assert consumer.session.is_reading
    house.change_alarm("low on memory & low on disk")
    assert publisher.is_silent()
    house.change_alarm("")
    publisher.expect("connection.unblocked", 0)
    assert publisher.session.is_reading


def publish(body: bytes, **fields: Any) -> bytes:
    """The octets of a message to the queue `q`."""
    method = encode_method("basic.publish", 1, routing_key="q")
    return method + content_header_frame(1, build(**fields).raw, len(body)) + b"".join(body_frames(1, body, 0))


CLOSE = encode_method("connection.close", 0, reply_code=200)


def test_a_first_publish_waits_like_any_other(house: House) -> None:
    """A client that connected for each message was not held back at all: the first chunk after the log-in was taken."""
    consumer, publisher = house.connect(), house.connect()
    consumer.declare("q", auto_delete=True)
    house.change_alarm("low on disk")
    assert publisher.is_silent()  # it has not published yet
    publisher.write(publish(b"1", expiration="1000") + publish(b"2") + CLOSE)
    assert publisher.expect("connection.blocked", 0).args == {"reason": "low on disk"}
    publisher.publish("q", b"3")  # as from a WebSocket, which may be in the middle of a message
    house.pass_time(5_000)
    assert not publisher.session.is_reading
    assert publisher.is_silent()
    assert consumer.count("q") == 0
    house.change_alarm("")
    publisher.expect("connection.unblocked", 0)
    house.pass_time(100)
    publisher.expect("connection.close-ok", 0)
    assert consumer.drain("q") == [b"1", b"2"]


def test_what_the_journal_held_up_waits_on_when_it_is_a_first_publish() -> None:
    """Frames that had waited for a durable declaration were taken although publishers were held back."""
    ledger = Ledger()
    ledger.is_journalling = True
    house = House(ledger)
    consumer, publisher = house.connect(), house.connect()
    house.change_alarm("low on disk")
    declare = encode_method("queue.declare", 1, queue="q", durable=True, nowait=True)
    count = encode_method("queue.declare", 1, queue="q", passive=True)
    publisher.write(declare + publish(b"1") + count + CLOSE)
    publisher.expect("connection.blocked", 0)
    house.pass_time(1_000)
    assert publisher.is_silent()
    assert consumer.count("q") == 0
    house.change_alarm("")
    publisher.expect("connection.unblocked", 0)
    house.pass_time(100)
    assert publisher.expect("queue.declare-ok").args["message_count"] == 1
    publisher.expect("connection.close-ok", 0)
    assert consumer.drain("q") == [b"1"]


def test_who_is_held_with_a_first_publish_hears_of_the_end(house: House) -> None:
    client = house.connect()
    house.change_alarm("low on disk")
    client.publish("q", b"1")
    client.expect("connection.blocked", 0)
    client.session.shut_down(house.now)
    house.turn()
    assert client.refusal().code == 320
    assert client.is_ended()


def test_who_may_have_to_wait_is_read_in_sips(house: House) -> None:
    stranger = house.begin()
    assert 0 < stranger.session.appetite <= PREAUTH_BYTES_MAX
    stranger.open()
    stranger.sync()
    assert stranger.session.appetite == 0
    house.change_alarm("low on disk")
    stranger.sync()
    assert 0 < stranger.session.appetite <= PREAUTH_BYTES_MAX
    house.change_alarm("")
    stranger.publish("q")
    assert stranger.session.appetite == 0


def test_a_client_that_does_not_know_blocked_is_just_held_back(house: House) -> None:
    talk = house.begin()
    talk.open(capabilities={})
    talk.publish("q")
    house.change_alarm("low on memory")
    assert talk.is_silent()
    assert not talk.session.is_reading


def test_a_blocked_publisher_does_not_miss_heartbeats(house: House) -> None:
    client = house.connect(heartbeat=1)
    client.publish("q")
    house.change_alarm("low on memory")
    client.expect("connection.blocked", 0)
    house.pass_time(60_000)
    assert not client.session.is_closing
    house.change_alarm("")
    client.expect("connection.unblocked", 0)
    house.pass_time(1_500)
    assert not client.session.is_closing
    house.pass_time(3_000)
    assert client.session.is_closing


def test_the_end_of_the_broker_is_320(house: House) -> None:
    client = house.connect()
    client.session.shut_down(house.now)
    house.turn()
    refusal = client.refusal()
    text = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
    assert refusal == closes_connection(320, text)
    assert client.is_ended()
