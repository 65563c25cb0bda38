"""Deliveries are recognised whatever their framing, and checked against what was published, not what came first."""

import pytest
from pamqp import body, commands, frame, header

from bench.driver import stamp
from bench.driver.amqp_records import consumer_tag, learn_layout, parse_delivery, publish_layout
from bench.driver.jobs import ConsumeJob, Endpoint, Limit, PublishJob, Subscription, Variant
from bench.errors import ProtocolError

ENDPOINT = Endpoint("amqp", "127.0.0.1", 1)


def publish_job(size: int, *keys: str) -> PublishJob:
    return PublishJob(ENDPOINT, tuple(map(Variant, keys)), size, Limit(), exchange="bench.x")


def delivery(size: int, key: str, frame_max: int = 131072, exchange: str = "bench.x", tag: str | None = None) -> bytes:
    content = stamp.body(0, 0, size)
    deliver = commands.Basic.Deliver(tag or consumer_tag(0), 1, False, exchange, key)
    properties = commands.Basic.Properties(delivery_mode=1)
    parts = [content[at : at + frame_max - 8] for at in range(0, size, frame_max - 8)]
    head = frame.marshal(deliver, 1) + frame.marshal(header.ContentHeader(body_size=size, properties=properties), 1)
    return head + b"".join(frame.marshal(body.ContentBody(part), 1) for part in parts)


def consume_job(published: PublishJob) -> tuple[ConsumeJob, Subscription]:
    subscription = Subscription(("q",), tuple(0 for _ in published.variants))
    return ConsumeJob(ENDPOINT, (subscription,), published), subscription


@pytest.mark.parametrize("frame_max", [131072, 64])
def test_a_delivery_is_parsed_once_it_is_complete_and_not_before(frame_max: int) -> None:
    data = delivery(200, "key", frame_max)
    for at in range(len(data)):
        assert parse_delivery(data[:at]) is None
    found = parse_delivery(data + b"more")
    assert found is not None
    assert found.size == len(data)
    assert data[slice(*found.routing_key)] == b"key"
    assert b"".join(data[slice(*span)] for span in found.bodies) == stamp.body(0, 0, 200)


def test_the_learned_layout_is_the_delivery_itself_when_it_is_right() -> None:
    data = delivery(100, "k1")
    layout = learn_layout(data, *consume_job(publish_job(100, "k1", "k2")))
    assert layout is not None
    assert layout.templates[0] == data
    assert layout.templates[1] == delivery(100, "k2")


def test_a_first_delivery_with_a_foreign_body_does_not_become_the_template() -> None:
    sound = delivery(100, "k1")
    damaged = sound[:-10] + b"?" + sound[-9:]
    layout = learn_layout(damaged, *consume_job(publish_job(100, "k1")))
    assert layout is not None
    assert layout.templates[0] == sound


def test_a_delivery_from_another_exchange_is_refused() -> None:
    data = delivery(100, "k1", exchange="elsewhere")
    with pytest.raises(ProtocolError, match="exchange"):
        learn_layout(data, *consume_job(publish_job(100, "k1")))


def test_what_is_no_delivery_is_told_in_the_brokers_words() -> None:
    data = frame.marshal(commands.Channel.Close(404, "NOT_FOUND - no queue", 0, 0), 1)
    with pytest.raises(ProtocolError, match="NOT_FOUND"):
        parse_delivery(data)


def test_published_records_decode_to_what_was_asked_for() -> None:
    data = publish_layout(publish_job(50, "a.key"), 131072).templates[0]
    size, channel, publish = frame.unmarshal(data)
    assert channel == 1
    assert isinstance(publish, commands.Basic.Publish)
    assert (publish.exchange, publish.routing_key) == ("bench.x", "a.key")
    size, _, content = frame.unmarshal(data[size:])
    assert isinstance(content, header.ContentHeader)
    assert content.body_size == 50
