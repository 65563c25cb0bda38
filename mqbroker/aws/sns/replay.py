"""Replays: a subscription of a FIFO topic is sent again what the topic's archive has from a time on.

    ReplayPolicy  {"PointType": "Timestamp", "StartingPoint": "2026-01-02T03:04:05Z", "EndingPoint": "..."}

It runs in portions, in turn with everything else, in the order of publication. The subscription's filter counts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.filters.index import FilterIndex
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.topic import Topic
from mqbroker.core.message import Entry
from mqbroker.core.scheduler import Task

RUNNING = "In progress"
COMPLETED = "Completed"
_KEYS = frozenset(("PointType", "StartingPoint", "EndingPoint"))


def check_replay(text: str, prefix: str) -> str:
    """A replay policy as it is kept. Raises AwsError."""
    try:
        document: Any = orjson.loads(text)
        is_known = document["PointType"] == "Timestamp" and document.keys() <= _KEYS
        _moment(document["StartingPoint"])
        if "EndingPoint" in document:
            _moment(document["EndingPoint"])
    except (ValueError, TypeError, KeyError, AttributeError):
        is_known = False
    if not is_known:
        raise refusals.invalid(
            f"{prefix}ReplayPolicy: PointType must be Timestamp, StartingPoint and EndingPoint times of ISO 8601"
        )
    return text


def _moment(text: str) -> int:
    found = datetime.fromisoformat(text)
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


class Replay(Task):
    """One replay."""

    def __init__(self, topic: Topic, subscription: Subscription, policy: Mapping[str, str]) -> None:
        Task.__init__(self)
        self._topic = topic
        self._subscription = subscription
        begin = _moment(policy["StartingPoint"])
        end = _moment(policy["EndingPoint"]) if "EndingPoint" in policy else None
        self._left = [each for each in _archived(topic) if _is_between(each, begin, end)]
        self._left.reverse()
        self._wants = FilterIndex([subscription])
        subscription.replay_status = RUNNING

    def run(self, now: int, portion: int) -> bool:
        """Task: sends a portion."""
        target = self._subscription.target
        if target is None or self._subscription.arn.id not in self._topic.subscriptions:
            return False
        while self._left and portion > 0:
            portion -= 1
            message = self._left.pop().message
            properties = message.properties
            if isinstance(properties, SnsProperties):
                notification = Notification(message, properties, None)
                if self._wants.wanted(notification):
                    target.deliver(notification, now)
        if not self._left:
            self._subscription.replay_status = COMPLETED
        return bool(self._left)


def start_replay(topic: Topic, subscription: Subscription) -> None:
    """Begins what the subscription's policy asks for."""
    text = subscription.attributes.get("ReplayPolicy")
    if text:
        topic.vhost.schedule(Replay(topic, subscription, orjson.loads(text)))


def archive_begin(topic: Topic) -> int | None:
    """From when on the archive has messages, in milliseconds; None without any."""
    found = _archived(topic)
    return found[0].message.received_at if found else None


def _archived(topic: Topic) -> list[Entry]:
    if topic.log is None or not topic.attributes.get("ArchivePolicy"):
        return []
    return topic.log.waiting()


def _is_between(entry: Entry, begin: int, end: int | None) -> bool:
    at = entry.message.received_at
    return begin <= at and (end is None or at <= end)
