"""A real broker whose long queues hold messages that are not persistent: they leave memory for the journal, come back
in order, and are gone with the process."""

from functools import partial
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]

from tests.crash.clients import PERSISTENT, channel_of
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

CONFIG = "[journal]\nqueue_window = 8\nsegment_bytes = 1048576\n[limits]\ndisk_free_min_bytes = 1\n"
TRANSIENT = pika.BasicProperties(delivery_mode=1)
QUEUES = {"kept": True, "loose": False}  # and whether it is durable
MESSAGES = 3000
WAIT_S = 60


def body(number: int) -> bytes:
    """Each third message is persistent."""
    return b"%d persistent" % number if number % 3 == 0 else b"%d fleeting" % number


def waiting(channel: BlockingChannel, queue: str) -> int:
    """How many messages wait in a queue."""
    count: int = channel.queue_declare(queue, passive=True).method.message_count
    return count


def has(channel: BlockingChannel, queue: str, count: int) -> bool:
    """Whether so many wait."""
    return waiting(channel, queue) == count


def fill(channel: BlockingChannel) -> None:
    """Both queues, with MESSAGES more each; returns when all have arrived."""
    for queue, durable in QUEUES.items():
        before = channel.queue_declare(queue, durable=durable).method.message_count
        for number in range(1, MESSAGES + 1):
            properties = PERSISTENT if number % 3 == 0 else TRANSIENT
            channel.basic_publish("", queue, body(number).ljust(200, b"."), properties)
        eventually(partial(has, channel, queue, before + MESSAGES))


def has_written(data_dir: Path, what: bytes) -> bool:
    """Whether this stands in the journal."""
    return any(what in path.read_bytes() for path in data_dir.rglob("*") if path.is_file())


def drained(channel: BlockingChannel, queue: str) -> list[bytes]:
    """Everything that waits, in order, as a client with a prefetch is sent it."""
    count = waiting(channel, queue)
    channel.basic_qos(prefetch_count=50)
    found: list[bytes] = []
    for method, _, content in channel.consume(queue, inactivity_timeout=WAIT_S) if count else ():
        assert method is not None, f"nothing has come after {len(found)} of {count}"
        found.append(content.rstrip(b"."))
        channel.basic_ack(method.delivery_tag)
        if len(found) == count:
            break
    channel.cancel()
    return found


@pytest.mark.timeout(240)
def test_what_is_not_persistent_leaves_memory_and_is_gone_with_the_process(tmp_path: Path) -> None:
    """It stayed in memory, however long its queue was."""
    with BrokerProcess(tmp_path / "data", "--dev", config=CONFIG) as broker:
        with channel_of(broker.url) as channel:
            fill(channel)
            last = body(MESSAGES - 1)
            eventually(lambda: has_written(broker.data_dir, last), WAIT_S)
            for queue in QUEUES:
                assert drained(channel, queue) == [body(number) for number in range(1, MESSAGES + 1)]
            fill(channel)
            assert channel.queue_purge("loose").method.message_count == MESSAGES
            fill(channel)
        broker.kill()
        broker.start()
        with channel_of(broker.url) as channel:
            found = drained(channel, "kept")
            assert found == [body(number) for number in range(3, MESSAGES + 1, 3)] * 2
            channel.queue_declare("loose", durable=False)
            assert drained(channel, "loose") == []
        assert broker.stop() == 0


@pytest.mark.timeout(120)
def test_a_short_queue_of_such_messages_writes_nothing(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "--dev", config="[limits]\ndisk_free_min_bytes = 1\n") as broker:
        with channel_of(broker.url) as channel:
            channel.queue_declare("kept", durable=True)
            channel.queue_declare("sign", durable=True)
            for number in range(1, 2001):
                channel.basic_publish("", "kept", b"%d fleeting" % number, TRANSIENT)
            # Two looks later.
            channel.connection.sleep(2.5)
            channel.confirm_delivery()
            channel.basic_publish("", "sign", b"a sign", PERSISTENT)
            assert has_written(broker.data_dir, b"a sign")
            assert not has_written(broker.data_dir, b"fleeting")
            assert drained(channel, "kept") == [b"%d fleeting" % number for number in range(1, 2001)]
        assert broker.stop() == 0


def resident_bytes(broker: BrokerProcess) -> int:
    """The memory of the broker that is in use."""
    return int(Path(f"/proc/{broker.pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.timeout(240)
def test_memory_is_bounded_whatever_waits_of_them(tmp_path: Path) -> None:
    """180 MB that nobody was promised were 180 MB of memory."""
    config = '[limits]\ndisk_free_min_bytes = 1\nmemory_limit = "100MB"\n'
    with BrokerProcess(tmp_path / "data", "--dev", config=config) as broker:
        with channel_of(broker.url) as channel:
            channel.queue_declare("loose")
            channel.queue_declare("go-on")
            before = resident_bytes(broker)
            for number in range(1800):
                channel.basic_publish("", "loose", b"%d " % number + bytes(100_000), TRANSIENT)
                if number % 100 == 0:
                    channel.queue_declare("go-on")  # as fast as the broker takes them
            eventually(lambda: resident_bytes(broker) - before < 80_000_000, WAIT_S)
            numbers = [int(content.split()[0]) for content in drained(channel, "loose")]
            assert numbers == list(range(1800))
        assert broker.stop() == 0
