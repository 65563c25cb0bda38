"""`mqbroker import` with files that other brokers' own tools have made, and with broken ones."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from mqbroker.config import load_config
from mqbroker.core.access.passwords import is_known_format, verify
from mqbroker.ctl.client import CommandFailed
from mqbroker.ctl.imports.command import read
from mqbroker.ctl.imports.found import CannotImport, Found
from mqbroker.ctl.imports.hocon import parse
from mqbroker.ctl.imports.mosquitto_users import parse_access_list, take_dynamic_security
from mqbroker.ctl.imports.topics import overlap, permission
from mqbroker.spoken import PROTOCOLS
from tests.management.api import Api
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker to import into."""
    data = tmp_path_factory.mktemp("imports") / "data"
    with BrokerProcess(data, "--dev", schemes=("amqp", "mqtt", "management")) as process:
        yield process
        assert "Traceback" not in process.log()


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command."""
    command = [sys.executable, "-m", "mqbroker", "import", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=dict(os.environ))
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


MOSQUITTO = """
# as on a gateway
per_listener_settings false
listener 1884 127.0.0.1
max_queued_messages 500
persistent_client_expiration 2w
queue_qos0_messages true
password_file passwords
acl_file acl
connection cloud
no_such_option 3
"""
ACL = """
topic read $SYS/#
user joe
topic sensors/#
topic deny sensors/secret
topic read down/+/state
user nobody
topic x
pattern write up/%u/%c/#
pattern read a%u
"""


def mosquitto_files(folder: Path) -> Path:
    """A configuration with its files, whose passwords are of Mosquitto's own tool."""
    (folder / "acl").write_text(ACL)
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    for options, user in (((), "joe"), (("-H", "sha512"), "old")):
        subprocess.run(["mosquitto_passwd", *options, "-b", passwords, user, "secret"], check=True, timeout=30)
    passwords.write_text(passwords.read_text() + "broken:$9$nonsense\n")
    (folder / "mosquitto.conf").write_text(MOSQUITTO)
    return folder / "mosquitto.conf"


def connected(broker: BrokerProcess, user: str, client_id: str) -> tuple[paho.Client, list[int], list[str]]:
    """A client of MQTT 5 that is connected, the codes that it is answered, and the topics that it gets."""
    codes: list[int] = []
    topics: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5)
    client.username_pw_set(user, "secret")
    client.on_connect = lambda _c, _u, _f, code, _p: codes.append(code.value)
    client.on_subscribe = lambda _c, _u, _m, found, _p: codes.append(found[0].value)
    client.on_publish = lambda _c, _u, _m, code, _p: codes.append(code.value)
    client.on_message = lambda _c, _u, message: topics.append(message.topic)
    client.connect("127.0.0.1", broker.ports["mqtt"])
    client.loop_start()
    eventually(lambda: bool(codes))
    return client, codes, topics


def test_users_of_mosquitto_log_in_with_their_passwords_and_rights(tmp_path: Path, broker: BrokerProcess) -> None:
    """Whoever moved here had to give every device a new password, and to write its rights anew."""
    done = run("--from", "mosquitto", mosquitto_files(tmp_path), "--data-dir", broker.data_dir)
    for text in ("connection cloud", "no_such_option", "'broken' cannot be used", "'nobody'", "a%u"):
        assert text in done.stderr, text
    options = tomllib.loads(done.stdout)
    assert options["listeners"] == ["mqtt://127.0.0.1:1884"]
    assert options["mqtt"] == {"queued_messages_max": 500, "session_expiry_s_max": 1_209_600, "queue_qos0": True}
    client, codes, topics = connected(broker, "joe", "d1")
    for what, code in (
        (lambda: client.subscribe("down/x/state", 1), 1),
        (lambda: client.subscribe("down/#", 1), 0x87),
        (lambda: client.subscribe("sensors/kitchen", 1), 1),
        (lambda: client.subscribe("sensors/secret", 1), 0x87),
        (lambda: client.subscribe("sensors/+", 1), 0x87),
        (lambda: client.publish("sensors/kitchen", "1", 1), 0),
        (lambda: client.publish("sensors/secret", "1", 1), 0x87),
        (lambda: client.publish("up/joe/d1/x", "1", 1), 0x10),
        (lambda: client.publish("up/joe/d2/x", "1", 1), 0x87),
    ):
        codes.clear()
        what()
        eventually(lambda: bool(codes))
        assert codes[-1] == code
    eventually(lambda: topics == ["sensors/kitchen"])
    old, old_codes, _ = connected(broker, "old", "d2")
    assert old_codes[0] == 0
    for each in (client, old):
        each.disconnect()
        each.loop_stop()


def test_a_dry_run_needs_no_broker_and_a_broken_file_changes_nothing(tmp_path: Path, broker: BrokerProcess) -> None:
    """Half of a broken file was imported."""
    path = mosquitto_files(tmp_path)
    done = run("--from", "mosquitto", path, "--dry-run", "--data-dir", tmp_path / "none")
    assert "would take over 3 users" in done.stderr
    api = Api(broker.ports["management"])
    before = api.get("definitions")
    (tmp_path / "acl").write_text("user joe\ntopic a/#/b\n")
    done = run("--from", "mosquitto", path, "--data-dir", broker.data_dir, code=65)
    assert "acl:2: 'a/#/b' is no filter" in done.stderr
    definitions = tmp_path / "definitions.json"
    definitions.write_text(json.dumps({"users": [{"name": "half", "tags": ""}], "queues": [{"name": "q", "vhost": 1}]}))
    run("--from", "rabbitmq", definitions, "--data-dir", broker.data_dir, code=65)
    definitions.write_text('{"users": [')
    run("--from", "rabbitmq", definitions, "--data-dir", broker.data_dir, code=65)
    assert api.get("definitions") == before


def test_clients_of_dynamic_security_come_with_roles_and_groups(tmp_path: Path) -> None:
    """The file that Mosquitto's plug-in keeps was not understood."""
    path = tmp_path / "dynsec.json"
    subprocess.run(["mosquitto_ctrl", "dynsec", "init", path, "boss", "secret"], check=True, timeout=30)
    data = json.loads(path.read_text())
    data["roles"].append({"rolename": "writer", "acls": [
        {"acltype": "publishClientSend", "topic": "up/%c/#", "priority": 1, "allow": True},
        {"acltype": "publishClientSend", "topic": "up/%c/no", "priority": 2, "allow": False},
    ]})  # fmt: skip
    data["groups"] = [{"groupname": "g", "roles": [{"rolename": "writer"}], "clients": [{"username": "boss"}]}]
    data["clients"].append({"username": "off", "disabled": True})
    found = Found()
    take_dynamic_security(json.dumps(data), path.name, "/", found)
    (user,) = found.definitions["users"]
    assert verify(b"secret", user["password_hash"])
    assert not verify(b"other", user["password_hash"])
    (rights,) = found.definitions["topic_permissions"]
    assert rights["write"] == r"^(?!(up\.{client_id}\.no)$)(up\.{client_id}(\..*)?)$"
    assert rights["read"] == r"^(\$SYS(\..*)?|.*)$"
    assert any("'off'" in note for note in found.notes)


ELASTICMQ = """
include classpath("application.conf")
rest-sqs { enabled = true, bind-port = 9399
  bind-hostname = "localhost"
  sqs-limits = strict }
aws { region = us-west-2, accountId = 111122223333 }
queues {
  "my-queue" {
    defaultVisibilityTimeout = 10 seconds
    delay = 5 seconds
    receiveMessageWait = 0 seconds
    deadLettersQueue { name = "my-dlq", maxReceiveCount = 3 }
    copyTo = audit // not here
    tags { a = "b" }
  }
  my-dlq { }
  orders { fifo = true, contentBasedDeduplication = true }
}
queues.later.delay = 2s
"""


def test_queues_of_elasticmq_become_a_configuration_that_starts(tmp_path: Path) -> None:
    """What came out was not what the broker's own reader takes."""
    path = tmp_path / "elasticmq.conf"
    path.write_text(ELASTICMQ)
    target = tmp_path / "mqbroker.toml"
    done = run("--from", "elasticmq", path, "--write", target)
    assert "copyTo" in done.stderr
    assert "included" in done.stderr
    config = load_config(target, {}, None, PROTOCOLS)
    queues: dict[str, Any] = {queue.name: dict(queue.attributes) for queue in config.aws.queues}  # type: ignore[attr-defined]
    assert queues.keys() == {"my-queue", "my-dlq", "orders.fifo", "later"}
    assert queues["later"] == {"DelaySeconds": "2"}
    assert queues["orders.fifo"] == {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    policy = json.loads(queues["my-queue"].pop("RedrivePolicy"))
    assert policy == {"deadLetterTargetArn": "arn:aws:sqs:us-west-2:111122223333:my-dlq", "maxReceiveCount": 3}
    assert queues["my-queue"]["VisibilityTimeout"] == "10"
    run("--from", "elasticmq", path, "--write", target, code=65)  # a file that is there is left alone


def test_definitions_of_rabbitmq_say_what_has_no_effect(tmp_path: Path, broker: BrokerProcess) -> None:
    """A stream became a classic queue, or the hash of a user made the whole file fail, without a word."""
    path = tmp_path / "definitions.json"
    data = {
        "users": [{"name": "md5", "password_hash": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "tags": "",
                   "hashing_algorithm": "rabbit_password_hashing_md5"}],
        "queues": [
            {"name": "imported", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}},
            {"name": "stream", "vhost": "/", "durable": True, "arguments": {"x-queue-type": "stream"}},
        ],
        "policies": [{"vhost": "/", "name": "ha", "pattern": ".*", "definition": {"ha-mode": "all"}}],
    }  # fmt: skip
    path.write_text(json.dumps(data))
    done = run("--from", "rabbitmq", path, "--data-dir", broker.data_dir)
    for text in ("'md5'", "'stream' is a stream", "ha-mode has no effect"):
        assert text in done.stderr, text
    names = {queue["name"] for queue in Api(broker.ports["management"]).get("queues")}
    assert "imported" in names
    assert "stream" not in names


# --- parsers --------------------------------------------------------------------------------------------------------


@given(st.text(max_size=200))
def test_any_text_is_an_object_or_a_sentence(text: str) -> None:
    """A file that is no HOCON ended in a traceback."""
    try:
        parse(text, "x", Found())
    except CannotImport:
        pass
    else:
        return


@given(st.integers(0, len(ELASTICMQ)), st.text(max_size=3))
def test_a_configuration_that_is_cut_or_changed_is_no_traceback(at: int, inserted: str) -> None:
    """The same for files that are nearly right."""
    for text in (ELASTICMQ[:at], ELASTICMQ[:at] + inserted + ELASTICMQ[at:]):
        try:
            parse(text, "x", Found())
        except CannotImport as error:
            assert str(error).startswith("x:")  # noqa: PT017


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("elasticmq", "queues-storage = 1", "queues-storage should be an object"),
        ("elasticmq", "rest-sqs { bind-port = [1] }", "rest-sqs.bind-port [1] is no number"),
        ("elasticmq", "rest-sqs { bind-port = null }", "rest-sqs.bind-port None is no number"),
        ("mosquitto", '{"clients": ' + "[" * 100_000, "is no configuration of dynamic security"),
        ("mosquitto", '{"roles": [{"rolename": "r", "acls": [{"priority": Infinity}]}]}', "is no configuration of"),
    ],
)
def test_values_of_the_wrong_kind_are_sentences(tmp_path: Path, source: str, text: str, said: str) -> None:
    """A section that was no object, or a port that was no number, ended the command with a traceback."""
    path = tmp_path / "broken"
    path.write_text(text)
    with pytest.raises(CommandFailed, match=re.escape(said)):
        read(source, (path,))


def test_escapes_of_two_halves_are_one_character() -> None:
    """A tag with an emoji in escapes could not be written to the configuration."""
    name = "elasticmq.conf"
    assert parse(r'a = "\ud83d\ude00", b = "\ud800"', name, Found()) == {"a": "\U0001f600", "b": "\ufffd"}


def test_deep_nesting_is_refused() -> None:
    """A file of brackets was a stack overflow."""
    for opening in ("a{", "a=["):
        with pytest.raises(CannotImport):
            parse(opening * 10_000 if opening == "a{" else "a=" + "[" * 10_000, "x", Found())


LEVELS = st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=4)
FILTERS = st.builds(lambda levels, rest: "/".join(levels + rest), LEVELS, st.sampled_from([[], ["#"]]))
NAMES = st.builds("/".join, st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=5))


def all_of(topics: Iterable[str]) -> list[tuple[str, bool]]:
    """Topics that are no patterns."""
    return [(topic, False) for topic in topics]


def matches(pattern: str, topic: str) -> bool:
    """MQTT's rule, naively."""
    levels, words = pattern.split("/"), topic.split("/")
    if levels[-1] == "#":
        levels = levels[:-1]
        words = words[: len(levels)] if len(words) >= len(levels) else words
    return len(levels) == len(words) and all(level in ("+", word) for level, word in zip(levels, words, strict=True))


@given(st.lists(FILTERS, min_size=1, max_size=3), st.lists(FILTERS, max_size=2), FILTERS, NAMES)
def test_rights_are_never_wider_than_the_access_list(
    allowed: list[str], denied: list[str], wanted: str, topic: str
) -> None:
    """A subscription brought what the access list does not allow."""

    def may(name: str) -> bool:
        return any(matches(each, name) for each in allowed) and not any(matches(each, name) for each in denied)

    write = re.compile(permission(all_of(allowed), all_of(denied), is_for_filters=False))
    assert bool(write.search(topic.replace("/", "."))) is may(topic)
    read = re.compile(permission(all_of(allowed), all_of(denied), is_for_filters=True))
    if read.search(wanted.replace("/", ".").replace("+", "*")) and matches(wanted, topic):
        assert may(topic)


@given(FILTERS, FILTERS, NAMES)
def test_filters_that_match_the_same_topic_overlap(one: str, other: str, topic: str) -> None:
    """What is denied was reached by a wildcard."""
    if matches(one, topic) and matches(other, topic):
        assert overlap(one, other)


@given(st.text(alphabet="user topic patern#/+%c\n", max_size=80))
def test_any_access_list_is_read_or_refused(text: str) -> None:
    """A line that is none ended in a traceback."""
    try:
        parse_access_list(text, "acl", Found())
    except CannotImport as error:
        assert "acl:" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "hashed",
    ["$7$", "$7$x$a$b", "$7$0$AAAA$AAAA", "$7$99999999999$AAAA$AAAA", "$6$a", "$6$$", "$6$AAAA$AAAA", "$6$1$AA$A"],
)
def test_broken_hashes_of_mosquitto_let_nobody_in(hashed: str) -> None:
    """A hash that is broken was an error at each log-in, or took minutes to check."""
    assert not is_known_format(hashed)
    assert not verify(b"secret", hashed)
