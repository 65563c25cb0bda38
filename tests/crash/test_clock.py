"""The machine's clock is wrong when the broker starts, and is corrected: no deadline comes nor goes with that."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pika  # type: ignore[import-untyped]
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.aws.sqs.conftest import client
from tests.crash.clients import channel_of
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

WAIT_S = 30
HOUR_MS = 3_600_000
Wrong = Callable[[str], None]


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> Wrong:
    """Has processes that start from then on see a clock that is wrong, as libfaketime understands it; "" for right.

    The kernel's own count of the machine's uptime is what it always is.
    """
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not libraries:
        pytest.skip("libfaketime is not installed")

    def set_wrong(text: str) -> None:
        if text:
            monkeypatch.setenv("LD_PRELOAD", str(libraries[0]))
            monkeypatch.setenv("FAKETIME", text)
        else:
            monkeypatch.delenv("LD_PRELOAD", raising=False)
            monkeypatch.delenv("FAKETIME", raising=False)

    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return set_wrong


class Everything:
    """Messages and sessions with deadlines, by every protocol."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.broker = broker

    def leave(self) -> None:
        """Messages with a TTL of an hour, an SQS message, and a message for a session whose client is away."""
        self._subscriber(lambda subscriber: subscriber.subscribe("t", 1))
        with channel_of(self.broker.url) as channel:
            channel.confirm_delivery()
            channel.queue_declare("own", durable=True)
            channel.queue_declare("all", durable=True, arguments={"x-message-ttl": HOUR_MS})
            channel.basic_publish("", "own", b"own", pika.BasicProperties(delivery_mode=2, expiration=str(HOUR_MS)))
            channel.basic_publish("", "all", b"all", pika.BasicProperties(delivery_mode=2))
            channel.basic_publish("amq.topic", "t", b"session", pika.BasicProperties(delivery_mode=2))
        sqs = client(self.broker)
        url = sqs.create_queue(QueueName="sqs")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="sqs")

    def assert_all_there(self) -> None:
        """Nothing has expired."""
        with channel_of(self.broker.url) as channel:
            assert channel.basic_get("own", auto_ack=True)[2] == b"own"
            assert channel.basic_get("all", auto_ack=True)[2] == b"all"
        sqs = client(self.broker)
        (message,) = sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName="sqs")["QueueUrl"])["Messages"]
        assert message["Body"] == "sqs"
        assert self._subscriber(lambda _: None, messages=1) == [b"session"]

    def _subscriber(self, once_there: Callable[[paho.Client], Any], messages: int = 0) -> list[bytes]:
        """Connects with a session that stays, subscribes or receives, and leaves."""
        done, bodies = threading.Semaphore(0), list[bytes]()

        def take(_: paho.Client, __: object, message: paho.MQTTMessage) -> None:
            bodies.append(bytes(message.payload))
            done.release()

        subscriber = paho.Client(CallbackAPIVersion.VERSION2, "away", clean_session=False)
        subscriber.on_subscribe = lambda *_: done.release()
        subscriber.on_message = take
        subscriber.connect("127.0.0.1", self.broker.ports["mqtt"])
        subscriber.loop_start()
        once_there(subscriber)
        assert done.acquire(timeout=WAIT_S)
        subscriber.disconnect()
        subscriber.loop_stop()
        assert len(bodies) == messages
        return bodies


def a_broker(folder: Path) -> BrokerProcess:
    return BrokerProcess(folder / "data", "--dev", schemes=("amqp", "mqtt", "aws"))


@pytest.mark.parametrize("ends", ["in order", "killed"])
@pytest.mark.timeout(180)
def test_a_clock_that_was_late_at_the_start_is_corrected_before_the_next_one(
    wrong: Wrong, tmp_path: Path, ends: str
) -> None:
    """Messages with a TTL, SQS messages and sessions had all expired at the restart."""
    wrong("-20d")
    with a_broker(tmp_path) as broker:
        Everything(broker).leave()
        if ends == "killed":
            broker.kill()
    wrong("")
    with broker:
        Everything(broker).assert_all_there()
        assert "clock is 172" in broker.log()
        assert "s ahead of the journal's time" in broker.log()
        assert broker.stop() == 0


@pytest.mark.timeout(180)
def test_a_clock_that_is_corrected_while_the_broker_runs_is_noticed_and_harms_nothing(
    wrong: Wrong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = tmp_path / "setting"
    setting.write_text("-400d\n")
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(setting))
    monkeypatch.setenv("FAKETIME_CACHE_DURATION", "1")
    wrong("-400d")
    monkeypatch.delenv("FAKETIME")
    with a_broker(tmp_path) as broker:
        Everything(broker).leave()
        setting.write_text("+0d\n")
        eventually(lambda: "s ahead of its time; deadlines stay as they are" in broker.log(), WAIT_S)
        broker.kill()
    wrong("")
    with broker:
        Everything(broker).assert_all_there()
        assert broker.stop() == 0


@pytest.mark.timeout(180)
def test_a_clock_that_was_early_does_not_make_messages_last_for_ever(wrong: Wrong, tmp_path: Path) -> None:
    wrong("+400d")
    with a_broker(tmp_path) as broker:
        with channel_of(broker.url) as channel:
            channel.confirm_delivery()
            channel.queue_declare("own", durable=True)
            channel.basic_publish("", "own", b"own", pika.BasicProperties(delivery_mode=2, expiration="10000"))
        broker.kill()
    wrong("")
    with broker:
        assert "s behind the journal's time" in broker.log()

        def is_gone() -> bool:
            with channel_of(broker.url) as channel:
                return bool(channel.queue_declare("own", passive=True).method.message_count == 0)

        eventually(is_gone, WAIT_S)
        assert broker.stop() == 0
