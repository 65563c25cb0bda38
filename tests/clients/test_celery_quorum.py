"""A real Celery worker as it is set up for RabbitMQ 4: quorum queues, delays by the broker; and chords."""

import time
from collections.abc import Iterator
from typing import Any

import celery  # type: ignore[import-untyped]
import pytest

from tests.clients.celery_app import PRIORITIES, add, finished_at, flaky, make_app, total
from tests.clients.celery_calls import close, send, signature, worker_of
from tests.clients.worker_process import WorkerProcess
from tests.support.broker_process import BrokerProcess

TIMEOUT_S = 30


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Results are files, as the rpc:// backend has no chords."""
    return f"file://{tmp_path_factory.mktemp('results')}"


@pytest.fixture(scope="module")
def worker(broker: BrokerProcess, backend: str) -> Iterator[WorkerProcess]:
    """One task at a time."""
    with worker_of(broker.url, backend, "quorum", "--pool=solo") as running:
        yield running


@pytest.fixture(scope="module")
def app(broker: BrokerProcess, backend: str) -> Iterator[Any]:
    """The application on the test's side."""
    made = make_app(broker.url, backend, "quorum")
    yield made
    close(made)


def test_a_task_goes_through_a_quorum_queue(worker: WorkerProcess, app: Any) -> None:
    assert send(app, add, 2, 3).get(timeout=TIMEOUT_S) == 5


def test_the_broker_keeps_a_task_until_its_time(worker: WorkerProcess, app: Any, broker: BrokerProcess) -> None:
    """The worker takes one task at a time and would hold it: the delay is in the broker's queues."""
    sent_at = time.time()
    late, at_once = send(app, finished_at, countdown=1), send(app, finished_at)
    assert at_once.get(timeout=TIMEOUT_S) < sent_at + 1 <= late.get(timeout=TIMEOUT_S)


def test_a_retry_with_a_delay_goes_through_the_broker(worker: WorkerProcess, app: Any) -> None:
    assert send(app, flaky, 1, 1).get(timeout=TIMEOUT_S) == 1


def test_a_chord_runs_its_body_behind_all_of_its_header(worker: WorkerProcess, app: Any) -> None:
    header = [signature(app, add, number, number) for number in range(10)]
    assert celery.chord(header, app=app)(signature(app, total)).get(timeout=TIMEOUT_S) == 90


def await_no_consumers(app: Any) -> None:
    """A worker answers that it cancels before it does."""
    deadline = time.monotonic() + TIMEOUT_S
    with app.connection_for_write() as connection:
        while connection.default_channel.queue_declare(PRIORITIES, passive=True).consumer_count:
            assert time.monotonic() < deadline, "the worker still consumes"


def test_tasks_of_higher_priority_run_first(worker: WorkerProcess, app: Any) -> None:
    """All wait in their queue before the worker consumes from it."""
    options = {"reply": True, "timeout": TIMEOUT_S, "limit": 1}
    app.control.cancel_consumer(PRIORITIES, **options)
    await_no_consumers(app)
    results = {priority: send(app, finished_at, queue=PRIORITIES, priority=priority) for priority in (0, 4, 9, 2, 7, 5)}
    app.control.add_consumer(PRIORITIES, **options)
    finished = {priority: result.get(timeout=TIMEOUT_S) for priority, result in results.items()}
    assert sorted(finished, key=finished.__getitem__) == [9, 7, 5, 4, 2, 0]
