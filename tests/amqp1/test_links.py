"""Links, sessions and windows, frame by frame."""

from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.core.values import UInt64
from mqbroker.protocols.amqp1.codec.encode import encode
from mqbroker.protocols.amqp1.codec.messaging import (
    Accepted,
    Modified,
    Rejected,
    Released,
    Source,
    Target,
    TransactionalState,
)
from mqbroker.protocols.amqp1.codec.performatives import (
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Flow,
    Transfer,
)
from mqbroker.protocols.amqp1.codec.types import Described, Symbol, decode
from tests.amqp1.coordination import Coordination
from tests.amqp1.raw import RawAmqp1, bodies, data, said
from tests.support.broker_process import BrokerProcess


def test_what_open_says(broker: BrokerProcess) -> None:
    """RabbitMQ's clients refuse a broker that says less."""
    with RawAmqp1(broker.ports["amqp"]) as client:
        answer = client.open(channel_max=10)
    assert (answer.max_frame_size, answer.channel_max, answer.idle_time_out) == (131_072, 10, 30_000)
    assert {"LINK_PAIR_V1_0", "ANONYMOUS-RELAY"} <= set(answer.offered_capabilities)
    assert answer.properties["product"] == "RabbitMQ"
    assert str(answer.properties["version"]).startswith("4.")
    assert {"platform", "copyright", "information", "cluster_name", "node"} <= set(answer.properties)


def test_outcomes_of_many_are_told_in_runs(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    sent = b"".join(_transfer(number, data(b"%d" % number)) for number in range(100))
    client.say(sent)
    seen, dispositions = 0, 0
    while seen < 100:
        found = client.until(Disposition)
        assert isinstance(found.state, Accepted)
        assert found.first == seen
        seen = (found.first if found.last is None else found.last) + 1
        dispositions += 1
    assert dispositions < 20


def _transfer(number: int, payload: bytes) -> bytes:
    return said(Transfer(0, number, b"%d" % number, 0, False), payload)


def test_no_more_comes_than_there_is_credit_for(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    for number in range(5):
        client.publish(number, b"%d" % number)
    client.receiver(f"/queues/{name}", credit=2)
    assert bodies(client, 2) == [b"0", b"1"]
    client.credit(1, 1, delivery_count=2, echo=True)
    assert bodies(client, 1) == [b"2"]
    flow = client.expect(Flow)
    assert (flow.handle, flow.delivery_count, flow.link_credit, flow.available) == (1, 3, 0, 2)


def test_a_drain_gives_back_what_is_left(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.publish(0, b"only one")
    client.receiver(f"/queues/{name}")
    client.credit(1, 10, drain=True)
    assert bodies(client, 1) == [b"only one"]
    flow = client.expect(Flow)
    assert (flow.drain, flow.delivery_count, flow.link_credit) == (True, 10, 0)
    client.credit(1, 5, delivery_count=10, drain=True)
    flow = client.expect(Flow)
    assert (flow.drain, flow.delivery_count, flow.link_credit) == (True, 15, 0)


def test_credit_may_be_taken_back(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.receiver(f"/queues/{name}", credit=10)
    client.credit(1, 0, echo=True)
    assert client.until(Flow).link_credit == 0
    client.publish(0, b"waits")
    client.credit(1, 1)
    assert bodies(client, 1) == [b"waits"]


def test_no_more_frames_come_than_the_session_takes(broker: BrokerProcess, name: str) -> None:
    """A message of many frames overran the window of its session."""
    with RawAmqp1(broker.ports["amqp"]) as client:
        client.open(max_frame_size=512)
        client.begin(window=3)
        client.sender(f"/queue/{name}")
        client.publish(0, b"x" * 200)
        client.publish(1, b"y" * 2000)
        client.receiver(f"/queues/{name}")
        client.credit(1, 10, incoming_window=3)
        sizes = []
        for _ in range(3):
            client.expect(Transfer)
            sizes.append(len(client.payload))
        client.send(Flow(0, 3, 0, 1000, echo=True))  # nothing has changed: what was sent fills the window
        flow = client.expect(Flow)
        assert (flow.next_outgoing_id, flow.handle) == (3, None)
        client.send(Flow(3, 100, 0, 1000))
        rest = b""
        while True:
            found = client.expect(Transfer)
            rest += client.payload
            if not found.more:
                break
        assert rest.endswith(b"y" * 100)
        assert max(sizes) < 512


def test_the_window_of_a_publisher_moves_on(client: RawAmqp1, name: str) -> None:
    """A session that was never told of more room stood still after its first window."""
    client.sender(f"/queue/{name}", snd_settle_mode=1)
    granted = 1000
    for number in range(6000):
        client.transfer(number, data(b"x"), settled=True)
        while granted == number + 1:
            flow = client.until(Flow)
            granted = (flow.delivery_count or 0) + (flow.link_credit or 0)
    client.send(Attach("receiver", 1, True, source=Source(f"/queues/{name}"), target=Target()))
    client.until(Attach)
    client.credit(1, 1)
    assert bodies(client, 1) == [b"x"]


def test_a_message_in_pieces_is_one(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    payload = data(b"hello world")
    client.transfer(0, payload[:4], more=True)
    client.send(Transfer(0, more=True), payload=payload[4:9])
    client.send(Transfer(0, 0), payload=payload[9:])
    assert isinstance(client.outcome(0), Accepted)
    client.transfer(1, b"\x00\x53", more=True)
    client.send(Transfer(0, aborted=True))
    client.publish(2, b"next")
    client.receiver(f"/queues/{name}", credit=5)
    assert bodies(client, 2) == [b"hello world", b"next"]


def test_pre_settled_deliveries_need_no_disposition(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.publish(0, b"x")
    answer = client.receiver(f"/queues/{name}", credit=5, snd_settle_mode=1)
    assert answer.snd_settle_mode == 1
    found = client.expect(Transfer)
    assert (found.settled, found.delivery_tag) == (True, b"")
    client.send(Detach(1, True))
    client.expect(Detach)
    client.receiver(f"/queues/{name}", 2)
    client.credit(2, 1, drain=True)
    assert client.expect(Flow).available == 0


@pytest.mark.parametrize(
    ("state", "count", "is_first"),
    [(Released(), 0, False), (Modified(delivery_failed=True), 1, False), (Modified(), 0, False)],
)
def test_what_comes_back_says_how_often_it_failed(
    client: RawAmqp1, name: str, state: Any, count: int, is_first: bool
) -> None:
    client.sender(f"/queue/{name}")
    client.publish(0, b"x")
    client.receiver(f"/queues/{name}", credit=2)
    found = client.expect(Transfer)
    assert _header(client.payload)[3:] == [True, 0]
    client.send(Disposition(True, found.delivery_id or 0, state=state))
    client.until(Transfer)
    assert _header(client.payload)[3:] == [is_first, count]
    client.send(Disposition(True, 1, state=Accepted()))
    settled = client.until(Disposition)
    assert settled.settled  # what the client has not settled is settled by us


def _header(payload: bytes) -> list[object]:
    value, _ = decode(payload, 0, len(payload))
    assert isinstance(value, Described)
    assert value.descriptor == 0x70
    assert isinstance(value.value, list)
    return value.value


def test_a_range_settles_all_in_it(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    for number in range(10):
        client.publish(number, b"%d" % number)
    client.receiver(f"/queues/{name}", credit=10)
    assert len(bodies(client, 10)) == 10
    client.send(Disposition(True, 2, 7, True, Accepted()))
    client.send(Detach(1, False))
    assert not client.expect(Detach).closed
    client.receiver(f"/queues/{name}", 2)
    client.credit(2, 10, next_incoming_id=10)
    assert bodies(client, 4) == [b"0", b"1", b"8", b"9"]


def test_a_filter_selects(client: RawAmqp1, name: str) -> None:
    """A consumer with a selector was given everything."""
    client.sender(f"/queue/{name}")
    for number, colour in enumerate(["red", "green", "red", "blue"]):
        section = b"\x00\x53\x74" + encode({"colour": colour, "number": number})
        client.transfer(number, section + data(colour.encode()))
        client.outcome(number)
    named = {Symbol("jms-selector"): Described(UInt64(0x0000468C00000004), "colour = 'red' OR number = 3")}
    answer = client.receiver(None, credit=10, source=Source(f"/queues/{name}", filter=named))
    assert set(answer.source.filter) == {"jms-selector"}
    assert bodies(client, 3) == [b"red", b"red", b"blue"]
    sql = {Symbol("sql"): Described(Symbol("amqp:sql-filter"), "a.colour LIKE 'gr%' AND h.priority = 4")}
    client.receiver(None, 2, source=Source(f"/queues/{name}", filter=sql))
    client.credit(2, 5, next_incoming_id=3)
    assert bodies(client, 1) == [b"green"]


@pytest.mark.parametrize(
    ("descriptor", "fields", "expected"),
    [
        (0x174, {"colour": "&p:re"}, [b"red", b"red"]),
        (0x174, {"colour": "&s:ue"}, [b"blue"]),
        (0x174, {"number": 1}, [b"green"]),
        (0x173, {"subject": "s2"}, [b"red"]),
        (0x173, {"subject": "&p:s", "to": "t3"}, [b"blue"]),
    ],
)
def test_maps_filter_too(
    client: RawAmqp1, name: str, descriptor: int, fields: dict[str, Any], expected: list[bytes]
) -> None:
    client.sender(f"/queue/{name}")
    for number, colour in enumerate(["red", "green", "red", "blue"]):
        properties = b"\x00\x53\x73" + encode([None, None, f"t{number}", f"s{number}"])
        application = b"\x00\x53\x74" + encode({"colour": colour, "number": number})
        client.transfer(number, properties + application + data(colour.encode()))
        client.outcome(number)
    wanted = {Symbol("f"): Described(UInt64(descriptor), fields)}
    client.receiver(None, credit=10, source=Source(f"/queues/{name}", filter=wanted))
    assert bodies(client, len(expected)) == expected
    client.credit(1, 5, delivery_count=len(expected), drain=True)
    assert client.expect(Flow).drain


def test_a_filter_that_is_wrong_refuses_the_link(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    bad = {Symbol("selector"): Described(UInt64(0x0000468C00000004), "colour = ")}
    answer = client.receiver(None, source=Source(f"/queues/{name}", filter=bad))
    assert answer.source is None
    condition, text = client.error_of(Detach)
    assert condition == "amqp:invalid-field"
    assert "selector" in text


def test_a_browser_takes_nothing(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    for number in range(3):
        client.publish(number, b"%d" % number)
    source = Source(f"/queues/{name}", distribution_mode="copy")
    answer = client.receiver(None, source=source)
    assert answer.source.distribution_mode == "copy"
    client.credit(1, 10, drain=True)
    assert bodies(client, 3) == [b"0", b"1", b"2"]
    assert client.expect(Flow).drain
    client.send(Detach(1, True))
    client.expect(Detach)
    client.receiver(f"/queues/{name}", 2)
    client.credit(2, 10, next_incoming_id=3)
    assert bodies(client, 3) == [b"0", b"1", b"2"]


def test_a_subscription_outlives_its_link(broker: BrokerProcess, name: str) -> None:
    topic = Source(f"topic://{name}", 2, "never", capabilities=["topic"])
    with RawAmqp1(broker.ports["amqp"]) as client:
        client.open(container_id=name)
        client.begin()
        client.receiver(None, source=topic, name="sub")
        client.send(Detach(1, False))
        client.expect(Detach)
        client.sender(f"topic://{name}")
        client.publish(0, b"missed", settled=False)
    with RawAmqp1(broker.ports["amqp"]) as client:
        client.open(container_id=name)
        client.begin()
        client.receiver(None, source=topic, name="sub", credit=1)
        assert bodies(client, 1) == [b"missed"]
        with RawAmqp1(broker.ports["amqp"]) as other:
            other.open(container_id=name)
            other.begin()
            other.receiver(None, source=topic, name="sub")
            assert other.error_of(Detach)[0] == "amqp:resource-locked"
        client.send(Detach(1, False))
        client.expect(Detach)
        client.send(Attach("sub", 3, True, source=None, target=Target()))
        assert client.expect(Attach).source.address == f"topic://{name}"
        client.send(Detach(3, True))
        client.expect(Detach)
        client.send(Attach("sub", 4, True, source=None, target=Target()))
        assert client.expect(Attach).source is None
        assert client.error_of(Detach) == ("amqp:not-found", "Unknown subscription link: sub")


def test_a_shared_subscription_is_one_for_all(broker: BrokerProcess, name: str) -> None:
    shared = Source(f"topic://{name}", capabilities=["topic", "shared", "global"])
    with RawAmqp1(broker.ports["amqp"]) as one, RawAmqp1(broker.ports["amqp"]) as two:
        for number, client in enumerate((one, two)):
            client.open(container_id=f"{name}-{number}")
            client.begin()
            client.receiver(None, source=shared, name=f"sub|global{number}", credit=5)
        one.sender(f"topic://{name}")
        for number in range(4):
            one.transfer(number, data(b"%d" % number), settled=True)
        assert sorted(bodies(one, 2) + bodies(two, 2)) == [b"0", b"1", b"2", b"3"]


def test_a_transaction_is_all_or_nothing(client: RawAmqp1, name: str) -> None:
    control = Coordination(client)
    client.sender(f"/queue/{name}")
    client.publish(0, b"first")
    client.receiver(f"/queues/{name}", credit=10)
    assert bodies(client, 1) == [b"first"]
    transaction = control.declare()
    state = client.publish(1, b"second", state=TransactionalState(transaction))
    assert isinstance(state, TransactionalState)
    assert isinstance(state.outcome, Accepted)
    client.send(Disposition(True, 0, None, True, TransactionalState(transaction, Accepted())))
    assert isinstance(control.discharge(transaction, fail=True), Accepted)
    assert bodies(client, 1) == [b"first"]  # what was settled comes again
    assert _header(client.payload)[4] == 1
    transaction = control.declare()
    client.publish(2, b"third", state=TransactionalState(transaction))
    client.send(Disposition(True, 1, None, True, TransactionalState(transaction, Accepted())))
    client.send(Flow(2, 1000, 0, 1000, echo=True))
    client.expect(Flow)  # nothing before the commit
    client.transfer(5000, b"\x00\x53\x77" + encode(Described(UInt64(0x32), [transaction, False])), 9)
    assert bodies(client, 1) == [b"third"]
    client.send(Detach(1, True))


def test_a_transaction_that_is_not_known_is_rejected(client: RawAmqp1) -> None:
    state = Coordination(client).discharge(b"12345678", fail=False)
    assert isinstance(state, Rejected)
    assert state.error.condition == "amqp:transaction:unknown-id"


def test_a_transaction_ends_with_its_link(client: RawAmqp1, name: str) -> None:
    control = Coordination(client)
    client.sender(f"/queue/{name}")
    transaction = control.declare()
    client.publish(0, b"lost", state=TransactionalState(transaction))
    client.send(Detach(9, True))
    client.expect(Detach)
    client.publish(1, b"kept")
    client.receiver(f"/queues/{name}", credit=2)
    assert bodies(client, 1) == [b"kept"]


def test_a_session_ends_and_another_begins(client: RawAmqp1, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.publish(0, b"x")
    client.receiver(f"/queues/{name}", credit=1)
    client.expect(Transfer)
    client.send(End())
    client.expect(End)
    client.begin()
    client.receiver(f"/queues/{name}", credit=1)
    assert bodies(client, 1) == [b"x"]
    client.send(Close())
    client.expect(Close)
    assert client.is_cut()


def test_a_deleted_queue_ends_its_links(client: RawAmqp1, broker: BrokerProcess, name: str) -> None:
    client.sender(f"/queue/{name}")
    client.receiver(f"/queues/{name}", credit=1)
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        connection.channel().queue_delete(name)
    assert client.error_of(Detach)[0] == "amqp:resource-deleted"


def test_direct_reply_to(client: RawAmqp1, broker: BrokerProcess) -> None:
    source = Source(dynamic=True, expiry_policy="link-detach", capabilities=["rabbitmq:volatile-queue"])
    answer = client.receiver(None, source=source, credit=1, snd_settle_mode=1)
    address = answer.source.address
    assert address.startswith("/queues/amq.rabbitmq.reply-to.")
    with RawAmqp1(broker.ports["amqp"]) as other:
        other.open()
        assert isinstance(other.begin(), Begin)
        other.sender(address)
        assert isinstance(other.publish(0, b"answer"), Accepted)
    assert bodies(client, 1) == [b"answer"]


NO_LOCAL = {Symbol("no-local"): Described(UInt64(0x0000468C00000003), [])}


def test_a_subscription_without_what_is_local(client: RawAmqp1, broker: BrokerProcess, name: str) -> None:
    """A client of JMS was given what it had published itself."""
    source = Source(f"topic://{name}", filter=NO_LOCAL)
    answer = client.receiver(None, source=source, credit=10)
    assert set(answer.source.filter) == {"no-local"}
    client.sender(f"topic://{name}")
    client.transfer(0, data(b"own"), settled=True)
    with RawAmqp1(broker.ports["amqp"]) as other:
        other.open()
        other.begin()
        other.sender(f"topic://{name}")
        other.transfer(0, data(b"another's"), settled=True)
        assert bodies(client, 1) == [b"another's"]
    durable = Source(f"topic://{name}", 2, "never", filter=NO_LOCAL, capabilities=["topic"])
    client.receiver(None, 3, source=durable, name=f"{name}-durable")
    client.credit(3, 10, next_incoming_id=1)
    client.transfer(1, data(b"own"), settled=True)
    client.send(Detach(3, False))
    client.expect(Detach)
    client.transfer(2, data(b"nobody's"), settled=True)
    client.receiver(None, 4, source=durable, name=f"{name}-durable")
    client.credit(4, 10, next_incoming_id=1)
    assert bodies(client, 1) == [b"nobody's"]


def test_a_queue_knows_nothing_of_what_is_local(client: RawAmqp1, name: str) -> None:
    """JMS has it for topics alone, and an answer that says more is a lie."""
    client.sender(f"/queue/{name}")
    client.publish(0, b"own")
    answer = client.receiver(None, source=Source(f"/queues/{name}", filter=NO_LOCAL), credit=1)
    assert answer.source.filter == {}
    assert bodies(client, 1) == [b"own"]


def test_a_link_may_be_bound_by_headers(client: RawAmqp1, name: str) -> None:
    headers = {"x-match": "all", "colour": "red"}
    named = {Symbol("headers"): Described(Symbol("apache.org:legacy-amqp-headers-binding:map"), headers)}
    answer = client.receiver(None, source=Source("/exchange/amq.match/", filter=named), credit=10)
    assert set(answer.source.filter) == {"headers"}
    client.sender("/exchanges/amq.match")
    for number, colour in enumerate(["green", "red"]):
        client.transfer(number, b"\x00\x53\x74" + encode({"colour": colour}) + data(colour.encode()), settled=True)
    assert bodies(client, 1) == [b"red"]


def test_a_commit_for_which_there_is_no_room_is_a_rollback(client: RawAmqp1, broker: BrokerProcess, name: str) -> None:
    """What had room was there all the same."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare(f"{name}-full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    control = Coordination(client)
    client.sender(f"/queue/{name}")
    client.sender(f"/queues/{name}-full", 2)
    transaction = control.declare()
    for number, handle in enumerate((0, 2, 2)):
        client.publish(number, b"x", handle, state=TransactionalState(transaction))
    state = control.discharge(transaction, fail=False)
    assert isinstance(state, Rejected)
    assert state.error.condition == "amqp:transaction:rollback"
    for handle, queue in ((3, name), (4, f"{name}-full")):
        client.receiver(f"/queues/{queue}", handle)
        client.credit(handle, 1, drain=True)
        assert client.expect(Flow).drain


@pytest.mark.parametrize("sizes", [(3, 4), (0, 300, 1), (1,) * 50])
def test_data_in_parts_is_one_body_to_others(
    client: RawAmqp1, broker: BrokerProcess, name: str, sizes: tuple[int, ...]
) -> None:
    """Clients of AMQP 0-9-1 got the octets of sections, with a type that says so; those of 1.0 get the sections."""
    client.sender(f"/queue/{name}")
    parts = [b"abc"[number % 3 :][:1] * size for number, size in enumerate(sizes)]
    footer = b"\x00\x53\x78" + encode({Symbol("x-sum"): 5})
    for number in range(2):
        client.transfer(number, b"".join(map(data, parts)) + footer)
        client.outcome(number)
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        _, properties, body = connection.channel().basic_get(name, auto_ack=True)
    assert (body, properties.type) == (b"".join(parts), None)
    client.receiver(f"/queues/{name}", credit=1)
    client.expect(Transfer)
    assert client.payload.endswith(b"".join(map(data, parts)) + footer)


def test_links_are_told_who_is_the_single_active_one(client: RawAmqp1, broker: BrokerProcess, name: str) -> None:
    """A client that was to take over did not know when."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        connection.channel().queue_declare(name, arguments={"x-single-active-consumer": True})
    told = []
    for handle in (1, 2):
        client.receiver(f"/queues/{name}", handle)
        flow = client.expect(Flow)
        told.append((flow.handle, flow.properties["rabbitmq:active"]))
    client.send(Detach(1, True))
    flow = client.until(Flow)
    assert [*told, (flow.handle, flow.properties["rabbitmq:active"])] == [(1, True), (2, False), (2, True)]
    client.expect(Detach)
    client.receiver(f"/queues/{name}", 3)
    client.expect(Flow)
    client.send(End())
    client.expect(End)  # successors in the same session hear nothing
    client.begin()
