"""What RabbitMQ 4 says, to the letter, where its clients or their users may look."""

from dataclasses import replace
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.rabbitmq.declaring import declare_exchange
from mqbroker.core.values import UInt64
from mqbroker.protocols.amqp1.codec import frames
from mqbroker.protocols.amqp1.codec.messaging import (
    Accepted,
    Modified,
    Received,
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
    Open,
    SaslInit,
    Transfer,
)
from mqbroker.protocols.amqp1.codec.types import Described, Symbol
from mqbroker.protocols.amqp1.connection import Amqp1Connection
from mqbroker.protocols.session import Peer
from tests.amqp1.house import Client, House
from tests.amqp1.raw import RawAmqp1, data, said
from tests.support.broker_process import BrokerProcess


def attach(client: Client, value: Attach) -> list[Any]:
    client.receive(frames.performative(0, value))
    return [each for each, _ in client.frames()]


def sender(address: str | None, handle: int = 0, **options: Any) -> Attach:
    return Attach("s", handle, False, source=Source(), target=Target(address), initial_delivery_count=0, **options)


def receiver(source: Source, handle: int = 1, **options: Any) -> Attach:
    return Attach("r", handle, True, source=source, target=Target(), **options)


# --- who gets in ------------------------------------------------------------------------------------------------------


def test_a_user_of_this_machine_learns_why_it_may_not_come_from_another() -> None:
    """The client was told that its password was wrong."""
    house = House()
    client = Client(house)
    client.connection = Amqp1Connection(house.services.outbox, house.services, Peer("192.0.2.1", 1, False), house.now)
    house.clients.append(client)
    client.receive(frames.SASL_HEADER + frames.sasl(SaslInit("ANONYMOUS")) + frames.AMQP_HEADER)
    client.receive(frames.performative(0, Open("c")) + frames.performative(0, Begin(None, 0, 10, 10)))
    house.turn()
    *_, closed = [each for each, _ in _performatives(client)]
    assert isinstance(closed, Close)
    assert closed.error is not None
    assert closed.error.condition == "amqp:unauthorized-access"
    assert closed.error.description == "user 'guest' can only connect via localhost"
    assert not client.connection.is_authenticated
    assert not client.connection.sessions


@pytest.mark.parametrize(
    ("names", "code"), [({"cn": "guest"}, 0), ({"cn": "nobody"}, 1), ({"dn": "guest"}, 1), ({}, 1)]
)
def test_a_client_certificate_may_be_the_log_in(names: dict[str, str], code: int) -> None:
    """SASL EXTERNAL: the name in the certificate, which TLS has verified."""
    house = House()
    house.services.settings = replace(house.services.settings, mechanisms=("EXTERNAL",), external_name="cn")
    client = Client(house)
    peer = Peer("127.0.0.1", 1, True, is_tls=True, certificate_names=names)
    client.connection = Amqp1Connection(house.services.outbox, house.services, peer, house.now)
    house.clients.append(client)
    client.receive(frames.SASL_HEADER + frames.sasl(SaslInit("EXTERNAL", b"")))
    house.turn()
    client.output = client.output[8:]
    mechanisms, outcome = (each for each, _ in client.frames())
    assert mechanisms.mechanisms == ["EXTERNAL"]
    assert outcome.code == code
    assert client.connection.is_closing is bool(code)
    assert client.connection.user == ("guest" if not code else "")


def _performatives(client: Client) -> list[tuple[Any, bytes]]:
    """Those after the headers and SASL."""
    client.output = client.output[client.output.index(frames.AMQP_HEADER) + 8 :]
    return client.frames()


def test_who_does_not_open_in_time_is_cut() -> None:
    house = House()
    client = Client(house)
    assert client.connection.deadline - house.now == 10_000
    client.connection.tick(client.connection.deadline)
    assert client.connection.is_closing


def test_open_offers_what_rabbitmq_offers(broker: BrokerProcess) -> None:
    with RawAmqp1(broker.ports["amqp"]) as client:
        assert set(client.open().offered_capabilities) >= {"LINK_PAIR_V1_0", "ANONYMOUS-RELAY", "SHARED-SUBS"}


# --- rights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (sender("/queue/new"), "configure access to queue 'new' in vhost '/' refused for user 'guest'"),
        (
            sender("/exchanges/amq.topic/x"),
            "write access to exchange 'amq.topic' in vhost '/' refused for user 'guest'",
        ),
        (receiver(Source("/queues/there")), "read access to queue 'there' in vhost '/' refused for user 'guest'"),
        (receiver(Source("/topic/x")), "read access to exchange 'amq.topic' in vhost '/' refused for user 'guest'"),
    ],
)
def test_a_user_without_rights_loses_the_session(value: Attach, text: str) -> None:
    house = House()
    client, keeper = house.open(), house.open()
    attach(keeper, sender("/queue/there"))
    house.broker.set_permissions("guest", "/", Permissions("^$", "^$", "^$"))
    (found,) = attach(client, value)
    assert isinstance(found, End)
    assert found.error is not None
    condition, description = found.error.condition, found.error.description
    assert (condition, description.split("access to")[-1]) == ("amqp:unauthorized-access", text.split("access to")[-1])


def test_an_internal_exchange_is_not_published_to() -> None:
    house = House()
    declare_exchange(house.vhost, "inner", "fanout", False, False, True, {})
    attached, detached = attach(house.open(), sender("/exchanges/inner"))
    assert attached.target is None
    assert detached.error.condition == "amqp:unauthorized-access"
    assert detached.error.description == "forbidden to publish to internal exchange 'inner' in vhost '/'"


def test_a_queue_of_another_connection_is_locked(broker: BrokerProcess, client: RawAmqp1, name: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as owner:
        owner.channel().queue_declare(name, exclusive=True)
        assert client.receiver(f"/queues/{name}").source is None
        condition, text = client.error_of(Detach)
    assert condition == "amqp:resource-locked"
    assert text.startswith(f"cannot obtain exclusive access to locked queue '{name}' in vhost '/'")


# --- links ------------------------------------------------------------------------------------------------------------


def test_nothing_unsettled_is_nothing_to_recover() -> None:
    """amqp10 for Node.js sends an empty map."""
    client = House().open()
    found = attach(client, sender("/queue/q", unsettled={}))
    assert isinstance(found[1], Flow)
    (found_receiver,) = attach(client, receiver(Source("/queues/q"), unsettled={}))
    assert found_receiver.source is not None
    assert not found_receiver.unsettled


@pytest.mark.parametrize("options", [{"unsettled": {b"1": None}}, {"incomplete_unsettled": True}])
def test_a_publisher_that_wants_to_recover_is_refused(options: dict[str, Any]) -> None:
    attached, detached = attach(House().open(), sender("/queue/q", **options))
    assert attached.target is None
    assert (detached.error.condition, detached.error.description) == (
        "amqp:not-implemented", "Link recovery not supported",
    )  # fmt: skip


def test_a_source_is_answered_with_its_outcomes() -> None:
    client = House().open()
    attach(client, sender("/queue/q"))
    (found,) = attach(client, receiver(Source("/queues/q", distribution_mode="copy")))
    outcomes = {"amqp:accepted:list", "amqp:rejected:list", "amqp:released:list", "amqp:modified:list"}
    assert set(found.source.outcomes) == outcomes
    assert isinstance(found.source.default_outcome, Released)


def test_outcomes_that_a_client_names_are_its_own() -> None:
    """It was answered with all there are, and with those when it named one that there is not."""
    client = House().open()
    attach(client, sender("/queue/q"))
    (found,) = attach(client, receiver(Source("/queues/q", outcomes=["amqp:accepted:list", "amqp:released:list"])))
    assert found.source.outcomes == ["amqp:accepted:list", "amqp:released:list"]
    refused, detached = attach(
        client, receiver(Source("/queues/q", outcomes=["amqp:accepted:list", "x:odd"]), handle=7)
    )
    assert refused.source is None
    assert (detached.error.condition, detached.error.description) == (
        "amqp:not-implemented",
        "Outcomes not supported: x:odd",
    )


def test_a_session_too_many_closes_the_connection() -> None:
    client = House().open()
    client.receive(frames.performative(64, Begin(None, 0, 10, 10)))
    (found,) = [each for each, _ in client.frames()]
    assert isinstance(found, Close)
    assert (found.error.condition, found.error.description) == (
        "amqp:connection:framing-error",
        "channel number (64) exceeds maximum channel number (63)",
    )


def test_a_vhost_that_is_full_refuses_the_connection() -> None:
    """The condition is RabbitMQ 4's, by which its clients know that they may come again."""
    house = House()
    house.open()
    house.broker.set_vhost_limits("/", {"max-connections": 1})
    client = Client(house)
    house.clients.append(client)
    client.receive(frames.SASL_HEADER + frames.sasl(SaslInit("ANONYMOUS")) + frames.AMQP_HEADER)
    client.receive(frames.performative(0, Open("c")))
    house.turn()
    assert b"amqp:resource-limit-exceeded" in client.output
    assert b"connection refused: " in client.output


def test_a_dynamic_node_is_described() -> None:
    client = House().open()
    (found,) = attach(client, receiver(Source(dynamic=True, capabilities=["temporary-queue"])))
    source = found.source
    assert source.address.startswith("/queues/amq.dyn-")
    assert (source.dynamic, source.expiry_policy, source.timeout, source.durable) == (True, "link-detach", 0, 0)
    policy = source.dynamic_node_properties["lifetime-policy"]
    assert isinstance(policy, Described)
    assert policy.descriptor == 0x2B  # delete-on-close
    assert source.dynamic_node_properties["supported-dist-modes"] == "move"


def test_publishers_wait_while_memory_is_low() -> None:
    house = House()
    client = house.open()
    attach(client, sender("/queue/q"))
    house.alarms.reason = "memory"
    client.connection.alarms_changed()
    (flow,) = [each for each, _ in client.frames()]
    assert (flow.incoming_window, flow.handle) == (0, None)
    client.receive(frames.performative(1, Begin(None, 0, 10, 10)))
    (begun,) = [each for each, _ in client.frames()]
    assert begun.incoming_window == 0
    client.receive(said(Transfer(0, 0, b"t", 0, True), data(b"on its way")))
    assert house.vhost.queues["q"].waiting_count() == 1
    house.alarms.reason = ""
    client.connection.alarms_changed()
    (flow,) = [each for each, _ in client.frames()]
    assert flow.incoming_window > 0


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_a_full_queue_is_named(broker: BrokerProcess, client: RawAmqp1, name: str) -> None:
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        connection.channel().queue_declare(name, arguments=arguments)
    client.sender(f"/queues/{name}")
    assert isinstance(client.publish(0, b"x"), Accepted)
    state = client.publish(1, b"y")
    assert isinstance(state, Rejected)
    assert state.error.condition == "amqp:resource-limit-exceeded"
    assert state.error.description == f"queue '{name}' exceeded maximum length"
    assert dict(state.error.info) == {"queue": name, "reason": "maxlen"}


def delivered(house: House) -> Client:
    """A client to which a message of the queue q is delivered, which has a queue for dead letters."""
    house.vhost.declare(QueueSpec("q", dead_letter_exchange="", dead_letter_routing_key="dead"), house.now)
    house.vhost.declare(QueueSpec("dead"), house.now)
    client = house.open()
    attach(client, sender("/queues/q"))
    client.receive(said(Transfer(0, 0, b"t", 0, True), data(b"x")))
    attach(client, receiver(Source("/queues/q")))
    client.receive(frames.performative(0, Flow(0, 1000, 0, 10, handle=1, delivery_count=0, link_credit=1)))
    assert [type(each) for each, _ in client.frames()] == [Transfer]
    return client


@pytest.mark.parametrize(
    ("state", "waiting", "dead"),
    [
        (Accepted(), 0, 0),
        (Rejected(), 0, 1),
        (Released(), 1, 0),
        (Modified(), 1, 0),
        (Modified(delivery_failed=True), 1, 0),
        (Modified(undeliverable_here=True), 0, 1),
        (Received(0, UInt64(0)), 0, 0),
    ],
)
def test_each_outcome_does_what_rabbitmq_does(state: Any, waiting: int, dead: int) -> None:
    house = House()
    client = delivered(house)
    client.receive(frames.performative(0, Disposition(True, 0, None, not isinstance(state, Received), state)))
    house.turn()
    assert (house.vhost.queues["q"].waiting_count(), house.vhost.queues["dead"].waiting_count()) == (waiting, dead)
    assert house.vhost.queues["q"].unacked_count == int(isinstance(state, Received))


def test_annotations_of_modified_are_seen_after_dead_lettering() -> None:
    house = House()
    client = delivered(house)
    modified = Modified(False, True, {Symbol("x-why"): "tired", Symbol("other"): 1})
    client.receive(frames.performative(0, Disposition(True, 0, None, True, modified)))
    house.turn()
    (entry,) = house.vhost.queues["dead"].waiting()
    headers = entry.message.properties.headers()
    assert headers["x-why"] == "tired"
    assert "other" not in headers
    attach(client, receiver(Source("/queues/dead"), 2))
    client.receive(frames.performative(0, Flow(1, 1000, 0, 10, handle=2, delivery_count=0, link_credit=1)))
    ((_, payload),) = [each for each in client.frames() if isinstance(each[0], Transfer)]
    assert payload.startswith(b"\x00\x53\x70")
    assert b"\x42" in payload[:16]  # first-acquirer is false for what has died before


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize(
    "state",
    [
        Described(UInt64(0), []),
        Described(Symbol("unknown:outcome:list"), [1]),
        Source("no outcome"),
        TransactionalState(b"12345678", Described(UInt64(0), [])),
    ],
)
def test_what_is_no_outcome_ends_the_session(state: Any, settled: bool) -> None:
    """It was an internal error, which closed the connection."""
    house = House()
    client = delivered(house)
    client.receive(frames.performative(0, Disposition(True, 0, None, settled, state)))
    (found,) = [each for each, _ in client.frames()]
    assert isinstance(found, End)
    assert found.error is not None
    assert found.error.condition == "amqp:not-implemented"
    house.turn()
    assert house.vhost.queues["q"].waiting_count() == 1


@pytest.mark.parametrize(
    "outcome", [Described(UInt64(0), []), Source("no outcome"), Accepted(), Received(0, UInt64(0))]
)
def test_any_default_outcome_is_answered(outcome: Any) -> None:
    house = House()
    client = house.open()
    attach(client, sender("/queue/q"))
    source = Source("/queues/q", default_outcome=outcome)
    found = attach(client, receiver(source))[-1]
    assert isinstance(found, Attach | Detach | End)
    assert house.vhost.queues["q"].waiting_count() == 0
