"""Consumers of a queue that an operator lets wait."""

from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.management.api import Api
from tests.management.console import Console
from tests.mqtt.paho_client import Paho
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


def bodies(connection: Any, found: list[bytes], count: int) -> list[bytes]:
    """What has come, once there are so many."""

    def are_there() -> bool:
        connection.process_data_events(0.1)
        return len(found) >= count

    eventually(are_there)
    return found


def test_consumers_wait_and_go_on(api: Api, broker: BrokerProcess) -> None:
    """To stop one bad consumer group for a moment, its queue had to be unbound or its clients ended."""
    found: list[bytes] = []
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("paused")
        channel.basic_consume("paused", lambda _c, _m, _p, body: found.append(body), auto_ack=True)
        channel.basic_publish("", "paused", b"before")
        assert bodies(connection, found, 1) == [b"before"]
        api.post("mqbroker/queues/%2F/paused/pause")
        api.post("mqbroker/queues/%2F/paused/pause")
        for number in range(5):
            channel.basic_publish("", "paused", b"%d" % number)
        late = connection.channel()
        late.basic_qos(prefetch_count=1)
        late.basic_consume("paused", lambda _c, _m, _p, body: found.append(body))
        connection.process_data_events(0.3)
        state = api.get("queues/%2F/paused")
        assert (state["state"], state["messages_ready"], state["consumers"]) == ("paused", 5, 2)
        assert channel.basic_get("paused", auto_ack=True)[2] == b"0", "who polls is no consumer"
        assert [each["payload"] for each in api.take("paused", 1)] == ["1"]
        assert found == [b"before"]
        late.close()
        api.post("mqbroker/queues/%2F/paused/resume")
        assert bodies(connection, found, 4)[1:] == [b"2", b"3", b"4"]
        api.post("mqbroker/queues/%2F/paused/resume")
        assert api.get("queues/%2F/paused")["state"] == "running"
        api.post("mqbroker/queues/%2F/paused/pause")
        channel.queue_delete("paused")


def test_what_comes_back_while_a_queue_is_paused_waits_too(api: Api, broker: BrokerProcess) -> None:
    """A return ended the pause, as both hold the same back."""
    found: list[bytes] = []
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("paused-back")
        channel.basic_publish("", "paused-back", b"one")
        tag = channel.basic_get("paused-back")[0].delivery_tag
        api.post("mqbroker/queues/%2F/paused-back/pause")
        channel.basic_nack(tag)
        channel.basic_consume("paused-back", lambda _c, _m, _p, body: found.append(body), auto_ack=True)
        connection.process_data_events(0.3)
        assert api.get("queues/%2F/paused-back")["messages_ready"] == 1
        assert found == []
        api.post("mqbroker/queues/%2F/paused-back/resume")
        assert bodies(connection, found, 1) == [b"one"]
        channel.queue_delete("paused-back")


def test_what_cannot_be_paused_says_so(api: Api, broker: BrokerProcess) -> None:
    client(broker, "sqs").create_queue(QueueName="never-paused")
    with Paho(broker.ports["mqtt"], "never-paused", 5) as subscriber:
        subscriber.subscribe("never/paused", qos=0)
        (session,) = [each["name"] for each in api.get("queues") if each["name"].startswith("mqtt-subscription-never")]
        for name in ("never-paused", session):
            assert api.refused("POST", f"mqbroker/queues/%2F/{name}/pause")[0] == 400
    assert api.refused("POST", "mqbroker/queues/%2F/absent/pause")[0] == 404
    api.put("users/pauser", {"password": "x", "tags": "management"})
    api.put("permissions/%2F/pauser", {"configure": "", "write": ".*", "read": ".*"})
    api.put("queues/%2F/not-yours", {})
    assert api.of("pauser", "x").call("POST", "mqbroker/queues/%2F/not-yours/pause").status == 401


def test_consumers_are_paused_in_the_console(console: Console, api: Api) -> None:
    """A deployment that went wrong was only to be stopped on the consumers' machines."""
    api.put("queues/%2F/paused-here", {"durable": True})
    console.go("/queue/%2F/paused-here", "Queue paused-here")
    console.click("Pause consumers")
    console.wait_text("wait until it is resumed")
    console.wait_text("Resume consumers")
    assert api.get("queues/%2F/paused-here")["state"] == "paused"
    console.picture("paused")
    console.click("Resume consumers")
    console.wait_text("Consumers of paused-here go on.")
    assert api.get("queues/%2F/paused-here")["state"] == "running"
