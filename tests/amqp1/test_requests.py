"""Requests to the management node, and RabbitMQ 4's statuses and bodies for them."""

from typing import Any

import pytest

from mqbroker.core.access.access import Permissions
from mqbroker.core.queues.spec import QueueSpec
from mqbroker.core.values import UInt32, UInt64
from mqbroker.protocols.amqp1.codec.types import Array
from mqbroker.protocols.amqp1.requests import Answer, Request, carry_out
from tests.amqp1.house import Client, House


class Desk:
    """Who asks, in one session."""

    def __init__(self) -> None:
        self.house = House()
        self.client: Client = self.house.open()

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """The answer to a request."""
        found: list[Answer] = []
        carry_out(self.client.connection.sessions[0], Request(method, path, body), found.append)
        self.house.turn()
        (answer,) = found
        return answer

    def listed(self, path: str) -> list[dict[str, Any]]:
        """The bindings that are listed."""
        answer = self.ask("GET", path)
        assert (answer.status, isinstance(answer.body, list)) == (200, True)
        assert isinstance(answer.body, list)
        return answer.body

    def status(self, method: str, path: str, body: Any = None) -> int:
        return self.ask(method, path, body).status


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_queue_is_made_once(desk: Desk) -> None:
    """201 for a new one, 200 for the same again, 409 for another one of that name."""
    wanted = {"durable": True, "exclusive": False, "auto_delete": False, "arguments": {"x-max-length": UInt64(5)}}
    made = desk.ask("PUT", "/queues/a%2Fb", wanted)
    assert made.status == 201
    assert made.body == desk.ask("GET", "/queues/a%2Fb").body
    assert desk.status("PUT", "/queues/a%2Fb", wanted) == 200
    refused = desk.ask("PUT", "/queues/a%2Fb", {**wanted, "durable": False})
    assert refused.status == 409
    assert str(refused.body).startswith("inequivalent arg 'durable' for queue 'a/b' in vhost '/'")
    assert set(desk.house.vhost.queues) == {"a/b"}


def test_a_queue_is_described(desk: Desk) -> None:
    """With the types that RabbitMQ's clients read: an unsigned long and an unsigned integer, and an array."""
    desk.ask("PUT", "/queues/q", {})
    body = desk.ask("GET", "/queues/q").body
    assert isinstance(body, dict)
    assert set(body) == {
        "name", "vhost", "durable", "auto_delete", "exclusive", "type", "arguments", "leader", "replicas",
        "message_count", "consumer_count",
    }  # fmt: skip
    assert (body["durable"], body["exclusive"], body["auto_delete"], body["type"]) == (True, False, False, "classic")
    assert isinstance(body["message_count"], UInt64)
    assert isinstance(body["consumer_count"], UInt32)
    assert isinstance(body["replicas"], Array)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/queues/none", None, 404), ("DELETE", "/queues/none/messages", None, 404),
        ("PUT", "/queues/amq.mine", {}, 403), ("PUT", "/queues/q", {"arguments": {"x-max-length": -1}}, 400),
        ("PUT", "/queues/q", {"durable": "yes"}, 400), ("PUT", "/queues/q", None, 400),
        ("PUT", "/exchanges/amq.mine", {}, 403), ("PUT", "/exchanges/x", {"type": "nothing"}, 400),
        ("DELETE", "/exchanges/amq.topic", None, 403), ("PUT", "/exchanges/amq.topic", {"type": "fanout"}, 409),
        ("POST", "/bindings", {"source": "none", "destination_queue": "q", "binding_key": "k"}, 404),
        ("GET", "/nowhere", None, 400), ("PATCH", "/queues/q", None, 400), ("GET", "", None, 400),
    ],
)  # fmt: skip
def test_what_cannot_be_done_has_rabbitmqs_status(
    desk: Desk, method: str, path: str, body: object, status: int
) -> None:
    answer = desk.ask(method, path, body)
    assert (answer.status, isinstance(answer.body, str)) == (status, True), answer.body


def test_queues_are_emptied_and_deleted(desk: Desk) -> None:
    """Both tell how many messages there were; one that is not there is deleted with none."""
    vhost = desk.house.vhost
    desk.ask("PUT", "/queues/q", {})
    assert desk.client.serves()
    purged = desk.ask("DELETE", "/queues/served/messages")
    assert (purged.status, purged.body) == (200, {"message_count": UInt64(1)})
    deleted = desk.ask("DELETE", "/queues/served")
    assert (deleted.status, deleted.body) == (200, {"message_count": UInt64(0)})
    assert desk.status("DELETE", "/queues/served") == 200
    assert set(vhost.queues) == {"q"}


def test_exchanges_are_made_and_deleted(desk: Desk) -> None:
    assert desk.status("PUT", "/exchanges/x%201", {"type": "topic", "durable": False, "internal": True}) == 204
    exchange = desk.house.vhost.exchanges["x 1"]
    assert (exchange.kind, exchange.durable, exchange.internal) == ("topic", False, True)
    assert desk.status("PUT", "/exchanges/x%201", {"type": "topic", "durable": False, "internal": True}) == 204
    assert desk.status("PUT", "/exchanges/x%201", {"type": "topic"}) == 409
    assert desk.status("DELETE", "/exchanges/x%201") == 204
    assert desk.status("DELETE", "/exchanges/x%201") == 204
    assert "x 1" not in desk.house.vhost.exchanges


def test_bindings_are_made_listed_and_deleted(desk: Desk) -> None:
    """A binding with arguments is deleted by what its location says."""
    desk.ask("PUT", "/queues/q", {})
    desk.ask("PUT", "/exchanges/h", {"type": "headers"})
    plain = {"source": "amq.direct", "destination_queue": "q", "binding_key": "a b", "arguments": {}}
    special = {"source": "h", "destination_queue": "q", "binding_key": "", "arguments": {"x-match": "all", "c": "red"}}
    to_exchange = {"source": "amq.direct", "destination_exchange": "h", "binding_key": "k", "arguments": {}}
    for body in (plain, special, to_exchange, plain):
        assert desk.status("POST", "/bindings", body) == 204
    (found,) = desk.listed("/bindings?src=amq.direct&dstq=q&key=a%20b")
    assert {name: found[name] for name in plain} == plain
    assert desk.listed("/bindings?src=amq.direct&dste=h&key=k")[0]["destination_exchange"] == "h"
    (located,) = desk.listed("/bindings?src=h&dstq=q&key=")
    assert desk.status("DELETE", "/bindings/src=amq.direct;dstq=q;key=a%20b;args=") == 204
    assert desk.status("DELETE", "/bindings/src=amq.direct;dstq=q;key=a%20b;args=") == 204
    assert desk.listed("/bindings?src=amq.direct&dstq=q&key=a%20b") == []
    assert desk.status("DELETE", "/bindings/src=h;dstq=q;key=;args=") == 204
    assert desk.listed("/bindings?src=h&dstq=q&key=") == [located]
    assert desk.status("DELETE", located["location"]) == 204
    assert desk.listed("/bindings?src=h&dstq=q&key=") == []


def test_rights_and_owners_are_looked_at_first(desk: Desk) -> None:
    """A queue of another connection is locked, and what one may not touch is forbidden, whether it is there or not."""
    desk.house.vhost.declare(QueueSpec("theirs", owner=object()), desk.house.now)
    assert desk.status("GET", "/queues/theirs") in (403, 409)
    assert desk.status("DELETE", "/queues/theirs") in (403, 409)
    desk.house.broker.set_permissions("guest", "/", Permissions("^$", "^$", "^$"))
    for method, path in (("PUT", "/queues/q"), ("DELETE", "/queues/none"), ("PUT", "/exchanges/x")):
        answer = desk.ask(method, path, {})
        assert (answer.status, "refused for user 'guest'" in str(answer.body)) == (403, True)
