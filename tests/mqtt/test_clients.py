"""Unmodified clients over real sockets: paho, aiomqtt, amqtt, mosquitto_pub and mosquitto_sub; and AMQP beside them."""

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
import pika  # type: ignore[import-untyped]
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.conftest import find_amqtt_python, find_program
from tests.mqtt.paho_client import WAIT_S, Paho, new_properties, told
from tests.support.broker_process import BrokerProcess

AMQTT_CLIENT = Path(__file__).with_name("amqtt_client.py")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    folder = tmp_path_factory.mktemp("mqtt")
    with BrokerProcess(folder / "data", "--dev", "--durability", "write", schemes=("amqp", "mqtt", "mqtts")) as running:
        yield running


@pytest.mark.parametrize("version", [3, 4, 5])
def test_paho_publishes_and_subscribes_at_every_qos(broker: BrokerProcess, version: int) -> None:
    with Paho(broker.ports["mqtt"], f"every{version}", version) as client:
        client.subscribe(f"every{version}/#", 2)
        for qos in range(3):
            client.publish(f"every{version}/{qos}", b"hello", qos)
            message = client.message()
            assert (message.topic, message.payload, message.qos) == (f"every{version}/{qos}", b"hello", qos)


@pytest.mark.parametrize("version", [4, 5])
def test_a_thousand_messages_of_qos_2_arrive_once_and_in_order(broker: BrokerProcess, version: int) -> None:
    with Paho(broker.ports["mqtt"], f"many{version}", version) as client:
        client.subscribe(f"many{version}", 2)
        for number in range(1000):
            client.client.publish(f"many{version}", b"%d" % number, 2)
        assert [int(client.message().payload) for _ in range(1000)] == list(range(1000))
        client.publish(f"many{version}", b"end", 2)
        assert client.message().payload == b"end"


@pytest.mark.parametrize("version", [4, 5])
def test_a_paho_session_goes_on(broker: BrokerProcess, version: int) -> None:
    port = broker.ports["mqtt"]
    with Paho(port, f"stay{version}", version, 600) as client:
        assert not client.is_present
        client.subscribe(f"stay{version}", 1)
    with Paho(port, f"other{version}", version) as other:
        other.publish(f"stay{version}", b"while away", 1)
    with Paho(port, f"stay{version}", version, 600) as client:
        assert client.is_present
        assert client.message().payload == b"while away"


def test_version_5_options_and_properties(broker: BrokerProcess) -> None:
    with Paho(broker.ports["mqtt"], "options", 5) as client:
        reasons = client.subscribe("opt/#", options=SubscribeOptions(1, noLocal=True))
        assert [reason.value for reason in reasons] == [1]
        client.publish("opt/own", b"not seen", 1)
        with Paho(broker.ports["mqtt"], "options-2", 5) as other:
            properties = new_properties(PacketTypes.PUBLISH)
            properties.UserProperty = ("a", "b")
            properties.ResponseTopic = "replies"
            properties.CorrelationData = b"\1\2"
            properties.TopicAlias = 1
            other.publish("opt/1", b"1", 1, properties=properties)
        message = client.message()
        assert message.payload == b"1"
        assert told(message)["UserProperty"] == [("a", "b")]
        assert told(message)["ResponseTopic"] == "replies"


def test_retained_messages_and_wills(broker: BrokerProcess) -> None:
    port = broker.ports["mqtt"]
    with Paho(port, "keeper", 4) as client:
        client.publish("kept/a", b"1", 1, retain=True)
        client.subscribe("kept/+", 1)
        message = client.message()
        assert (message.payload, message.retain) == (b"1", True)
        client.subscribe("will/x", 1)
        dying = paho.Client(CallbackAPIVersion.VERSION2, "dying")
        dying.will_set("will/x", b"gone", 1)
        dying.connect("127.0.0.1", port)
        dying.loop()
        sock = dying.socket()
        assert sock is not None
        sock.close()
        dying.loop()
        assert client.message().payload == b"gone"


def test_passwords_and_tls(broker: BrokerProcess) -> None:
    client = Paho(broker.ports["mqtts"], "secret", 5)
    client.client.tls_set(str(broker.data_dir / "certs" / "ca.pem"))
    client.client.username_pw_set("guest", "guest")
    with client:
        client.subscribe("secret", 1)
        client.publish("secret", b"x", 1)
        assert client.message().payload == b"x"


async def test_aiomqtt(broker: BrokerProcess) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.ports["mqtt"], protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("aio/#", 2)
        await client.publish("aio/1", b"hello", 2)
        async with asyncio.timeout(WAIT_S):
            message = await anext(client.messages)
        assert (str(message.topic), message.payload) == ("aio/1", b"hello")


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_amqtt(broker: BrokerProcess, qos: int) -> None:
    """It pins old versions of libraries that mqbroker uses too, so it has an environment of its own."""
    command = [find_amqtt_python(), str(AMQTT_CLIENT), str(broker.ports["mqtt"]), str(qos)]
    done = subprocess.run(command, timeout=3 * WAIT_S, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "received: hello\n"), done.stderr


@pytest.mark.parametrize("version", ["31", "311", "5"])
def test_mosquitto_pub_and_sub(broker: BrokerProcess, version: str) -> None:
    common = ["-h", "127.0.0.1", "-p", str(broker.ports["mqtt"]), "-V", version, "-q", "2"]
    topic = f"mosquitto/{version}"
    publish = [find_program("mosquitto_pub"), *common, "-t", topic, "-r", "-m", "hello"]
    subscribe = [find_program("mosquitto_sub"), *common, "-t", "mosquitto/+", "-C", "1", "-W", str(WAIT_S), "-v"]
    subprocess.run(publish, check=True, timeout=WAIT_S)
    found = subprocess.run(subscribe, check=True, timeout=2 * WAIT_S, capture_output=True, text=True)
    assert found.stdout == f"{topic} hello\n"
    subprocess.run([*publish[:-3], "-r", "-n"], check=True, timeout=WAIT_S)


# --- with AMQP ------------------------------------------------------------------------------------------------------


@pytest.fixture
def channel(broker: BrokerProcess) -> Iterator[Any]:
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    yield connection.channel()
    connection.close()


def amqp_message(channel: Any, name: str) -> tuple[Any, Any, bytes]:
    for method, properties, body in channel.consume(name, auto_ack=True, inactivity_timeout=WAIT_S):
        assert method is not None, "nothing came"
        channel.cancel()
        return method, properties, body
    raise AssertionError("the consumer was cancelled")


def test_amqp_to_mqtt_with_properties(broker: BrokerProcess, channel: Any) -> None:
    with Paho(broker.ports["mqtt"], "from-amqp", 5) as client:
        client.subscribe("cross/+/x", 2)
        properties = pika.BasicProperties(
            delivery_mode=2, content_type="text/plain", correlation_id="c1", reply_to="answers.me",
            headers={"a": "b", "n": 1}, expiration="60000",
        )  # fmt: skip
        channel.basic_publish("amq.topic", "cross.1.x", b"durable", properties)
        message = client.message()
        assert (message.topic, message.payload, message.qos) == ("cross/1/x", b"durable", 1)
        found = told(message)
        assert found["ContentType"] == "text/plain"
        assert found["CorrelationData"] == b"c1".hex()
        assert found["ResponseTopic"] == "answers/me"
        assert found["UserProperty"] == [("a", "b"), ("n", "1")]
        assert found["MessageExpiryInterval"] in (59, 60)
        channel.basic_publish("amq.topic", "cross.2.x", b"transient")
        assert client.message().qos == 0


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_mqtt_to_amqp_with_properties(broker: BrokerProcess, channel: Any, qos: int) -> None:
    name = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(name, "amq.topic", "to.amqp.#")
    properties = new_properties(PacketTypes.PUBLISH)
    properties.ContentType = "text/plain"
    properties.CorrelationData = b"c1"
    properties.ResponseTopic = "answers/me"
    properties.UserProperty = ("a", "b")
    properties.MessageExpiryInterval = 60
    with Paho(broker.ports["mqtt"], "to-amqp", 5) as client:
        client.publish("to/amqp/1", b"hello", qos, properties=properties)
    method, found, body = amqp_message(channel, name)
    assert (method.exchange, method.routing_key, body) == ("amq.topic", "to.amqp.1", b"hello")
    assert (found.content_type, found.correlation_id, found.reply_to) == ("text/plain", "c1", "answers.me")
    assert (found.headers, found.expiration, found.delivery_mode) == ({"a": "b"}, "60000", 2 if qos else 1)


def test_amqp_retains_for_mqtt(broker: BrokerProcess, channel: Any) -> None:
    channel.confirm_delivery()
    channel.basic_publish("amq.retained", "kept.by.amqp", b"hello", pika.BasicProperties(delivery_mode=2))
    with Paho(broker.ports["mqtt"], "reader", 4) as client:
        client.subscribe("kept/by/#", 1)
        message = client.message()
        assert (message.topic, message.payload, message.retain) == ("kept/by/amqp", b"hello", True)


def test_a_topic_that_is_too_long_for_amqp_does_not_disturb_its_consumers(broker: BrokerProcess, channel: Any) -> None:
    name = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(name, "amq.topic", "long.#")
    with Paho(broker.ports["mqtt"], "long", 4) as client:
        client.subscribe("long/#", 1)
        client.publish("long/" + "x" * 300, b"1", 1)
        client.publish("long/y", b"2", 1)
        assert [client.message().payload for _ in range(2)] == [b"1", b"2"]
    assert amqp_message(channel, name)[2] == b"2"


# --- the whole broker is killed -------------------------------------------------------------------------------------


def test_sessions_survive_a_kill(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", "--durability", "write", schemes=("mqtt",)) as broker:
        port = broker.ports["mqtt"]
        with Paho(port, "stay", 5, 600) as client:
            client.subscribe("t", 2)
        with Paho(port, "p", 4) as publisher:
            for number in range(100):
                publisher.publish("t", b"%d" % number, 1 + number % 2)
            publisher.publish("kept", b"1", 1, retain=True)
        broker.kill()
        broker.start()
        with Paho(port, "stay", 5, 600) as client:
            assert client.is_present
            numbers = [int(client.message().payload) for _ in range(100)]
            # paho reports QoS 2 at PUBREL, so each quality has its own order there.
            assert ([n for n in numbers if n % 2 == 0], [n for n in numbers if n % 2]) == (
                list(range(0, 100, 2)),
                list(range(1, 100, 2)),
            )
            client.subscribe("kept", 1)
            assert client.message().payload == b"1"


@pytest.mark.parametrize("scheme", ["mqtt", "ws"])
def test_anonymous_clients_are_let_in_from_this_machine_only_and_a_proxy_says_where_they_are(
    tmp_path: Path, scheme: str
) -> None:
    config = '[proxy_protocol]\nsources = ["127.0.0.0/8"]\n'
    upgrade = (
        b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    connect = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01x"
    with BrokerProcess(tmp_path / "data", "--dev", schemes=(scheme,), config=config) as broker:
        for source, code in ((b"127.0.0.1", b"\x00"), (b"192.0.2.1", b"\x04")):
            with socket.create_connection(("127.0.0.1", broker.ports[scheme]), WAIT_S) as client:
                client.sendall(b"PROXY TCP4 %b 127.0.0.1 1000 1883\r\n" % source)
                client.sendall(connect if scheme == "mqtt" else upgrade + b"\x82\x8f\0\0\0\0" + connect)
                answer = b""
                while b"\x20\x02" not in answer or answer[-2:] == b"\x20\x02":
                    chunk = client.recv(1000)
                    assert chunk, answer
                    answer += chunk
            assert answer[answer.index(b"\x20\x02") + 3 :][:1] == code
