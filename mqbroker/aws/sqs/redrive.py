"""Redrive policies: where a message goes that was received too often, and which queues may send theirs to a queue.

Owns the two documents and the texts for what is wrong with them. Whether the queues exist is asked elsewhere.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from mqbroker.aws.json_object import json_object
from mqbroker.aws.limits import SQS_RECEIVE_COUNT_MAX, SQS_REDRIVE_SOURCES_MAX
from mqbroker.aws.sqs import refusals
from mqbroker.errors import AwsError


class QueueArn(NamedTuple):
    """`arn:aws:sqs:<region>:<account>:<name>`."""

    region: str
    account: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "QueueArn | None":
        """None for what is no ARN of a queue."""
        parts = text.split(":")
        if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sqs" or not all(parts[1:]):
            return None
        return cls(parts[3], parts[4], parts[5])

    def __str__(self) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"


def _document(text: str, name: str, title: str) -> dict[str, Any]:
    document = json_object(text)
    if document is None:
        raise refusals.invalid_parameter(text, name, f"{title} is not a valid JSON map.")
    return document


@dataclass(frozen=True, slots=True)
class RedrivePolicy:
    """After `receive_max` receives a message goes to the queue `target`.

    `text` is the document as AWS shows it, however it was given: without white space, with the count as a number.
    """

    target: QueueArn
    receive_max: int
    text: str

    @classmethod
    def parse(cls, text: str) -> "RedrivePolicy":
        """Raises AwsError with AWS's text."""
        document = _document(text, "RedrivePolicy", "Redrive policy")
        for name in ("deadLetterTargetArn", "maxReceiveCount"):
            if name not in document:
                raise cls.refusal(text, f"Redrive policy does not contain mandatory attribute: {name}.")
        if len(document) > 2:
            raise cls.refusal(text, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
        target = QueueArn.parse(str(document["deadLetterTargetArn"]))
        if target is None:
            raise cls.refusal(text, "Invalid value for deadLetterTargetArn.")
        count = cls._count(text, document["maxReceiveCount"])
        return cls(target, count, orjson.dumps({"deadLetterTargetArn": str(target), "maxReceiveCount": count}).decode())

    @classmethod
    def _count(cls, text: str, value: object) -> int:
        try:
            count = int(str(value))
        except ValueError:
            count = 0
        if not 1 <= count <= SQS_RECEIVE_COUNT_MAX:
            raise cls.refusal(
                text,
                f"Invalid value for maxReceiveCount: {value}, valid values are from 1 to {SQS_RECEIVE_COUNT_MAX} both "
                "inclusive.",
            )
        return count

    @classmethod
    def refusal(cls, text: str, reason: str) -> AwsError:
        """The error for a policy that cannot be."""
        return refusals.invalid_parameter(text, "RedrivePolicy", reason)


@dataclass(frozen=True, slots=True)
class RedriveAllowPolicy:
    """Which queues may name this one as their dead-letter queue: `allowAll`, `denyAll`, or `byQueue` those listed."""

    permission: str
    sources: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "RedriveAllowPolicy":
        """Raises AwsError with AWS's text."""
        document = _document(text, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy, as it")
        permission = document.get("redrivePermission")
        sources = document.get("sourceQueueArns", [])
        if permission not in ("allowAll", "denyAll", "byQueue"):
            raise cls._refusal(text, "a redrivePermission of allowAll, denyAll or byQueue")
        if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
            raise cls._refusal(text, "sourceQueueArns as a list of ARNs")
        if (permission == "byQueue") is not bool(sources) or len(sources) > SQS_REDRIVE_SOURCES_MAX:
            raise cls._refusal(text, f"1 to {SQS_REDRIVE_SOURCES_MAX} sourceQueueArns with byQueue, and none otherwise")
        if any(QueueArn.parse(source) is None for source in sources):
            raise cls._refusal(text, "sourceQueueArns that are ARNs of queues")
        return cls(permission, tuple(sources))

    @classmethod
    def _refusal(cls, text: str, wanted: str) -> AwsError:
        reason = "Amazon SQS can't create the redrive allow policy, as it's in an unsupported format."
        return refusals.invalid_parameter(text, "RedriveAllowPolicy", f"{reason} It needs {wanted}.")

    def allows(self, source: QueueArn) -> bool:
        """Whether the queue may send its dead letters here."""
        return self.permission == "allowAll" or (self.permission == "byQueue" and str(source) in self.sources)
