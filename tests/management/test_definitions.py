"""Definitions out and in: RabbitMQ's files are taken, and one that is wrong changes nothing."""

import json
from typing import Any

import pytest

from tests.management.api import Api
from tests.management.test_changing import rabbit_hash

pytestmark = pytest.mark.timeout(120)

VHOST: dict[str, Any] = {
    "name": "imported",
    "description": "from elsewhere",
    "tags": ["a"],
    "default_queue_type": "quorum",
}
POLICY = {"name": "q", "vhost": "/", "pattern": "(", "definition": {"expires": 1}}
SHOVEL = {"src-uri": "amqp://", "src-queue": "a", "dest-uri": "amqp://", "dest-queue": "b"}
LIMITS = {"vhost": "/", "component": "vhost-limits", "name": "limits", "value": 7}
BINDING = {"source": "amq.direct", "vhost": "/", "destination_type": "x"}
FILE: dict[str, Any] = {
    "rabbit_version": "3.10.8",
    "rabbitmq_version": "3.10.8",
    "nonsense": {"is": "passed over"},
    "users": [
        {
            "name": "importer",
            "password_hash": rabbit_hash("secret"),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": "management",
            "limits": {"max-channels": 5},
        },
        {"name": "plain", "password": "secret", "tags": ["management"]},
    ],
    "vhosts": [VHOST],
    "permissions": [{"user": "importer", "vhost": "imported", "configure": ".*", "write": ".*", "read": ""}],
    "topic_permissions": [
        {"user": "importer", "vhost": "imported", "exchange": "amq.topic", "write": "^a", "read": "^b"}
    ],
    "parameters": [
        {"vhost": "imported", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 100}},
        {
            "vhost": "imported",
            "component": "operator_policy",
            "name": "op",
            "value": {"pattern": ".*", "definition": {"max-length": 7}, "priority": 1, "apply-to": "queues"},
        },
        {"vhost": "imported", "component": "shovel", "name": "s", "value": SHOVEL},
    ],
    "global_parameters": [{"name": "cluster_tags", "value": {"zone": "b"}}],
    "policies": [
        {
            "vhost": "imported",
            "name": "p",
            "pattern": "^j",
            "apply-to": "queues",
            "definition": {"message-ttl": 60000},
            "priority": 2,
        }
    ],
    "queues": [
        {
            "name": "jobs",
            "vhost": "imported",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "quorum"},
        }
    ],
    "exchanges": [
        {
            "name": "events",
            "vhost": "imported",
            "type": "topic",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {},
        }
    ],
    "bindings": [
        {
            "source": "events",
            "vhost": "imported",
            "destination": "jobs",
            "destination_type": "queue",
            "routing_key": "#",
            "arguments": {},
        },
        {
            "source": "gone",
            "vhost": "imported",
            "destination": "jobs",
            "destination_type": "queue",
            "routing_key": "#",
            "arguments": {},
        },
    ],
}


def of_vhost(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is in the imported vhost."""
    return [each for each in found if each.get("vhost") == "imported"]


def by_component(parameters: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Parameters of different components."""
    return {each["component"]: each for each in parameters}


def test_a_file_of_rabbitmq_is_imported_and_comes_out_again(api: Api) -> None:
    """Users log in with the hashes that came along, and an export is the same once more."""
    api.post("definitions", FILE)
    assert api.of("importer").get("whoami")["tags"] == ["management"]
    assert api.of("plain").get("whoami")["tags"] == ["management"]
    found = api.get("definitions")
    for section in ("queues", "exchanges", "policies", "permissions", "topic_permissions"):
        shown = [{name: each[name] for name in FILE[section][0]} for each in of_vhost(found[section])]
        assert shown == FILE[section], section
    assert of_vhost(found["bindings"]) == FILE["bindings"][:1]
    assert by_component(of_vhost(found["parameters"])) == by_component(FILE["parameters"])
    (vhost,) = [each for each in found["vhosts"] if each["name"] == "imported"]
    assert {name: vhost[name] for name in VHOST} == VHOST
    (user,) = [each for each in found["users"] if each["name"] == "importer"]
    assert (user["limits"], user["password_hash"]) == ({"max-channels": 5}, FILE["users"][0]["password_hash"])
    api.post("definitions", found)
    assert api.get("definitions") == found
    assert all(not each["name"].startswith("amq.") for each in found["exchanges"])


def test_a_vhost_comes_out_without_names_of_vhosts_and_into_another(api: Api) -> None:
    """The same setup under another name."""
    api.post("definitions", FILE)
    found = api.get("definitions/imported")
    assert {"users", "vhosts", "permissions"}.isdisjoint(found)
    assert all("vhost" not in each for name in ("queues", "policies", "bindings", "parameters") for each in found[name])
    api.put("vhosts/second")
    api.post("definitions/second", found)
    assert [each["name"] for each in api.get("queues/second")] == ["jobs"]
    assert api.get("vhost-limits/second")[0]["value"] == {"max-queues": 100}
    assert api.refused("GET", "definitions/nosuch") == (400, "bad_request", "vhost_not_found")
    assert api.refused("POST", "definitions/nosuch", {}) == (404, "not_found", "vhost_not_found")


def test_what_is_there_otherwise_stays(api: Api) -> None:
    """Importing twice is no error, and a queue is not declared anew under its consumers."""
    api.put("vhosts/imported")
    api.put("permissions/imported/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    api.put("queues/imported/keeps", {"durable": False, "arguments": {"x-max-length": 1}})
    queue = {"name": "keeps", "vhost": "imported", "durable": True, "auto_delete": False, "arguments": {}}
    api.post("definitions", {"queues": [queue]})
    assert api.get("queues/imported/keeps")["arguments"] == {"x-max-length": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"queues": "x"}, "queues should be a list of objects"),
        ({"queues": [{"name": 5, "vhost": "/"}]}, "name should be a string"),
        ({"queues": [{"name": "q", "vhost": "nosuch"}]}, "no_such_vhost: nosuch"),
        ({"permissions": [{"user": "x", "vhost": "/"}]}, "no_such_user: x"),
        ({"queues": [{"name": "q", "vhost": "/", "arguments": {"x-max-length": "x"}}]}, "invalid arg 'x-max-length'"),
        ({"exchanges": [{"name": "q", "vhost": "/", "type": "odd"}]}, "unknown exchange type 'odd'"),
        (
            {"policies": [POLICY]},
            "Validation failed",
        ),
        ({"users": [{"name": "new", "password_hash": "!!", "tags": ""}]}, "not_base64: !!"),
        ({"users": [{"name": "new"}]}, "tags_not_present"),
        (
            {"bindings": [BINDING]},
            "unknown destination_type: x",
        ),
        ({"vhosts": [{"name": "new", "default_queue_type": "odd"}]}, "Unsupported default queue type: odd"),
        (
            {"parameters": [LIMITS]},
            "value should be",
        ),
    ],
)
def test_an_import_that_is_wrong_changes_nothing(api: Api, changes: dict[str, Any], reason: str) -> None:
    """RabbitMQ stops in the midst, and leaves half of the file behind."""
    fine: dict[str, Any] = {
        "users": [{"name": "half", "password": "x", "tags": ""}],
        "vhosts": [{"name": "half"}],
        "queues": [{"name": "half", "vhost": "/", "durable": True}],
    }
    wrong = {
        name: [*fine.get(name, []), *value] if isinstance(value, list) else value for name, value in changes.items()
    }
    status, error, found = api.refused("POST", "definitions", {**fine, **wrong})
    assert (status, error) == (400, "bad_request")
    assert found.startswith(reason)
    for path in ("users/half", "vhosts/half", "queues/%2F/half"):
        assert api.call("GET", path).status == 404


def test_files_come_in_forms_and_with_marks_and_go_as_downloads(api: Api) -> None:
    """RabbitMQ's own page sends a form, and editors put a byte order mark first."""
    document = json.dumps({"queues": [{"name": "formed", "vhost": "/", "durable": True}]}).encode()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.json"\r\n\r\n'
    form = head + document + b"\r\n--b--\r\n"
    reply = api.call("POST", "definitions", raw=form, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert reply.status == 204, reply
    assert api.call("GET", "queues/%2F/formed").status == 200
    assert api.call("POST", "definitions", raw=b"\xef\xbb\xbf" + document).status == 204
    assert api.call("POST", "definitions", raw=b"{").reason == (400, "bad_request", "failed_to_parse_json")
    assert api.call("POST", "definitions", raw=document, headers={"Content-Type": "image/png"}).status == 415
    reply = api.call("GET", "definitions?download=all%22%0d%0ax.json")
    assert reply.headers["content-disposition"] == 'attachment; filename="allx.json"'


@pytest.mark.parametrize("is_new", [True, False])
def test_a_vhosts_default_type_is_tried_too(api: Api, is_new: bool) -> None:
    """The trial took queues for classic ones, so an import that failed at a quorum queue was left half done."""
    vhost = {"name": f"by-default-{is_new}", "default_queue_type": "quorum"}
    if not is_new:
        api.put(f"vhosts/{vhost['name']}", {"default_queue_type": "quorum"})
    queue = {"vhost": vhost["name"], "durable": True, "auto_delete": False}
    bad = {**queue, "name": "bad", "arguments": {"x-max-priority": 5}}
    good = {**queue, "name": "good", "arguments": {}}
    sections = {"vhosts": [vhost] if is_new else [], "queues": [good, bad]}
    status, _, reason = api.refused("POST", "definitions", sections)
    assert (status, "x-max-priority" in reason) == (400, True)
    assert [each["name"] for each in api.get("queues") if each["vhost"] == vhost["name"]] == []
    assert (api.call("GET", f"vhosts/{vhost['name']}").status == 404) == is_new
