"""How tests call tasks: by an application of their own, whose connections they close."""

# mypy: disable-error-code="no-untyped-call"
# kombu calls itself typed and mostly is not.

from typing import Any

import celery  # type: ignore[import-untyped]
import kombu.pools


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
