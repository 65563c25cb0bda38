"""What is answered to tools that only look: fields and their types, lists, pages, rights, methods and headers."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.management.api import Api, segment
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(120)


def test_overview_has_what_strict_clients_require(api: Api) -> None:
    """A client in Rust refuses an overview in which a number is missing or null."""
    found = api.get("overview")
    for name in ("cluster_name", "node", "erlang_version", "rabbitmq_version", "product_name", "product_version"):
        assert isinstance(found[name], str), name
    assert found["statistics_db_event_queue"] == 0
    assert {"channels", "connections", "consumers", "exchanges", "queues"} == set(found["object_totals"])
    for name in ("connection_created", "connection_closed", "channel_created", "channel_closed", "queue_declared",
                 "queue_created", "queue_deleted"):  # fmt: skip
        assert isinstance(found["churn_rates"][name], int)
        assert "rate" in found["churn_rates"][f"{name}_details"]
    assert {"amqp", "http", "http/prometheus", "mqtt"} <= {each["protocol"] for each in found["listeners"]}
    assert {"name", "description", "enabled"} == set(found["exchange_types"][0])


def test_the_node_is_described(api: Api) -> None:
    """`os_pid` is a text of digits, and everything that is counted has a rate."""
    (node,) = api.get("nodes")
    assert node["os_pid"].isdigit()
    assert node["running"] is True
    assert node["type"] == "disc"
    assert node["mem_used"] > 0
    assert node["mem_limit"] > node["mem_used"]
    assert node["disk_free"] > node["disk_free_limit"] > 0
    assert node["mem_used_details"] == {"rate": node["mem_used_details"]["rate"]}
    assert api.get(f"nodes/{node['name']}")["name"] == node["name"]
    assert api.get(f"nodes/{node['name']}/memory")["memory"]["total"]["rss"] > 0
    assert api.refused("GET", "nodes/nosuch") == (404, "Object Not Found", "Not Found")


def test_a_queue_has_every_number_at_once(api: Api) -> None:
    """RabbitMQ leaves numbers out for up to five seconds, and typed clients fail on that."""
    assert api.put("queues/%2F/numbers", {"durable": True, "arguments": {"x-max-length": 9}}) == 201
    api.publish("numbers", "four")
    found = api.get("queues/%2F/numbers")
    assert (found["messages"], found["messages_ready"], found["messages_unacknowledged"]) == (1, 1, 0)
    assert found["messages_details"] == {"rate": 0.0}
    assert found["message_bytes"] == 4
    assert found["type"] == "classic"
    assert found["arguments"] == {"x-max-length": 9}
    assert found["state"] == "running"
    assert found["policy"] is None
    assert found["effective_policy_definition"] == {}
    assert found["message_stats"]["publish"] == 1
    assert found["consumer_details"] == []
    assert set(found["garbage_collection"].values()) == {-1}


def test_unknown_things_are_404_and_unknown_methods_405(api: Api) -> None:
    """Tools tell by the status and the text what is missing."""
    for path in ("queues/%2F/no", "queues/no/no", "exchanges/%2F/no", "vhosts/no", "users/no", "permissions/%2F/no",
                 "nosuchthing", "connections/no", "channels/no", "queues/%2F/no/bindings",
                 "policies/%2F/no"):  # fmt: skip
        assert api.refused("GET", path) == (404, "Object Not Found", "Not Found"), path
    reply = api.call("PATCH", "queues/%2F/x")
    assert (reply.status, reply.raw, reply.headers["allow"]) == (405, b"", "HEAD, GET, PUT, DELETE, OPTIONS")
    reply = api.of("").call("OPTIONS", "queues/%2F/x")
    assert (reply.status, reply.headers["allow"]) == (200, "HEAD, GET, PUT, DELETE, OPTIONS")
    assert api.call("HEAD", "overview").status == 200
    assert api.call("GET", "overview/").status == 200
    assert api.call("GET", "overview", headers={"Accept": "application/xml"}).status == 406


def test_who_does_not_log_in_is_told_to(api: Api) -> None:
    """The spellings of the two refusals differ, and tools compare them."""
    reply = api.of("").call("GET", "overview")
    challenge = 'Basic realm="RabbitMQ Management"'
    assert (reply.status, reply.raw, reply.headers["www-authenticate"]) == (401, b"", challenge)
    reply = api.of("guest", "wrong").call("GET", "overview")
    assert reply.reason == (401, "not_authorized", "Login failed")
    assert reply.headers["www-authenticate"] == challenge
    reply = api.of("guest", "wrong").call("GET", "overview", headers={"X-Requested-With": "x"})
    assert "www-authenticate" not in reply.headers
    assert api.of("").call("GET", "overview", headers={"Authorization": "Basic !!"}).status == 400


def test_lists_come_in_order_in_pages_and_in_part(api: Api) -> None:
    """Tools ask for pages, and a page out of range has a text of its own."""
    api.put("vhosts/pages")
    for number in range(7):
        api.put(f"queues/pages/q{number}", {"durable": number % 2 == 0})
    names = [queue["name"] for queue in api.get("queues/pages")]
    assert names == [f"q{number}" for number in range(7)]
    found = api.get("queues/pages?page=2&page_size=3&sort=name&sort_reverse=true&columns=name,durable")
    assert found["items"] == [
        {"name": "q3", "durable": False}, {"name": "q2", "durable": True}, {"name": "q1", "durable": False},
    ]  # fmt: skip
    numbers = {name: found[name] for name in found if name != "items"}
    assert numbers == {
        "total_count": 7, "item_count": 3, "filtered_count": 7, "page": 2, "page_size": 3, "page_count": 3,
    }  # fmt: skip
    found = api.get("queues/pages?page=1&name=Q[35]&use_regex=true")
    assert [each["name"] for each in found["items"]] == ["q3", "q5"]
    assert [each["name"] for each in api.get("queues/pages?name=Q4")] == ["q4"]
    assert api.get("queues/pages?page=1&name=zzz")["page_count"] == 0
    assert api.get("queues/pages/q1?columns=message_stats.publish,name,nosuch") == {"name": "q1", "message_stats": {}}
    assert api.get("queues/pages?disable_stats=true&enable_queue_totals=true&columns=messages")[0] == {"messages": 0}


@pytest.mark.parametrize(
    ("query", "error", "reason"),
    [
        ("page=9&page_size=2", "page_out_of_range", "Page out of range, page: 9 page size: 2, len: 0"),
        (
            "page=0",
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 0, page size undefined",
        ),
        ("page=1&page_size=501", "invalid_pagination_parameters", None),
        ("page=x", "bad_request", "Pagination parameters are invalid"),
        ("page=1&name=(&use_regex=true", "bad_request", "Pagination parameters are invalid"),
        ("page=1&name=(a%2B)%2B$&use_regex=true", "bad_request", "Pagination parameters are invalid"),
        (f"page=1&name={'a' * 1025}&use_regex=true", "bad_request", "Pagination parameters are invalid"),
    ],
)
def test_a_page_that_cannot_be_is_refused(api: Api, query: str, error: str, reason: str | None) -> None:
    """A bad regular expression was a 500 in RabbitMQ, and one without end would hold up everything here."""
    api.put("vhosts/empty-pages")
    reply = api.refused("GET", f"queues/empty-pages?{query}")
    assert reply[:2] == (400, error)
    assert reason is None or reply[2] == reason


def test_any_column_can_be_the_order(api: Api) -> None:
    """Columns that are worked out without showing the queue must give the same order as those that are shown."""
    api.put("vhosts/order")
    for number, name in enumerate(("b", "c", "a")):
        api.put(f"queues/order/{name}")
        for _ in range(number):
            api.publish(name, vhost="order")
    for column in ("messages", "messages_ready", "message_bytes", "message_stats.publish", "memory", "messages_ram"):
        found = [each["name"] for each in api.get(f"queues/order?sort={column}&sort_reverse=true")]
        assert found == ["a", "c", "b"], column
    assert [each["name"] for each in api.get("queues/order?sort=nosuch.column")] == ["a", "b", "c"]


def test_no_order_takes_a_look_at_all_of_every_queue(api: Api) -> None:
    """An order by what few ask for, or by nothing at all, took half a second with ten thousand queues."""
    api.put("vhosts/orders")
    api.put("queues/orders/a", {"arguments": {"x-max-length": 9}})
    api.put("queues/orders/b", {"arguments": {"x-max-length": 5}})
    api.put("policies/orders/last", {"pattern": "^a", "definition": {"max-length": 1}})
    for column, names in {
        "arguments.x-max-length": ["b", "a"], "policy": ["b", "a"], "idle_since": ["a", "b"], "state": ["a", "b"],
        "messages_details.rate": ["a", "b"], "leader": ["a", "b"], "auto_delete": ["a", "b"],
        "effective_policy_definition.max-length": ["b", "a"],
    }.items():  # fmt: skip
        assert [each["name"] for each in api.get(f"queues/orders?sort={column}")] == names, column


def test_no_order_of_ten_thousand_queues_takes_long(api: Api) -> None:
    """A policy's pattern was looked for in each name anew, and what shows all of a queue took more than a second."""
    api.put("vhosts/many")
    api.put("permissions/many/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    queue = {"vhost": "many", "durable": False, "auto_delete": False, "arguments": {}}
    api.post("definitions", {"queues": [{"name": f"q{number:04d}", **queue} for number in range(10_000)]})
    for number in range(20):
        policy = {"pattern": f"^q.*{number:02d}$", "priority": number, "definition": {"max-length": 100 + number}}
        api.put(f"policies/many/p{number:02d}", policy)
    for number in range(5):
        policy = {"pattern": f"^q{number}", "definition": {"max-length": 110 + number}, "apply-to": "queues"}
        api.put(f"operator-policies/many/o{number}", policy)
    wanted: dict[str, Callable[[dict[str, Any]], bool]] = {
        "policy": lambda each: each["policy"] == "p19",
        "operator_policy": lambda each: each["operator_policy"] == "o4",
        "effective_policy_definition.max-length": lambda each: each["effective_policy_definition"]["max-length"] == 119,
        "effective_policy_definition": lambda each: each["effective_policy_definition"] == {},
        "single_active_consumer_tag": lambda each: each["single_active_consumer_tag"] is None,
        "members": lambda each: "members" not in each,
        "backing_queue_status": lambda each: each["backing_queue_status"]["len"] == 0,
        "message_stats": lambda each: each["messages"] == 0,
    }
    for column, is_first in wanted.items():
        spans = []
        for _ in range(3):
            began = time.monotonic()
            found = api.get(f"queues/many?page=1&page_size=100&sort={column}&sort_reverse=true")
            spans.append(time.monotonic() - began)
        assert is_first(found["items"][0]), (column, found["items"][0])
        assert min(spans) < 1, (column, spans)  # 0.2 s on a machine that does nothing else
    api.delete("vhosts/many")


def test_connections_channels_and_consumers_are_seen(api: Api, broker: BrokerProcess) -> None:
    """Monitoring looks for client properties, channels by their connection, and who consumes."""
    parameters = pika.URLParameters(broker.url)
    parameters.client_properties = {"connection_name": "shop"}
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=7)
        channel.confirm_delivery()
        channel.queue_declare("watched", exclusive=True)
        channel.basic_consume("watched", lambda *_: None, consumer_tag="me")
        (found,) = [each for each in api.get("connections") if each.get("user_provided_name") == "shop"]
        assert (found["protocol"], found["state"], found["user"], found["vhost"]) == (
            "AMQP 0-9-1",
            "running",
            "guest",
            "/",
        )
        assert found["client_properties"]["connection_name"] == "shop"
        assert found["channels"] == 1
        assert found["recv_oct"] > 0
        assert found["connected_at"] > 1_600_000_000_000
        assert found["ssl_cipher"] is None
        single = api.get(f"connections/{segment(found['name'])}")
        assert single["ssl_cipher"] == ""
        (channel_found,) = api.get(f"connections/{segment(found['name'])}/channels")
        assert channel_found["name"] == f"{found['name']} (1)"
        assert channel_found["confirm"] is True
        assert channel_found["prefetch_count"] == 7
        assert channel_found["connection_details"]["name"] == found["name"]
        assert api.get(f"channels/{segment(channel_found['name'])}")["consumer_count"] == 1
        (consumer,) = [each for each in api.get("consumers") if each["consumer_tag"] == "me"]
        assert consumer["queue"] == {"name": "watched", "vhost": "/"}
        assert consumer["channel_details"]["name"] == channel_found["name"]
        assert (consumer["ack_required"], consumer["prefetch_count"], consumer["activity_status"]) == (True, 7, "up")
        queue = api.get("queues/%2F/watched")
        assert queue["exclusive"] is True
        assert queue["owner_pid_details"]["name"] == found["name"]
        assert [each["consumer_tag"] for each in queue["consumer_details"]] == ["me"]


@pytest.mark.parametrize(
    ("tags", "seen"),
    [
        ("", {}),
        ("management", {"overview", "whoami", "vhosts", "queues", "exchanges", "policies", "connections"}),
        (
            "policymaker",
            {"overview", "whoami", "vhosts", "queues", "exchanges", "policies", "connections", "parameters"},
        ),
        ("monitoring", {"overview", "whoami", "vhosts", "queues", "exchanges", "policies", "connections", "nodes"}),
    ],
)
def test_tags_open_parts_of_the_api(api: Api, tags: str, seen: set[str]) -> None:
    """Who has no tag has no access, and nobody but administrators sees users."""
    user = api.add_user(f"user-{tags}", tags)
    paths = ("overview", "whoami", "vhosts", "queues", "exchanges", "policies", "connections", "parameters", "nodes",
             "users", "permissions", "definitions")  # fmt: skip
    statuses = {path: user.call("GET", path).status for path in paths}
    assert {path for path, status in statuses.items() if status == 200} == set(seen)
    assert set(statuses.values()) <= {200, 401}
    assert user.refused("GET", "users") == (401, "not_authorised", "Not administrator user")
    if not tags:
        assert user.refused("GET", "overview") == (401, "not_authorised", "Not management user")


def test_lists_show_vhosts_with_a_permission_only(api: Api) -> None:
    """Monitoring sees that a vhost is there, but its queues only with a permission in it, even an empty one."""
    api.put("vhosts/private")
    api.put("queues/private/hidden")
    user = api.add_user("onlooker", "monitoring", vhost=None)
    assert "private" in {each["name"] for each in user.get("vhosts")}
    assert user.get("queues") == []
    api.put("permissions/private/onlooker", {"configure": "", "write": "", "read": ""})
    assert [each["name"] for each in user.get("queues")] == ["hidden"]
    manager = api.add_user("manager", "management", vhost=None)
    assert manager.get("vhosts") == []
    reason = "User not authorised to access virtual host"
    assert manager.refused("GET", "queues/private") == (401, "not_authorised", reason)


def test_large_answers_are_compressed_on_request(api: Api) -> None:
    """Lists of thousands of queues went over the wire as they were."""
    reply = api.call("GET", "overview", headers={"Accept-Encoding": "gzip"})
    assert reply.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.raw))["product_name"] == "mqbroker"


def test_names_of_any_octets_are_shown(api: Api, broker: BrokerProcess) -> None:
    """A queue whose name is not UTF-8 made every list fail."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("sl/ash+plus ä%2F", exclusive=True, arguments={"x": b"\xff\x00"})
        found = api.get(f"queues/%2F/{segment('sl/ash+plus ä%2F')}")
        assert found["name"] == "sl/ash+plus ä%2F"
        assert isinstance(found["arguments"]["x"], str)


def test_what_tools_probe_for_is_there(api: Api) -> None:
    """NServiceBus refuses a broker without stream_queue; others read lists that are empty here."""
    flags = {each["name"]: each["state"] for each in api.get("feature-flags")}
    assert flags["stream_queue"] == "enabled"
    assert api.call("PUT", "feature-flags/quorum_queue/enable", {}).status == 204
    assert api.refused("PUT", "feature-flags/nonsense/enable", {}) == (400, "bad_request", "unsupported")
    for path in ("shovels", "federation-links", "extensions", "deprecated-features", "stream/connections", "traces"):
        assert api.get(path) == []
    assert api.get("cluster-name") == {"name": "mqbroker"}


def answers(api: Api, paths: tuple[str, ...]) -> dict[str, Any]:
    """What is answered at each path."""
    return {path: api.call("GET", f"health/checks/{path}").body for path in paths}


def test_health_checks(api: Api, broker: BrokerProcess) -> None:
    """Load balancers and Nagios tell by 200 and 503."""
    port = broker.ports["amqp"]
    assert api.get("health/checks/alarms") == {"status": "ok"}
    assert api.get(f"health/checks/port-listener/{port}") == {"status": "ok", "port": port}
    reply = api.call("GET", "health/checks/port-listener/1")
    assert (reply.status, reply.body["reason"], reply.body["missing"]) == (503, "No active listener", 1)
    assert api.refused("GET", "health/checks/port-listener/x") == (400, "bad_request", "Invalid port")
    assert api.get("health/checks/protocol-listener/amqp091")["protocol"] == "amqp091"
    assert api.call("GET", "health/checks/protocol-listener/mqtts").status == 503
    assert api.get("health/checks/certificate-expiration/1/months") == {"status": "ok"}
    text = "Time unit not recognised. Supported units: days, weeks, months, years."
    assert api.refused("GET", "health/checks/certificate-expiration/1/eons")[2] == text
    text = "Invalid expiration value."
    assert api.refused("GET", "health/checks/certificate-expiration/x/days")[2] == text
    assert api.get("health/checks/node-is-quorum-critical")["reason"] == "single node cluster"
    assert api.get("aliveness-test/%2F") == {"status": "ok"}
    assert api.get("healthchecks/node") == {"status": "ok"}
