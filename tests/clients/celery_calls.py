"""How tests run a worker and call its tasks: by an application of their own, whose connections they close."""

# mypy: disable-error-code="no-untyped-call"
# kombu calls itself typed and mostly is not.

from pathlib import Path
from typing import Any

import celery  # type: ignore[import-untyped]
import kombu.pools

from tests.clients import celery_app
from tests.clients.worker_process import WorkerProcess

ROOT = Path(__file__).parents[2]


def worker_of(broker_url: str, result_backend: str, queue_type: str, *options: str) -> WorkerProcess:
    """A worker of the tests' application, not started yet."""
    environment = {
        celery_app.BROKER_URL: broker_url,
        celery_app.RESULT_BACKEND: result_backend,
        celery_app.QUEUE_TYPE: queue_type,
    }
    return WorkerProcess(celery_app.__name__, ROOT, environment, *options)


def signature(app: Any, task: Any, *arguments: Any, **options: Any) -> Any:
    """A call of a task that is not sent yet."""
    return celery.signature(task.name, arguments, app=app, **options)


def send(app: Any, task: Any, *arguments: Any, **options: Any) -> Any:
    """Sends a task to the worker; its result to come."""
    return app.send_task(task.name, arguments, **options)


def close(app: Any) -> None:
    """Closes what the application has opened: kombu pools connections by address, for every application."""
    kombu.pools.reset()
    app.close()
