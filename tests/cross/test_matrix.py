"""Every protocol to every protocol: what one sends the others receive, with body, content type, ids and headers."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from tests.cross.ends import ENDS, RECEIVERS, SENDERS, Amqp1, Letter
from tests.support import aws_clients
from tests.support.broker_process import BrokerProcess

SCHEMES = ("amqp", "mqtt", "stomp", "ws", "aws")
SECONDS_OF_A_TEST = 30
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    data_dir: Path = tmp_path_factory.mktemp("cross") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=SCHEMES) as running:
        yield running
    assert "Traceback" not in running.log()


@pytest.fixture
def name() -> str:
    return f"cross{next(_numbers)}"


PROPERTIES = {
    "delivery_mode": "2", "priority": "7", "expiration": "60000", "message_id": "message-1", "reply_to": "answers",
    "content_encoding": "identity", "timestamp": "1700000000", "type": "greeting", "app_id": "tests",
}  # fmt: skip
IN_QUEUES = ("sqs", "sns")
"""What these send comes to a queue of SQS, and not to a topic of the others."""


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("sender", SENDERS)
def test_what_one_protocol_sends_every_other_receives(
    broker: BrokerProcess, name: str, sender: str, receiver: str
) -> None:
    """Each protocol was tested with the first one, and not all with each other."""
    is_in_queue = sender in IN_QUEUES
    if is_in_queue and receiver.startswith("mqtt"):
        pytest.skip("MQTT has no word for a queue of another's")
    letter = Letter("hello grün", properties=dict(PROPERTIES))
    wanted = {} if sender == "mqtt 3" else dict(letter.headers)
    if is_in_queue or receiver == "sqs":
        wanted.pop("grün", None)  # names of attributes are ASCII there
        client = aws_clients.client(broker, "sqs")
        client.create_queue(QueueName=name)
        client.close()
    with RECEIVERS[receiver].receiver(broker, name, in_queue=is_in_queue) as receive:
        SENDERS[sender].send(broker, name, letter)
        found = receive()
    assert found.body == letter.body
    if "mqtt 3" in (sender, receiver):
        return
    assert {key: value for key, value in found.headers.items() if key in wanted} == wanted
    assert (found.content_type, found.correlation_id) == (letter.content_type, letter.correlation_id)
    both = set(SENDERS[sender].names) & set(RECEIVERS[receiver].names)
    if "expiration" in both:
        assert 0 <= 60_000 - int(found.properties["expiration"]) <= SECONDS_OF_A_TEST * 1000
        both.remove("expiration")  # of which MQTT takes off what has passed
    assert {key: value for key, value in found.properties.items() if key in both} == {
        key: PROPERTIES[key] for key in both
    }


@pytest.mark.parametrize("receiver", ["1.0", "mqtt", "stomp", "sqs"])
def test_a_text_of_amqp_1_0_is_a_text_to_all(broker: BrokerProcess, name: str, receiver: str) -> None:
    """Clients got the octets of a section of AMQP, in which the text was."""
    proton = pytest.importorskip("proton", reason="python-qpid-proton is not installed")
    if receiver == "sqs":
        client = aws_clients.client(broker, "sqs")
        client.create_queue(QueueName=name)
        client.close()
    with ENDS[receiver].receiver(broker, name, in_queue=False) as receive:
        connection = Amqp1().connect(broker)
        message = proton.Message(
            body="hello grün", content_type="text/plain", correlation_id="question-1", properties={"colour": "red"}
        )
        connection.create_sender(f"/exchanges/amq.topic/cross.{name}").send(message)
        connection.close()
        assert receive().body == "hello grün"


def test_what_is_no_plain_body_goes_through_amqp_0_9_1_and_back(broker: BrokerProcess, name: str) -> None:
    """A map was text on the other side, or lost its types."""
    proton = pytest.importorskip("proton", reason="python-qpid-proton is not installed")
    body = {"list": [1, "two", 3.0], "octets": b"\x00", "long": 1 << 40}
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as old:
        channel = old.channel()
        channel.queue_declare(name)
        channel.queue_declare(f"{name}-back")
        connection = Amqp1().connect(broker)
        connection.create_sender(f"/queues/{name}").send(proton.Message(body=body, id=proton.ulong(7)))
        _, properties, octets = channel.basic_get(name, auto_ack=True)
        assert properties.type == "amqp-1.0"
        assert properties.message_id == "7"
        channel.basic_publish("", f"{name}-back", octets, properties)
        message = connection.create_receiver(f"/queues/{name}-back").receive(15)
        assert message.body == body
        connection.close()
