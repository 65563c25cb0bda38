"""Message move tasks: dead letters on their way back, as fast as allowed, each message in one batch of the journal.

A task moves from a dead-letter queue to one queue, or each message to the queue it came from. It runs on the core's
timers in small steps, and goes on after a restart; what it had moved by then is counted from the last step that was
written down.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping

import orjson

from mqbroker.aws.front.call import Call
from mqbroker.aws.front.request_ids import uuid_text
from mqbroker.aws.limits import SQS_MOVE_RATE_MAX, SQS_MOVE_TASKS_KEPT, SQS_MOVE_TASKS_RUNNING_MAX
from mqbroker.aws.sqs import refusals
from mqbroker.aws.sqs.kinds import MOVE_TASK
from mqbroker.aws.sqs.properties import SqsProperties
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.aws.sqs.service import SqsService
from mqbroker.core import definitions
from mqbroker.core.message import Entry
from mqbroker.core.properties import RedrivenProperties

RUNNING = "RUNNING"
COMPLETED = "COMPLETED"
CANCELLED = "CANCELLED"
FAILED = "FAILED"

_STEP_MESSAGES = 200  # moved in one go before others get their turn of the loop
_STEP_MS = 20  # between the steps of a task with a rate
_NO_SOURCE = "The resource that you specified for the SourceArn parameter doesn't exist."
_NO_DESTINATION = "The resource that you specified for the DestinationArn parameter doesn't exist."
_GONE = "AWS.SimpleQueueService.NonExistentQueue"


class MoveTask:
    """One task; `destination` None sends every message to where it came from."""

    __slots__ = (
        "credit", "destination", "failure", "moved", "number", "rate", "source", "started_at", "status", "stepped_at",
        "total",
    )  # fmt: skip

    def __init__(self, number: str, source: QueueArn, destination: QueueArn | None, rate: int, now: int) -> None:
        """`rate` is messages a second, 0 for as many as there are."""
        self.number = number
        self.source = source
        self.destination = destination
        self.rate = rate
        self.started_at = now
        self.stepped_at = now
        self.credit = 0.0
        """Messages that the rate allows by now."""
        self.status = RUNNING
        self.moved = 0
        self.total = 0
        self.failure = ""

    @property
    def handle(self) -> str:
        """The TaskHandle."""
        return b64encode(orjson.dumps({"taskId": self.number, "sourceArn": str(self.source)})).decode()

    def shown(self) -> dict[str, object]:
        """As ListMessageMoveTasks has it."""
        found: dict[str, object] = {"SourceArn": str(self.source), "Status": self.status}
        if self.status == RUNNING:
            found["TaskHandle"] = self.handle
        if self.destination is not None:
            found["DestinationArn"] = str(self.destination)
        if self.rate:
            found["MaxNumberOfMessagesPerSecond"] = self.rate
        found["ApproximateNumberOfMessagesMoved"] = self.moved
        found["ApproximateNumberOfMessagesToMove"] = self.total
        if self.failure:
            found["FailureReason"] = self.failure
        found["StartedTimestamp"] = self.started_at
        return found

    def allowance(self, now: int) -> int:
        """How many messages may be moved in the step at `now`."""
        if not self.rate:
            return _STEP_MESSAGES
        self.credit = min(self.credit + self.rate * (now - self.stepped_at) / 1000, float(self.rate))
        self.stepped_at = now
        return int(self.credit)


class MoveActions:
    """StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask, and the running of the tasks."""

    def __init__(self, service: SqsService, new_id: Callable[[], bytes]) -> None:
        """`new_id` returns the 16 octets of a new random UUID."""
        self._new_id = new_id
        self._service = service
        self._queues = service.queues
        self._timers = service.broker.timers
        self._tasks: dict[QueueArn, dict[str, MoveTask]] = {}
        """Per source, in the order in which they began."""

    # --- actions ----------------------------------------------------------------------------------------------------

    def start_message_move_task(self, call: Call) -> None:
        """StartMessageMoveTask."""
        given = call.parameters
        source = self._source(call, given["SourceArn"])
        destination = self._destination(call, given.get("DestinationArn"))
        task = self.begin(source, destination, given.get("MaxNumberOfMessagesPerSecond"), call.now)
        call.answer_when_safe(self._service.ledger, {"TaskHandle": task.handle})

    def begin(self, source: SqsQueue, destination: QueueArn | None, rate: int | None, now: int) -> MoveTask:
        """Has messages moved, so many a second or as fast as they go. Raises AwsError."""
        if rate is not None and not 1 <= rate <= SQS_MOVE_RATE_MAX:
            raise refusals.invalid_parameter(
                rate, "MaxNumberOfMessagesPerSecond", f"Must be between 1 and {SQS_MOVE_RATE_MAX}, if provided."
            )
        if not self._queues.sources_of(source):
            raise refusals.invalid_value("Source queue must be configured as a Dead Letter Queue.")
        if any(task.status == RUNNING for task in self._tasks.get(source.arn, {}).values()):
            raise refusals.invalid_value(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given "
                "time."
            )
        self._check_capacity(source.arn.account)
        task = MoveTask(uuid_text(self._new_id()), source.arn, destination, rate or 0, now)
        task.total = source.core.visible_count()
        self._add(task)
        return task

    def tasks_of(self, source: SqsQueue) -> list[MoveTask]:
        """The tasks of a queue that are still known, the newest first."""
        return sorted(self._tasks.get(source.arn, {}).values(), key=lambda task: task.started_at, reverse=True)

    def cancel(self, task: MoveTask) -> None:
        """Ends a task that is running."""
        self._end(task, CANCELLED)

    def list_message_move_tasks(self, call: Call) -> None:
        """ListMessageMoveTasks: the newest first."""
        source = self._source(call, call.parameters["SourceArn"])
        count = call.parameters.get("MaxResults", 1)
        if not 1 <= count <= SQS_MOVE_TASKS_KEPT:
            raise refusals.invalid_parameter(
                count, "MaxResults", f"Must be between 1 and {SQS_MOVE_TASKS_KEPT}, if provided."
            )
        call.answer({"Results": [task.shown() for task in self.tasks_of(source)[:count]]})

    def cancel_message_move_task(self, call: Call) -> None:
        """CancelMessageMoveTask: what was moved stays moved."""
        number, arn = _read_handle(call.parameters["TaskHandle"])
        source = self._source(call, arn)
        task = self._tasks.get(source.arn, {}).get(number)
        if task is None:
            raise refusals.resource_not_found("Task does not exist.")
        if task.status != RUNNING:
            raise refusals.invalid_value(f"Only active tasks can be cancelled. The task is {task.status}.")
        self.cancel(task)
        call.answer_when_safe(self._service.ledger, {"ApproximateNumberOfMessagesMoved": task.moved})

    def _source(self, call: Call, text: str) -> SqsQueue:
        return self._at(call, text, "SourceArn", _NO_SOURCE, "")

    def _at(self, call: Call, text: str, name: str, missing: str, action: str) -> SqsQueue:
        arn = QueueArn.parse(text)
        if arn is None:
            raise refusals.invalid_value(
                f"You must use this format to specify the {name}: "
                "arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
            )
        queue = self._queues.get(arn)
        if queue is None:
            raise refusals.resource_not_found(missing)
        self._service.check(call, queue, action)
        return queue

    def _destination(self, call: Call, text: str | None) -> QueueArn | None:
        if not text:
            return None
        return self._at(call, text, "DestinationArn", _NO_DESTINATION, "SendMessage").arn

    def _check_capacity(self, account: str) -> None:
        running = [
            task
            for source, tasks in self._tasks.items()
            if source.account == account
            for task in tasks.values()
            if task.status == RUNNING
        ]
        if len(running) >= SQS_MOVE_TASKS_RUNNING_MAX:
            raise refusals.invalid_value(
                f"Maximum number of active message move tasks reached: {SQS_MOVE_TASKS_RUNNING_MAX}."
            )

    # --- running ----------------------------------------------------------------------------------------------------

    def _add(self, task: MoveTask) -> None:
        tasks = self._tasks.setdefault(task.source, {})
        tasks[task.number] = task
        while len(tasks) > SQS_MOVE_TASKS_KEPT:
            oldest = next(iter(tasks))
            del tasks[oldest]
            self._service.ledger.define(self._key(task.source, oldest), None)
        self._keep(task)
        self._timers.at(task.started_at, lambda now: self._step(task, now))

    def _step(self, task: MoveTask, now: int) -> None:
        if task.status != RUNNING:
            return
        source = self._queues.get(task.source)
        if source is None:
            self._end(task, FAILED, _GONE)
            return
        pause_ms = _STEP_MS if task.rate else 0
        for _ in range(task.allowance(now)):
            entry = source.core.next_entry()
            if entry is None:
                pause_ms = _STEP_MS  # unless there is none at all, the groups of all are locked
                break
            if source.core.has_expired(entry, now):
                source.core.expire(now)  # a portion of what has expired
                break
            target = self._target(task, source, entry)
            if target is None:
                self._end(task, FAILED, _GONE)
                return
            source.core.move_one(target.core, now)
            task.moved += 1
            task.credit -= 1
        if not source.core.visible_count():
            self._end(task, COMPLETED)
            return
        self._timers.at(now + pause_ms, lambda at: self._step(task, at))

    def _target(self, task: MoveTask, source: SqsQueue, entry: Entry) -> SqsQueue | None:
        if task.destination is not None:
            return self._queues.get(task.destination)
        properties = entry.message.properties
        if isinstance(properties, SqsProperties | RedrivenProperties) and properties.source:
            return self._queues.get(self._queues.named(properties.source, source.arn.account))
        sources = self._queues.sources_of(source)  # AMQP's own dead letters do not say that
        return sources[0] if len(sources) == 1 else None

    def _end(self, task: MoveTask, status: str, failure: str = "") -> None:
        task.status = status
        task.failure = failure
        self._keep(task)

    # --- the journal ------------------------------------------------------------------------------------------------

    def _key(self, source: QueueArn, number: str) -> str:
        return definitions.key(MOVE_TASK, str(source), number)

    def _keep(self, task: MoveTask) -> None:
        value = {
            "destination": "" if task.destination is None else str(task.destination),
            "rate": task.rate,
            "started_at": task.started_at,
            "status": task.status,
            "moved": task.moved,
            "total": task.total,
            "failure": task.failure,
        }
        self._service.ledger.define(self._key(task.source, task.number), definitions.pack(value))

    def restore(self, found: Mapping[str, bytes], now: int) -> None:
        """Puts back the tasks that the journal kept; those that were running go on."""
        for names, data in definitions.of_kinds(found, (MOVE_TASK,))[MOVE_TASK]:
            self._restore_one(names[0], names[1], definitions.unpack(data), now)

    def _restore_one(self, source: str, number: str, value: Mapping[str, object], now: int) -> None:
        arn = QueueArn.parse(source)
        rate, moved, total, started_at = value["rate"], value["moved"], value["total"], value["started_at"]
        assert arn is not None
        assert isinstance(rate, int)
        assert isinstance(moved, int)
        assert isinstance(total, int)
        assert isinstance(started_at, int)
        task = MoveTask(number, arn, QueueArn.parse(str(value["destination"])), rate, now)
        task.started_at, task.moved, task.total = started_at, moved, total
        task.status, task.failure = str(value["status"]), str(value["failure"])
        self._tasks.setdefault(arn, {})[number] = task
        if task.status == RUNNING:
            self._timers.at(now, lambda at: self._step(task, at))


def _read_handle(handle: str) -> tuple[str, str]:
    """The task's number and the source's ARN. Raises AwsError."""
    try:
        document = orjson.loads(b64decode(handle, validate=True))
        return str(document["taskId"]), str(document["sourceArn"])
    except (NotBase64, ValueError, KeyError, TypeError):
        raise refusals.invalid_value("Value for parameter TaskHandle is invalid.") from None
