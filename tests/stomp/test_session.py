"""Sessions frame by frame: destinations, acknowledgements, transactions, receipts, and every ERROR."""

import pytest

from tests.stomp.house import Client, Frame, House, frame


@pytest.fixture
def house() -> House:
    return House()


# --- sending and receiving ------------------------------------------------------------------------------------------


def test_a_message_has_the_headers_of_the_recorded_one(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual")
    client.send("SEND", b"hello", destination="/queue/a", content_type="text/plain", my="own", receipt="r")
    receipt, message = client.frames()
    session = client.session.session_id
    assert receipt == Frame("RECEIPT", {"receipt-id": "r"}, b"")
    assert list(message.headers.items()) == [
        ("subscription", "1"),
        ("destination", "/queue/a"),
        ("message-id", f"T_1@@{session}@@1"),
        ("redelivered", "false"),
        ("ack", f"T_1@@{session}@@1"),
        ("content-type", "text/plain"),
        ("my", "own"),
        ("content-length", "5"),
    ]


def test_version_1_0_needs_no_id_and_has_no_ack_header(house: House) -> None:
    client = house.connect("1.0")
    client.send("SUBSCRIBE", destination="/queue/a", ack="client")
    client.send("SEND", b"hello", destination="/queue/a")
    message = client.take("MESSAGE")
    assert message.headers["message-id"] == f"Q_/queue/a@@{client.session.session_id}@@1"
    assert "subscription" not in message.headers
    assert "ack" not in message.headers
    client.send("ACK", message_id=message.headers["message-id"])
    assert client.frames() == []
    client.send("UNSUBSCRIBE", destination="/queue/a", receipt="u")
    client.take("RECEIPT")


SENT_TO = {
    "/queue/a": "/queue/a",
    "a": "/queue/a",
    "/queue/a%2Fb": "/queue/a%2Fb",
    "/queue/%C3%A4": "/queue/%C3%A4",
    "/amq/queue/there": "/queue/there",
    "/topic/a.b": "/topic/a.b",
    "/exchange/amq.topic/a.b": "/topic/a.b",
    "/exchange/amq.direct/k": "/exchange/amq.direct/k",
    "/exchange/amq.fanout": "/exchange/amq.fanout/",
}


@pytest.mark.parametrize(("destination", "shown"), SENT_TO.items())
def test_what_is_sent_comes_to_who_has_subscribed_to_the_same(house: House, destination: str, shown: str) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=0, destination="/queue/there")
    client.send("SUBSCRIBE", id=1, destination=destination)
    client.send("SEND", b"x", destination=destination)
    found = [each for each in client.frames() if each.command == "MESSAGE"]
    assert [each.headers["destination"] for each in found] == [shown]


def test_bodies_may_hold_anything(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    for body in (b"", b"\0", b"a\0b\n\0\n", bytes(range(256)) * 400):
        client.send("SEND", body, destination="/queue/a", content_length=len(body))
        assert client.messages() == [body]


def test_what_the_client_may_not_say_for_the_broker_is_dropped(house: House) -> None:
    """On RabbitMQ a sender's subscription, ack and redelivered reach the consumer, and overwrite the broker's own."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    client.send("SEND", b"x", destination="/queue/a", subscription=7, ack=8, redelivered="true", receipt="r")
    message = client.frames()[-1]
    assert message.headers["subscription"] == "1"
    assert message.headers["redelivered"] == "false"
    assert "ack" not in message.headers
    assert "receipt" not in message.headers


def test_many_messages_with_the_same_head_are_routed_once(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    client.write(b"".join(frame("SEND", b"%d" % n, destination="/queue/a") for n in range(5)))
    assert client.messages() == [b"0", b"1", b"2", b"3", b"4"]
    house.add_user("guest", write="^$")
    client.send("SEND", b"x", destination="/queue/a")
    assert client.error()[0] == "access_refused"
    assert client.is_ended


# --- acknowledgements -----------------------------------------------------------------------------------------------


def received(client: Client, count: int) -> list[Frame]:
    found = client.frames()
    assert [each.command for each in found] == ["MESSAGE"] * count, found
    return found


def fill(client: Client, count: int, destination: str = "/queue/a") -> None:
    for number in range(count):
        client.send("SEND", b"%d" % number, destination=destination)


def test_client_mode_acknowledges_all_before_within_the_subscription(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    client.send("SUBSCRIBE", id=2, destination="/queue/b", ack="client-individual")
    fill(client, 1, "/queue/b")
    fill(client, 3)
    messages = received(client, 4)
    client.send("ACK", id=messages[2].headers["ack"])
    client.lose()
    again = house.connect()
    again.send("SUBSCRIBE", id=1, destination="/queue/a")
    again.send("SUBSCRIBE", id=2, destination="/queue/b")
    found = again.frames()
    assert [(each.headers["destination"], each.body, each.headers["redelivered"]) for each in found] == [
        ("/queue/a", b"2", "true"),
        ("/queue/b", b"0", "true"),
    ]


def test_individual_mode_acknowledges_one(house: House) -> None:
    client = house.connect("1.1")
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual")
    fill(client, 3)
    messages = received(client, 3)
    client.send("ACK", message_id=messages[1].headers["message-id"], subscription=1)
    client.lose()
    again = house.connect()
    again.send("SUBSCRIBE", id=1, destination="/queue/a")
    assert again.messages() == [b"0", b"2"]


def test_a_copy_of_the_message_acknowledges_it(house: House) -> None:
    """php-stomp 2 sends the headers of MESSAGE back, which in 1.2 have no `id`."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual", prefetch_count=1)
    fill(client, 2)
    (message,) = received(client, 1)
    client.write(b"ACK\n" + "".join(f"{n}:{v}\n" for n, v in message.headers.items()).encode() + b"\n\0")
    assert client.messages() == [b"1"]


def test_nack_puts_back_or_dead_letters(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=9, destination="/queue/dead")
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual", prefetch_count=1,
                **{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})  # fmt: skip
    fill(client, 1)
    (message,) = received(client, 1)
    client.send("NACK", id=message.headers["ack"])
    (again,) = received(client, 1)
    assert again.headers["redelivered"] == "true"
    client.send("NACK", id=again.headers["ack"], requeue="false")
    (dead,) = received(client, 1)
    assert dead.headers["subscription"] == "9"


def test_what_was_unsubscribed_may_still_be_acknowledged(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual")
    fill(client, 1)
    (message,) = received(client, 1)
    client.send("UNSUBSCRIBE", id=1)
    client.send("ACK", id=message.headers["ack"], receipt="a")
    client.take("RECEIPT")
    assert house.vhost.queues["a"].unacked_count == 0


def test_a_subscription_that_prefers_less_gets_less(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client", prefetch_count=2)
    fill(client, 5)
    messages = received(client, 2)
    client.send("ACK", id=messages[-1].headers["ack"])
    received(client, 2)


def test_what_two_subscriptions_of_one_id_have_left_is_told_apart(house: House) -> None:
    """The second that ended took the place of the first, whose deliveries were held for ever."""
    client = house.connect()
    ids = []
    for _ in range(3):
        client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual", prefetch_count=2)
        fill(client, 2)
        ids += [each.headers["ack"] for each in client.frames()]
        client.send("UNSUBSCRIBE", id=1)
    client.send("SUBSCRIBE", id=1, destination="/queue/b", ack="client-individual")
    fill(client, 3, "/queue/b")
    new = [each.headers["ack"] for each in client.frames()]
    for id_ in (ids[0], ids[2], *new, ids[4]):
        client.send("ACK", id=id_)
    assert client.frames() == []
    client.lose()
    assert [queue.unacked_count for queue in house.vhost.queues.values()] == [0, 0]
    assert house.vhost.queues["a"].waiting_count() == 3


def test_an_end_in_the_middle_of_settling_gives_back_only_the_rest(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    fill(client, 5000)
    ids = [each.headers["ack"] for each in client.frames()]
    client.session.receive_data(frame("ACK", id=ids[3999]), house.now)
    client.lose()
    assert house.vhost.queues["a"].waiting_count() == 1000


def test_only_subscriptions_to_topics_are_deleted_by_unsubscribe(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", durable="true")
    client.send("UNSUBSCRIBE", id=1, durable="true", persistent="true")
    assert "a" in house.vhost.queues


# --- transactions ---------------------------------------------------------------------------------------------------


def test_a_transaction_is_carried_out_at_its_commit(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/b")
    client.send("BEGIN", transaction="t", receipt="b")
    client.send("SEND", b"x", destination="/queue/b", transaction="t", receipt="s")
    assert [each.headers["receipt-id"] for each in client.frames()] == ["b", "s"]  # Net::Stomp waits for it inside
    client.send("COMMIT", transaction="t", receipt="c")
    assert [each.command for each in client.frames()] == ["RECEIPT", "MESSAGE"]


def test_an_aborted_transaction_leaves_deliveries_with_their_consumer(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual")
    fill(client, 1)
    (message,) = received(client, 1)
    client.send("BEGIN", transaction="t")
    client.send("ACK", id=message.headers["ack"], transaction="t")
    client.send("SEND", b"x", destination="/queue/b", transaction="t")
    client.send("ABORT", transaction="t")
    assert house.vhost.queues["b"].waiting_count() == 0
    client.send("ACK", id=message.headers["ack"], receipt="a")
    client.take("RECEIPT")


def test_a_lost_connection_aborts(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    fill(client, 2)
    messages = received(client, 2)
    client.send("BEGIN", transaction="t")
    client.send("ACK", id=messages[1].headers["ack"], transaction="t")
    client.lose()
    assert house.vhost.queues["a"].waiting_count() == 2


# --- topics and replies ---------------------------------------------------------------------------------------------


def test_a_durable_subscription_keeps_what_comes_meanwhile(house: House) -> None:
    durable = {"destination": "/topic/a.*", "durable": "true", "auto_delete": "false"}
    client = house.connect()
    client.send("SUBSCRIBE", id="d", **durable)
    client.send("DISCONNECT", receipt="bye")
    client.take("RECEIPT")
    assert client.is_ended
    client.lose()
    other = house.connect()
    other.send("SEND", b"x", destination="/topic/a.b", persistent="true")
    client = house.connect()
    client.send("SUBSCRIBE", id="d", **durable)
    assert client.messages() == [b"x"]
    client.send("UNSUBSCRIBE", id="d")
    assert len(house.vhost.queues) == 1
    client.send("SUBSCRIBE", id="d", **durable)
    client.send("UNSUBSCRIBE", id="d", durable="true")
    assert len(house.vhost.queues) == 0


def test_other_subscriptions_end_with_their_connection(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id="d", destination="/topic/a.#")
    client.send("SUBSCRIBE", id="n", destination="/topic/a.#", x_queue_name="named")
    assert "named" in house.vhost.queues
    assert any(name.startswith("stomp-subscription-") for name in house.vhost.queues)
    client.lose()
    assert len(house.vhost.queues) == 0


def test_a_reply_comes_to_the_temporary_queue(house: House) -> None:
    requester, responder = house.connect(), house.connect()
    responder.send("SUBSCRIBE", id=1, destination="/queue/calls")
    requester.send("SEND", b"?", destination="/queue/calls", reply_to="/temp-queue/foo")
    call = responder.take("MESSAGE")
    assert call.headers["reply-to"].startswith("/reply-queue/amq.gen-")
    responder.send("SEND", b"!", destination=call.headers["reply-to"])
    answer = requester.take("MESSAGE")
    assert answer.headers["subscription"] == "/temp-queue/foo"
    assert answer.body == b"!"
    requester.lose()
    assert list(house.vhost.queues) == ["calls"]


def test_a_client_is_told_when_its_queue_is_deleted(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a")
    house.vhost.delete_queue("a")
    house.turn()
    found = client.take("ERROR")
    assert found.headers["message"] == "Server cancelled subscription"
    assert found.headers["subscription"] == "1"
    text = "The server has canceled a subscription.\nNo more messages will be delivered for \"id='1'\".\n"
    assert found.body.decode() == text


# --- refusals -------------------------------------------------------------------------------------------------------

REFUSED = [
    ("SEND", {}, "Missing destination", "\"SEND\" must include a 'destination' header\n", False),
    ("SEND", {"destination": ""}, "Invalid destination", "Destination cannot be blank", False),
    ("SEND", {"destination": "/exchange/x"}, "not_found", "NOT_FOUND - no exchange 'x' in vhost '/'", True),
    ("SEND", {"destination": "a", "message_id": "1"}, "Invalid header",
     "'message-id' is not allowed on 'SEND'.\n", False),
    ("SEND", {"destination": "a", "expiration": "x"}, "precondition_failed",
     "PRECONDITION_FAILED - invalid expiration 'x': no_integer", True),
    ("SEND", {"destination": "a", "user_id": "x"}, "precondition_failed",
     "PRECONDITION_FAILED - user_id property set to 'x' but authenticated user was 'guest'", True),
    ("SEND", {"destination": "/temp-queue/n"}, "Invalid destination",
     "'/temp-queue/n' is not a valid destination for 'SEND'\n", False),
    ("SEND", {"destination": "/queue/a/b"}, "Invalid destination", "'/a/b' is not a valid queue destination\n", False),
    ("SEND", {"destination": "/foo/x"}, "Unknown destination",
     "'/foo/x' is not a valid destination.\nValid destination types are: "
     "/temp-queue, /exchange, /topic, /queue, /amq/queue, /reply-queue/.\n", False),
    ("SUBSCRIBE", {"destination": "/amq/queue/q", "id": 1}, "not_found",
     "NOT_FOUND - no queue 'q' in vhost '/'", True),
    ("SUBSCRIBE", {"destination": "/topic/a", "durable": "true"}, "Missing Header",
     "Header 'id' is required for durable subscriptions", False),
    ("SUBSCRIBE", {"destination": "/topic/a", "persistent": "true"}, "Missing Header",
     "Header 'id' is required for durable subscriptions", False),
    ("SUBSCRIBE", {}, "Missing destination", "\"SUBSCRIBE\" must include a 'destination' header\n", False),
    ("SUBSCRIBE", {"destination": "/exchange/x", "id": 1}, "not_found",
     "NOT_FOUND - no exchange 'x' in vhost '/'", True),
    ("SUBSCRIBE", {"destination": "/temp-queue/n", "id": 1}, "Invalid destination",
     "'/temp-queue/n' is not a valid destination for 'SUBSCRIBE'\n", False),
    ("SUBSCRIBE", {"destination": "/queue/a", "id": "there"}, "Duplicated subscription identifier",
     "A subscription identified by 'T_there' already exists.", True),
    ("SUBSCRIBE", {"destination": "/queue/a", "id": 1, "ack": "x"}, "Processing error",
     "'x' is no value of 'ack'\n", True),
    ("UNSUBSCRIBE", {"id": 7}, "No subscription found",
     "UNSUBSCRIBE must refer to an existing subscription.\nSubscription to \"id='7'\" not found.\n", False),
    ("UNSUBSCRIBE", {}, "Missing destination or id",
     "UNSUBSCRIBE must include a 'destination' or 'id' header", False),
    ("UNSUBSCRIBE", {"destination": "/topic/a", "durable": "true"}, "Missing Header",
     "Header 'id' is required for durable subscriptions", False),
    ("UNSUBSCRIBE", {"id": "/temp-queue/x"}, "Invalid id", "UNSUBSCRIBE 'id' may not start with /temp-queue/\n", False),
    ("ACK", {}, "Missing header", '"ACK" must include the "id" header\n', False),
    ("NACK", {"id": "7"}, "Invalid header", '"NACK" must include a valid "id" header\n', False),
    ("BEGIN", {}, "Missing transaction", "\"BEGIN\" must include a 'transaction' header\n", False),
    ("COMMIT", {"transaction": "t"}, "Bad transaction", 'Invalid transaction identifier: "t"\n', False),
    ("SEND", {"destination": "a", "transaction": "t"}, "Bad transaction",
     'Invalid transaction identifier: "t"\n', False),
    ("FOO", {}, "Bad command", 'Could not interpret command "FOO"\n', False),
    ("send", {"destination": "a"}, "Bad command", 'Could not interpret command "send"\n', False),
    ("CONNECT", {}, "Illegal command", "You must log in using CONNECT first", True),
]  # fmt: skip


@pytest.mark.parametrize(("command", "headers", "message", "detail", "is_final"), REFUSED)
def test_a_refusal_has_the_text_of_the_peer_and_the_receipt_id(
    house: House, command: str, headers: dict[str, object], message: str, detail: str, is_final: bool
) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id="there", destination="/queue/b")
    client.send(command, receipt="r", **headers)
    found = client.take("ERROR")
    assert (found.headers["message"], found.body.decode()) == (message, detail)
    assert found.headers["receipt-id"] == "r"
    assert found.headers["version"] == "1.0,1.1,1.2"
    assert found.headers["content-type"] == "text/plain"
    assert client.is_ended is is_final
    if not is_final:
        client.send("SEND", b"x", destination="/queue/b")
        assert client.messages() == [b"x"]


def test_the_first_frame_is_connect(house: House) -> None:
    client = house.begin()
    client.send("SEND", destination="a")
    assert client.error() == ("Illegal command", "You must log in using CONNECT first")
    assert client.is_ended


def test_a_delivery_is_acknowledged_once(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual")
    fill(client, 1)
    (message,) = received(client, 1)
    client.send("ACK", id=message.headers["ack"])
    client.send("ACK", id=message.headers["ack"])
    assert client.error() == ("Message not found", "unknown delivery tag 1\n")


def test_transactions_are_bounded(house: House) -> None:
    client = house.connect()
    for number in range(17):
        client.send("BEGIN", transaction=number)
    assert client.error()[0] == "Transaction limit exceeded"
    client.write(frame("SEND", destination="/queue/a", transaction=1) * 1025)
    assert client.error()[0] == "Transaction too large"


def test_a_full_queue_is_told_to_who_wants_a_receipt(house: House) -> None:
    """On RabbitMQ a rejected message gets neither RECEIPT nor ERROR, and the client waits for ever."""
    client = house.connect()
    for _ in range(2):
        client.send(
            "SEND", b"x", destination="/queue/a", receipt="r", **{"x-max-length": 1, "x-overflow": "reject-publish"}
        )
    assert [each.command for each in client.frames()] == ["RECEIPT", "ERROR"]


def test_who_sends_waits_while_a_resource_is_low(house: House) -> None:
    client, reader = house.connect(), house.connect()
    reader.send("SUBSCRIBE", id=1, destination="/queue/a")
    house.change_alarm("low on memory")
    client.write(frame("SEND", b"1", destination="/queue/a") + frame("SEND", b"2", destination="/queue/a"))
    assert reader.messages() == []
    assert not client.session.is_reading
    house.change_alarm("")
    house.pass_time(100)
    assert reader.messages() == [b"1", b"2"]


def test_the_broker_says_that_it_stops(house: House) -> None:
    client = house.connect()
    client.session.shut_down(house.now)
    house.turn()
    assert client.error() == ("Connection closed", "the broker stops\n")


def test_much_that_is_acknowledged_at_once_is_settled_in_portions(house: House) -> None:
    """One ACK of a million deliveries would hold up everybody else; what comes after it has to see it done."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client")
    fill(client, 3500)
    messages = received(client, 3500)
    ack = frame("ACK", id=messages[-1].headers["ack"], receipt="a")
    client.write(ack + frame("SEND", b"x", destination="/queue/b", receipt="b"))
    assert [each.headers["receipt-id"] for each in client.frames()] == ["a", "b"]
    assert house.vhost.queues["a"].unacked_count == 0


def test_a_run_of_acknowledgements_ends_at_a_wrong_one(house: House) -> None:
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual")
    fill(client, 20)
    ids = [each.headers["ack"] for each in received(client, 20)]
    client.send("SEND", destination="/queue/b", receipt="old")
    client.take("RECEIPT")
    client.write(b"\n".join(frame("ACK", id=id_) for id_ in [*ids[:10], ids[5], *ids[10:19]]))
    error = client.take("ERROR")
    assert (error.headers["message"], error.body) == ("Message not found", b"unknown delivery tag 6\n")
    assert "receipt-id" not in error.headers
    assert house.vhost.queues["a"].unacked_count == 1
    client.write(frame("ACK", id=ids[19], receipt="a"))
    client.take("RECEIPT")
    assert house.vhost.queues["a"].unacked_count == 0


def test_runs_of_two_subscriptions_are_told_apart(house: House) -> None:
    client = house.connect("1.1")
    for id_ in (1, 2):
        client.send("SUBSCRIBE", id=id_, destination=f"/queue/{id_}", ack="client-individual")
        fill(client, 5, f"/queue/{id_}")
    messages = received(client, 10)
    names = ("message-id", "subscription")
    for each in messages:
        client.send("ACK", **{name: each.headers[name] for name in names})
    assert client.frames() == []
    assert all(queue.unacked_count == 0 for queue in house.vhost.queues.values())


def test_frames_that_never_end_have_bounds_together(house: House) -> None:
    """Each of a thousand clients could announce the largest body, and send all of it but an octet."""
    clients = [house.connect() for _ in range(3)]
    for client in clients[:2]:
        client.write(b"SEND\ndestination:/queue/a\ncontent-length:900000\n\n" + b"x" * 600_000)
    assert not clients[0].is_ended
    assert clients[1].error()[0] == "Invalid frame"
    assert house.budget.used < 700_000
    clients[0].write(b"x" * 300_000 + b"y")
    assert clients[0].error()[0] == "Invalid frame"
    assert house.budget.used == 0
    clients[2].send("SEND", b"x" * 900_000, destination="/queue/a", content_length=900_000, receipt="r")
    clients[2].take("RECEIPT")


@pytest.mark.parametrize("length", ["", "content-length:3\n"])
@pytest.mark.parametrize("cut", range(0, 240, 11))
def test_a_run_of_equal_heads_ends_wherever_it_is_cut(house: House, length: str, cut: int) -> None:
    """A body was taken that had not come as a whole, or another head was taken for the same."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/q")
    head = f"SEND\ndestination:/queue/q\n{length}\n"
    frames = [f"{head}{number:03}\0\n" for number in range(5)]
    other = f"SEND\ndestination:/queue/q\nown:{'x' * 9}\n\nabc\0"
    data = "".join([*frames, other, *frames, other.replace("\n\n", "\nreceipt:r\n\n"), frames[0]]).encode()
    client.write(data[:cut])
    client.write(data[cut:])
    found = client.frames()
    bodies = [each.body for each in found if each.command == "MESSAGE"]
    numbers = [b"%03d" % number for number in range(5)]
    assert bodies == [*numbers, b"abc", *numbers, b"abc", b"000"]
    assert [each.headers["receipt-id"] for each in found if each.command == "RECEIPT"] == ["r"]


def test_a_transaction_for_which_there_is_no_room_is_rolled_back(house: House) -> None:
    """What had room was there, and the client was told that nothing was."""
    client = house.connect()
    client.send("SUBSCRIBE", id=1, destination="/queue/a", ack="client-individual", **{"prefetch-count": 1})
    client.send("SEND", b"held", destination="/queue/a")
    ack = client.take("MESSAGE").headers["ack"]
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    client.send("SEND", b"0", destination="/queue/full", **arguments)
    client.send("BEGIN", transaction="t")
    client.send("ACK", id=ack, transaction="t")
    for destination in ("/queue/b", "/queue/full", "/queue/full"):
        client.send("SEND", b"x", destination=destination, transaction="t")
    client.send("COMMIT", transaction="t", receipt="c")
    assert client.error()[0] == "Message rejected"
    counts = {name: house.vhost.queues[name].waiting_count() for name in ("b", "full")}
    assert counts == {"b": 0, "full": 1}
    assert house.vhost.queues["a"].unacked_count == 1
    client.send("ACK", id=ack, receipt="late")
    client.take("RECEIPT")
