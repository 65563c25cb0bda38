"""A real broker that runs out of descriptors, memory, or even its data directory."""

import shutil
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.support.broker_process import BrokerProcess
from tests.support.raw_amqp import RawAmqp
from tests.support.waiting import eventually

DESCRIPTORS = 200
IDLE_SOCKETS = 300
FILLER_BYTES = 100 << 20
BODY_BYTES = 2000


class CrampedBroker(BrokerProcess):
    """A broker that may have few files open."""

    def command(self) -> list[str]:
        return ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh", *super().command()]


def test_a_broker_out_of_descriptors_still_lets_clients_in_and_looks_at_its_deadlines(tmp_path: Path) -> None:
    """1,100 silent sockets at `ulimit -n 1024`: the ticker died, and with it heartbeats, deadlines and alarms."""
    schemes = ("amqp", "mqtt")
    limits = "[limits]\npreauth_timeout_s = 1\n"
    with CrampedBroker(tmp_path / "data", "--dev", schemes=schemes, config=limits) as broker, ExitStack() as stack:
        named = RawAmqp(broker.ports["amqp"])
        stack.callback(named.close)
        named.open()
        idle = [socket.create_connection(("127.0.0.1", broker.ports["mqtt"]), 10) for _ in range(IDLE_SOCKETS)]
        for each in idle:
            stack.callback(each.close)
        newcomer = RawAmqp(broker.ports["amqp"])
        stack.callback(newcomer.close)
        newcomer.open()
        assert named.count(named.declare()) == 0
        # The deadline of the log-in is met: somebody still looks at the clock.
        for each in idle:
            each.settimeout(20)
            assert each.recv(1) == b""
        assert "may have 200 files open (ulimit -n)" in broker.log()
        assert "Traceback" not in broker.log()


def test_without_its_data_directory_the_broker_blocks_publishers_and_says_why(tmp_path: Path) -> None:
    """The data directory was removed while the broker ran: its ticker died, and nobody was told."""
    with BrokerProcess(tmp_path / "data", "--dev") as broker, RawAmqp(broker.ports["amqp"]) as client:
        client.open()
        queue = client.declare(durable=True)
        client.publish(queue, b"kept in memory", delivery_mode=2)
        client.sync()
        shutil.rmtree(tmp_path / "data")
        assert client.expect("connection.blocked", 0).args == {"reason": "low on disk"}
        with RawAmqp(broker.ports["amqp"]) as consumer:
            consumer.open()
            assert consumer.drain(queue) == [b"kept in memory"]
        assert "the data directory was removed" in broker.log()


def test_an_alarm_over_memory_ends_when_the_messages_are_gone(tmp_path: Path) -> None:
    """Filled to the watermark with messages over 512 octets and drained, the alarm never cleared."""
    limits = f"[limits]\nmemory_high_watermark = {FILLER_BYTES}\nmemory_check_interval_ms = 100\n"
    options = ("--dev", "--durability", "memory")
    with BrokerProcess(tmp_path / "data", *options, config=limits) as broker, ExitStack() as stack:
        publisher, consumer = RawAmqp(broker.ports["amqp"]), RawAmqp(broker.ports["amqp"])
        for each in (publisher, consumer):
            stack.callback(each.close)
            each.open()
        for queue in ("full", "kept"):
            publisher.call("queue.declare", queue=queue, durable=True)
        for number in range(FILLER_BYTES // BODY_BYTES):
            # What stays lies between what goes, up to the end of the heap.
            publisher.publish("full" if number % 200 else "kept", bytes(BODY_BYTES + number % 100))
            if number % 1000 == 0 and "publishers are blocked" in broker.log():
                break
        assert publisher.expect("connection.blocked", 0).args == {"reason": "low on memory"}
        consumer.call("queue.purge", queue="full")
        publisher.expect("connection.unblocked", 0)
        eventually(lambda: "publishers go on" in broker.log())
