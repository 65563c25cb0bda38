"""The rest of `mqbroker ctl`: one protocol's own things, events and the log, more verbs of rabbitmqctl, completion."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from tests.ctl.test_ctl import TIMEOUT_S, Ctl
from tests.management.api import Api
from tests.mqtt.paho_client import Paho
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker that speaks all of it."""
    schemes = ("amqp", "mqtt", "aws", "management")
    with BrokerProcess(tmp_path_factory.mktemp("ctl") / "data", "--dev", schemes=schemes) as process:
        yield process
        assert "internal error" not in process.log()


@pytest.fixture
def ctl(broker: BrokerProcess) -> Ctl:
    """The command, by the local socket."""
    return Ctl("--data-dir", str(broker.data_dir))


@pytest.fixture
def api(broker: BrokerProcess) -> Api:
    """The API itself."""
    return Api(broker.ports["management"])


def test_sessions_and_retained_topics_of_mqtt(ctl: Ctl, broker: BrokerProcess) -> None:
    """Who is away, what waits, and what is retained, without a page."""
    with Paho(broker.ports["mqtt"], "by-ctl", 5, expiry_s=60) as meter:
        meter.client.subscribe("by/ctl/#", qos=1)
        meter.event("subscribed")
        for topic in ("by/ctl/1", "by/ctl/2"):
            meter.client.publish(topic, "x", qos=1, retain=True)
            meter.event("published")
        (row,) = ctl.json("mqtt", "sessions", "--name", "by-ctl")
        assert (row["name"], row["connected"], row["subscriptions"]) == ("by-ctl", True, 1)
        assert "by/ctl/#" in ctl.out("mqtt", "session", "by-ctl")
    assert [row["name"] for row in ctl.json("mqtt", "retained", "--name", "by/ctl")] == ["by/ctl/1", "by/ctl/2"]
    assert ctl.out("mqtt", "clear", "by/ctl", "--branch") == "2 retained messages are gone\n"
    ctl.out("mqtt", "end", "by-ctl")
    assert ctl.error(65, "mqtt", "session", "by-ctl") == "Error: no session 'by-ctl' in vhost '/'\n"


def test_queues_of_sqs_and_topics_of_sns(ctl: Ctl, broker: BrokerProcess) -> None:
    """A redrive begins and ends from the command line."""
    sqs = client(broker, "sqs")
    dead = sqs.create_queue(QueueName="ctl-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    sqs.create_queue(QueueName="ctl-live", Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=dead, MessageBody="x")
    by_name = {row["name"]: row for row in ctl.json("sqs", "list")}
    assert by_name["ctl-dead"]["visible"] == 1
    assert by_name["ctl-live"]["dead_letter_queue"] == "ctl-dead"
    ctl.out("sqs", "redrive", "ctl-dead", "--destination", "ctl-live")
    assert "ctl-live" in ctl.out("sqs", "show", "ctl-dead")
    ctl.error(65, "sqs", "cancel", "ctl-live")
    topic = client(broker, "sns").create_topic(Name="ctl-topic")["TopicArn"]
    client(broker, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    assert [row["subscriptions"] for row in ctl.json("sns", "list") if row["name"] == "ctl-topic"] == [1]
    assert ctl.json("sns", "show", "ctl-topic")[0]["endpoint"] == arn
    assert ctl.out("pair", "status") == "this node is alone\n"


def test_messages_are_searched_copied_deleted_and_sent_back(ctl: Ctl, api: Api) -> None:
    """What the page can do, the command line can."""
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "ctl-letters"}
    api.put("queues/%2F/ctl-letters", {"durable": True})
    api.put("queues/%2F/ctl-died", {"durable": True, "arguments": dead})
    for number in range(3):
        api.publish("ctl-died", f"letter {number}")
    api.take("ctl-died", 3, "reject_requeue_false")
    (row,) = ctl.json("queue", "browse", "ctl-letters", "--text", "LETTER 1", "--columns", "id,payload")
    assert row["payload"] == "letter 1"
    ctl.out("queue", "delete-message", "ctl-letters", str(row["id"]))
    ctl.error(65, "queue", "delete-message", "ctl-letters", str(row["id"]))
    api.put("queues/%2F/ctl-copy", {"durable": True})
    assert "2 messages were copied" in ctl.out("queue", "move", "--copy", "ctl-letters", "ctl-copy")
    assert ctl.out("queue", "redrive", "ctl-letters").startswith("2 messages went back")
    assert [each["payload"] for each in api.take("ctl-died", 9)] == ["letter 0", "letter 2"]
    ctl.out("binding", "add", "amq.direct", "ctl-copy", "a key")
    ctl.out("binding", "delete", "amq.direct", "ctl-copy", "a key")
    ctl.error(65, "binding", "delete", "amq.direct", "ctl-copy", "a key")


def test_events_and_lines_are_shown_and_followed(ctl: Ctl, broker: BrokerProcess, api: Api) -> None:
    """Scripts that wait for something asked again and again."""
    api.put("queues/%2F/tailed", {"durable": True})
    (line,) = ctl.out("event", "tail", "--text", "tailed").splitlines()
    assert json.loads(line)["name"] == "queue.created"
    ctl.out("log", "tail", "--level", "warning")
    ctl.error(64, "log", "tail", "--level", "loud")
    command = [sys.executable, "-m", "mqbroker", "ctl", "--data-dir", str(broker.data_dir), "event", "tail", "-f",
               "--text", "tailed"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["name"] == "queue.created"
        eventually(lambda: api.get("mqbroker/following")["streams"] > 0)
        api.put("queues/%2F/tailed-more", {"durable": True})
        followed = json.loads(following.stdout.readline())
        assert followed["fields"]["queue"] == "tailed-more"
        following.terminate()
        following.wait(TIMEOUT_S)


def test_more_verbs_of_rabbitmqctl(ctl: Ctl, broker: BrokerProcess, api: Api, tmp_path: Path) -> None:
    """Scripts and container health checks run as they are."""
    ctl.out("add_user", "verbs", "first")
    assert ctl.out("authenticate_user", "verbs", "first").splitlines()[-1] == "Success"
    assert ctl.error(65, "authenticate_user", "verbs", "wrong").startswith("Error: failed to authenticate")
    ctl.out("set_permissions", "verbs", ".*", ".*", ".*")
    assert ctl.out("list_user_permissions", "verbs").splitlines()[-1] == "/\t.*\t.*\t.*"
    ctl.out("set_topic_permissions", "verbs", "amq.topic", "^a", "^b")
    assert ctl.out("list_topic_permissions", "-s") == "verbs\tamq.topic\t^a\t^b\n"
    ctl.out("clear_topic_permissions", "verbs")
    ctl.out("clear_password", "verbs")
    ctl.error(65, "authenticate_user", "verbs", "first")
    ctl.out("set_vhost_limits", '{"max-queues": 500}')
    assert api.get("vhost-limits") == [{"vhost": "/", "value": {"max-queues": 500}}]
    ctl.out("set_global_parameter", "colour", '"red"')
    assert "colour\tred" in ctl.out("list_global_parameters")
    ctl.out("clear_global_parameter", "colour")
    ctl.error(65, "set_global_parameter", "colour", "{")
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("verbs")
        channel.basic_consume("verbs", lambda *_: None, consumer_tag="tag")
        assert "verbs" in ctl.out("list_consumers", "-s", "queue_name", "consumer_tag")
        ctl.out("close_all_user_connections", "guest", "maintenance")
        with pytest.raises(pika.exceptions.AMQPError):
            connection.process_data_events(10)
    for verb in ("check_alarms", "check_local_alarms", "check_virtual_hosts", "is_running", "listeners", "ping"):
        ctl.out(verb)
    ctl.out("check_port_listener", str(broker.ports["amqp"]))
    ctl.error(69, "check_port_listener", "1")
    assert ctl.error(65, "check_port_listener", "{1}") == "Error: No listener for port {1} is active\n"
    ctl.out("check_protocol_listener", "mqtt")
    assert ctl.out("server_version").startswith("3.")
    path = tmp_path / "all.json"
    ctl.out("export_definitions", str(path))
    ctl.out("import_definitions", str(path))


def test_new_clients_are_turned_away_while_listeners_are_suspended(ctl: Ctl, broker: BrokerProcess, api: Api) -> None:
    """A node that was to be drained went on to take clients."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        assert "No new client connections" in ctl.out("suspend_listeners")
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            pika.BlockingConnection(pika.URLParameters(broker.url))
        channel.queue_declare("suspended", exclusive=True)
        assert api.call("GET", "health/checks/ready-to-serve-clients").status == 503
        assert api.call("GET", "/readyz").status == 503
        assert api.call("GET", "/healthz").status == 200
        ctl.error(69, "check_port_listener", str(broker.ports["amqp"]))
        ctl.out("listener", "suspend")
        ctl.out("resume_listeners")
        pika.BlockingConnection(pika.URLParameters(broker.url)).close()
        ctl.out("check_port_listener", str(broker.ports["amqp"]))
        assert api.call("GET", "/readyz").status == 200
        assert ctl.out("listener", "resume") == "new clients are let in\n"


def test_verbs_of_who_looks_after_the_broker(ctl: Ctl, broker: BrokerProcess, api: Api) -> None:
    """Runbooks of RabbitMQ stopped at a verb that there was not."""
    assert "reported no alarms" in ctl.out("alarms")
    assert re.search(r"^other_proc: \d+\.\d{4} mb \(", ctl.out("memory_breakdown", "--unit", "MB"), re.MULTILINE)
    ctl.error(65, "memory_breakdown", "--unit", "miles")
    assert f"port: {broker.ports['amqp']}, protocol: amqp" in ctl.out("cluster_status")
    ctl.out("set_operator_policy", "cap", "^capped", '{"max-length": 5}', "--apply-to", "queues")
    assert api.get("operator-policies/%2F/cap")["definition"] == {"max-length": 5}
    ctl.out("clear_operator_policy", "cap")
    ctl.out("add_vhost", "tagged")
    ctl.out("set_vhost_tags", "tagged", "qa", "eu")
    assert api.get("vhosts/tagged")["tags"] == ["qa", "eu"]
    ctl.error(65, "set_vhost_tags", "absent", "qa")
    ctl.out("set_vhost_limits", "-p", "tagged", '{"max-queues": 5}')
    ctl.out("clear_vhost_limits", "-p", "tagged")
    assert api.get("vhost-limits/tagged") == []
    ctl.out("set_user_limits", "guest", '{"max-channels": 500}')
    ctl.out("clear_user_limits", "guest", "all")
    assert api.get("user-limits/guest") == []
    assert "mqbroker" in ctl.out("log_tail", "-N", "5")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_nouns_and_verbs(ctl: Ctl, shell: str) -> None:
    """What nobody remembers is looked up with a key."""
    assert "_MQBROKER_COMPLETE" in ctl.out("completion", shell)
    words, at = ("mqbroker ctl mqtt ", "se") if shell == "fish" else ("mqbroker ctl mqtt se", "3")
    environment = {"_MQBROKER_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": at}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'mqbroker'; from mqbroker.cli import main; main()"],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert "sessions" in done.stdout, (done.stdout, done.stderr)
