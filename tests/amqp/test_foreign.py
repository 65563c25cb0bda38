"""Messages of other protocols on their way to a consumer of AMQP."""

from mqbroker.core.properties import RedrivenProperties
from mqbroker.protocols.amqp.consumer import AmqpConsumer
from mqbroker.protocols.amqp.properties import build
from tests.support.amqp_house import House


def test_properties_that_many_messages_share_are_translated_once() -> None:
    """A burst of dead letters of MQTT cost the translation of the same history for each of them."""
    house = House()
    talk = house.connect()
    queue = talk.declare()
    talk.consume(queue)
    (consumer,) = house.broker.vhost("/").queues[queue].consumers
    assert isinstance(consumer, AmqpConsumer)
    shared, other = (RedrivenProperties(build(type=text), "source", 1) for text in ("a", "b"))
    first = consumer.native(shared)
    assert consumer.native(shared) is first
    assert [consumer.native(each).text("type") for each in (other, shared)] == ["b", "a"]
