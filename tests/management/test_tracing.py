"""Messages followed through a vhost in the console, for a while."""

from base64 import b64decode
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.management.api import Api
from tests.management.console import Console
from tests.mqtt.paho_client import Paho
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)


def seen(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("mqbroker/trace?count=1000")
    return found


def test_a_message_is_followed_from_its_publisher_to_who_gets_it(api: Api, broker: BrokerProcess) -> None:
    """Where a message had gone was only to be guessed."""
    api.post("mqbroker/traces/%2F", {"text": "order-17"})
    (running,) = api.get("mqbroker/traces")
    assert (running["vhost"], running["text"]) == ("/", "order-17")
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("followed", exclusive=True)
        channel.queue_bind("followed", "amq.topic", "orders.#")
        channel.basic_publish("amq.topic", "orders.new", b"order-16")
        properties = pika.BasicProperties(message_id="m-1")
        channel.basic_publish("amq.topic", "orders.new", b"this is ORDER-17", properties)
        assert channel.basic_get("followed", auto_ack=True)[2] == b"order-16"
        channel.basic_get("followed", auto_ack=True)
        sent, got = seen(api)
        assert (sent["what"], sent["exchange"], sent["routing_key"]) == ("published", "amq.topic", "orders.new")
        assert (sent["queues"], sent["user"], sent["message_id"]) == ("followed", "guest", "m-1")
        assert b64decode(sent["payload"]) == b"this is ORDER-17"
        assert (got["what"], got["queues"], got["connection"]) == ("delivered", "followed", sent["connection"])
        assert sent["connection"] in {each["name"] for each in api.get("connections")}
        api.delete("mqbroker/traces/%2F")
        assert seen(api) == [], "what was seen is forgotten"
        channel.basic_publish("amq.topic", "orders.new", b"order-17")
    assert seen(api) == []


def test_it_ends_by_itself_and_is_bounded(api: Api, broker: BrokerProcess) -> None:
    """A trace that somebody had forgotten showed payloads, and slowed a vhost down, for ever."""
    api.put("queues/%2F/flooded", {"arguments": {"x-max-length": 1}})
    api.post("mqbroker/traces/%2F", {"seconds": 1})
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for _ in range(700):
            channel.basic_publish("", "flooded", b"x" * 10_000)
    assert len(seen(api)) <= 501
    assert all(len(b64decode(each["payload"])) <= 4096 for each in seen(api) if "payload" in each)
    eventually(lambda: api.get("mqbroker/traces") == [], 30)
    assert seen(api) == []


def test_only_administrators_follow_messages(api: Api) -> None:
    api.put("users/curious", {"password": "x", "tags": "monitoring"})
    api.put("permissions/%2F/curious", {"configure": ".*", "write": ".*", "read": ".*"})
    curious = api.of("curious", "x")
    for method, path in (("POST", "mqbroker/traces/%2F"), ("GET", "mqbroker/trace"), ("GET", "mqbroker/traces"),
                         ("GET", "mqbroker/stream?topics=trace")):  # fmt: skip
        assert curious.call(method, path).status == 401, path
    for body in (
        {"seconds": 0},
        {"seconds": 3601},
        {"seconds": "x"},
        {"seconds": True},
        {"text": 7},
        {"text": "x" * 201},
    ):
        assert api.refused("POST", "mqbroker/traces/%2F", body)[0] == 400, body
    assert api.refused("POST", "mqbroker/traces/absent")[0] == 404
    assert api.get("mqbroker/traces") == []


def test_messages_are_followed_in_the_console(console: Console, api: Api, broker: BrokerProcess) -> None:
    """It took a queue that is bound to the firehose, and a program that reads it."""
    console.go("/trace", "Trace")
    console.fill("details.panel input[name=text]", "kitchen")
    console.click("Follow")
    console.wait_text("those with “kitchen”")
    console.wait_text("following")
    with Paho(broker.ports["mqtt"], "traced-cook", 5) as cook:
        cook.subscribe("house/+", qos=1)
        cook.publish("house/kitchen", b'{"warm": true}', qos=1)
        cook.publish("house/cellar", b"cold", qos=1)
        console.wait_text("amq.topic house.kitchen")
        console.wait_text('"warm": true')
    console.picture("trace")
    assert not console.browser.evaluate("document.body.innerText.includes('cellar')")
    console.click("Stop")
    console.wait_text("Messages of / are not followed any more.")
    assert api.get("mqbroker/audit?event=BeginTrace")
