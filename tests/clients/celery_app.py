"""The Celery application whose worker the tests run: once with classic queues, once with quorum queues.

Configured by the environment, so that the worker and the test build the same application. The tasks only show what
Celery asks of a broker.
"""

# mypy: disable-error-code="attr-defined, no-untyped-call, untyped-decorator"
# kombu calls itself typed and mostly is not; celery does not.

import os
import time
from typing import Any

import celery  # type: ignore[import-untyped]
import kombu

QUEUE_TYPE = "MQBROKER_TEST_QUEUE_TYPE"
BROKER_URL = "MQBROKER_TEST_BROKER_URL"
RESULT_BACKEND = "MQBROKER_TEST_RESULT_BACKEND"
PRIORITIES = "by-priority"


def make_app(broker_url: str, result_backend: str, queue_type: str) -> Any:
    """An application whose tasks are in a queue of type classic or quorum, and in one that is ordered by priority.

    Celery hands delays over to the broker where queues are of type quorum and exchanges are no direct ones.
    """
    app = celery.Celery("mqbroker-tests", broker=broker_url, backend=result_backend)
    exchange = kombu.Exchange("tasks", type="topic" if queue_type == "quorum" else "direct")
    app.conf.update(
        broker_connection_retry_on_startup=True,
        broker_transport_options={"confirm_publish": True},
        task_acks_late=True,
        task_default_queue="tasks",
        task_default_exchange="tasks",
        task_default_routing_key="tasks",
        task_queues=[
            kombu.Queue("tasks", exchange, routing_key="tasks", queue_arguments={"x-queue-type": queue_type}),
            kombu.Queue(PRIORITIES, exchange, routing_key=PRIORITIES, max_priority=10),
        ],
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
    )
    return app


app = make_app(
    os.environ.get(BROKER_URL, "memory://"),
    os.environ.get(RESULT_BACKEND, "rpc://"),
    os.environ.get(QUEUE_TYPE, "classic"),
)


class Flaky(RuntimeError):
    """What `flaky` raises until it has been tried often enough."""


@app.task(name="add")
def add(a: int, b: int) -> int:
    """The sum of two."""
    return a + b


@app.task(name="total")
def total(numbers: list[int]) -> int:
    """The sum of many: the body of a chord."""
    return sum(numbers)


@app.task(name="finished_at")
def finished_at() -> float:
    """When it ran, in seconds since the epoch."""
    return time.time()


@app.task(name="flaky", bind=True, max_retries=5)
def flaky(self: Any, failures: int, delay_s: float) -> int:
    """Fails that often, with a retry after a delay, before it gives back how often it was retried."""
    if self.request.retries < failures:
        raise self.retry(exc=Flaky(), countdown=delay_s)
    return int(self.request.retries)


@app.task(name="broken")
def broken() -> None:
    """Always fails."""
    raise ValueError("it is broken")
