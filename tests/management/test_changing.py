"""What is changed over the API: statuses, texts, and that it is in force at once, also for who is connected."""

import base64
import hashlib
import threading
from typing import Any

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]
import pytest

from tests.management.api import Api, segment
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(120)

ACCESS_REFUSED = (401, "not_authorised", "Access refused.")


def test_queues_and_exchanges_are_declared_and_deleted(api: Api) -> None:
    """201 for what is new, 204 for what was there, 400 with the text of AMQP for what was there otherwise."""
    assert api.put("queues/%2F/orders", {"durable": "true", "arguments": {}}) == 201
    assert api.put("queues/%2F/orders", {"durable": True, "auto_delete": False}) == 204
    text = "inequivalent arg 'durable' for queue 'orders' in vhost '/': received 'false' but current is 'true'"
    assert api.refused("PUT", "queues/%2F/orders", {}) == (400, "bad_request", text)
    assert api.put("exchanges/%2F/events", {"type": "topic", "durable": True}) == 201
    assert api.get("exchanges/%2F/events")["type"] == "topic"
    assert api.refused("PUT", "exchanges/%2F/amq.mine", {"type": "topic"}) == ACCESS_REFUSED
    assert api.refused("PUT", "exchanges/%2F/amq.default", {"type": "topic"}) == ACCESS_REFUSED
    text = "unknown exchange type 'nonsense'"
    assert api.refused("PUT", "exchanges/%2F/odd", {"type": "nonsense"}) == (400, "bad_request", text)
    api.publish("orders")
    text = "queue 'orders' in vhost '/' not empty"
    assert api.refused("DELETE", "queues/%2F/orders?if-empty=true") == (400, "bad_request", text)
    assert api.delete("queues/%2F/orders/contents") == 204
    assert api.delete("queues/%2F/orders?if-empty=true&if-unused=true") == 204
    assert api.delete("exchanges/%2F/events") == 204
    assert api.refused("DELETE", "queues/%2F/orders") == (404, "Object Not Found", "Not Found")
    assert api.refused("PUT", "queues/nowhere/orders", {}) == (404, "not_found", "vhost_not_found")
    name = "x" * 256
    text = "queue should be less than 255 bytes, actually was 256"
    assert api.refused("PUT", f"queues/%2F/{name}", {}) == (400, "bad_request", text)


def test_bindings_go_by_their_properties_key(api: Api) -> None:
    """`location` is encoded twice, and tools delete by what it says."""
    api.put("queues/%2F/bound", {"durable": True})
    api.put("exchanges/%2F/tree", {"type": "topic", "durable": True})
    place = "bindings/%2F/e/tree/q/bound"
    reply = api.call("POST", place, {"routing_key": "a.#", "arguments": {}})
    assert (reply.status, reply.headers["location"]) == (201, "bound/a.%2523")
    assert api.call("POST", place, {"routing_key": "a.#"}).status == 201
    api.post(place, {"routing_key": "", "arguments": {"x": 1}})
    api.post(place, {})
    keys = {each["properties_key"] for each in api.get(place)}
    assert {"a.%23", "~"} < keys
    assert len(keys) == 3
    assert [each["source"] for each in api.get("queues/%2F/bound/bindings")] == ["", "tree", "tree", "tree"]
    assert len(api.get("exchanges/%2F/tree/bindings/source")) == 3
    assert api.get(f"{place}/a.%2523")["routing_key"] == "a.#"
    assert api.get(f"{place}/a.%23")["routing_key"] == "a.#"
    assert api.get(f"{place}/~")["arguments"] == {}
    for key in keys:
        assert api.delete(f"{place}/{segment(key)}") == 204
    assert api.get(place) == []
    assert api.refused("DELETE", f"{place}/a.%23") == (404, "Object Not Found", "Not Found")
    text = "no exchange 'nosuch' in vhost '/'"
    assert api.refused("POST", "bindings/%2F/e/nosuch/q/bound", {}) == (404, "not_found", text)
    api.put("exchanges/%2F/leaf", {"type": "fanout"})
    api.post("bindings/%2F/e/tree/e/leaf", {"routing_key": "x"})
    (found,) = api.get("exchanges/%2F/leaf/bindings/destination")
    assert (found["destination_type"], found["routing_key"]) == ("exchange", "x")


def test_messages_are_published_and_got(api: Api) -> None:
    """Payloads that are no text come in Base64, and the properties as they were published."""
    api.put("queues/%2F/letters", {"durable": True})
    given: dict[str, Any] = {
        "content_type": "text/plain", "headers": {"n": 1, "deep": {"a": [True]}}, "delivery_mode": 2,
        "priority": 3, "timestamp": 1_700_000_000, "message_id": "m", "nonsense": 1,
    }  # fmt: skip
    assert api.publish("letters", "grüße", **given) is True
    octets = base64.b64encode(b"\xff\x00").decode()
    body = {"properties": {}, "routing_key": "letters", "payload": octets, "payload_encoding": "base64"}
    assert api.post("exchanges/%2F/amq.default/publish", body) == {"routed": True}
    assert api.post("exchanges/%2F/amq.direct/publish", body) == {"routed": False}
    first, second = api.take("letters", 5, "ack_requeue_true")
    del given["nonsense"]
    assert first["properties"] == given
    assert (first["payload"], first["payload_bytes"], first["payload_encoding"]) == ("grüße", 7, "string")
    assert (first["exchange"], first["routing_key"], first["message_count"]) == ("", "letters", 1)
    assert first["redelivered"] is False
    assert (second["payload"], second["payload_encoding"], second["properties"]) == (octets, "base64", [])
    again = api.take("letters", 5, "ack_requeue_false")
    assert [each["redelivered"] for each in again] == [True, True]
    assert api.take("letters") == []
    api.publish("letters", "abcdef")
    asked = {"count": -1, "ackmode": "ack_requeue_false", "encoding": "auto", "truncate": 3}
    (cut,) = api.post("queues/%2F/letters/get", asked)
    assert (cut["payload"], cut["payload_bytes"]) == ("abc", 6)


def test_rejected_messages_are_dead_lettered(api: Api) -> None:
    """reject_requeue_false is a rejection, and ack_requeue_false an acknowledgement."""
    api.put("queues/%2F/graves", {})
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "graves"}
    api.put("queues/%2F/mortal", {"arguments": arguments})
    api.publish("mortal")
    api.take("mortal", 1, "reject_requeue_true")
    api.take("mortal", 1, "reject_requeue_false")
    (found,) = api.take("graves")
    assert found["properties"]["headers"]["x-death"][0]["reason"] == "rejected"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payload": 1}, "payload_not_string"),
        ({"payload_encoding": "rot13"}, "unsupported_encoding: rot13"),
        ({"properties": {"delivery_mode": "2"}}, "not_int: delivery_mode"),
        ({"properties": {"delivery_mode": 7}}, "406 PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,7}"),
        ({"properties": {"expiration": "soon"}}, "406 PRECONDITION_FAILED - invalid expiration 'soon': no_integer"),
        ({"properties": {"headers": {"x": None}}}, "null_not_allowed"),
        ({"properties": {"headers": [1]}}, "headers should be an object"),
        ({"properties": "x"}, "properties should be an object"),
        (
            {"properties": {"user_id": "other"}},
            "406 PRECONDITION_FAILED - user_id property set to 'other' but authenticated user was 'guest'",
        ),
        ({"routing_key": 5}, "routing_key should be a string"),
        ({"payload_encoding": "base64", "payload": "!"}, "payload is not base64"),
    ],
)
def test_a_message_that_cannot_be_is_refused(api: Api, changes: dict[str, Any], reason: str) -> None:
    """In RabbitMQ most of these were a 500 without a word."""
    body = {"properties": {}, "routing_key": "x", "payload": "x", "payload_encoding": "string", **changes}
    assert api.refused("POST", "exchanges/%2F/amq.default/publish", body) == (400, "bad_request", reason)


def test_missing_keys_are_named_as_rabbitmq_does(api: Api) -> None:
    """Clients show the text as it is."""
    text = "[{key_missing,write},{key_missing,read}]"
    api.add_user("keys")
    assert api.refused("PUT", "permissions/%2F/keys", {"configure": ""}) == (400, "bad_request", text)
    text = "404 NOT_FOUND - no exchange 'nosuch' in vhost '/'"
    body = {"properties": {}, "routing_key": "", "payload": "", "payload_encoding": "string"}
    assert api.refused("POST", "exchanges/%2F/nosuch/publish", body)[2] == text
    asked = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    text = "NOT_FOUND - no queue 'nosuch' in vhost '/'"
    assert api.refused("POST", "queues/%2F/nosuch/get", asked) == (404, "not_found", text)
    api.put("queues/%2F/full", {"arguments": {"x-max-length": 0, "x-overflow": "reject-publish"}})
    body["routing_key"] = "full"
    text = "rejected Unable to publish message. Check queue limits."
    assert api.refused("POST", "exchanges/%2F/amq.default/publish", body) == (400, "bad_request", text)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not_json"),
        (b"[]", "not_json"),
        (b"7", "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'"{}"', "invalid payload: the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"),
        (b'{"durable": 5}', "durable should be a boolean"),
        (b'{"arguments": "x"}', "arguments should be an object"),
    ],
)
def test_a_body_that_cannot_be_is_refused(api: Api, raw: bytes, reason: str) -> None:
    """Whatever comes is answered with a reason."""
    reply = api.call("PUT", "queues/%2F/bad-body", raw=raw)
    assert reply.reason == (400, "bad_request", reason)


def test_an_empty_body_is_an_empty_object(api: Api) -> None:
    """curl -X PUT sends none."""
    assert api.call("PUT", "queues/%2F/no-body", raw=b"").status == 201
    assert api.call("PUT", "queues/%2F/no-body", raw=b"null").status == 204
    assert api.call("PUT", "queues/%2F/no-body", {}, {"Content-Type": "text/plain"}).status == 204


def test_permissions_are_those_of_amqp(api: Api) -> None:
    """Tags open the API, and give no right to a queue."""
    user = api.add_user("limited", "administrator", right="^mine")
    assert user.put("queues/%2F/mine-1") == 201
    assert user.refused("PUT", "queues/%2F/other", {}) == ACCESS_REFUSED
    api.put("queues/%2F/other")
    assert user.refused("DELETE", "queues/%2F/other") == ACCESS_REFUSED
    assert user.refused("DELETE", "queues/%2F/other/contents") == ACCESS_REFUSED
    asked = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    assert user.refused("POST", "queues/%2F/other/get", asked) == ACCESS_REFUSED
    body = {"properties": {}, "routing_key": "other", "payload": "", "payload_encoding": "string"}
    assert user.refused("POST", "exchanges/%2F/amq.default/publish", body) == ACCESS_REFUSED
    api.put("vhosts/elsewhere")
    reason = "User not authorised to access virtual host"
    assert user.refused("PUT", "queues/elsewhere/mine", {}) == (401, "not_authorised", reason)


# --- users ----------------------------------------------------------------------------------------------------------


def connect(broker: BrokerProcess, user: str, password: str, vhost: str = "/") -> Any:
    credentials = pika.PlainCredentials(user, password)
    parameters = pika.ConnectionParameters("127.0.0.1", broker.ports["amqp"], vhost, credentials)
    return pika.BlockingConnection(parameters)


def wait_closed(connection: Any) -> Exception:
    """How a connection ended."""
    try:
        connection.process_data_events(time_limit=20)
    except pika.exceptions.AMQPError as error:
        return Exception(str(error))
    raise AssertionError("it is still open")


def test_users_come_and_go(api: Api, broker: BrokerProcess) -> None:
    """A password that was changed let old sessions go on."""
    assert api.put("users/joe", {"password": "one", "tags": ""}) == 201
    api.put("permissions/%2F/joe", {"configure": ".*", "write": ".*", "read": ".*"})
    connection = connect(broker, "joe", "one")
    assert api.put("users/joe", {"password": "two", "tags": ["monitoring"]}) == 204
    assert "the password of user 'joe' was changed" in str(wait_closed(connection))
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        connect(broker, "joe", "one")
    connection = connect(broker, "joe", "two")
    found = api.get("users/joe")
    assert found["tags"] == ["monitoring"]
    assert found["limits"] == {}
    assert api.of("joe", "two").get("whoami")["name"] == "joe"
    api.delete("users/joe")
    assert "user 'joe' is deleted" in str(wait_closed(connection))
    assert api.of("joe", "two").call("GET", "whoami").status == 401


def rabbit_hash(password: str, digest: str = "sha256") -> str:
    """A hash as RabbitMQ makes it."""
    salt = b"salt"
    return base64.b64encode(salt + hashlib.new(digest, salt + password.encode()).digest()).decode()


def test_hashes_of_rabbitmq_are_taken(api: Api) -> None:
    """Terraform and definitions bring hashes, of two algorithms."""
    for digest in ("sha256", "sha512"):
        body = {
            "password_hash": rabbit_hash("secret", digest),
            "hashing_algorithm": f"rabbit_password_hashing_{digest}",
            "tags": "management",
        }
        api.put(f"users/{digest}", body)
        assert api.of(digest).get("whoami")["name"] == digest
        assert api.get(f"users/{digest}")["hashing_algorithm"] == body["hashing_algorithm"]
    api.put("users/nobody", {"password_hash": "", "tags": "management"})
    assert api.of("nobody", "").call("GET", "whoami").status == 401


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"password": "x"}, "tags_not_present"),
        ({"password": "x", "password_hash": "eA==", "tags": ""}, "both_password_and_password_hash_are_provided"),
        ({"password_hash": "!!", "tags": ""}, "not_base64: !!"),
        ({"password_hash": "eA==", "tags": ""}, "password_hash is not one of rabbit_password_hashing_sha256"),
        ({"password_hash": "eA==", "hashing_algorithm": "rot13", "tags": ""}, "unknown hashing algorithm: rot13"),
        ({"password": 5, "tags": ""}, "password and password_hash should be strings"),
        ({"password": "x", "tags": 5}, "tags should be a list of strings, or a string with commas"),
    ],
)
def test_a_user_that_cannot_be_is_refused(api: Api, body: dict[str, Any], reason: str) -> None:
    """A reason is always a text: RabbitMQ's arrays broke typed clients."""
    assert api.refused("PUT", "users/impossible", body) == (400, "bad_request", reason)
    assert api.call("GET", "users/impossible").status == 404


def test_many_users_are_deleted_at_once_or_none(api: Api) -> None:
    """One unknown name must not leave half of the others."""
    for name in ("bulk1", "bulk2"):
        api.put(f"users/{name}", {"password": "x", "tags": ""})
    text = "no_such_user: bulk3"
    assert api.refused("POST", "users/bulk-delete", {"users": ["bulk1", "bulk3"]}) == (400, "bad_request", text)
    api.post("users/bulk-delete", {"users": ["bulk1", "bulk2"]})
    assert {"bulk1", "bulk2"}.isdisjoint(each["name"] for each in api.get("users"))
    assert api.refused("POST", "users/bulk-delete", {"users": "x"})[0] == 400


def test_permissions_are_set_and_cleared_while_connected(api: Api, broker: BrokerProcess) -> None:
    """A right that is taken away is gone for who is connected."""
    api.add_user("changing")
    with connect(broker, "changing", "secret") as connection:
        connection.channel().queue_declare("changing-1", exclusive=True)
        api.put("permissions/%2F/changing", {"configure": "", "write": "", "read": ""})
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            connection.channel().queue_declare("changing-2", exclusive=True)
    assert api.get("permissions/%2F/changing") == {
        "user": "changing", "vhost": "/", "configure": "", "write": "", "read": "",
    }  # fmt: skip
    assert len(api.get("users/changing/permissions")) == 1
    text = "invalid_regexp: (: pattern should be regular expression but is invalid"
    given = {"configure": "(", "write": "", "read": ""}
    assert api.refused("PUT", "permissions/%2F/changing", given)[2].startswith(text)
    given["configure"] = ""
    assert api.refused("PUT", "permissions/%2F/stranger", given) == (400, "bad_request", "vhost_or_user_not_found")
    assert api.put("topic-permissions/%2F/changing", {"exchange": "amq.topic", "write": "^a", "read": "^b"}) == 201
    assert api.get("topic-permissions/%2F/changing")[0]["write"] == "^a"
    assert api.get("topic-permissions/%2F/changing/amq.topic")["read"] == "^b"
    api.delete("topic-permissions/%2F/changing/amq.topic")
    assert api.call("GET", "topic-permissions/%2F/changing").status == 404
    api.delete("permissions/%2F/changing")
    assert "changing" in {each["name"] for each in api.get("users/without-permissions")}
    with pytest.raises(pika.exceptions.AMQPError):
        connect(broker, "changing", "secret")


# --- vhosts and limits ----------------------------------------------------------------------------------------------


def test_vhosts_come_and_go(api: Api, broker: BrokerProcess) -> None:
    """Who creates a vhost has every right in it; whoever is in one that goes is disconnected."""
    body = {"description": "first", "tags": "a,b", "default_queue_type": "quorum"}
    assert api.put("vhosts/blue", body) == 201
    assert api.put("vhosts/blue", {"description": "second"}) == 204
    found = api.get("vhosts/blue")
    assert (found["description"], found["tags"], found["default_queue_type"]) == ("second", ["a", "b"], "quorum")
    assert found["metadata"] == {"description": "second", "tags": ["a", "b"]}
    assert found["messages"] == 0
    assert api.get("permissions/blue/guest")["configure"] == ".*"
    api.put("queues/blue/typed", {"durable": True})
    assert api.get("queues/blue/typed")["type"] == "quorum"
    connection = connect(broker, "guest", "guest", "blue")
    api.post("vhosts/blue/deletion/protection")
    text = "Refusing to delete virtual host 'blue' because it is protected from deletion"
    assert api.refused("DELETE", "vhosts/blue") == (412, "precondition_failed", text)
    api.delete("vhosts/blue/deletion/protection")
    api.delete("vhosts/blue")
    assert "vhost 'blue' is deleted" in str(wait_closed(connection))
    assert api.refused("GET", "vhosts/blue") == (404, "Object Not Found", "Not Found")


def test_limits_are_in_force_at_once(api: Api, broker: BrokerProcess) -> None:
    """-1 is no limit, and a limit that is not there can be deleted."""
    api.put("vhosts/narrow")
    assert api.put("vhost-limits/narrow/max-queues", {"value": 1}) == 204
    assert api.get("vhost-limits/narrow") == [{"vhost": "narrow", "value": {"max-queues": 1}}]
    api.put("queues/narrow/one")
    text = "cannot declare queue 'two': queue limit in vhost 'narrow' (1) is reached"
    assert api.refused("PUT", "queues/narrow/two", {}) == (400, "bad_request", text)
    api.delete("vhost-limits/narrow/max-queues")
    api.delete("vhost-limits/narrow/max-queues")
    api.put("queues/narrow/two")
    assert api.refused("PUT", "vhost-limits/narrow/max-nonsense", {"value": 1})[0] == 400
    assert api.refused("PUT", "vhost-limits/narrow/max-queues", {"value": "1"})[0] == 400
    api.add_user("narrow-user")
    assert api.put("user-limits/narrow-user/max-connections", {"value": 0}) == 204
    assert api.get("user-limits/narrow-user") == [{"user": "narrow-user", "value": {"max-connections": 0}}]
    with pytest.raises(pika.exceptions.AMQPError, match="connection limit"):
        connect(broker, "narrow-user", "secret")
    api.delete("user-limits/narrow-user/max-connections")
    connect(broker, "narrow-user", "secret").close()
    text = "no_such_user: stranger"
    assert api.refused("PUT", "user-limits/stranger/max-channels", {"value": 1}) == (400, "bad_request", text)


# --- policies and parameters ------------------------------------------------------------------------------------------


def test_policies_are_in_force_at_once(api: Api) -> None:
    """The highest priority wins whole, and an operator's number only when it is smaller."""
    api.put("queues/%2F/ruled", {"durable": True})
    body = {"pattern": "^ruled$", "definition": {"max-length": 5}, "apply-to": "queues"}
    assert api.put("policies/%2F/short", body) == 201
    assert api.put("policies/%2F/short", {**body, "priority": 3}) == 204
    assert api.put("operator-policies/%2F/shorter", {"pattern": ".*", "definition": {"max-length": 2}}) == 201
    found = api.get("queues/%2F/ruled")
    assert (found["policy"], found["operator_policy"]) == ("short", "shorter")
    assert found["effective_policy_definition"] == {"max-length": 2}
    for number in range(4):
        api.publish("ruled", str(number))
    assert [each["payload"] for each in api.take("ruled", 9)] == ["2", "3"]
    assert api.get("policies/%2F/short") == {"vhost": "/", "name": "short", "priority": 3, **body}
    assert [each["name"] for each in api.get("operator-policies/%2F")] == ["shorter"]
    api.delete("operator-policies/%2F/shorter")
    api.delete("policies/%2F/short")
    assert api.get("queues/%2F/ruled")["effective_policy_definition"] == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pattern": "("}, "pattern should be regular expression but is invalid"),
        ({"definition": {}}, "no policy provided"),
        ({"definition": {"nonsense": 1}}, '[{<<"nonsense">>,1}] are not recognised policy settings'),
        ({"definition": {"message-ttl": -1}}, "-1 is not a valid message TTL"),
        ({"priority": "1"}, 'priority should be a number, actually was <<"1">>'),
        ({"apply-to": "x"}, "apply-to 'x' unrecognised"),
        ({"definition": {"max-length": "5"}}, '<<"5">> is not a valid maximum length'),
        ({"definition": "x"}, "definition should be a map"),
        ({"pattern": 5}, "pattern should be a binary string, actually was 5"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(api: Api, changes: dict[str, Any], reason: str) -> None:
    """The sentences are RabbitMQ's, without its escapes of HTML."""
    body = {"pattern": ".*", "definition": {"max-length": 5}, **changes}
    found = api.refused("PUT", "policies/%2F/wrong", body)
    assert found[:2] == (400, "bad_request")
    assert found[2].startswith(f"Validation failed\n\n{reason}")


def test_parameters_are_kept_and_passwords_in_them_are_not_shown(api: Api) -> None:
    """A URI with a password came back from every list."""
    value = {"src-uri": "amqp://joe:secret@elsewhere/%2f", "src-queue": "a", "dest-uri": ["amqp://"], "dest-queue": "b"}
    assert api.put("parameters/shovel/%2F/move", {"value": value}) == 201
    found = api.get("parameters/shovel/%2F/move")
    assert found["value"]["src-uri"] == "amqp://elsewhere/%2f"
    assert "secret" not in str(api.get("parameters"))
    text = "Validation failed\n\ncomponent nonsense not found\n"
    assert api.refused("PUT", "parameters/nonsense/%2F/x", {"value": {}}) == (400, "bad_request", text)
    assert api.get("parameters/nonsense") == []
    api.delete("parameters/shovel/%2F/move")
    assert api.put("global-parameters/cluster_tags", {"value": {"region": "eu"}}) == 201
    assert api.get("global-parameters/cluster_tags") == {"name": "cluster_tags", "value": {"region": "eu"}}
    api.put("cluster-name", {"name": "renamed"})
    assert api.get("overview")["cluster_name"] == "renamed"
    assert {"cluster_name", "cluster_tags"} <= {each["name"] for each in api.get("global-parameters")}
    api.put("cluster-name", {"name": "mqbroker"})


@pytest.mark.parametrize(
    ("component", "value", "reasons"),
    [
        ("shovel", {}, ['Key "src-uri" not found in x', 'Key "dest-uri" not found in x',
                        "Must specify 'src-exchange' or 'src-queue'"]),
        ("shovel", {"src-uri": "amqp://", "dest-uri": "amqp://", "src-queue": "a", "src-exchange": "b"},
         ["Cannot specify 'src-exchange' and 'src-queue'"]),
        ("shovel", {"src-uri": "amqp://", "dest-uri": ["amqp://"], "src-queue": "a", "nonsense": 1},
         ['Unrecognised terms [{<<"nonsense">>,1}] in x']),
        ("shovel", {"src-uri": 5, "dest-uri": "amqp://", "src-queue": "a", "ack-mode": "maybe"},
         ["src-uri should be a URI, actually was 5",
          'ack-mode should be one of on-confirm, on-publish and no-ack, actually was <<"maybe">>']),
        ("shovel", [], ["x should be an object, actually was []"]),
        ("federation-upstream", {"max-hops": "2"}, ['Key "uri" not found in x',
                                                    'max-hops should be a number, actually was <<"2">>']),
        ("federation-upstream-set", [{"exchange": "x"}], ['Key "upstream" not found in #{<<"exchange">> => <<"x">>}']),
    ],
)  # fmt: skip
def test_parameters_are_checked_with_rabbitmqs_sentences(
    api: Api, component: str, value: Any, reasons: list[str]
) -> None:
    """A shovel without a source was taken, and its mistake showed only where it was exported to."""
    text = "Validation failed\n\n" + "".join(f"{reason}\n" for reason in reasons)
    found = api.refused("PUT", f"parameters/{component}/%2F/x", {"value": value})
    assert found == (400, "bad_request", text)


# --- connections ----------------------------------------------------------------------------------------------------


def test_a_connection_is_closed_with_a_reason(api: Api, broker: BrokerProcess) -> None:
    """The client reads who ended it and why; only administrators may end others'."""
    connection = connect(broker, "guest", "guest")
    name = next(each["name"] for each in api.get("connections"))
    watcher = api.add_user("watcher", "monitoring")
    reason = "User not authorised to access object"
    assert watcher.refused("DELETE", f"connections/{segment(name)}") == (401, "not_authorised", reason)
    assert api.call("DELETE", f"connections/{segment(name)}", headers={"X-Reason": "time to go"}).status == 204
    assert str(wait_closed(connection)) == "(320, 'CONNECTION_FORCED - time to go')"
    connection = connect(broker, "guest", "guest")
    assert len(api.get("connections/username/guest")) >= 1
    api.delete("connections/username/guest")
    assert str(wait_closed(connection)) == "(320, 'CONNECTION_FORCED - Closed via management plugin')"
    api.delete("connections/username/stranger")


def test_changes_survive_a_kill(broker: BrokerProcess, api: Api, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A change was answered before the journal had it."""
    with BrokerProcess(tmp_path_factory.mktemp("kill") / "data", "--dev", schemes=("management",)) as process:
        other = Api(process.ports["management"])
        other.put("vhosts/kept", {"description": "text", "default_queue_type": "quorum"})
        other.add_user("kept", "policymaker", "kept")
        other.put("user-limits/kept/max-channels", {"value": 9})
        other.put("policies/kept/kept", {"pattern": "x", "definition": {"expires": 9000}})
        upstream = {"uri": "amqp://", "max-hops": 2}
        other.put("parameters/federation-upstream/kept/kept", {"value": upstream})
        other.put("cluster-name", {"name": "kept"})
        process.kill()
        process.start()
        assert other.get("vhosts/kept")["default_queue_type"] == "quorum"
        assert other.get("users/kept")["limits"] == {"max-channels": 9}
        assert other.get("policies/kept/kept")["definition"] == {"expires": 9000}
        assert other.get("parameters/federation-upstream/kept/kept")["value"] == upstream
        assert other.get("overview")["cluster_name"] == "kept"
        assert other.of("kept").get("whoami")["tags"] == ["policymaker"]


def test_many_requests_at_once_are_all_answered(api: Api) -> None:
    """Requests on connections of their own shared a state, and some had the answers of others."""
    found: list[int] = []

    def ask(number: int) -> None:
        found.append(api.call("PUT", f"queues/%2F/crowd-{number}", {}).status)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [201] * 20
