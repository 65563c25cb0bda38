"""Events and copies of messages as messages, for what was made for RabbitMQ's event exchange and firehose."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.management.api import Api
from tests.mqtt.paho_client import Paho
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(120)

WAIT_S = 20


@contextmanager
def following(broker: BrokerProcess, exchange: str, key: str) -> Iterator[Any]:
    """A function that gives the next message of a queue bound to the exchange: its key, properties and body."""
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange, key)
    messages = channel.consume(queue, auto_ack=True, inactivity_timeout=WAIT_S)

    def next_one(wanted: str) -> tuple[Any, bytes]:
        for method, properties, body in messages:
            assert method is not None, f"no {wanted}"
            if method.routing_key == wanted:
                return properties, body
        raise AssertionError

    yield next_one
    connection.close()


def test_events_come_with_names_of_rabbitmq(api: Api, broker: BrokerProcess) -> None:
    """Programs that follow RabbitMQ's event exchange were told nothing."""
    with following(broker, "amq.rabbitmq.event", "#") as next_one:
        api.put("queues/%2F/told", {"durable": True})
        properties, body = next_one("queue.created")
        assert (body, properties.delivery_mode, properties.headers["name"]) == (b"", 2, "told")
        assert properties.headers["timestamp_in_ms"] // 1000 == properties.timestamp
        api.put("users/told", {"password": "one", "tags": ""})
        assert next_one("user.created")[0].headers["name"] == "told"
        api.put("users/told", {"password": "two", "tags": ""})
        next_one("user.password.changed")
        api.put("users/told", {"password": "two", "tags": "monitoring"})
        assert next_one("user.tags.set")[0].headers["tags"] == ["monitoring"]
        api.put("permissions/%2F/told", {"configure": "", "write": "", "read": ".*"})
        assert next_one("permission.created")[0].headers["read"] == ".*"
        assert api.of("told", "wrong").call("GET", "whoami").status == 401
        failed = next_one("user.authentication.failure")[0].headers
        assert (failed["name"], failed["peer_host"], failed["error"]) == ("told", "127.0.0.1", "the password is wrong")
        value = {"src-uri": "amqp://u:secret@host", "src-queue": "a", "dest-uri": "amqp://", "dest-queue": "b"}
        api.put("parameters/shovel/%2F/mover", {"value": value})
        assert next_one("parameter.set")[0].headers["value"]["src-uri"] == "amqp://host"
        api.delete("users/told")
        next_one("user.deleted")


def test_the_exchange_of_events_is_there_after_a_restart_with_its_bindings(broker: BrokerProcess, api: Api) -> None:
    """A durable queue that gathers events gathered none after a restart; clients may not publish there."""
    exchange = api.get("exchanges/%2F/amq.rabbitmq.event")
    assert (exchange["type"], exchange["internal"], exchange["durable"]) == ("topic", True, True)
    api.put("queues/%2F/gathering", {"durable": True})
    api.post("bindings/%2F/e/amq.rabbitmq.event/q/gathering", {"routing_key": "vhost.*"})
    broker.stop()
    broker.start()
    api.put("vhosts/appeared")
    (found,) = api.take("gathering")
    assert (found["routing_key"], found["properties"]["headers"]["name"]) == ("vhost.created", "appeared")


def test_the_firehose_shows_what_is_published_and_delivered(api: Api, broker: BrokerProcess) -> None:
    """Nobody could follow a message; and tracing that was over went on, or traced its own copies for ever."""
    api.put("queues/%2F/traced", {"durable": True})
    with following(broker, "amq.rabbitmq.trace", "#") as next_one:
        connection = pika.BlockingConnection(pika.URLParameters(broker.url))
        channel = connection.channel()
        channel.basic_publish("", "traced", b"before", pika.BasicProperties())
        api.put("vhosts/%2F", {"tracing": True})
        assert api.get("vhosts/%2F")["tracing"] is True
        channel.basic_publish(
            "", "traced", b"payload", pika.BasicProperties(content_type="text/plain", headers={"a": 1})
        )
        properties, body = next_one("publish.")
        headers = properties.headers
        assert body == b"payload"
        assert (headers["exchange_name"], headers["routing_keys"], headers["routed_queues"]) == (
            "",
            ["traced"],
            ["traced"],
        )
        assert headers["properties"] == {"content_type": "text/plain", "headers": {"a": 1}}
        (mine,) = [each for each in api.get("channels") if each["message_stats"].get("publish") == 2]
        name = mine["connection_details"]["name"]
        assert (headers["connection"], headers["user"], headers["channel"]) == (name, "guest", 1)
        assert [each["payload"] for each in api.take("traced", 2)] == ["before", "payload"]
        assert next_one("deliver.traced")[1] == b"before"
        properties, body = next_one("deliver.traced")
        assert (body, properties.headers["redelivered"], properties.headers["vhost"]) == (b"payload", 0, "/")
        channel.queue_declare("pushed", durable=True)
        channel.basic_consume("pushed", lambda *_: None, auto_ack=True)
        channel.basic_publish("amq.direct", "nowhere", b"lost")
        assert next_one("publish.amq.direct")[0].headers["routed_queues"] == []
        channel.basic_publish("", "pushed", b"x")
        properties, body = next_one("deliver.pushed")
        assert (body, properties.headers["connection"], properties.headers["user"]) == (b"x", name, "guest")
        api.publish("traced", "over HTTP")
        assert next_one("publish.")[0].headers["user"] == ""
        api.put("vhosts/%2F", {"tracing": False})
        channel.basic_publish("", "traced", b"after")
        api.put("vhosts/%2F", {"tracing": True})
        channel.basic_publish("", "traced", b"again")
        assert next_one("publish.")[1] == b"again"
        api.put("vhosts/%2F", {"tracing": False})
        connection.close()


def test_dead_letters_and_messages_of_other_protocols_are_copied_too(api: Api, broker: BrokerProcess) -> None:
    """Where a message had gone that was dead-lettered, and which client of MQTT had sent it, was not to be seen."""
    api.put("vhosts/%2F", {"tracing": True})
    api.put("queues/%2F/dying", {"arguments": {"x-message-ttl": 0, "x-dead-letter-exchange": "amq.fanout"}})
    with following(broker, "amq.rabbitmq.trace", "#") as next_one, Paho(broker.ports["mqtt"], "traced", 5) as client:
        api.publish("dying", "dead")
        properties, body = next_one("publish.amq.fanout")
        assert (body, properties.headers["user"]) == (b"dead", "")
        client.subscribe("a/b", qos=1)
        client.publish("a/b", b"by MQTT", qos=1)
        properties, body = next_one("publish.amq.topic")
        sent_by = properties.headers["connection"]
        assert (body, properties.headers["channel"]) == (b"by MQTT", 1)
        assert client.message().payload == b"by MQTT"
        assert next_one("deliver.mqtt-subscription-tracedqos1")[0].headers["connection"] == sent_by
        assert sent_by in {each["name"] for each in api.get("connections")}
        (taker,) = [
            each for each in api.get("consumers") if each["queue"]["name"].startswith("mqtt-subscription-traced")
        ]
        assert taker["channel_details"]["connection_name"] == sent_by
    api.put("vhosts/%2F", {"tracing": False})
