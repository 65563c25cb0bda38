"""Whole runs with real worker processes against a relay in this process: a sound one, and ones that do damage."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.driver.amqp import FRAME_SIZE_BYTES_MAX
from bench.driver.amqp_records import publish_layout
from bench.driver.crew import Crew, Outcome
from bench.driver.jobs import ConsumeJob, Endpoint, Limit, PublishJob, Subscription, Variant
from bench.driver.relay_dialect import CONSUMER, WELCOME
from bench.errors import DriverError

SIZE = 100
MESSAGES = 2000
Tamper = Callable[[bytes], bytes]


def publish_job(endpoint: Endpoint, rate: float = 0.0) -> PublishJob:
    return PublishJob(endpoint, (Variant("q"),), SIZE, Limit(messages=MESSAGES), rate=rate)


RECORD = publish_layout(publish_job(Endpoint("relay", "", 0)), FRAME_SIZE_BYTES_MAX).size


@contextmanager
def relay(tamper: Tamper) -> Iterator[Endpoint]:
    """Collects the whole stream, passes it on tampered with."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_relay, args=(server, tamper))
        thread.start()
        yield Endpoint("relay", "127.0.0.1", server.getsockname()[1])
        thread.join()


def _relay(server: socket.socket, tamper: Tamper) -> None:
    sides: dict[bytes, socket.socket] = {}
    while len(sides) < 2:
        side, _ = server.accept()
        sides[side.recv(1)] = side
        side.sendall(WELCOME)
    consumer = sides.pop(CONSUMER)
    publisher = sides.popitem()[1]
    stream = b""
    while len(stream) < MESSAGES * RECORD:
        stream += publisher.recv(1 << 20)
    consumer.sendall(tamper(stream))
    while consumer.recv(1024):
        pass
    consumer.close()
    publisher.close()


def run(tamper: Tamper, rate: float = 0.0) -> Outcome:
    with relay(tamper) as endpoint:
        publish = publish_job(endpoint, rate)
        consume = ConsumeJob(endpoint, (Subscription(("q",), (0,)),), publish, rate=rate, settle_seconds=0.5)
        with Crew([publish], [consume]) as crew:
            return crew.run()


def test_a_sound_run_counts_all_and_finds_no_fault() -> None:
    outcome = run(lambda stream: stream)
    assert outcome.published == outcome.messages == MESSAGES
    assert not outcome.faults
    assert outcome.rate > 0


def test_lost_messages_fail_the_run() -> None:
    outcome = run(lambda stream: stream[: 50 * RECORD] + stream[53 * RECORD :])
    assert outcome.faults.missing == 3
    assert outcome.faults.out_of_order == 1
    assert "3 missing" in str(outcome.faults)


def test_messages_that_come_too_often_fail_the_run() -> None:
    outcome = run(lambda stream: stream + stream[-RECORD:])
    assert outcome.faults.surplus == 1


def test_damaged_messages_fail_the_run() -> None:
    outcome = run(lambda stream: stream[:1000] + b"\xff" + stream[1001:])
    assert outcome.faults.corrupt == 1


def test_a_paced_run_reports_latencies_against_the_schedule() -> None:
    """The relay holds everything back until the last message: the first one is late by nearly the whole run."""
    outcome = run(lambda stream: stream, rate=MESSAGES / 0.4)
    assert outcome.latencies["p100"] >= 0.39
    assert outcome.latencies["p50"] >= 0.19
    assert not outcome.faults


def test_a_broker_that_refuses_is_told_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    job = publish_job(Endpoint("relay", "127.0.0.1", port))
    with pytest.raises(DriverError, match="ConnectionRefusedError"):
        Crew([job], [])
