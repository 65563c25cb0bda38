"""ActiveMQ's dialect: its destinations, headers, durable subscriptions, and deliveries that come later."""

from typing import Any

import pytest

from mqbroker.protocols.stomp.limits import STOMP_HEAD_BYTES_MAX
from tests.stomp.house import Client, House, frame
from tests.support.session_house import START


@pytest.fixture
def house() -> House:
    return House(dialect="activemq")


@pytest.mark.parametrize("destination", ["/queue/a.b", "/topic/a.b", "a", "/queue//amq/queue/q", "/foo/x"])
def test_what_is_sent_comes_to_who_has_subscribed(house: House, destination: str) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination=destination)
    client.send("SEND", b"x", destination=destination)
    assert client.messages() == [b"x"]


def test_a_message_has_the_headers_of_jms(house: House) -> None:
    client = house.connect("1.1")
    client.send("SUBSCRIBE", id=0, destination="/queue/q")
    client.send("SEND", b"body", destination="/queue/q", own="header", expires=START + 5000, priority=7)
    message = client.take("MESSAGE")
    expected = {
        "expires": str(START + 5000), "priority": "7", "timestamp": str(START), "own": "header",
        "destination": "/queue/q", "subscription": "0", "content-length": "4",
    }  # fmt: skip
    assert {**message.headers, "message-id": ""} == {**expected, "message-id": ""}
    client.send("SEND", b"", destination="/queue/q")
    message = client.take("MESSAGE")
    assert (message.headers["expires"], message.headers["priority"]) == ("0", "4")


def test_a_composite_destination_is_sent_to_all(house: House) -> None:
    client = house.connect()
    for id_, destination in enumerate(("/queue/a", "/queue/b", "/topic/c")):
        client.send("SUBSCRIBE", id=id_, destination=destination)
    for _ in range(2):
        client.send("SEND", b"x", destination="/queue/a,b,topic://c", receipt="r")
        assert [each.command for each in client.frames()] == ["RECEIPT", "MESSAGE", "MESSAGE", "MESSAGE"]


def test_wildcards_of_topics(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/topic/a.>")
    client.send("SUBSCRIBE", id=2, destination="/topic/*.b")
    for topic in ("a.b", "a.c.d", "x.b"):
        client.send("SEND", topic.encode(), destination=f"/topic/{topic}")
    found = sorted((each.headers["subscription"], each.body) for each in client.frames())
    assert found == [("1", b"a.b"), ("1", b"a.c.d"), ("2", b"a.b"), ("2", b"x.b")]


def test_a_virtual_topic_feeds_queues(house: House) -> None:
    client = house.connect()
    for id_, queue in enumerate(
        ("Consumer.A.VirtualTopic.x", "Consumer.A.VirtualTopic.x", "Consumer.B.VirtualTopic.>")
    ):
        client.send("SUBSCRIBE", id=id_, destination=f"/queue/{queue}")
    for _ in range(2):
        client.send("SEND", b"x", destination="/topic/VirtualTopic.x")
    assert sorted(each.headers["subscription"] for each in client.frames()) == ["0", "1", "2", "2"]


def test_temporary_queues_belong_to_their_connection(house: House) -> None:
    requester, responder = house.connect(), house.connect()
    requester.send("SUBSCRIBE", id=1, destination="/temp-queue/foo")
    responder.send("SUBSCRIBE", id=1, destination="/queue/calls")
    requester.send("SEND", b"?", destination="/queue/calls", reply_to="/temp-queue/foo")
    call = responder.take("MESSAGE")
    assert call.headers["reply-to"].startswith("/remote-temp-queue/")
    responder.send("SEND", b"!", destination=call.headers["reply-to"])
    answer = requester.take("MESSAGE")
    assert (answer.body, answer.headers["destination"]) == (b"!", "/temp-queue/foo")
    responder.send("SUBSCRIBE", id=2, destination=call.headers["reply-to"])
    assert responder.error()[0] == "resource_locked"
    requester.lose()
    assert not [name for name in house.vhost.queues if name.startswith("amq.gen")]


def durable(house: House, client_id: str = "c") -> Client:
    client = house.connect(**{"client-id": client_id})
    client.send("SUBSCRIBE", id=1, destination="/topic/a", **{"activemq.subscriptionName": "s"})
    return client


def test_a_durable_subscription_is_known_by_client_and_name(house: House) -> None:
    client = durable(house)
    client.send("UNSUBSCRIBE", id=1)
    client.send("SEND", b"x", destination="/topic/a", persistent="true")
    client.lose()
    client = durable(house)
    assert client.messages() == [b"x"]
    client.send("UNSUBSCRIBE", id=1, **{"activemq.subscriptionName": "s"})
    assert client.error() == ("Durable consumer is in use", "")
    client.send("UNSUBSCRIBE", id=1)
    client.send("UNSUBSCRIBE", id=1, **{"activemq.subscriptionName": "s"})
    assert len(house.vhost.queues) == 0
    client.send("SUBSCRIBE", id=1, destination="/queue/a", **{"activemq.subscriptionName": "s"})
    assert client.error()[0] == "Invalid Subscription\\c cannot durably subscribe to a Queue destination!"


def test_a_durable_subscription_has_one_consumer(house: House) -> None:
    client = durable(house)
    client.send("SUBSCRIBE", id=2, destination="/topic/a", **{"activemq.subscriptionName": "s"})
    assert client.error()[0] == "Durable consumer is in use for client\\c c and subscriptionName\\c s"


@pytest.mark.parametrize("destination", ["/queue/a", "/queue/a,b"])
def test_an_id_may_be_subscribed_with_again(house: House, destination: str) -> None:
    """Programs that ran on ActiveMQ were refused: there each SUBSCRIBE is a consumer, whatever its id is."""
    client, publisher = house.connect(), house.connect()
    for _ in range(2):
        client.send("SUBSCRIBE", id=1, destination=destination, ack="client-individual")
    client.send("SUBSCRIBE", id=1, destination="/topic/t", ack="client-individual")
    assert len(house.vhost.queues["a"].consumers) == 2
    for place in ("/queue/a", "/queue/a", "/topic/t"):
        publisher.send("SEND", place.encode(), destination=place)
    found = client.frames()
    assert {each.headers["subscription"] for each in found} == {"1"}
    for each in found:
        client.send("ACK", id=each.headers["ack"])
    assert house.vhost.queues["a"].unacked_count == 0
    client.send("UNSUBSCRIBE", id=1)  # the last one
    publisher.send("SEND", b"x", destination="/topic/t")
    publisher.send("SEND", b"y", destination="/queue/a")
    assert client.messages() == [b"y"]
    client.send("UNSUBSCRIBE", id=1)
    assert client.error()[0] == "No subscription matched."
    client.send("UNSUBSCRIBE", destination=destination)
    assert len(house.vhost.queues["a"].consumers) == 1
    house.vhost.delete_queue("a")
    house.turn()
    assert len(client.frames()) == ("," not in destination)  # it is told, unless there is more than this queue
    client.lose()
    assert not [each for each in house.vhost.queues.values() if each.consumers]


def test_what_a_shadowed_subscription_holds_goes_back(house: House) -> None:
    client = house.connect()
    for _ in range(2):
        client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    for _ in range(4):
        client.send("SEND", b"x", destination="/queue/a")
    assert len(client.messages()) == 4
    client.lose()
    assert house.vhost.queues["a"].waiting_count() == 4


def test_without_ids_unsubscribe_takes_one_at_a_time(house: House) -> None:
    client = house.connect("1.0")
    for _ in range(2):
        client.send("SUBSCRIBE", destination="/queue/a")
    for left in (1, 0):
        client.send("UNSUBSCRIBE", destination="/queue/a")
        assert len(house.vhost.queues["a"].consumers) == left
    client.send("UNSUBSCRIBE", destination="/queue/a")
    assert client.error()[0] == "No subscription matched."
    client = house.connect("1.1")
    client.send("UNSUBSCRIBE", destination="/queue/a")
    assert client.error()[0] == "UNSUBSCRIBE received without a subscription id!"


def test_a_client_id_is_used_once(house: House) -> None:
    durable(house)
    client = house.begin()
    client.send("CONNECT", login="guest", passcode="guest", **{"client-id": "c"})
    message, _ = client.error()
    assert message.startswith("Broker\\c localhost - Client\\c c already connected from tcp\\c//127.0.0.1")


@pytest.mark.parametrize("header", ["request-id", "receipt"])
def test_connected_answers_the_request_id(house: House, header: str) -> None:
    client = house.begin()
    client.send("CONNECT", login="guest", passcode="guest", **{"client-id": "me", header: "7"})
    headers = client.take("CONNECTED").headers
    assert (headers["response-id"], headers["receipt-id"], headers["session"]) == ("7", "7", "me")


def test_a_nack_sends_to_the_dead_letter_queue(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    client.send("SUBSCRIBE", id=2, destination="/queue/ActiveMQ.DLQ")
    client.send("SEND", b"x", destination="/queue/a", persistent="true")
    client.send("NACK", id=client.take("MESSAGE").headers["ack"])
    assert client.take("MESSAGE").headers["subscription"] == "2"


@pytest.mark.parametrize("in_transaction", [False, True])
def test_what_is_not_persistent_has_no_dead_letter_queue(house: House, in_transaction: bool) -> None:
    """Every reading that a client could not use waited in ActiveMQ.DLQ for ever."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    for number in range(4):
        client.send("SEND", b"%d" % number, destination="/queue/a", **({"persistent": "true"} if number % 2 else {}))
    last = client.frames()[-1].headers["ack"]
    if in_transaction:
        client.send("BEGIN", transaction="t")
        client.send("NACK", id=last, transaction="t")
        client.send("COMMIT", transaction="t")
    else:
        client.send("NACK", id=last)
    assert house.vhost.queues["a"].unacked_count == 0
    client.send("SUBSCRIBE", id=2, destination="/queue/ActiveMQ.DLQ")
    assert client.messages() == [b"1", b"3"]


@pytest.mark.parametrize("transient", [False, True])
def test_what_is_not_persistent_expires_without_a_dead_letter(transient: bool) -> None:
    """ActiveMQ.DLQ filled with prices that nobody had looked at in time."""
    house = House(dialect="activemq", dead_letters_transient=transient)
    client = house.connect()
    for persistent in ("true", "false"):
        client.send("SEND", b"", destination="/queue/other", expires=START + 50, persistent=persistent)
    house.pass_time(100)
    assert house.vhost.queues["other"].waiting_count() == 0
    assert house.vhost.queues["ActiveMQ.DLQ"].waiting_count() == 1 + transient


def test_the_user_of_a_message_is_called_as_in_jms(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    client.send("SEND", b"x", destination="/queue/a", **{"user-id": "guest", "JMSXUserID": "somebody"})
    message = client.take("MESSAGE")
    assert message.headers["JMSXUserID"] == "guest"
    assert "user-id" not in message.headers


def test_the_broker_may_say_whose_a_message_is() -> None:
    house = House(dialect="activemq", populate_user_id=True)
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", selector="JMSXUserID = 'guest'")
    for headers in ({}, {"JMSXUserID": "somebody"}, {"user-id": "guest"}):
        client.send("SEND", b"x", destination="/queue/a", **headers)
        assert client.take("MESSAGE").headers["JMSXUserID"] == "guest"
    client.send("SEND", b"x", destination="/queue/a", **{"user-id": "somebody"})
    client.take("ERROR")


def test_prefetch_and_priority_are_options(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a?consumer.prefetchSize=1", ack="client")
    client.send(
        "SUBSCRIBE", id=2, destination="/queue/a", ack="client", **{"activemq.priority": 5, "activemq.prefetchSize": 2}
    )
    for number in range(5):
        client.send("SEND", b"%d" % number, destination="/queue/a")
    assert [each.headers["subscription"] for each in client.frames()] == ["2", "2", "1"]


@pytest.mark.parametrize(
    ("destination", "headers", "count"),
    [
        ("/queue/a", {}, 1000), ("/queue/a,b", {}, 1000), ("/topic/a", {}, 1100),
        ("/topic/a", {"activemq.subscriptionName": "s"}, 100), ("/queue/a", {"activemq.prefetchSize": 0}, 1100),
    ],
)  # fmt: skip
def test_who_names_no_prefetch_has_that_of_activemq(
    house: House, destination: str, headers: dict[str, Any], count: int
) -> None:
    """The first of several consumers took all that waited, however slow it was."""
    client, publisher = house.connect(), house.connect()
    client.send("SUBSCRIBE", id=1, destination=destination, ack="client", **headers)
    publisher.write(frame("SEND", b"x", destination=destination.removesuffix(",b")) * 1100)
    assert len(client.messages()) == count


@pytest.mark.parametrize("destination", ["/queue/a", "/queue/a,b"])
def test_what_is_acknowledged_in_a_transaction_makes_room(house: House, destination: str) -> None:
    """A client that wanted two messages in one transaction waited for the second one for ever."""
    client = house.connect()
    for number in range(5):
        client.send("SEND", b"%d" % number, destination="/queue/a")
    client.send("SUBSCRIBE", id=1, destination=destination, ack="client-individual", **{"activemq.prefetchSize": 1})
    first = client.take("MESSAGE")
    client.send("BEGIN", transaction="t")
    client.send("ACK", id=first.headers["ack"], transaction="t")
    second = client.take("MESSAGE")
    client.send("ACK", id=second.headers["ack"], transaction="t")
    third = client.take("MESSAGE")
    client.send("ABORT", transaction="t")
    assert client.frames() == []
    client.send("BEGIN", transaction="t")
    for each in (first, second):
        client.send("ACK", id=each.headers["ack"], transaction="t")
    client.send("ACK", id=third.headers["ack"], transaction="t")
    fourth = client.take("MESSAGE")
    client.send("COMMIT", transaction="t")
    assert client.frames() == []  # the fourth one is not acknowledged
    client.send("ACK", id=fourth.headers["ack"])
    assert client.messages() == [b"4"]


def test_a_delivery_may_come_later_and_again(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    later = {"AMQ_SCHEDULED_DELAY": 1000, "AMQ_SCHEDULED_PERIOD": 500, "AMQ_SCHEDULED_REPEAT": 1}
    client.send("SEND", b"x", destination="/queue/a", own="header", receipt="r", **later)
    client.take("RECEIPT")
    house.pass_time(900)
    assert client.frames() == []
    house.pass_time(200)
    message = client.take("MESSAGE")
    assert message.headers["own"] == "header"
    assert "scheduledJobId" in message.headers
    assert "AMQ_SCHEDULED_DELAY" not in message.headers
    house.pass_time(2000)
    assert client.messages() == [b"x"]


def test_a_wrong_schedule_is_refused(house: House) -> None:
    client = house.connect()
    client.send("SEND", b"x", destination="/queue/a", AMQ_SCHEDULED_DELAY="soon")
    assert client.error()[0] == "precondition_failed"


@pytest.mark.parametrize("destination", ["", "/queue/", "/topic/,"])
def test_an_empty_destination_is_refused(house: House, destination: str) -> None:
    client = house.connect()
    client.send("SEND", b"x", destination=destination)
    assert client.error()[0] == "Invalid empty or 'null' Destination header"


REFUSED = [
    ("SEND", {}, "SEND received without a Destination specified!", False),
    ("SUBSCRIBE", {"destination": "/queue/a"}, "SUBSCRIBE received without a subscription id!", False),
    ("UNSUBSCRIBE", {}, "UNSUBSCRIBE received without a subscription id!", False),
    ("UNSUBSCRIBE", {"id": 7}, "No subscription matched.", False),
    ("ACK", {}, "ACK received without a ack id for acknowledge!", False),
    ("ACK", {"id": "x"}, "Unexpected ACK received for message-id [x]", False),
    ("BEGIN", {}, "Must specify the transaction you are beginning", False),
    ("COMMIT", {}, "Must specify the transaction you are committing", False),
    ("ABORT", {}, "Must specify the transaction you are committing", False),
    ("NACK", {}, "NACK received without an ack header to acknowledge!", False),
    ("SEND", {"destination": "/queue/a", "amq-msg-type": "map"}, "Unsupported message type 'map'", False),
    ("SEND", {"destination": ""}, "Invalid empty or 'null' Destination header", True),
    ("COMMIT", {"transaction": "{login}"}, "Invalid transaction id: {login}", False),
    ("SEND", {"destination": "/queue/a", "transaction": "t"}, "Invalid transaction id: t", False),
    ("BEGIN", {"transaction": "begun"}, "The transaction was already started: begun", False),
    ("FOO", {}, "Unknown STOMP action: FOO", True),
    ("CONNECT", {}, "Already connected.", True),
]


@pytest.mark.parametrize(("command", "headers", "message", "closes"), REFUSED)
def test_refusals_are_in_the_words_of_activemq(
    house: House, command: str, headers: dict[str, Any], message: str, closes: bool
) -> None:
    client = house.connect()
    client.send("BEGIN", transaction="begun")
    client.send(command, receipt="r", **headers)
    found = client.take("ERROR")
    assert found.headers["message"].replace("\\c", ":") == message
    assert found.headers["receipt-id"] == "r"
    assert client.is_ended is closes


LOGINS = [
    ("CONNECT", {"login": "guest", "passcode": "wrong"}, "User name [guest] or password is invalid."),
    ("CONNECT", {"accept-version": "2.1,3.0"},
     "Invalid Protocol version[2.1,3.0], supported versions are: [1.2, 1.1, 1.0]"),
    ("CONNECT", {"login": "guest", "passcode": "guest", "heart-beat": "abc"}, "Invalid heart-beat header:abc"),
    ("SEND", {"destination": "/queue/a"}, "Not connected."),
]  # fmt: skip


@pytest.mark.parametrize(("command", "headers", "message"), LOGINS)
def test_refused_logins_are_closed_in_the_words_of_activemq(
    house: House, command: str, headers: dict[str, Any], message: str
) -> None:
    client = house.begin()
    client.send(command, **headers)
    found = client.take("ERROR")
    assert found.headers["message"].replace("\\c", ":") == message
    assert client.is_ended


def test_the_host_is_ignored(house: House) -> None:
    client = house.begin()
    client.send("CONNECT", login="guest", passcode="guest", host="activemq.example.org")
    client.take("CONNECTED")


@pytest.mark.parametrize(
    ("asked", "answered"), [("4000,6500", "6500,4000"), ("1234,1", "100,1234"), ("0,0", "0,0"), ("-5,1999", "1999,0")]
)
def test_heart_beats_are_not_rounded(house: House, asked: str, answered: str) -> None:
    """A client that beats every 1.5 seconds was told that it has to beat every second."""
    client = house.begin()
    client.send("CONNECT", accept_version="1.1", login="guest", passcode="guest", heart_beat=asked)
    assert client.take("CONNECTED").headers["heart-beat"] == answered


def test_the_beginning_of_a_command_counts(house: House) -> None:
    client = house.connect()
    client.send("KEEPALIVE")
    client.send("SUB", id=1, destination="/queue/a")
    client.send("SEND", b"x", destination="/queue/a")
    assert client.messages() == [b"x"]
    client.send("UNSUB", id=1, receipt="r")
    client.take("RECEIPT")
    client.send("send", destination="/queue/a")
    assert client.error()[0] == "Unknown STOMP action\\c send"
    assert client.is_ended


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"SEND\ncontent-length:1\n\nab\0", "content-length bytes were read and there was no trailing null byte"),
        (b"SEND\ncontent-length:x\n\n\0", "Specified content-length is not a valid integer"),
        (b"SEND\ncontent-length:-1\n\n\0", "Specified content-length may not be negative"),
        (b"SEND\na:" + b"b" * STOMP_HEAD_BYTES_MAX + b"\n\n\0", "The maximum header length was exceeded"),
    ],
)
def test_what_is_no_frame_is_refused_in_the_words_of_activemq(house: House, octets: bytes, message: str) -> None:
    client = house.connect()
    client.write(octets)
    assert client.error() == (message, "")
    assert client.is_ended


def test_header_lines_are_read_as_activemq_does(house: House) -> None:
    """A program that had sent a path of Windows to ActiveMQ was thrown out."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    client.write(b"SEND\ndestination:/queue/a\npath:C\\c\\temp\\x\nalone\n\n\0")
    headers = client.take("MESSAGE").headers
    assert (headers["path"], headers["alone"]) == ("C\\c\\\\temp\\\\x", "")
    client.write(b"SEND\ndestination:/queue/a\n:x\n\n\0")
    assert client.error() == ("a header line has no name", "")
    assert client.is_ended


def test_nack_needs_a_later_version(house: House) -> None:
    client = house.connect("1.0")
    client.send("NACK", **{"message-id": "x"})
    assert client.error()[0] == "NACK received but connection is in v1.0 mode."


def test_a_client_id_may_be_any_octets(house: House) -> None:
    client = house.begin()
    client.write(b"CONNECT\nlogin:guest\npasscode:guest\nclient-id:\xff\n\n\0")
    assert client.take("CONNECTED").headers["session"] == "\udcff"


def test_a_subscription_may_leave_out_what_is_local(house: House) -> None:
    """A chat showed everybody their own words twice."""
    client, other = house.connect(), house.connect()
    client.send("SUBSCRIBE", id=1, destination="/topic/t", **{"activemq.noLocal": "true"})
    client.send("SUBSCRIBE", id=2, destination="/topic/u?consumer.noLocal=true")
    other.send("SUBSCRIBE", id=1, destination="/topic/t")
    for each in (client, other):
        for topic in ("t", "u"):
            each.send("SEND", topic.encode(), destination=f"/topic/{topic}")
    assert client.messages() == [b"t", b"u"]
    assert other.messages() == [b"t", b"t"]


@pytest.mark.parametrize("durable", [False, True])
def test_a_retroactive_subscription_begins_with_what_was_last(durable: bool) -> None:
    """A page that showed prices was empty until the next one came."""
    house = House(dialect="activemq", retroactive_messages=1)
    client = house.connect()
    for price in (1, 2):
        client.send("SEND", b"%d" % price, destination="/topic/prices.a", price=price)
    client.send("SEND", b"3", destination="/topic/prices.b", price=3)
    name = {"activemq.subscriptionName": "s"} if durable else {}
    client.send(
        "SUBSCRIBE", id=1, destination="/topic/prices.>", receipt="r", **name, **{"activemq.retroactive": "true"}
    )
    found = client.frames()
    assert [(each.command, each.body) for each in found] == [("RECEIPT", b""), ("MESSAGE", b"2"), ("MESSAGE", b"3")]
    client.send("UNSUBSCRIBE", id=1)
    client.send(
        "SUBSCRIBE", id=1, destination="/topic/prices.>?consumer.retroactive=true", selector="price > 2", **name
    )
    assert client.messages() == [b"3"]
    client.send("UNSUBSCRIBE", id=1)
    client.send("SUBSCRIBE", id=1, destination="/topic/prices.>", selector="price > 2", **name)
    assert client.messages() == []


def test_a_schedule_counts_with_the_commit(house: House) -> None:
    """A message with a delay was scheduled, although its transaction was aborted."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/q")
    for end, body in (("ABORT", b"no"), ("COMMIT", b"yes")):
        client.send("BEGIN", transaction="t")
        client.send("SEND", body, destination="/queue/q", transaction="t", AMQ_SCHEDULED_DELAY=50)
        client.send(end, transaction="t")
    house.pass_time(100)
    assert client.messages() == [b"yes"]


def exclusive(house: House, destination: str = "/queue/q") -> Client:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination=destination, **{"activemq.exclusive": "true"})
    return client


def shares(house: House, *clients: Client) -> list[int]:
    """How many of six messages each gets."""
    publisher = house.connect()
    for _ in range(6):
        publisher.send("SEND", b"x", destination="/queue/q")
    return [len(client.messages()) for client in clients]


def test_an_exclusive_consumer_has_the_queue_for_itself(house: House) -> None:
    """Two consumers that had asked to be the only one shared the messages, and their order was lost."""
    common = house.connect()
    common.send("SUBSCRIBE", id=1, destination="/queue/q")
    assert shares(house, common) == [6]
    first = exclusive(house)
    second = exclusive(house, "/queue/q?consumer.exclusive=true")
    assert shares(house, common, first, second) == [0, 6, 0]
    first.send("UNSUBSCRIBE", id=1)
    assert shares(house, common, second) == [0, 6]
    house.vhost.apply_policies(house.now)  # which configures all queues anew
    assert shares(house, common, second) == [0, 6]
    second.lose()
    assert shares(house, common) == [6]


def test_what_waited_goes_to_who_is_left(house: House) -> None:
    holder, common = exclusive(house), house.connect()
    holder.lose()
    holder = house.connect()
    holder.send("SUBSCRIBE", id=1, destination="/queue/q?consumer.exclusive=true&consumer.prefetchSize=1", ack="client")
    common.send("SUBSCRIBE", id=1, destination="/queue/q")
    assert shares(house, holder, common) == [1, 0]
    holder.lose()
    assert len(common.messages()) == 6
