"""A real Celery worker in its own process, with classic queues and the rpc:// result backend."""

import datetime
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import celery  # type: ignore[import-untyped]
import pytest

from tests.clients.celery_app import Flaky, add, broken, finished_at, flaky, make_app
from tests.clients.celery_calls import close, send, signature, worker_of
from tests.clients.worker_process import WorkerProcess
from tests.support.broker_process import BrokerProcess

TIMEOUT_S = 30


@pytest.fixture(scope="module")
def worker(broker: BrokerProcess) -> Iterator[WorkerProcess]:
    """One worker for all: with two threads it holds two tasks, and one more for each that waits for its time."""
    with worker_of(broker.url, "rpc://", "classic", "--pool=threads", "--concurrency=2") as running:
        yield running


@pytest.fixture(scope="module")
def app(broker: BrokerProcess) -> Iterator[Any]:
    """The application on the test's side."""
    made = make_app(broker.url, "rpc://", "classic")
    yield made
    with suppress(AttributeError):  # it has nothing to stop where the only test that ran wanted no result
        made.backend.result_consumer.stop()
    close(made)


def test_a_task_gives_back_its_result(worker: WorkerProcess, app: Any) -> None:
    assert send(app, add, 2, 3).get(timeout=TIMEOUT_S) == 5


def test_a_task_that_fails_gives_back_its_error(worker: WorkerProcess, app: Any) -> None:
    with pytest.raises(ValueError, match="it is broken"):
        send(app, broken).get(timeout=TIMEOUT_S)


def test_a_task_is_retried_until_it_succeeds(worker: WorkerProcess, app: Any) -> None:
    assert send(app, flaky, 3, 0.1).get(timeout=TIMEOUT_S) == 3


def test_a_task_is_retried_no_more_often_than_it_may(worker: WorkerProcess, app: Any) -> None:
    with pytest.raises(Flaky):
        send(app, flaky, 99, 0.1).get(timeout=TIMEOUT_S)


def test_a_task_waits_for_its_countdown_or_its_time(worker: WorkerProcess, app: Any) -> None:
    sent_at = time.time()
    in_half_a_second = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.5)
    for result in (send(app, finished_at, countdown=0.5), send(app, finished_at, eta=in_half_a_second)):
        assert result.get(timeout=TIMEOUT_S) >= sent_at + 0.5


def test_tasks_that_wait_for_their_time_do_not_hold_up_others(worker: WorkerProcess, app: Any) -> None:
    """connection.start named no product that kombu takes for RabbitMQ: Celery's raised prefetch reached no consumer."""
    waiting = [send(app, finished_at, countdown=600) for _ in range(6)]
    assert send(app, add, 1, 1).get(timeout=TIMEOUT_S) == 2
    for result in waiting:
        result.revoke()


def test_the_tasks_of_a_chain_run_one_after_the_other(worker: WorkerProcess, app: Any) -> None:
    links = [signature(app, add, number) for number in (10, 100, 1000)]
    assert celery.chain(signature(app, add, 1, 1), *links, app=app).apply_async().get(timeout=TIMEOUT_S) == 1112


def test_the_tasks_of_a_group_all_run(worker: WorkerProcess, app: Any) -> None:
    group = celery.group([signature(app, add, number, number) for number in range(100)], app=app)
    assert group.apply_async().get(timeout=TIMEOUT_S) == [2 * number for number in range(100)]


def test_an_expired_task_is_revoked(worker: WorkerProcess, app: Any) -> None:
    with pytest.raises(celery.exceptions.TaskRevokedError):
        send(app, add, 1, 1, countdown=0.3, expires=0.1).get(timeout=TIMEOUT_S)


def test_a_worker_answers_to_remote_control(worker: WorkerProcess, app: Any) -> None:
    (answer,) = app.control.ping(timeout=TIMEOUT_S, limit=1)
    ((name, pong),) = answer.items()
    assert pong == {"ok": "pong"}
    assert "add" in app.control.inspect(destination=[name], timeout=TIMEOUT_S, limit=1).registered()[name]
    (added,) = app.control.add_consumer("extra", reply=True, destination=[name], timeout=TIMEOUT_S, limit=1)
    assert added == {name: {"ok": "add consumer extra"}}
    assert send(app, add, 1, 2, queue="extra").get(timeout=TIMEOUT_S) == 3


def test_the_worker_says_what_it_does_by_events(worker: WorkerProcess, app: Any) -> None:
    events: dict[str, list[str]] = {}

    def begin(event: dict[str, Any]) -> None:
        """The receiver is listening: it has asked every worker for a heartbeat.

        One task for each heartbeat: Celery before 5.7 can lose an event that a thread adds while it sends others.
        """
        events[send(app, add, 1, 1).id] = []

    def note(event: dict[str, Any]) -> None:
        if event["uuid"] in events:
            events[event["uuid"]].append(event["type"])
            receiver.should_stop = events[event["uuid"]] == ["task-received", "task-succeeded"]

    handlers = {"worker-heartbeat": begin, "task-received": note, "task-succeeded": note}
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers)
        receiver.capture(timeout=TIMEOUT_S)
    assert ["task-received", "task-succeeded"] in events.values()


def test_the_worker_goes_on_after_the_broker_was_killed(worker: WorkerProcess, app: Any, broker: BrokerProcess) -> None:
    late = send(app, add, 20, 1, countdown=1)
    worker.wait_for_line(late.id)
    broker.kill()
    broker.start()
    worker.wait_for_line(f"Task add[{late.id}] succeeded")
    assert send(app, add, 2, 2).get(timeout=TIMEOUT_S) == 4
