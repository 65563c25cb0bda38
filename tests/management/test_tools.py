"""The tools of RabbitMQ's operators, as they are."""

import asyncio
import gc
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection  # type: ignore[attr-defined]

from tests.conftest import find_program
from tests.management.api import Api
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(120)

TIMEOUT_S = 60


class Admin:
    """rabbitmqadmin, as Debian has it."""

    def __init__(self, port: int, folder: Path) -> None:
        self._command = [find_program("rabbitmqadmin"), "--host", "127.0.0.1", "--port", str(port)]
        self._folder = folder

    def run(self, *arguments: str, code: int = 0) -> str:
        """What it prints."""
        environment = {**os.environ, "HOME": str(self._folder)}
        done = subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, env=environment,
            cwd=self._folder, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def list(self, *arguments: str) -> Any:
        """What it lists, as it came."""
        return json.loads(self.run("--format=raw_json", "list", *arguments))


@pytest.fixture
def admin(broker: BrokerProcess, tmp_path: Path) -> Admin:
    """As guest."""
    return Admin(broker.ports["management"], tmp_path)


def test_rabbitmqadmin_declares_lists_and_deletes(admin: Admin) -> None:
    """The commands of its manual."""
    assert "vhost declared" in admin.run("declare", "vhost", "name=admin")
    assert "user declared" in admin.run("declare", "user", "name=joe", "password=secret", "tags=monitoring")
    admin.run("declare", "permission", "vhost=admin", "user=joe", "configure=.*", "write=.*", "read=.*")
    vhost = ("--vhost=admin",)
    assert "queue declared" in admin.run(*vhost, "declare", "queue", "name=jobs", "durable=true")
    admin.run(*vhost, "declare", "exchange", "name=events", "type=topic")
    admin.run(*vhost, "declare", "binding", "source=events", "destination=jobs", "routing_key=a.#")
    admin.run(*vhost, "declare", "policy", "name=short", "pattern=.*", 'definition={"max-length":3}', "apply-to=queues")
    admin.run(*vhost, "declare", "operator_policy", "name=op", "pattern=.*", 'definition={"max-length":2}')
    admin.run(*vhost, "declare", "vhost_limit", "name=max-queues", "value=5", "vhost=admin")
    shovel = 'value={"src-uri":"amqp://","src-queue":"a","dest-uri":"amqp://","dest-queue":"b"}'
    admin.run(*vhost, "declare", "parameter", "component=shovel", "name=s", shovel)
    (queue,) = [each for each in admin.list("queues") if each["vhost"] == "admin"]
    assert (queue["name"], queue["policy"], queue["durable"]) == ("jobs", "short", True)
    assert "jobs" in admin.run(*vhost, "list", "queues", "vhost", "name", "node", "messages")
    assert len([each for each in admin.list("bindings") if each["vhost"] == "admin"]) == 2
    for what in ("users", "vhosts", "nodes", "channels", "connections", "consumers", "exchanges", "permissions",
                 "policies", "operator_policies", "parameters", "vhost_limits"):  # fmt: skip
        assert isinstance(admin.list(what), list), what
    assert "rabbitmq_version" in admin.run("show", "overview")
    admin.run(*vhost, "delete", "binding", "source=events", "destination_type=queue", "destination=jobs",
              "properties_key=a.%23")  # fmt: skip
    for what in ("queue name=jobs", "exchange name=events", "policy name=short", "operator_policy name=op",
                 "parameter component=shovel name=s"):  # fmt: skip
        assert "deleted" in admin.run(*vhost, "delete", *what.split())
    admin.run("delete", "user", "name=joe")
    admin.run("delete", "vhost", "name=admin")


def test_rabbitmqadmin_publishes_gets_and_purges(admin: Admin) -> None:
    """Its ackmodes, and a file as the payload."""
    admin.run("declare", "queue", "name=mail")
    assert "Message published" in admin.run("publish", "exchange=amq.default", "routing_key=mail", "payload=hello")
    assert "NOT routed" in admin.run("publish", "exchange=amq.default", "routing_key=nowhere", "payload=hello", code=0)
    assert "hello" in admin.run("get", "queue=mail", "ackmode=ack_requeue_true")
    assert "hello" in admin.run("get", "queue=mail", "ackmode=ack_requeue_false")
    admin.run("publish", "exchange=amq.default", "routing_key=mail", "payload=again")
    assert "queue purged" in admin.run("purge", "queue", "name=mail")
    assert "No items" in admin.run("get", "queue=mail")
    assert "Not found" in admin.run("delete", "queue", "name=nosuch", code=1)


def test_rabbitmqadmin_exports_and_imports(admin: Admin, tmp_path: Path) -> None:
    """A whole broker as a file, and back."""
    admin.run("declare", "queue", "name=exported", "durable=true")
    admin.run("export", "all.json")
    found = json.loads((tmp_path / "all.json").read_text())
    assert "exported" in {each["name"] for each in found["queues"]}
    admin.run("delete", "queue", "name=exported")
    admin.run("import", "all.json")
    assert "exported" in {each["name"] for each in admin.list("queues")}


def test_amqpstorm_manages(broker: BrokerProcess, api: Api) -> None:
    """A typed client, which fails at answers of another shape."""
    management = pytest.importorskip("amqpstorm.management")
    client = management.ManagementApi(f"http://127.0.0.1:{broker.ports['management']}", "guest", "guest")
    assert client.aliveness_test("/") == {"status": "ok"}
    assert client.whoami()["name"] == "guest"
    client.queue.declare("storm", durable=True)
    client.exchange.declare("storm-x", exchange_type="topic")
    client.queue.bind("storm", "storm-x", "#")
    assert client.basic.publish("hello", "key", exchange="storm-x") == {"routed": True}
    (message,) = client.basic.get("storm", requeue=False)
    assert message.body == "hello"
    assert [each["routing_key"] for each in client.queue.bindings("storm")] == ["storm", "#"]
    client.queue.purge("storm")
    client.queue.unbind("storm", "storm-x", "#", properties_key="%23")
    client.queue.delete("storm")
    client.exchange.delete("storm-x")
    client.virtual_host.create("storm")
    client.user.create("storm", "secret", tags="management")
    client.user.set_permission("storm", "storm")
    assert client.user.get_permission("storm", "storm")["configure"] == ".*"
    client.user.delete("storm")
    client.virtual_host.delete("storm")
    with pytest.raises(management.ApiError):
        client.queue.get("storm")
    assert client.connection.list() == []
    assert client.channel.list() == []
    assert client.overview()["product_name"] == "mqbroker"
    assert client.nodes()[0]["running"] is True


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it leaves its sockets to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_pyrabbit_manages(broker: BrokerProcess) -> None:
    """The client behind kombu's manager, on which Celery's remote control of queues rests."""
    api = pytest.importorskip("pyrabbit.api")
    client = api.Client(f"127.0.0.1:{broker.ports['management']}", "guest", "guest")
    client.is_admin = True  # it takes the tags of whoami for a text, which RabbitMQ has made a list in 3.9
    assert client.is_alive("%2F")
    client.create_vhost("rabbit")
    client.create_queue("rabbit", "q", durable=True)
    client.create_exchange("rabbit", "x", "direct")
    client.create_binding("rabbit", "x", "q", "key")
    assert client.publish("rabbit", "x", "key", "payload")
    assert client.get_queue_depth("rabbit", "q") == 1
    assert [each["name"] for each in client.get_queues("rabbit")] == ["q"]
    client.purge_queue("rabbit", "q")
    client.delete_vhost("rabbit")
    options = {"manager_hostname": "127.0.0.1", "manager_port": broker.ports["management"]}
    with Connection(broker.url, transport_options=options) as connection:  # type: ignore[no-untyped-call]
        assert connection.manager.get_whoami()["name"] == "guest"
    del client, connection
    gc.collect()


def test_flower_sees_the_queues_of_its_broker(broker: BrokerProcess, api: Api) -> None:
    """Flower's page of the broker was empty."""
    found = pytest.importorskip("flower.utils.broker")
    api.put("queues/%2F/celery", {"durable": True})
    api.publish("celery")
    url = f"http://guest:guest@127.0.0.1:{broker.ports['management']}/api/"
    queues = asyncio.run(found.Broker(broker.url.replace("%2f", "/"), http_api=url).queues(["celery"]))
    assert [(each["name"], each["messages"]) for each in queues] == [("celery", 1)]
