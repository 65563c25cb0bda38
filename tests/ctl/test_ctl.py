"""`mqbroker ctl` against a running broker: by its local socket and by URL, in every format, with exit codes."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.management.api import Api
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)

TIMEOUT_S = 60


class Ctl:
    """The command, as a process."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def run(self, *arguments: str, code: int = 0, stdin: str = "", **environment: str) -> tuple[str, str]:
        """What it prints on standard output and on standard error."""
        done = subprocess.run(
            [sys.executable, "-m", "mqbroker", "ctl", *self.options, *arguments],
            input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, env={**os.environ, **environment},
            check=False,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done.stdout, done.stderr

    def out(self, *arguments: str, **more: Any) -> str:
        """Standard output of a command that succeeds."""
        return self.run(*arguments, **more)[0]

    def json(self, *arguments: str) -> Any:
        """What it prints as JSON."""
        return json.loads(self.out("-o", "json", *arguments))

    def error(self, code: int, *arguments: str, **more: Any) -> str:
        """Standard error of a command that fails with this code."""
        return self.run(*arguments, code=code, **more)[1]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker with a listener for URLs."""
    with BrokerProcess(tmp_path_factory.mktemp("ctl") / "data", "--dev", schemes=("amqp", "management")) as process:
        yield process
        assert "internal error" not in process.log()


@pytest.fixture
def ctl(broker: BrokerProcess) -> Ctl:
    """By the local socket."""
    return Ctl("--data-dir", str(broker.data_dir))


def test_users_are_managed(ctl: Ctl, broker: BrokerProcess) -> None:
    """Passwords come by standard input or a file, never as arguments."""
    api = Api(broker.ports["management"])
    assert "user 'ann' was added" in ctl.out("user", "add", "ann", "--tags", "management", "--password-file", "-",
                                             stdin="secret\n")  # fmt: skip
    assert "user 'ann' already exists" in ctl.error(70, "user", "add", "ann", "--password-file", "-", stdin="x")
    ctl.out("permission", "set", "ann")
    assert api.of("ann").get("whoami")["tags"] == ["management"]
    ctl.out("user", "tags", "ann", "monitoring", "policymaker")
    assert ctl.json("user", "list")[0] == {"name": "ann", "tags": ["monitoring", "policymaker"]}
    assert api.of("ann").get("whoami")["tags"] == ["monitoring", "policymaker"]
    ctl.out("user", "passwd", "ann", "--password-file", "-", stdin="other")
    assert api.of("ann", "other").get("whoami")["name"] == "ann"
    ctl.out("user", "limit", "ann", "max-connections=5", "max-channels=-1")
    assert api.get("users/ann")["limits"] == {"max-connections": 5}
    assert "max-nonsense" in ctl.error(65, "user", "limit", "ann", "max-nonsense=5")
    ctl.out("permission", "clear", "ann")
    ctl.out("user", "delete", "ann")
    assert "no user 'ann'" in ctl.error(67, "user", "delete", "ann")
    assert "the password is empty" in ctl.error(64, "user", "add", "bob", "--password-file", "-", stdin="\n")


def test_queues_are_looked_at_browsed_moved_and_purged(ctl: Ctl, broker: BrokerProcess) -> None:
    """Browsing takes nothing, and moving loses nothing."""
    ctl.out("vhost", "add", "shop", "--description", "orders", "--default-queue-type", "quorum")
    shop = Ctl(*ctl.options, "-p", "shop")
    shop.out("queue", "declare", "orders", "--arguments", '{"x-max-length": 100}')
    shop.out("queue", "declare", "other")
    for number in range(5):
        shop.out("queue", "publish", "orders", f"message {number}")
    listed = shop.json("queue", "list", "--columns", "name,type,messages_ready", "--sort", "messages", "--reverse")
    assert listed == [
        {"name": "orders", "type": "quorum", "messages_ready": 5},
        {"name": "other", "type": "quorum", "messages_ready": 0},
    ]
    for _ in range(2):
        browsed = shop.json("queue", "browse", "orders", "--offset", "1", "--count", "2")
        assert [(each["position"], each["payload"], each["redelivered"]) for each in browsed] == [
            (1, "message 1", False), (2, "message 2", False),
        ]  # fmt: skip
    assert "3 messages were moved" in shop.out("queue", "move", "orders", "other", "--count", "3")
    assert "2 messages were moved" in shop.out("queue", "move", "orders", "other")
    assert [each["payload"] for each in shop.json("queue", "browse", "other")] == [f"message {n}" for n in range(5)]
    assert "no queue 'nosuch'" in shop.error(65, "queue", "move", "other", "nosuch")
    shop.out("queue", "purge", "other")
    assert shop.json("queue", "browse", "other") == []
    assert {row["field"]: row["value"] for row in shop.json("queue", "show", "other")}["messages"] == 0
    shop.out("exchange", "declare", "events", "--type", "topic")
    shop.out("binding", "add", "events", "other", "a.#")
    assert "a.#" in [row["routing_key"] for row in shop.json("binding", "list")]
    shop.out("policy", "set", "short", ".*", '{"max-length": 7}', "--apply-to", "queues")
    assert [row["name"] for row in shop.json("policy", "list")] == ["short"]
    assert "Validation failed" in shop.error(65, "policy", "set", "x", ".*", '{"nonsense": 1}')
    assert "is not JSON" in shop.error(65, "policy", "set", "x", ".*", "{")
    shop.out("policy", "clear", "short")
    shop.out("queue", "delete", "other")
    assert "no queue 'other' in vhost 'shop'" in shop.error(65, "queue", "show", "other")
    ctl.out("vhost", "limit", "shop", "max-queues=9")
    ctl.out("vhost", "delete", "shop")
    assert "no vhost 'shop'" in shop.error(65, "queue", "list")


def test_formats(ctl: Ctl) -> None:
    """Programs read JSON, lines of it, CSV and tabs; people a table without colours."""
    ctl.out("queue", "declare", "format,ted")
    columns = ("queue", "list", "--columns", "name,messages_ready", "--name", "format")
    assert ctl.json(*columns) == [{"name": "format,ted", "messages_ready": 0}]
    assert json.loads(ctl.out("-o", "jsonl", *columns)) == {"name": "format,ted", "messages_ready": 0}
    assert list(csv.reader(io.StringIO(ctl.out("-o", "csv", *columns)))) == [
        ["name", "messages_ready"], ["format,ted", "0"],
    ]  # fmt: skip
    assert ctl.out("-o", "tsv", *columns) == "name\tmessages_ready\nformat,ted\t0\n"
    assert ctl.out(*columns) == "name        messages_ready\nformat,ted  0\n"


def test_the_state_is_shown_and_checked(ctl: Ctl, broker: BrokerProcess) -> None:
    """Container health checks go by the exit code."""
    assert "the broker answers" in ctl.out("ping")
    fields = {row["field"]: row["value"] for row in ctl.json("status")}
    assert fields["data_dir"] == str(broker.data_dir)
    assert fields["os_pid"] == str(broker.pid)
    ctl.out("check", "alarms")
    ctl.out("check", "ready")
    ctl.out("check", "port", str(broker.ports["amqp"]))
    assert "No active listener" in ctl.error(69, "check", "port", "1")
    assert "Invalid port" in ctl.error(65, "check", "port", "x")
    ctl.out("check", "protocol", "amqp")
    ctl.out("check", "certificate", "--within", "5")
    assert "fully booted" in ctl.out("check_running")


def test_definitions_go_out_and_in(ctl: Ctl, tmp_path: Path) -> None:
    """A dry run says what an import would, and changes nothing."""
    path = tmp_path / "all.json"
    ctl.out("definitions", "export", str(path))
    found = json.loads(path.read_text())
    found["queues"].append({"name": "imported", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}})
    path.write_text(json.dumps(found))
    assert "can be imported" in ctl.out("definitions", "import", str(path), "--dry-run")
    assert ctl.json("queue", "list", "--name", "imported") == []
    ctl.out("definitions", "import", str(path))
    assert len(ctl.json("queue", "list", "--name", "imported")) == 1
    path.write_text('{"queues": 5}')
    assert "queues should be a list" in ctl.error(65, "definitions", "import", str(path), "--dry-run")


def test_by_url_a_user_logs_in(broker: BrokerProcess, tmp_path: Path) -> None:
    """From another machine, with what that user may do."""
    url = f"http://127.0.0.1:{broker.ports['management']}"
    assert "the broker answers" in Ctl("--url", url).out("ping", MQBROKER_CTL_PASSWORD="guest")
    assert "the log-in failed" in Ctl("--url", url).error(65, "ping", MQBROKER_CTL_PASSWORD="wrong")
    path = tmp_path / "password"
    path.write_text("guest\n")
    assert Ctl("--url", url, "--login-file", str(path), "--user", "guest").json("vhost", "list")[0]["name"] == "/"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "no answer" in Ctl("--url", f"http://127.0.0.1:{port}", "-t", "0.3").error(75, "ping")
    assert "cannot reach" in Ctl("--url", f"http://127.0.0.1:{port}").error(69, "ping")
    for url in ("ftp://x", "http://[::1", "http://h:99999"):
        assert "is not a URL" in Ctl("--url", url).error(78, "ping")


def test_what_cannot_be_has_its_exit_code(tmp_path: Path, ctl: Ctl) -> None:
    """The codes of sysexits.h, as RabbitMQ's tools have them."""
    assert "no broker runs with this data directory" in Ctl("--data-dir", str(tmp_path)).error(69, "ping")
    assert "No such command" in ctl.error(64, "nonsense")
    assert "No such command" in ctl.error(64, "user", "nonsense")
    assert "Missing argument" in ctl.error(64, "user", "delete")
    for shell in ("bash", "zsh", "fish"):
        assert "_MQBROKER_COMPLETE" in ctl.out("completion", shell)


def test_the_verbs_of_rabbitmqctl_run(ctl: Ctl) -> None:
    """Scripts of RabbitMQ's users, with its words, tabs and codes."""
    assert ctl.out("add_vhost", "v1") == 'Adding vhost "v1" ...\n'
    assert ctl.error(70, "add_vhost", "v1") == 'Error: Virtual host "v1" already exists\n'
    assert ctl.out("add_user", "a", "secret").splitlines() == [
        'Adding user "a" ...',
        "Done. Don't forget to grant the user permissions to some virtual hosts! "
        "See 'rabbitmqctl help set_permissions' to learn more.",
    ]
    ctl.out("set_user_tags", "a", "monitoring")
    ctl.out("set_permissions", "-p", "v1", "a", ".*", ".*", ".*")
    assert ctl.out("list_users", "-q").splitlines()[:2] == ["user\ttags", "a\tmonitoring"]
    assert ctl.out("list_permissions", "-s", "-p", "v1") == "a\t.*\t.*\t.*\n"
    assert ctl.out("list_queues", "-p", "v1", "name", "messages") == "Listing queues for vhost v1 ...\n"\
        "name\tmessages\n"  # fmt: skip
    Ctl(*ctl.options, "-p", "v1").out("queue", "declare", "q")
    assert ctl.out("list_queues", "-q", "-p", "v1").splitlines() == ["name\tmessages", "q\t0"]
    assert json.loads(ctl.out("list_queues", "--formatter", "json", "-q", "-p", "v1", "name")) == [{"name": "q"}]
    assert "unknown column: nonsense" in ctl.error(64, "list_queues", "-p", "v1", "nonsense")
    assert "no vhost 'nosuch'" in ctl.error(65, "list_queues", "-p", "nosuch")
    ctl.out("set_policy", "-p", "v1", "p", ".*", '{"max-length":5}')
    ctl.out("clear_policy", "-p", "v1", "p")
    ctl.out("purge_queue", "-p", "v1", "q")
    ctl.out("delete_queue", "-p", "v1", "q")
    assert "no user 'nosuch'" in ctl.error(67, "change_password", "nosuch", "x")
    ctl.out("change_password", "a", stdin="new\n")
    ctl.out("clear_permissions", "-p", "v1", "a")
    ctl.out("delete_user", "a")
    ctl.out("delete_vhost", "v1")
    for verb in (
        "list_exchanges",
        "list_bindings",
        "list_connections",
        "list_channels",
        "list_policies",
        "list_vhosts",
    ):
        ctl.out(verb)


def test_a_password_is_hashed() -> None:
    """What the configuration takes as password_hash."""
    from mqbroker.core.access.passwords import verify

    for option in ((), ("--scram",)):
        command = [sys.executable, "-m", "mqbroker", "hash-password", *option, "--password-file", "-"]
        found = subprocess.run(command, input="secret\n", capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        assert verify(b"secret", found.stdout.strip())


def test_the_local_socket_is_its_owners_alone(broker: BrokerProcess, tmp_path: Path) -> None:
    """Whoever can open it may do everything; it goes with the broker, and one left over is in nobody's way."""
    path = broker.data_dir / "control.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("amqp",)) as process:
        process.kill()
        assert (process.data_dir / "control.sock").exists()
        process.start()
        assert "the broker answers" in Ctl("--data-dir", str(process.data_dir)).out("ping")
        process.stop()
        assert not (process.data_dir / "control.sock").exists()


def test_tracing_and_the_audit_trail(ctl: Ctl) -> None:
    """What rabbitmqctl says when tracing begins and ends; and who did it is in the trail."""
    assert ctl.out("trace_on") == 'Starting tracing for vhost "/" ...\nTrace enabled for vhost /\n'
    assert ctl.out("trace_off", "-p", "/").endswith("Trace disabled for vhost /\n")
    put = ("audit", "--event", "PutVhost", "--object", "/")
    eventually(lambda: len(ctl.json(*put)) >= 2)
    found = ctl.json(*put)
    assert [each["requestParameters"]["tracing"] for each in found] == [False, True]
    assert found[0]["user"] == "Root"


def test_levels_of_the_log_and_the_configuration_at_run_time(ctl: Ctl) -> None:
    """A group of commands hid another one of the same name."""
    assert ctl.out("set_log_level", "amqp.debug") == 'Setting log level to "amqp.debug" ...\n'
    assert {"category": "mqbroker.amqp", "level": "debug"} in ctl.json("log", "levels")
    ctl.out("log", "level", "amqp", "info")
    assert {"category": "mqbroker.amqp", "level": "info"} in ctl.json("log", "levels")
    ctl.out("rotate_logs")
    ctl.out("log", "tail")
    ctl.out("reload")
    ctl.out("add_user", "tried", "secret")
    assert ctl.out("authenticate_user", "tried", "secret").endswith("Success\n")
    assert "failed to authenticate" in ctl.error(65, "authenticate_user", "tried", "wrong").lower()
