"""The configuration file is changed while the broker runs: users, permissions and the log level follow, or nothing."""

from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]
import pytest

from tests.management.api import Api
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)

USER = """
apply_users = true
log_level = "{level}"
[[users]]
name = "joe"
password = "{password}"
tags = ["administrator"]
[[users.permissions]]
vhost = "/"
configure = "{configure}"
write = ".*"
read = ".*"
"""


def connect(broker: BrokerProcess, password: str) -> Any:
    """An AMQP connection of joe's."""
    credentials = pika.PlainCredentials("joe", password)
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.ports["amqp"], "/", credentials))


def follow(connection: Any) -> None:
    """Goes on until the connection is closed, or for ten seconds."""
    for _ in range(20):
        connection.process_data_events(0.5)


def test_users_follow_the_file_while_the_broker_runs(tmp_path: Path) -> None:
    """A password that was changed in the file needed a restart, and whoever was connected with the old one stayed."""
    path = tmp_path / "data.toml"
    config = USER.format(level="info", password="one", configure="^a")
    with BrokerProcess(tmp_path / "data", schemes=("amqp", "management"), config=config) as broker:
        api = Api(broker.ports["management"], "joe", "one")
        api.put("users/extra", {"password": "x", "tags": ""})
        connection = connect(broker, "one")
        with pytest.raises(pika.exceptions.ChannelClosedByBroker):
            connection.channel().queue_declare("b")
        path.write_text(USER.format(level="debug", password="one", configure="^[ab]") + '[[vhosts]]\nname = "new"\n')
        api.post("mqbroker/reload")
        connection.channel().queue_declare("b")
        assert {each["name"] for each in api.get("vhosts?columns=name")} == {"/", "new"}
        assert "extra" not in {each["name"] for each in api.get("users")}
        path.write_text(USER.format(level="debug", password="two", configure=".*"))
        api.post("mqbroker/reload")
        with pytest.raises(pika.exceptions.ConnectionClosed):
            follow(connection)
        connect(broker, "two").close()
        with pytest.raises(pika.exceptions.ProbableAuthenticationError):
            connect(broker, "one")


def test_a_broken_file_changes_nothing_and_others_need_a_restart(tmp_path: Path) -> None:
    """A file with a mistake emptied the list of users; a change that is not taken over was not said to be so."""
    path = tmp_path / "data.toml"
    config = USER.format(level="info", password="one", configure="^a")
    with BrokerProcess(tmp_path / "data", schemes=("amqp", "management"), config=config) as broker:
        api = Api(broker.ports["management"], "joe", "one")
        for broken in ("[[users]]\nname = 3\n", "users = [", USER.format(level="info", password="one", configure="(")):
            path.write_text(broken)
            status, _, reason = api.refused("POST", "mqbroker/reload")
            assert (status, "data.toml" in reason) == (400, True)
        assert [each["name"] for each in api.get("users")] == ["joe"]
        path.write_text('shutdown_timeout_s = 3\ndefault_user = "ann"\ndefault_pass = "two"\n' + config)
        assert broker.process is not None
        broker.process.send_signal(1)
        eventually(lambda: "a restart is needed for changes of shutdown_timeout_s\n" in broker.log())
        assert {each["name"] for each in api.get("users")} == {"ann", "joe"}
