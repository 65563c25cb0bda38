"""Messages to one number or device: what waits for the gateway has a bound, as what waits for endpoints has."""

import pytest

from mqbroker.aws.config import SnsConfig
from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.sns.direct import QUEUE, DirectSender
from mqbroker.aws.sns.feedback import feedback_of
from mqbroker.aws.sns.gateway_targets import Gateways
from mqbroker.aws.sns.lane_target import lane_queue
from mqbroker.aws.sns.platform_events import PlatformEvents
from mqbroker.aws.sns.platforms import Platforms
from mqbroker.aws.sns.push import Pusher
from mqbroker.aws.sns.reports import Reports
from mqbroker.aws.sns.sms import SmsAccounts
from mqbroker.aws.sns.topic import Topic
from mqbroker.aws.sns.topics import Topics
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.core.message import Message, new_message
from mqbroker.core.properties import Properties
from mqbroker.delivery.guard import EVERYWHERE, AddressGuard
from mqbroker.delivery.http import HttpClient
from mqbroker.delivery.limits import BACKLOG_MAX
from mqbroker.errors import AwsError
from tests.delivery.test_lane import Yard

ACCOUNT = "000000000000"
PHONE = "+15550001"


def translate_nothing(_topic: Topic, _message: Message, _now: int) -> None:
    """No other protocol publishes."""


def sender_in(yard: Yard) -> DirectSender:
    """What sends, while nothing may be under way."""
    ledger = yard.broker.ledger
    accounts = Accounts(yard.broker, {ACCOUNT: "/"}, makes_vhosts=True)
    sms, platforms = SmsAccounts(ledger), Platforms(ledger)
    queues = SqsQueues(yard.broker, accounts, "us-east-1", is_strict=True)
    reports = Reports(queues, lambda _: {}, feedback_of(sms, platforms))
    config = SnsConfig()
    gateways = Gateways(config, HttpClient(AddressGuard(EVERYWHERE), 1), lambda *_: None)
    events = PlatformEvents(Topics(yard.broker, accounts, "us-east-1", translate_nothing), lambda: bytes(16))
    pusher = Pusher(config, gateways, platforms, yard.shop, events)
    return DirectSender(accounts, gateways, sms, pusher, reports, yard.shop)


def test_publishers_are_told_when_too_much_waits() -> None:
    """The broker's memory was as large as the gateway was slow."""
    yard = Yard(slots=0)
    sender, now = sender_in(yard), yard.clock.now()
    queue = lane_queue(yard.vhost, QUEUE, now)
    message = new_message("", QUEUE, Properties(1, b""), b"m", now)
    for _ in range(BACKLOG_MAX - 1):
        queue.send(message, now)
    sender.send_to(ACCOUNT, PHONE, "the last", bytes(16), now)
    with pytest.raises(AwsError) as refused:
        sender.send_to(ACCOUNT, PHONE, "one more", bytes(16), now)
    assert (refused.value.code, refused.value.status) == ("Throttled", 429)
    assert queue.lines.total() == BACKLOG_MAX
