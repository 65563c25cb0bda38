"""The two kinds of work on one SQS connection: sending, and sending, receiving and deleting in turn.

Owns which call follows which answer. Reads no socket (see `caller`): a lane is given answers and says the next call.
"""

import time
from typing import Protocol

import orjson

from bench.driver import sns_calls, text_stamp
from bench.driver.sqs_calls import ConstantCall, sqs_encoder
from bench.driver.sqs_jobs import CycleJob, SendJob
from bench.driver.sqs_ledger import Answer, SqsLedger, md5_text

VISIBILITY_SECONDS = 600
"""No message that is in flight becomes visible again within a run."""


class Lane(Protocol):
    """The work of one connection. `begin` and `answer` say the next call, or None when there is none for now."""

    def begin(self) -> bytes | None:
        """The first call."""

    def answer(self, answer: Answer) -> bytes | None:
        """What follows this answer to the last call."""


class Budget:
    """What all lanes of a job together may still send: so many messages, until a time. `start` opens it."""

    def __init__(self, messages: int, seconds: float) -> None:
        self._messages = messages
        self._seconds = seconds
        self._over_at = 0.0

    def start(self, start_at: float) -> None:
        """The seconds count from now on."""
        self._over_at = start_at + self._seconds

    def take(self, count: int) -> int:
        """Take so many messages, or as many as are left."""
        count = min(count, self._messages) if time.monotonic() < self._over_at else 0
        self._messages -= count
        return count


class MessageMaker:
    """Makes the parameters of sent messages: their texts, and group and deduplication identifiers for FIFO queues."""

    def __init__(self, size: int, groups: int) -> None:
        self._size = size
        self._groups = groups

    def parameters(self, sequence: int, publisher: int) -> dict[str, str]:
        """One message's, without a queue."""
        made = {"MessageBody": text_stamp.text(sequence, publisher, self._size)}
        if self._groups:
            made["MessageGroupId"] = f"group-{sequence % self._groups}"
            made["MessageDeduplicationId"] = f"{publisher:x}-{sequence:x}"
        return made


def batch_call(queue: str, messages: list[dict[str, str]]) -> bytes:
    """The body of a SendMessageBatch."""
    entries = [{"Id": str(number), **message} for number, message in enumerate(messages)]
    return orjson.dumps({"QueueUrl": queue, "Entries": entries})


class SendLane:
    """Makes the same call over and over."""

    def __init__(self, job: SendJob, ledger: SqsLedger, budget: Budget, number: int) -> None:
        message = MessageMaker(job.size, 0).parameters(0, 0)
        queue = job.queues[number % len(job.queues)]
        encoder = sqs_encoder(job.endpoint, "SendMessage" if job.batch == 1 else "SendMessageBatch")
        single = orjson.dumps({"QueueUrl": queue, **message})
        self._call = ConstantCall(encoder, single if job.batch == 1 else batch_call(queue, [message] * job.batch))
        self._digests = [md5_text(message["MessageBody"])] * job.batch
        self._ledger = ledger
        self._budget = budget

    def begin(self) -> bytes | None:
        """A call, if there is room for a whole one."""
        return self._call.encode() if self._budget.take(len(self._digests)) == len(self._digests) else None

    def answer(self, answer: Answer) -> bytes | None:
        """Check, and call again."""
        if len(self._digests) == 1:
            self._ledger.take_sent(answer, self._digests[0])
        else:
            self._ledger.take_sent_batch(answer, self._digests)
        return self.begin()


class PublishLane:
    """Publishes the same message over and over."""

    def __init__(self, job: SendJob, ledger: SqsLedger, budget: Budget) -> None:
        parameters = {
            "TopicArn": job.topic,
            "Message": text_stamp.text(0, 0, job.size),
        }
        if job.kind:
            attribute = {"Name": "kind", "Value.DataType": "String", "Value.StringValue": job.kind}
            parameters |= {f"MessageAttributes.entry.1.{name}": value for name, value in attribute.items()}
        self._call = ConstantCall(sns_calls.encoder(job.endpoint), sns_calls.form("Publish", parameters))
        self._ledger = ledger
        self._budget = budget

    def begin(self) -> bytes | None:
        """A call, if there is one left."""
        return self._call.encode() if self._budget.take(1) else None

    def answer(self, answer: Answer) -> bytes | None:
        """Check, and call again."""
        self._ledger.take_published(answer)
        return self.begin()


class StampedSendLane:
    """Sends messages that are all different, as a publisher of its own, or those that a schedule names (`send`)."""

    def __init__(self, job: SendJob, ledger: SqsLedger, budget: Budget, number: int) -> None:
        self._message = MessageMaker(job.size, job.groups)
        self._queues = job.queues
        self._batch = job.batch
        self._publisher = job.first_publisher + number
        self._encoder = sqs_encoder(job.endpoint, "SendMessage" if job.batch == 1 else "SendMessageBatch")
        self._ledger = ledger
        self._budget = budget
        self._sequence = 0
        self._digests: list[str] = []

    def begin(self) -> bytes | None:
        """A call, if there are messages left."""
        count = self._budget.take(self._batch)
        if not count:
            return None
        first = self._sequence
        self._sequence += count
        return self.send(first, count)

    def send(self, first: int, count: int) -> bytes:
        """The call that sends so many messages from this sequence on."""
        messages = [self._message.parameters(first + number, self._publisher) for number in range(count)]
        self._digests = [md5_text(message["MessageBody"]) for message in messages]
        queue = self._queues[first % len(self._queues)]
        if self._batch > 1:
            return self._encoder.encode(batch_call(queue, messages))
        return self._encoder.encode(orjson.dumps({"QueueUrl": queue, **messages[0]}))

    def _check(self, answer: Answer) -> None:
        if self._batch > 1:
            self._ledger.take_sent_batch(answer, self._digests)
        else:
            self._ledger.take_sent(answer, self._digests[0])

    def answer(self, answer: Answer) -> bytes | None:
        """Check, and call again."""
        self._check(answer)
        return self.begin()


class CycleLane:
    """(Send,) receive, delete, and again."""

    def __init__(
        self, job: CycleJob, ledger: SqsLedger, budget: Budget, number: int, wakes: list[tuple[int, float]]
    ) -> None:
        self._job = job
        self._ledger = ledger
        self._budget = budget
        self._wakes = wakes
        self._queue = job.queues[number % len(job.queues)]
        self._publisher = job.first_publisher + number
        self._message = MessageMaker(job.size, job.groups)
        self._sequence = 0
        self._digest = ""
        self._receipts: list[str] = []
        self._send = sqs_encoder(job.endpoint, "SendMessage")
        self._delete = sqs_encoder(job.endpoint, "DeleteMessage" if job.batch == 1 else "DeleteMessageBatch")
        reception = {
            "QueueUrl": self._queue,
            "MaxNumberOfMessages": job.batch,
            "WaitTimeSeconds": job.wait_seconds,
            "VisibilityTimeout": VISIBILITY_SECONDS,
        }
        self._receive = ConstantCall(sqs_encoder(job.endpoint, "ReceiveMessage"), orjson.dumps(reception))
        self._next = self._check_received

    def begin(self) -> bytes | None:
        """A round, if there is time left."""
        if not self._budget.take(1):
            return None
        return self._sending() if self._job.sends else self._receiving()

    def answer(self, answer: Answer) -> bytes | None:
        """What the round goes on with."""
        return self._next(answer)

    def _sending(self) -> bytes:
        message = self._message.parameters(self._sequence, self._publisher)
        self._sequence += 1
        self._digest = md5_text(message["MessageBody"])
        self._next = self._check_sent
        return self._send.encode(orjson.dumps({"QueueUrl": self._queue, **message}))

    def _check_sent(self, answer: Answer) -> bytes | None:
        self._ledger.take_sent(answer, self._digest)
        return self._receiving()

    def _receiving(self) -> bytes:
        self._next = self._check_received
        return self._receive.encode()

    def _check_received(self, answer: Answer) -> bytes | None:
        messages = answer.get("Messages") or ()
        if not messages:
            # Where others hold the messages, theirs will come; without senders there is nothing more.
            return self._receiving() if self._job.sends or self._job.until_told else None
        if len(messages) > self._job.batch:
            self._ledger.refuse(f"{len(messages)} messages came where {self._job.batch} were asked for")
        for message in messages:
            self._take(message)
        self._receipts = [message.get("ReceiptHandle", "") for message in messages]
        self._next = self._check_deleted
        return self._deleting()

    def _take(self, message: Answer) -> None:
        stamp = self._ledger.take_received(message)
        if self._job.rate and stamp is not None:
            self._wakes.append((stamp[1], time.monotonic()))

    def _deleting(self) -> bytes:
        if self._job.batch == 1:
            return self._delete.encode(orjson.dumps({"QueueUrl": self._queue, "ReceiptHandle": self._receipts[0]}))
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(self._receipts)]
        return self._delete.encode(orjson.dumps({"QueueUrl": self._queue, "Entries": entries}))

    def _check_deleted(self, answer: Answer) -> bytes | None:
        if self._job.batch == 1:
            self._ledger.deleted += 1
        else:
            self._ledger.take_deleted_batch(answer, len(self._receipts))
        return self.begin()
