"""What happens to the endpoints of a platform application, told to the topics that the application names for it.

A message is JSON in AWS's form, which is known from failures that were recorded: the subject, members in the order of
their names, and the texts that go with the types of failures. What could not be delivered of such a message is told to
nobody: an endpoint may be subscribed to the topic of its own failures.
"""

from collections.abc import Mapping
from typing import Protocol

import orjson

from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import TopicArn, parse_topic
from mqbroker.aws.sns.envelope import timestamp_text
from mqbroker.aws.sns.platforms import Application, PushFailed
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.service import NewId
from mqbroker.aws.sns.topics import Topics
from mqbroker.delivery.errors import DeliveryFailed, RecipientGone

CREATED, DELETED, UPDATED, FAILED = "EndpointCreated", "EndpointDeleted", "EndpointUpdated", "DeliveryFailure"
_ATTRIBUTES = tuple(f"Event{each}" for each in (CREATED, DELETED, UPDATED, FAILED))
_ARN_PARTS = 6
_MARK = "event"
"""In the notice of such a message."""


class EventSink(Protocol):
    """Who is told."""

    def tell(self, application: Application, event: str, endpoint: str, now: int, **more: object) -> None:
        """Something has happened to an endpoint."""


class PlatformEvents:
    """Tells the topics of one broker."""

    def __init__(self, topics: Topics, new_id: NewId) -> None:
        self._topics = topics
        self._new_id = new_id

    def tell(self, application: Application, event: str, endpoint: str, now: int, **more: object) -> None:
        """Something has happened to an endpoint of an application. A topic that is gone is told nothing."""
        parts = application.attributes.get(f"Event{event}", "").split(":")
        topic = self._topics.get(TopicArn(*parts[3:])) if len(parts) == _ARN_PARTS else None
        if topic is None:
            return
        document = {
            "EventType": event, "Resource": application.arn, "EndpointArn": endpoint, "Service": "SNS",
            "Time": timestamp_text(now), **more,
        }  # fmt: skip
        text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
        _, platform, name = application.arn.split("/")
        subject = f"{event} event for app {name} ({platform})"
        said = topic.notification(self._new_id(), text, now, subject=subject, **{_MARK: True})
        topic.publish(said, now)


def failure_of(properties: SnsProperties, error: DeliveryFailed, attempts: int) -> dict[str, object] | None:
    """What is told of a message that will not arrive; None if it is one of these itself."""
    if properties.notice.get(_MARK):
        return None
    kind = error.kind if isinstance(error, PushFailed) else _GONE if isinstance(error, RecipientGone) else _OTHER
    return {
        "DeliveryAttempts": attempts,
        "FailureType": kind,
        "FailureMessage": _TEXTS.get(kind, error.reason),
        "MessageId": properties.message_id,
    }


_GONE = "InvalidPlatformToken"
_OTHER = "DeliveryFailedPerm"
_TEXTS = {
    "EndpointDisabled": "Endpoint is disabled",
    "EndpointNotFound": "Endpoint was not found",
    "InvalidNotification": "Notification body is invalid",
    _GONE: "Platform token associated with the endpoint is not valid",
}
"""What AWS says of a type of failure; of others the service's own words are passed on."""


def check_attributes(attributes: Mapping[str, str], account: str, region: str) -> None:
    """Raises AwsError unless the topics for events are standard ones of that account."""
    for name in _ATTRIBUTES:
        text = attributes.get(name)
        if text:
            arn = parse_topic(text, region, name)
            if arn.account != account or arn.name.endswith(".fifo"):
                raise refusals.invalid(f"{name} Reason: it must be a standard topic of the account")
