"""FIFO topics without sockets or a clock: for how long an id is known, and within what."""

import pytest

from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.notification import Notification
from mqbroker.aws.sns.numbering import Numbered, number
from mqbroker.aws.sns.properties import make_sns_properties
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sns.topics import Topics
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.message import new_message

START = 1_700_000_000_000
MINUTE_MS = 60_000
ARCHIVE = {"ArchivePolicy": '{"MessageRetentionPeriod": "1"}'}


class Desk:
    """A FIFO topic, and who numbers its messages."""

    def __init__(self, **attributes: str) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        self.broker.add_vhost("/")
        accounts = Accounts(self.broker, {"000000000000": "/"}, makes_vhosts=True)
        topics = Topics(self.broker, accounts, "us-east-1", lambda *_: None)
        arn = TopicArn("us-east-1", "000000000000", "t.fifo")
        self.topic: Topic = topics.create(arn, True, attributes, {}, "http://localhost", START)
        self.count = 0

    def number(self, deduplication: str, now: int, group: str = "g") -> Numbered:
        self.broker.advance(now)
        self.broker.scheduler.finish(now)
        self.count += 1
        message_id = self.count.to_bytes(16, "big")

        def make(sequence: str) -> Notification:
            notice = {"topic": str(self.topic.arn), "at": now, "version": "1", "sequence": sequence}
            properties = make_sns_properties(message_id, "", notice, group, deduplication)
            return Notification(new_message("t.fifo", "", properties, b"m", now), properties, None)

        return number(self.topic, make, now)


@pytest.mark.parametrize("attributes", [{}, ARCHIVE])
def test_an_id_is_known_for_five_minutes(attributes: dict[str, str]) -> None:
    desk = Desk(**attributes)
    first = desk.number("d", START)
    again = desk.number("d", START + 5 * MINUTE_MS - 1)
    assert again == Numbered(None, first.message_id, first.sequence)
    later = desk.number("d", START + 5 * MINUTE_MS + 1)
    assert later.notification is not None
    assert int(later.sequence) > int(first.sequence)


def test_the_scope_of_an_id_is_the_topic_or_the_group() -> None:
    desk = Desk(FifoThroughputScope="Topic")
    assert desk.number("d", START, "a").notification is not None
    assert desk.number("d", START, "b").notification is None
    desk = Desk(FifoThroughputScope="MessageGroup")
    for group in "ab":
        assert desk.number("d", START, group).notification is not None
        assert desk.number("d", START, group).notification is None


def test_numbers_grow_and_have_twenty_digits() -> None:
    desk = Desk()
    sequences = [desk.number(str(each), START + each).sequence for each in range(50)]
    assert {len(sequence) for sequence in sequences} == {20}
    assert sequences == sorted(set(sequences))


def test_what_is_not_archived_is_not_kept() -> None:
    """The log of a topic grew with each message."""
    for attributes, kept in (({}, 0), (ARCHIVE, 20)):
        desk = Desk(**attributes)
        for each in range(20):
            desk.number(str(each), START + each)
        assert desk.topic.log is not None
        assert desk.topic.log.lines.total() == kept
