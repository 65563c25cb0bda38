"""Replays: a subscription of a FIFO topic is sent again what the topic's archive has from a time on.

    ReplayPolicy  {"PointType": "Timestamp", "StartingPoint": "2026-01-02T03:04:05Z", "EndingPoint": "..."}

It runs in portions, in turn with everything else, in the order of publication. The subscription's filter counts. How
far it is stands in the journal, so it goes on after a restart; it waits while too much waits for its endpoint.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from mqbroker.aws.iso_time import seconds_of
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.arns import SubscriptionArn
from mqbroker.aws.sns.filters.index import FilterIndex
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.properties import SnsProperties
from mqbroker.aws.sns.subscription import Subscription
from mqbroker.aws.sns.target import Target
from mqbroker.aws.sns.topic import Topic
from mqbroker.core.message import GONE, Entry, Message, is_absent
from mqbroker.core.scheduler import Task
from mqbroker.core.timers import Timers

RUNNING = "In progress"
COMPLETED = "Completed"
_FULL_MS = 1000  # how long a replay waits for room
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
    return round(seconds_of(text) * 1000)


class Replay(Task):
    """One replay."""

    def __init__(self, topic: Topic, subscription: Subscription, policy: Mapping[str, str], replays: "Replays") -> None:
        Task.__init__(self)
        self._topic = topic
        self._subscription = subscription
        self._replays = replays
        begin = _moment(policy["StartingPoint"])
        end = _moment(policy["EndingPoint"]) if "EndingPoint" in policy else None
        after = subscription.replayed
        self._left = [each for each in _archived(topic) if each.sequence > after and _is_between(each, begin, end)]
        self._left.reverse()
        self._wants = FilterIndex([subscription])
        self._borrowed: dict[int, Message] = {}
        """Messages whose bodies have left memory, read for this replay."""
        self._is_waiting = False

    def run(self, now: int, portion: int) -> bool:
        """Task: sends a portion. What has been sent is noted in the commit of its deliveries."""
        subscription, target = self._subscription, self._subscription.target
        if target is None or not self._replays.is_current(self, self._topic, subscription):
            return False
        while self._left and portion > 0 and not target.is_full:
            portion -= 1
            entry = self._left[-1]
            message = None if entry.held_until == GONE else self._message_of(entry)
            if message is None and entry.held_until != GONE:
                break
            subscription.replayed = self._left.pop().sequence
            if message is not None:
                self._send(message, target, now)
        if not self._left:
            subscription.replay_status = COMPLETED
            self._replays.ended(subscription)
        self._replays.note(self._topic, subscription)
        if self._left and target.is_full:
            self._replays.timers.at(now + _FULL_MS, self._go_on)
            return False
        return bool(self._left) and not self._is_waiting

    def _go_on(self, _now: int) -> None:
        self._topic.vhost.schedule(self)

    def _message_of(self, entry: Entry) -> Message | None:
        """The message of an entry of the archive; None while its body is on its way."""
        if not is_absent(entry):
            return entry.message
        found = self._borrowed.get(entry.sequence)
        bodies = None if self._topic.log is None else self._topic.log.bodies
        if found is None and bodies is not None and not self._is_waiting:
            self._is_waiting = True
            bodies.borrow(entry, self._came)
        return found

    def _came(self, entries: list[Entry]) -> None:
        self._is_waiting = False
        self._borrowed = {entry.sequence: entry.message for entry in entries}
        if self._left and is_absent(self._left[-1]) and self._left[-1].sequence not in self._borrowed:
            self._left.pop()  # it has left the archive
        self._topic.vhost.schedule(self)

    def _send(self, message: Message, target: Target, now: int) -> None:
        properties = message.properties
        if isinstance(properties, SnsProperties):
            notification = Notification(message, properties, None)
            if self._wants.wanted(notification):
                target.deliver(notification.with_properties(properties.with_notice(replayed=True)), now)


class Replays:
    """The replays of one broker: at most one of each subscription, which a restart does not end."""

    def __init__(self, note: Callable[[Topic, Subscription], None], timers: Timers) -> None:
        """`note` tells the journal how far the replay of a subscription is."""
        self.note = note
        self.timers = timers
        self._running: dict[SubscriptionArn, Replay] = {}

    def start(self, topic: Topic, subscription: Subscription) -> None:
        """Begins what the subscription's policy asks for, instead of one that is running."""
        self._running.pop(subscription.arn, None)
        subscription.replayed = 0
        subscription.replay_status = RUNNING if subscription.attributes.get("ReplayPolicy") else ""
        self.note(topic, subscription)
        self._run(topic, subscription)

    def resume(self, topic: Topic) -> None:
        """The broker serves: what a restart has interrupted goes on."""
        for subscription in topic.subscriptions.values():
            self._run(topic, subscription)

    def _run(self, topic: Topic, subscription: Subscription) -> None:
        if subscription.replay_status == RUNNING:
            policy = orjson.loads(subscription.attributes["ReplayPolicy"])
            replay = self._running[subscription.arn] = Replay(topic, subscription, policy, self)
            topic.vhost.schedule(replay)

    def is_current(self, replay: Replay, topic: Topic, subscription: Subscription) -> bool:
        """Whether nothing has taken the replay's place: another one, or the end of its subscription."""
        if self._running.get(subscription.arn) is not replay:
            return False
        if topic.subscriptions.get(subscription.arn.id) is subscription:
            return True
        del self._running[subscription.arn]
        return False

    def ended(self, subscription: Subscription) -> None:
        """The replay has sent everything."""
        del self._running[subscription.arn]


def archive_begin(topic: Topic) -> int | None:
    """From when on the archive has messages, in milliseconds; None without any."""
    found = _archived(topic, 1)
    return found[0].message.received_at if found else None


def _archived(topic: Topic, most: int | None = None) -> list[Entry]:
    log = topic.log
    if log is None or not topic.attributes.get("ArchivePolicy"):
        return []
    return log.lines.first_entries(log.lines.visible_total if most is None else most)


def _is_between(entry: Entry, begin: int, end: int | None) -> bool:
    at = entry.message.received_at
    return begin <= at and (end is None or at <= end)
