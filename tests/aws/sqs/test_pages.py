"""Pages beside SQS: a look at the messages of a queue without receiving them, and metrics under CloudWatch's names."""

import re
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from mqbroker.aws.call import Identify
from mqbroker.aws.pages import Pages
from mqbroker.aws.wire import HttpRequest
from mqbroker.clock import Clock
from mqbroker.errors import AwsError
from mqbroker.protocols.session import Peer
from tests.support.broker_process import BrokerProcess
from tests.support.raw_http import request
from tests.support.sqs_house import ACCOUNT, BASE, House

NAMES = {
    "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfGroupsWithInflightMessages",
    "NumberOfMessagesSent_total", "NumberOfMessagesReceived_total", "NumberOfMessagesDeleted_total",
    "NumberOfEmptyReceives_total", "NumberOfDeduplicatedSentMessages_total", "SentMessageSize_total",
    "ApproximateNumberOfNoisyGroups", "ApproximateNumberOfMessagesVisibleInQuietGroups",
    "ApproximateNumberOfMessagesNotVisibleInQuietGroups", "ApproximateNumberOfMessagesDelayedInQuietGroups",
    "ApproximateAgeOfOldestMessageInQuietGroups",
}  # fmt: skip
_SAMPLE = re.compile(r'^(\w+)\{QueueName="([^"]*)",account="(\d+)",region="([^"]*)"\} (\S+)$')


def get(broker: BrokerProcess, target: str) -> tuple[int, bytes]:
    status, _, body = request(broker.ports["aws"], "GET", target)
    return status, body


def peek(broker: BrokerProcess, url: str, count: int | None = None) -> list[dict[str, Any]]:
    more = "" if count is None else f"&MaxNumberOfMessages={count}"
    status, body = get(broker, f"/_mqbroker/sqs/messages?QueueUrl={quote(url, safe='')}{more}")
    assert status == 200, body
    found: list[dict[str, Any]] = orjson.loads(body)["Messages"]
    return found


def samples(broker: BrokerProcess, name: str) -> dict[str, float]:
    """What the metrics say of a queue."""
    status, body = get(broker, "/_mqbroker/metrics")
    assert status == 200
    found = (_SAMPLE.match(line) for line in body.decode().splitlines())
    return {each[1]: float(each[5]) for each in found if each is not None and each[2] == name}


# --- messages -------------------------------------------------------------------------------------------------------


def test_a_look_shows_messages_and_receives_none(broker: BrokerProcess, sqs: Any, url: str) -> None:
    attributes = {"n": {"DataType": "Number", "StringValue": "3"}, "b": {"DataType": "Binary", "BinaryValue": b"\xff"}}
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=str(number), MessageAttributes=attributes)
    for _ in range(2):
        messages = peek(broker, url)
        assert [message["Body"] for message in messages] == [str(number) for number in range(10)]
    first = messages[0]
    assert first["Attributes"]["ApproximateReceiveCount"] == "0"
    assert first["MessageAttributes"]["n"] == attributes["n"]
    assert "ReceiptHandle" not in first
    assert len(peek(broker, url, 100)) == 12
    assert len(peek(broker, url, 1)) == 1
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 10
    assert [message["Body"] for message in peek(broker, url)] == ["10", "11"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "AWS.SimpleQueueService.NonExistentQueue"), ("?QueueUrl=none", 400, "AWS.SimpleQueueService."),
        ("?QueueUrl=%zz", 400, ""), ("?QueueUrl=http%3A%2F%2F%5B", 400, ""),
    ],
)  # fmt: skip
def test_a_look_at_nothing_is_refused(broker: BrokerProcess, query: str, status: int, code: str) -> None:
    found, body = get(broker, f"/_mqbroker/sqs/messages{query}")
    assert found == status
    assert code in body.decode()


@pytest.mark.parametrize("count", ["x", "-1", "", "1.5"])
def test_a_count_is_a_number(broker: BrokerProcess, url: str, count: str) -> None:
    target = f"/_mqbroker/sqs/messages?QueueUrl={quote(url, safe='')}&MaxNumberOfMessages={count}"
    status, body = get(broker, target)
    assert (status, orjson.loads(body)["error"]) == (400, "InvalidParameterValue")


def test_there_are_no_other_pages(broker: BrokerProcess) -> None:
    assert get(broker, "/_mqbroker/")[0] == 404
    assert get(broker, "/_mqbroker/sqs")[0] == 404
    assert request(broker.ports["aws"], "POST", "/_mqbroker/metrics")[0] in (404, 405)


# --- metrics --------------------------------------------------------------------------------------------------------


def test_every_metric_of_cloudwatch_is_there_for_each_queue(
    broker: BrokerProcess, sqs: Any, url: str, name: str
) -> None:
    assert samples(broker, name) == dict.fromkeys(NAMES, 0)
    sqs.receive_message(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="12345", MessageGroupId="g")
    sqs.send_message(QueueUrl=url, MessageBody="123")
    sqs.send_message(QueueUrl=url, MessageBody="1", DelaySeconds=900)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    found = samples(broker, name)
    assert found.pop("ApproximateAgeOfOldestMessage") >= 0
    assert found.pop("ApproximateAgeOfOldestMessageInQuietGroups") >= 0
    wanted = dict.fromkeys(found, 0.0) | {
        "ApproximateNumberOfMessagesVisible": 1, "ApproximateNumberOfMessagesNotVisible": 1,
        "ApproximateNumberOfMessagesDelayed": 1, "ApproximateNumberOfGroupsWithInflightMessages": 1,
        "ApproximateNumberOfMessagesVisibleInQuietGroups": 1, "ApproximateNumberOfMessagesNotVisibleInQuietGroups": 1,
        "ApproximateNumberOfMessagesDelayedInQuietGroups": 1, "NumberOfMessagesSent_total": 3,
        "NumberOfMessagesReceived_total": 1, "NumberOfEmptyReceives_total": 1, "SentMessageSize_total": 9,
    }  # fmt: skip
    assert found == wanted
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert samples(broker, name)["NumberOfMessagesDeleted_total"] == 1


# --- who may look ---------------------------------------------------------------------------------------------------


def page_for(peer: Peer, identify: Identify) -> int:
    """The status of the metrics for somebody."""
    house = House()
    house.broker.put_user("chief", "", ("administrator",))
    house.broker.put_user("clerk", "", ())
    pages = Pages(house.queues, house.broker.access, identify, ACCOUNT, Clock())
    page = pages.table()["GET", "/_mqbroker/metrics"]
    return page(HttpRequest("GET", "/_mqbroker/metrics", {}, b"", peer, BASE), {}).status


def test_pages_are_for_this_machine_and_for_administrators() -> None:
    here, there = Peer("127.0.0.1", 1, True, "127.0.0.1", 9324), Peer("192.0.2.1", 1, False, "192.0.2.2", 9324)

    def nobody(*_: object) -> Any:
        raise AwsError("AccessDeniedException", "", "AccessDenied", 403)

    def somebody(user: str) -> Identify:
        house = House()
        house._user = user
        return house._identify

    assert page_for(here, nobody) == 200
    assert page_for(there, nobody) == 403
    assert page_for(there, somebody("clerk")) == 403
    assert page_for(there, somebody("stranger")) == 403
    assert page_for(there, somebody("chief")) == 200
