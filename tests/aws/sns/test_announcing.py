"""What other services say to a topic, without sockets or a clock."""

import json

import pytest

from mqbroker.aws.cloudwatch.checks import dimensions_of
from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.limits import SNS_MESSAGE_BYTES_MAX
from mqbroker.aws.sns.announcing import announce
from mqbroker.aws.sns.arns import TopicArn
from mqbroker.aws.sns.topics import Topics
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.errors import AwsError

ACCOUNT = "000000000000"
NOW = 1_700_000_000_000
MAIL = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"


class Desk:
    """A topic with a queue, and what is said to it."""

    def __init__(self) -> None:
        self.broker = Broker(Ledger(), lambda: "name")
        vhost = self.broker.add_vhost("/")
        accounts = Accounts(self.broker, {ACCOUNT: "/"}, makes_vhosts=True)
        topics = Topics(self.broker, accounts, "us-east-1", lambda *_: None)
        self.vhost = vhost
        self.topic = topics.create(TopicArn("us-east-1", ACCOUNT, "t"), False, {}, {}, "http://localhost", NOW)

    def say(self, text: str, account: str = ACCOUNT) -> bool:
        return announce(self.topic, account, "s", text, bytes(16), NOW)

    @property
    def published(self) -> int:
        return self.topic.published_count


def test_what_is_too_long_is_not_published() -> None:
    """The broker stopped: the message of an alarm was longer than a topic takes, and nobody expected its refusal."""
    desk = Desk()
    assert desk.say("x" * SNS_MESSAGE_BYTES_MAX)
    assert not desk.say("x" * (SNS_MESSAGE_BYTES_MAX + 1))
    assert desk.published == 1


def test_a_topic_whose_exchange_is_gone_is_not_published_to() -> None:
    """The broker stopped when a client of another protocol had deleted the exchange."""
    desk = Desk()
    desk.vhost.delete_exchange(desk.topic.exchange.name)
    assert not desk.say("x")


@pytest.mark.parametrize("name", ["Name", "Value"])
def test_dimensions_are_of_ascii(name: str) -> None:
    """Thirty of them, of characters that JSON writes in twelve, were more than a topic takes."""
    assert dimensions_of([{"Name": "a", "Value": "b"}]) == (("a", "b"),)
    with pytest.raises(AwsError, match="ASCII"):
        dimensions_of([{"Name": "a", "Value": "b"} | {name: "\U0001f600"}])


def test_a_topic_of_another_account_is_not_published_to() -> None:
    """Alarms went on to publish to it after the right to do so had been taken back."""
    desk = Desk()
    assert not desk.say("x", "111111111111")
    assert not desk.published


def test_data_protection_counts_for_other_services_too() -> None:
    """Addresses came into a topic that takes none, in the description of an alarm."""
    desk = Desk()
    statement = {
        "Sid": "a", "DataDirection": "Inbound", "Principal": ["*"], "DataIdentifier": [MAIL], "Operation": {"Deny": {}},
    }  # fmt: skip
    desk.topic.protect(json.dumps({"Name": "n", "Version": "2021-06-01", "Statement": [statement]}))
    assert not desk.say("write to joe@example.com")
    assert desk.say("write to nobody")
    assert desk.published == 1
