"""Whose a session is, and the permissions on its queues."""

from typing import Any

import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.protocols.amqp.properties import build
from mqbroker.protocols.mqtt.codec.reasons import Reason
from tests.mqtt.house import Client, House
from tests.storage.simdisk import SimDisk

KEEP = {"clean_start": False, "properties": {"session_expiry_interval": 600}}
TOPIC = "^amq[.]topic$"


def come(house: House, user: str, version: int, **fields: Any) -> tuple[Client, int]:
    client = house.client()
    return client, client.connect("s", user_name=user, password=user.encode(), version=version, **fields).reason


def with_messages(house: House, version: int = 5) -> None:
    """A session of guest's that is away, with a hundred messages."""
    client, reason = come(house, "guest", version, **(KEEP if version == 5 else {"clean_start": False}))
    assert reason == 0
    client.subscribe("t", qos=1)
    client.lose()
    publisher = house.connect("p")
    for number in range(100):
        publisher.publish("t", b"%d" % number, qos=1, packet_id=number + 1)


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("clean_start", [True, False])
def test_a_session_belongs_to_its_user(version: int, clean_start: bool) -> None:
    """Whoever knew a client identifier could take the session over, empty it or end it, whatever their permissions."""
    before = House(SimDisk())
    with_messages(before, version)
    for house in (before, before.killed()):
        client, reason = come(house, "reader", version, clean_start=clean_start)
        assert reason == (Reason.NOT_AUTHORIZED if version == 5 else 5)
        assert client.is_closed
        owner, _ = come(house, "guest", version, clean_start=False)
        assert len(owner.messages()) == 100
        owner.lose()


def test_another_user_does_not_end_a_connection_by_its_client_id() -> None:
    house = House()
    owner = house.connect("s")
    assert come(house, "reader", 5)[1] == Reason.NOT_AUTHORIZED
    assert not owner.is_closed
    assert come(house, "guest", 5)[1] == 0
    assert owner.is_closed


def test_the_session_of_a_user_who_was_deleted_ends_when_somebody_else_comes() -> None:
    """Otherwise a client identifier would be lost for good, for nobody can be that user any more."""
    house = House()
    with_messages(house)
    house.broker.delete_user("guest")
    client, reason = come(house, "reader", 5, **KEEP)
    assert reason == 0
    assert client.messages() == []


# --- permissions, as RabbitMQ's plugin asks for them ------------------------------------------------------------------


def permitted(house: House, configure: str = "", write: str = "", read: str = "") -> None:
    house.broker.set_permissions("reader", "/", Permissions(configure, write, f"{TOPIC}|{read or '^$'}"))


def test_a_subscription_needs_all_permissions_on_the_queue_of_its_session() -> None:
    """They were not asked for: read on amq.topic was enough."""
    house = House()
    name = "^mqtt-subscription-sqos[01]$"
    permitted(house, name, name, name)
    client, _ = come(house, "reader", 5)
    assert client.subscribe("a", qos=0) == [0]
    assert client.subscribe("b", qos=1) == [1]
    for missing in ("configure", "write", "read"):
        rights = {each: name for each in ("configure", "write", "read") if each != missing}
        client.lose()
        permitted(house, **rights)
        client, _ = come(house, "reader", 5)
        assert client.subscribe("a", qos=0) == [Reason.NOT_AUTHORIZED]
        assert client.subscribe("b", qos=1) == [Reason.NOT_AUTHORIZED]


def test_a_queue_that_is_there_needs_no_permission_to_configure_it() -> None:
    house = House()
    with_queue = "^mqtt-subscription-sqos1$"
    permitted(house, with_queue, with_queue, with_queue)
    client, _ = come(house, "reader", 5)
    assert client.subscribe("a", qos=1) == [1]
    permitted(house, "", with_queue, with_queue)
    assert client.subscribe("b", qos=1) == [1]


def test_a_shared_subscription_needs_them_on_its_own_queue() -> None:
    house = House()
    name = "^mqtt-shared-g/t$"
    permitted(house, name, name, name)
    client, _ = come(house, "reader", 5)
    assert client.subscribe("$share/g/t", qos=1) == [1]
    assert client.subscribe("$share/g/t", qos=2) == [Reason.NOT_AUTHORIZED]  # it needs the session's own queue too
    assert client.subscribe("$share/h/t", qos=1) == [Reason.NOT_AUTHORIZED]


def test_going_on_needs_read_and_beginning_anew_needs_configure() -> None:
    house = House()
    everything = ".*"
    permitted(house, everything, everything, everything)
    client, _ = come(house, "reader", 5, **KEEP)
    client.subscribe("a", qos=1)
    client.lose()
    permitted(house, everything, everything)
    assert come(house, "reader", 5, **KEEP)[1] == Reason.NOT_AUTHORIZED
    permitted(house, "^$", everything, everything)
    assert come(house, "reader", 5, clean_start=True)[1] == Reason.NOT_AUTHORIZED
    assert come(house, "reader", 5, **KEEP)[1] == 0


def test_a_permission_to_read_the_queue_that_is_taken_away_stops_deliveries() -> None:
    house = House()
    permitted(house, ".*", ".*", ".*")
    client, _ = come(house, "reader", 5)
    client.subscribe("a", qos=1)
    permitted(house, ".*", ".*")
    house.connect("p").publish("a", qos=1)
    assert client.messages() == []


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "topic_filter", "qos"), [
    ("mqtt-subscription-sqos0", "t", 0), ("mqtt-subscription-sqos1", "t", 1), ("mqtt-subscription-sqos1", "t", 2),
    ("mqtt-shared-g/t", "$share/g/t", 1), ("mqtt-subscription-sqos1", "$share/g/t", 2),
])  # fmt: skip
def test_a_queue_of_somebody_elses_is_not_replaced_by_that_of_a_session(
    caplog: pytest.LogCaptureFixture, name: str, topic_filter: str, qos: int
) -> None:
    """A queue of AMQP with the name of a session's queue was replaced, with all its messages."""
    house = House(SimDisk())
    vhost = house.broker.vhost("/")
    queue = vhost.declare_queue(name, True, False, False, {}, house.now)
    house.publish_amqp("", name, build(delivery_mode=2), b"kept")
    client = house.connect("s", **KEEP)
    assert client.subscribe(topic_filter, qos=qos) == [Reason.IMPLEMENTATION_SPECIFIC_ERROR]
    assert f"client 's' cannot subscribe to {topic_filter!r}: queue '{name}'" in caplog.text
    old = house.connect("s", version=4)
    assert old.subscribe(topic_filter, qos=qos) == [0x80]
    assert vhost.queues[name] is queue
    restored = house.killed().broker.vhost("/").queue(name)
    assert [entry.message.content() for entry in restored.waiting()] == [b"kept"]
