"""Spans of OpenTelemetry, at a collector that decodes what comes by OTLP over HTTP."""

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from mqbroker.config.sections import OtelConfig
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import Entry, Message, new_message
from mqbroker.core.properties import AnnotatedProperties, Properties
from mqbroker.core.scheduler import Scheduler
from mqbroker.core.vhost import VHost
from mqbroker.errors import ConfigError
from mqbroker.server import rehearse
from mqbroker.spoken import load_config
from tests.management.api import Api
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")
from mqbroker.management.spans import Spans, SpanTap
from tests.support.otlp_collector import Collector, Span

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CONTEXT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "rojo=00f067aa0ba902b7"}
PRODUCER, CONSUMER = 4, 5


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """The collector."""
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[BrokerProcess]:
    """A broker that sends its spans there."""
    config = f'[otel]\nendpoint = "{collector.url}"\nservice_name = "orders"\nheaders = {{ x-team = "a" }}\n'
    data_dir = tmp_path_factory.mktemp("spans") / "data"
    with BrokerProcess(data_dir, "--dev", schemes=("amqp", "aws", "management"), config=config) as process:
        yield process
    assert "Traceback" not in process.log()


@pytest.fixture
def channel(broker: BrokerProcess) -> Iterator[Any]:
    """A channel of AMQP."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        yield connection.channel()


def publish(channel: Any, exchange: str, key: str, headers: dict[str, str] | None, **more: str) -> None:
    channel.basic_publish(exchange, key, b"four", pika.BasicProperties(headers=headers, **more))


def test_a_message_is_followed_through_the_broker(collector: Collector, channel: Any) -> None:
    """Nobody could see how long messages lay in a queue."""
    channel.queue_declare("spans")
    channel.queue_bind("spans", "amq.topic", "a.b")
    publish(channel, "amq.topic", "a.b", CONTEXT, message_id="m-1", correlation_id="c-1")
    published = collector.wait(lambda span: span.name == "publish amq.topic:a.b")
    channel.basic_get("spans", auto_ack=True)
    received = collector.wait(lambda span: span.name == "receive spans")
    for span, kind in ((published, PRODUCER), (received, CONSUMER)):
        assert (span.trace_id, span.parent_id, span.kind) == (TRACE, PARENT, kind)
        assert span.start_ns <= span.end_ns
        assert span.resource["service.name"] == "orders"
    client = published.attributes["messaging.client.id"]
    assert re.fullmatch(r"127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+", client)
    common = {
        "messaging.system": "rabbitmq",
        "messaging.client.id": client,
        "messaging.message.body.size": 4,
        "messaging.rabbitmq.destination.routing_key": "a.b",
        "messaging.message.id": "m-1",
        "messaging.message.conversation_id": "c-1",
        "mqbroker.vhost": "/",
    }
    assert published.attributes == {
        **common, "messaging.operation.name": "publish", "messaging.operation.type": "send",
        "messaging.destination.name": "amq.topic:a.b", "mqbroker.routed_queues": 1,
    }  # fmt: skip
    assert received.attributes == {
        **common, "messaging.operation.name": "receive", "messaging.operation.type": "receive",
        "messaging.destination.name": "spans", "mqbroker.redelivered": False,
    }  # fmt: skip
    assert received.end_ns >= published.end_ns
    assert {name.lower(): value for name, value in collector.headers.items()}["x-team"] == "a"


def test_a_consumer_s_message_and_its_redelivery(collector: Collector, channel: Any) -> None:
    channel.queue_declare("spans-consumed")
    publish(channel, "", "spans-consumed", CONTEXT)
    assert collector.wait(lambda span: span.name == "publish spans-consumed").attributes["mqbroker.routed_queues"] == 1
    for method, _, _ in channel.consume("spans-consumed", inactivity_timeout=20):
        if method.redelivered:
            channel.basic_ack(method.delivery_tag)
            break
        channel.basic_nack(method.delivery_tag)
    channel.cancel()
    for again in (False, True):
        collector.wait(partial(_is_receipt, again))


def _is_receipt(again: bool, span: Span) -> bool:
    return span.name == "receive spans-consumed" and span.attributes["mqbroker.redelivered"] is again


def test_sqs_has_spans_by_the_header_of_x_ray(collector: Collector, broker: BrokerProcess) -> None:
    """SDKs of AWS send no traceparent."""
    sqs = client(broker, "sqs")
    url = sqs.create_queue(QueueName="spans-sqs")["QueueUrl"]
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    attribute = {"DataType": "String", "StringValue": header}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageSystemAttributes={"AWSTraceHeader": attribute})
    sqs.receive_message(QueueUrl=url)
    for name in ("publish spans-sqs", "receive spans-sqs"):
        span = collector.wait(partial(_is_called, name))
        assert (span.trace_id, span.parent_id) == ("5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8")
    sqs.close()


def _is_called(name: str, span: Span) -> bool:
    return span.name == name


def test_who_begins_a_trace_decides_whether_it_is_sampled(collector: Collector, channel: Any) -> None:
    """The collector would get a span of every message."""
    channel.queue_declare("spans-few")
    for headers in (None, {"a": "b"}, {"traceparent": f"00-{TRACE}-{PARENT}-00"}, {"traceparent": "nonsense"}):
        publish(channel, "", "spans-few", headers)
    publish(channel, "", "spans-few", {"traceparent": f"00-{TRACE}-00000000000000aa-01"})
    span = collector.wait(lambda each: each.name == "publish spans-few")
    assert span.parent_id == "00000000000000aa"


def test_vhosts_made_later_and_the_firehose(collector: Collector, broker: BrokerProcess) -> None:
    """Turning the firehose off turned the spans off too."""
    api = Api(broker.ports["management"])
    api.put("vhosts/later", {})
    api.put("vhosts/later", {"tracing": True})
    api.put("vhosts/later", {"tracing": False})
    with pika.BlockingConnection(pika.URLParameters(broker.url.replace("%2f", "later"))) as connection:
        channel = connection.channel()
        channel.queue_declare("spans-later")
        publish(channel, "", "spans-later", CONTEXT)
        span = collector.wait(lambda each: each.name == "publish spans-later")
    assert span.attributes["mqbroker.vhost"] == "later"


@pytest.mark.parametrize("endpoint", ["localhost:4318", "grpc://localhost:4317", "http://"])
def test_an_endpoint_is_a_url(tmp_path: Path, endpoint: str) -> None:
    """Spans went nowhere, and nothing said so."""
    path = tmp_path / "mqbroker.toml"
    path.write_text(f'[otel]\nendpoint = "{endpoint}"\n')
    with pytest.raises(ConfigError, match=r"otel\.endpoint must be a URL"):
        load_config(path, {}, {})


def test_the_firehose_has_what_sqs_sends_and_receives(broker: BrokerProcess, channel: Any) -> None:
    api, sqs = Api(broker.ports["management"]), client(broker, "sqs")
    url = sqs.create_queue(QueueName="copied")["QueueUrl"]
    copies = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(copies, "amq.rabbitmq.trace", "#")
    api.put("vhosts/%2F", {"tracing": True})
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x"
    keys = []
    for method, properties, _ in channel.consume(copies, auto_ack=True, inactivity_timeout=20):
        assert method is not None
        keys.append((method.routing_key, properties.headers.get("routed_queues")))
        if method.routing_key == "deliver.copied":
            break
    api.put("vhosts/%2F", {"tracing": False})
    assert ("publish.", ["copied"]) in keys
    channel.cancel()
    sqs.close()


def test_a_collector_that_is_not_there_holds_nothing_up(tmp_path: Path) -> None:
    """The broker would not end before the SDK gave up."""
    config = '[otel]\nendpoint = "http://127.0.0.1:9"\n'
    with (
        BrokerProcess(tmp_path / "data", "--dev", schemes=("amqp",), config=config) as process,
        pika.BlockingConnection(pika.URLParameters(process.url)) as connection,
    ):
        channel = connection.channel()
        channel.queue_declare("q")
        publish(channel, "", "q", CONTEXT)
        assert channel.basic_get("q", auto_ack=True)[2] == b"four"


@pytest.fixture
def spans(collector: Collector) -> Iterator[Spans]:
    """Spans that a test has seen, without a broker."""
    made = Spans(OtelConfig(endpoint=collector.url), Scheduler(), "node")
    yield made
    made.stop()
    asyncio.run(made.close())


def message(headers: dict[str, object], key: str = "k") -> Message:
    properties = AnnotatedProperties(Properties(1, b""), headers, drop_expiration=False)
    return new_message("e", key, properties, b"body", 0)


def test_names_that_are_no_utf_8_do_not_cost_a_batch(collector: Collector, spans: Spans) -> None:
    """One message with such a name, and the SDK lost the five hundred spans that it had with it."""
    tap = SpanTap(spans, VHost("v\udcff", Broker(Ledger(), lambda: "name")))
    tap.published(message(dict(CONTEXT), "k\udcff"), ["q\udcff"])
    entry = Entry()
    entry.message, entry.is_redelivered = message(dict(CONTEXT), "k\udcff"), False
    tap.delivered("q\udcff", entry, None)
    assert not spans.run(0, 1000)
    published = collector.wait(lambda span: span.name == "publish e:k?")
    assert published.attributes["messaging.rabbitmq.destination.routing_key"] == "k?"
    assert published.attributes["mqbroker.vhost"] == "v?"
    collector.wait(lambda span: span.name == "receive q?")


def test_messages_do_not_stay_in_memory_for_their_spans(spans: Spans) -> None:
    """Ten thousand of them waited with their bodies, also those without a trace."""
    tap, plain, traced = (
        SpanTap(spans, VHost("/", Broker(Ledger(), lambda: "name"))),
        message({"a": "b"}),
        message(dict(CONTEXT)),
    )
    before = sys.getrefcount(traced), sys.getrefcount(traced.properties)
    tap.published(plain, ["q"])
    assert not spans.is_scheduled
    tap.published(traced, ["q"])
    assert spans.is_scheduled
    assert (sys.getrefcount(traced), sys.getrefcount(traced.properties)) == before


@pytest.mark.parametrize("name", ["traceparent", "tracestate"])
def test_contexts_that_are_too_long_are_left_out(collector: Collector, spans: Spans, name: str) -> None:
    """Headers of any length waited for the thread of the SDK."""
    SpanTap(spans, VHost("/", Broker(Ledger(), lambda: "name"))).published(
        message({**CONTEXT, name: "x" * 2000}, name), []
    )
    assert spans.is_scheduled is (name == "tracestate")
    spans.run(0, 1000)


def test_a_configuration_is_tried_without_a_thread(tmp_path: Path) -> None:
    """Each trial of a configuration left a thread of the SDK's there for good."""
    path = tmp_path / "mqbroker.toml"
    path.write_text('[otel]\nendpoint = "http://127.0.0.1:9"\n')
    config, before = load_config(path, {}, {}), set(threading.enumerate())
    rehearse(config)
    assert set(threading.enumerate()) <= before
