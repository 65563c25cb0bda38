"""ReceiveMessage: at once when something can be received, otherwise a long poll.

A poll that waits is one object in its queue's line of waiters and in one bucket of deadlines: no task, no future, and
no timer of its own. The queue wakes it when a message comes; it answers when what it took is durable.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import (
    SQS_PAGE_WAIT_MS,
    SQS_RECEIVE_ATTEMPT_MS,
    SQS_RECEIVE_ATTEMPTS_MAX,
    SQS_RECEIVE_MESSAGES_MAX,
    SQS_VISIBILITY_S_MAX,
    SQS_WAIT_S_MAX,
)
from mqbroker.aws.sqs import refusals
from mqbroker.aws.sqs.message_attributes import is_all
from mqbroker.aws.sqs.properties import SqsProperties
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.receipts import make_handle
from mqbroker.aws.sqs.service import SqsService
from mqbroker.aws.sqs.shown_message import ShownMessage
from mqbroker.core.message import Entry
from mqbroker.core.queues.polled.settings import Waiter
from mqbroker.core.timers import Timers

_BUCKET_MS = 100  # how exact the end of a wait is; AWS counts in seconds
_SYSTEM_NAMES = frozenset(
    {
        "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
        "SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
    }
)  # fmt: skip


class Wanted:
    """What a ReceiveMessage asks for, checked."""

    __slots__ = ("attempt", "attribute_names", "count", "system_names", "visibility_ms", "wait_ms")

    def __init__(self, queue: SqsQueue, given: dict[str, Any], wire: str, is_strict: bool) -> None:
        """Raises AwsError for the first thing that is wrong; only if `is_strict`, names that nobody knows are wrong."""
        self.count = given.get("MaxNumberOfMessages", 1)
        if not 1 <= self.count <= SQS_RECEIVE_MESSAGES_MAX:
            raise refusals.invalid_parameter(
                self.count, "MaxNumberOfMessages", f"Must be between 1 and {SQS_RECEIVE_MESSAGES_MAX}, if provided."
            )
        self.wait_ms = queue.wait_ms
        self.visibility_ms = queue.core.visibility_ms
        self.attribute_names: list[str] = []
        self.system_names: list[str] = []
        self.attempt = ""
        if len(given) > 1 + ("MaxNumberOfMessages" in given):  # more than that and the queue's URL
            self._take_options(queue, given, wire, is_strict)

    def _take_options(self, queue: SqsQueue, given: dict[str, Any], wire: str, is_strict: bool) -> None:
        wait_s = given.get("WaitTimeSeconds")
        if wait_s is not None and not 0 <= wait_s <= SQS_WAIT_S_MAX:
            raise refusals.invalid_parameter(
                wait_s, "WaitTimeSeconds", f"Must be >= 0 and <= {SQS_WAIT_S_MAX}, if provided."
            )
        if wait_s is not None:
            self.wait_ms = wait_s * 1000
        visibility_s = given.get("VisibilityTimeout")
        if visibility_s is not None and not 0 <= visibility_s <= SQS_VISIBILITY_S_MAX:
            raise refusals.invalid_parameter(
                visibility_s, "VisibilityTimeout", f"Must be >= 0 and <= {SQS_VISIBILITY_S_MAX}, if provided."
            )
        if visibility_s is not None:
            self.visibility_ms = visibility_s * 1000
        self.attribute_names = given.get("MessageAttributeNames", [])
        self.system_names = given.get("AttributeNames", [])
        if wire == "json" or not self.system_names:  # on the Query wire the old parameter goes before the new one
            self.system_names = self.system_names + given.get("MessageSystemAttributeNames", [])
        for name in self.system_names:
            if name not in _SYSTEM_NAMES:
                if is_all(name):
                    self.system_names = [*self.system_names, "All"]
                elif is_strict:
                    raise refusals.unknown_attribute(name)
        self.attempt = given.get("ReceiveRequestAttemptId", "") if queue.is_fifo else ""


class PollDeadlines:
    """The deadlines of polls, in buckets: one timer for all that end within the same tenth of a second."""

    __slots__ = ("_buckets", "_timers")

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._buckets: dict[int, set[Poll]] = {}

    def add(self, poll: "Poll") -> None:
        """Has `poll.time_is_up` called at or soon after its deadline."""
        bucket = -(-poll.deadline // _BUCKET_MS)
        polls = self._buckets.get(bucket)
        if polls is None:
            polls = self._buckets[bucket] = set()
            self._timers.at(bucket * _BUCKET_MS, lambda now: self._end(bucket, now))
        polls.add(poll)

    def remove(self, poll: "Poll") -> None:
        """The poll has ended otherwise."""
        polls = self._buckets.get(-(-poll.deadline // _BUCKET_MS))
        if polls is not None:
            polls.discard(poll)

    def _end(self, bucket: int, now: int) -> None:
        for poll in list(self._buckets.pop(bucket)):
            poll.time_is_up(now)


class Poll(Waiter):
    """A ReceiveMessage that waits in the line of a queue."""

    __slots__ = ("_answer", "_call", "_deadlines", "_queue", "_take", "deadline")

    def __init__(
        self,
        call: Call,
        queue: SqsQueue,
        deadline: int,
        deadlines: PollDeadlines,
        take: Callable[[int], list[Entry]],
        answer: Callable[[list[Entry], int], None],
    ) -> None:
        """`take(now)` receives what there is, `answer(entries, now)` ends the call with it."""
        self.deadline = deadline
        self._call = call
        self._queue = queue
        self._deadlines = deadlines
        self._take = take
        self._answer = answer
        call.on_abandoned = self.abandoned
        call.on_hurry = self.hurry
        deadlines.add(self)
        queue.core.wait(self)

    def wake(self, now: int) -> None:
        """Waiter: something can be received, unless somebody was faster. The queue has taken us out of the line."""
        entries = self._take(now)
        if entries:
            self._leave()
            self._answer(entries, now)
        else:
            self._queue.core.wait(self)

    def queue_deleted(self) -> None:
        """Waiter: the queue has gone."""
        self._leave()
        self._call.refuse(refusals.queue_does_not_exist())

    def time_is_up(self, now: int) -> None:
        """The wait has ended without a message."""
        self._queue.core.stop_waiting(self)
        self._leave()
        self._answer([], now)

    def hurry(self) -> None:
        """The broker stops: the client is told that there was nothing."""
        self.time_is_up(self.deadline)

    def abandoned(self) -> None:
        """The client has gone: nothing is received for it."""
        self._queue.core.stop_waiting(self)
        self._leave()

    def _leave(self) -> None:
        self._deadlines.remove(self)
        self._call.on_abandoned = self._call.on_hurry = None


class Attempts:
    """What was received under a ReceiveRequestAttemptId, for five minutes: the same request again gets the same."""

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        self._by_id: OrderedDict[tuple[SqsQueue, str], tuple[int, list[tuple[Entry, int]]]] = OrderedDict()

    def remember(self, queue: SqsQueue, attempt: str, entries: list[Entry], now: int) -> None:
        """Notes a receive."""
        found = self._by_id
        while found and (next(iter(found.values()))[0] <= now or len(found) >= SQS_RECEIVE_ATTEMPTS_MAX):
            found.popitem(last=False)
        found[queue, attempt] = now + SQS_RECEIVE_ATTEMPT_MS, [(entry, entry.attempts) for entry in entries]

    def recall(self, queue: SqsQueue, attempt: str, now: int) -> list[Entry]:
        """The messages of an earlier receive, if nothing has been done with them since; otherwise none."""
        until, received = self._by_id.get((queue, attempt), (0, []))
        is_untouched = all(
            queue.core.find(entry.sequence) is entry
            and queue.core.lines.is_in_flight(entry)
            and entry.attempts == attempts
            for entry, attempts in received
        )
        return [entry for entry, _ in received] if until > now and is_untouched else []


class ReceiveActions:
    """The action that takes messages."""

    def __init__(self, service: SqsService) -> None:
        self._service = service
        self._deadlines = PollDeadlines(service.broker.timers)
        self._attempts = Attempts()

    def receive_message(self, call: Call) -> None:
        """ReceiveMessage."""
        queue = self._service.queue_of(call)
        wanted = Wanted(queue, call.parameters, call.wire, self._service.queues.is_strict)
        if queue.core.is_at_in_flight_max and not queue.is_fifo:
            raise refusals.over_limit(queue.core.in_flight_max)
        entries = self._take(queue, wanted, call.now)
        wait_ms = 0 if entries else wanted.wait_ms or (SQS_PAGE_WAIT_MS if queue.core.is_coming else 0)
        if wait_ms:
            self._wait(call, queue, wanted, wait_ms)
        else:
            self._answer(call, queue, wanted, entries, call.now)

    def _wait(self, call: Call, queue: SqsQueue, wanted: Wanted, wait_ms: int) -> None:
        def take(now: int) -> list[Entry]:
            return self._take(queue, wanted, now)

        def answer(entries: list[Entry], now: int) -> None:
            self._answer(call, queue, wanted, entries, now)

        Poll(call, queue, call.now + wait_ms, self._deadlines, take, answer)

    def _take(self, queue: SqsQueue, wanted: Wanted, now: int) -> list[Entry]:
        if wanted.attempt:
            entries = self._attempts.recall(queue, wanted.attempt, now)
            if entries:
                for entry in entries:
                    queue.core.change_visibility(entry, wanted.visibility_ms, now)
                return entries
        entries = queue.core.receive(wanted.count, wanted.visibility_ms, now)
        if wanted.attempt and entries:
            self._attempts.remember(queue, wanted.attempt, entries, now)
        return entries

    def _answer(self, call: Call, queue: SqsQueue, wanted: Wanted, entries: list[Entry], now: int) -> None:
        if not entries:
            queue.empty_receives += 1
            call.answer({})
            return
        system_names, attribute_names, messages = wanted.system_names, wanted.attribute_names, []
        has_names = bool(system_names or attribute_names)
        for entry in entries:
            properties = entry.message.properties
            if has_names or type(properties) is not SqsProperties:
                messages.append(ShownMessage(queue, entry).shown(system_names, attribute_names, now))
            else:
                handle = make_handle(queue.key, entry.sequence, entry.attempts, now)
                messages.append(properties.received(entry.message.content(), handle))
        call.is_delivery = True
        call.answer_when_safe(self._service.ledger, {"Messages": messages})
