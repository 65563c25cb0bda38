"""What operators see of SQS beside queues: attributes, ages, dead-letter queues, and tasks that move messages back."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson

from mqbroker.aws.sqs.move_tasks import RUNNING
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.errors import AwsError, PreconditionFailed
from mqbroker.protocols.views import Act, Facts, View

if TYPE_CHECKING:
    from mqbroker.aws.sqs.move_tasks import MoveActions
    from mqbroker.aws.sqs.queues import SqsQueues

_DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")


def views_of(queues: "SqsQueues", moving: "MoveActions") -> tuple[View, ...]:
    """The view of SQS."""

    def detail(queue: SqsQueue, _now: int) -> Facts:
        attributes = queue.shown()
        return {
            "attributes": {name: value for name, value in attributes.items() if name not in _DOCUMENTS},
            "documents": {name: orjson.loads(attributes[name]) for name in _DOCUMENTS if attributes.get(name)},
            "tags": queue.tags,
            "sources": [each.core.name for each in queues.sources_of(queue)],
            "move_tasks": [task.shown() for task in moving.tasks_of(queue)],
        }

    def redrive(queue: SqsQueue, given: Facts, now: int) -> Facts:
        destination = given.get("destination")
        rate = given.get("rate", 0)
        if isinstance(rate, bool) or not isinstance(rate, int):
            raise PreconditionFailed("rate should be a number of messages a second")
        target = None
        if destination:
            target = queues.get(queues.named(str(destination), queue.arn.account))
            if target is None:
                raise PreconditionFailed(f"there is no queue {destination!r} of SQS in this vhost")
        return moving.begin(queue, None if target is None else target.arn, rate or None, now).shown()

    def cancel(queue: SqsQueue, _given: Facts, _now: int) -> Facts:
        running = [task for task in moving.tasks_of(queue) if task.status == RUNNING]
        if not running:
            raise PreconditionFailed("no task is moving messages of this queue")
        moving.cancel(running[0])
        return running[0].shown()

    return (
        View(
            "sqs/queues",
            lambda: list(queues),
            lambda queue: (queue.vhost.name, queue.core.name),
            _show,
            detail,
            {"redrive": _told(redrive), "cancel": _told(cancel)},
        ),
    )


def _told(act: Callable[[SqsQueue, Facts, int], Facts]) -> Act:
    """The act, whose refusals are not for clients of AWS."""

    def told(queue: SqsQueue, given: Facts, now: int) -> Facts:
        try:
            return act(queue, given, now)
        except AwsError as error:
            raise PreconditionFailed(str(error)) from None

    return told


def _show(queue: SqsQueue, now: int) -> Facts:
    core = queue.core
    oldest = core.lines.oldest_sent_at()
    return {
        "account": queue.arn.account,
        "region": queue.arn.region,
        "arn": str(queue.arn),
        "fifo": queue.is_fifo,
        "visible": core.visible_count(),
        "in_flight": core.in_flight_count(),
        "delayed": core.delayed_count(),
        "oldest_s": max(0, now - oldest) // 1000 if oldest else 0,
        "sent": core.sent_count,
        "received": core.received_count,
        "deleted": core.deleted_count,
        "dead_letter_queue": "" if queue.redrive is None else queue.redrive.target.name,
        "receive_max": 0 if queue.redrive is None else queue.redrive.receive_max,
    }
