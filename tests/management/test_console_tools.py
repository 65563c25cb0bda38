"""What the console's pages have beside their lists: columns, access keys, the preview of an import, Protobuf."""

import base64
import json

import pytest

from mqbroker.management.import_preview import changes
from mqbroker.management.importing import Plan
from tests.management.api import Api
from tests.management.console import Console
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(180)

HEADS = "[...document.querySelectorAll('thead th')].map((each) => each.textContent.trim())"


def test_columns_are_chosen_and_the_address_says_which(console: Console, api: Api) -> None:
    """A list with ten columns had no room for the three that somebody needs."""
    api.put("queues/%2F/with-columns", {"durable": True})
    console.go("/queues?name=with-columns", "Queues")
    console.wait_text("with-columns")
    console.browser.evaluate("void (document.querySelector('details.choice').open = true)")
    for name in ("Vhost", "Growth"):
        find = f"[...document.querySelectorAll('details.choice label')].find((each) => each.textContent === '{name}')"
        console.browser.evaluate(f"{find}.querySelector('input').click()")
        console.wait(f"!{HEADS}.includes('{name}') && document.querySelector('details.choice').open")
    heads = console.browser.evaluate(HEADS)
    assert heads[0].startswith("Name")
    assert "Ready" in heads
    console.picture("columns")
    fragment = console.browser.evaluate("location.hash").removeprefix("#")
    console.go("/overview", "Overview")
    console.go(fragment, "Queues")
    console.wait_text("with-columns")
    assert console.browser.evaluate(HEADS) == heads


def test_an_access_key_is_made_shown_once_and_deleted(console: Console, api: Api, broker: BrokerProcess) -> None:
    """For a key for SQS the configuration had to be written, and the broker started anew."""
    api.put("users/keyed", {"password": "x", "tags": ""})
    api.put("permissions/%2F/keyed", {"configure": ".*", "write": ".*", "read": ".*"})
    console.go("/users", "Users")
    row = "[...document.querySelectorAll('tbody tr')].find((each) => each.querySelector('th').textContent === 'keyed')"
    console.click("Access keys", row)
    console.wait("document.querySelector('dialog')?.textContent.includes('None.')")
    console.click("Make a key", "document.querySelector('dialog')")
    console.wait("document.querySelector('dialog pre')")
    console.picture("access-key")
    lines = console.browser.evaluate("document.querySelector('dialog pre').textContent").splitlines()
    key_id, secret = (line.partition(" = ")[2] for line in lines)
    assert (len(key_id), len(secret)) == (20, 40)
    sqs = client(broker, "sqs", key_id, secret)
    sqs.create_queue(QueueName="by-new-key")
    assert api.get("mqbroker/users/keyed/access-keys") == [{"id": key_id, "account": "000000000000"}]
    console.click("Delete key", "document.querySelector('dialog')")
    console.click("Delete", "[...document.querySelectorAll('dialog')].pop()")
    console.wait("document.querySelector('dialog')?.textContent.includes('None.')")
    assert api.get("mqbroker/users/keyed/access-keys") == []
    trail = api.get("mqbroker/audit?event=CreateAccessKey")
    assert trail[0]["responseElements"]["secret"] == "***"
    assert secret not in json.dumps(trail)


def test_bad_requests_for_access_keys_are_refused(api: Api) -> None:
    api.put("users/keyless", {"password": "x", "tags": "monitoring"})
    path = "mqbroker/users/keyless/access-keys"
    assert api.refused("POST", path, {"account": "12"})[0] == 400
    assert api.refused("POST", path, {"account": 12})[0] == 400
    assert api.refused("DELETE", f"{path}/AKIAAAAAAAAAAAAAAAAA")[0] == 404
    assert api.refused("GET", "mqbroker/users/nobody/access-keys")[0] == 404
    assert api.of("keyless", "x").call("GET", path).status == 401


def test_an_import_says_what_it_would_change(console: Console, api: Api) -> None:
    """The file was known to be importable, and nobody knew that it gave a user other tags."""
    api.put("users/previewed", {"password": "x", "tags": "monitoring"})
    api.put("queues/%2F/previewed", {"durable": True})
    exported = api.get("definitions")
    user = next(each for each in exported["users"] if each["name"] == "previewed")
    there = {"name": "previewed", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
    given = {
        "users": [{**user, "tags": "administrator"}],
        "queues": [there, {**there, "name": "brand-new"}, {**there, "durable": False}],
        "bindings": [{"source": "amq.topic", "vhost": "/", "destination": "previewed", "destination_type": "queue",
                      "routing_key": "k", "arguments": {}}],
    }  # fmt: skip
    found = api.call("POST", "definitions?dry-run=true", given).body
    assert found["users"] == {"new": 0, "changed": 1, "kept": 0, "same": 0, "names": ["previewed"]}
    assert found["queues"] == {"new": 1, "changed": 0, "kept": 1, "same": 1, "names": ["brand-new", "previewed"]}
    assert found["bindings"]["new"] == 1
    assert api.call("POST", "definitions/%2F?dry-run=true", {"queues": [{"name": "not-yet", "durable": True}]}).body
    assert {each["name"] for each in api.get("queues/%2F")}.isdisjoint({"brand-new", "not-yet"})
    assert api.get("users/previewed")["tags"] == ["monitoring"]
    whole = api.call("POST", "definitions?dry-run=true", exported).body
    assert all(counts["new"] == counts["changed"] == counts["kept"] == 0 for counts in whole.values()), whole
    console.go("/definitions", "Definitions")
    text = json.dumps(json.dumps(given))
    console.browser.evaluate(f"""(() => {{
        const files = new DataTransfer();
        files.items.add(new File([{text}], "some.json", {{type: "application/json"}}));
        document.querySelector('input[type=file]').files = files.files;
    }})()""")
    console.click("Try")
    console.wait_text("Nothing was changed yet.")
    console.wait_text("brand-new, previewed")
    console.picture("import")
    console.click("Import")
    console.wait_text("They were imported.")
    assert api.get("users/previewed")["tags"] == ["administrator"]


def test_what_a_file_leaves_out_is_no_change() -> None:
    """Each file without limits or metadata was shown as a change of all users and vhosts."""
    kept = {"vhosts": [{"name": "/", "description": "", "tags": [], "metadata": {"tags": []}}],
            "users": [{"name": "u", "password_hash": "h", "tags": ["a", "b"], "limits": {}}]}  # fmt: skip
    found = changes(
        Plan({"vhosts": [{"name": "/"}], "users": [{"name": "u", "password_hash": "h", "tags": "a, b"}]}), kept
    )
    assert [counts["same"] for counts in found.values()] == [1, 1]
    assert changes(Plan({"users": [{"name": "u", "password": "h", "tags": "a,b"}]}), kept)["users"]["changed"] == 1


def test_protobuf_is_read_without_its_schema(console: Console, api: Api) -> None:
    """A message of gRPC or Kafka's tools was a heap of hex."""
    api.put("queues/%2F/protobuf", {"durable": True})
    whole = bytes.fromhex("08ac02120774657374696e671a0308ff0120ffffffffffffffffff012d0000803f320400ff01020801")
    for octets in (whole, whole[:-1], b"\x00\x01"):
        body = {"properties": {"content_type": "application/x-protobuf"}, "routing_key": "protobuf",
                "payload": base64.b64encode(octets).decode(), "payload_encoding": "base64"}  # fmt: skip
        api.post("exchanges/%2F/amq.default/publish", body)
    console.go("/queue/%2F/protobuf", "Queue protobuf")
    read = "[...document.querySelectorAll('pre.payload')].map((each) => each.textContent)"
    console.wait(f"{read}.length === 3 && !{read}.includes('…')")
    texts = console.browser.evaluate(read)
    assert json.loads(texts[0]) == {
        "1": [300, 1], "2": "testing", "3": {"1": 255}, "4": "18446744073709551615",
        "5": {"fixed32": 0x3F800000, "float": "1"}, "6": "h'00ff0102'",
    }  # fmt: skip
    assert texts[1].startswith("00000000  08 ac 02")
    console.go("/queue/%2F/protobuf?form=protobuf", "Queue protobuf")
    console.wait_text("This is no Protobuf.")
