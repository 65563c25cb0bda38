"""Pages beside SQS: a look at the messages of a queue without receiving them, and metrics under CloudWatch's names."""

import re
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from prometheus_client import CollectorRegistry

from mqbroker.aws.front.page_guard import PageGuard
from mqbroker.aws.front.pages import common_pages
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.aws.sqs.pages import Pages
from mqbroker.clock import Clock
from mqbroker.errors import AwsError
from mqbroker.net.origins import Origins
from mqbroker.protocols.http.messages import HttpRequest
from mqbroker.protocols.session import Peer
from tests.aws.sqs.conftest import client
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


HERE, THERE = Peer("127.0.0.1", 1, True, "127.0.0.1", 9324), Peer("192.0.2.1", 1, False, "192.0.2.2", 9324)
MESSAGES, METRICS = "/_mqbroker/sqs/messages", "/_mqbroker/metrics"


def nobody(*_: object) -> Any:
    raise AwsError("AccessDeniedException", "", "AccessDenied", 403)


def status_for(path: str, peer: Peer, user: str | None, is_open: bool = False, **headers: str) -> int:
    """The status of a page for somebody; `user` is None for who does not sign, "" for a root."""
    house = House()
    house.create("orders")
    house.broker.put_user("chief", "", ("administrator",))
    house.broker.put_user("clerk", "", ())
    house._user = user or ""
    web = WebPages(Origins(("loopback",)), is_open)
    guard = PageGuard(house.broker.access, nobody if user is None else house._identify, Clock(), web)
    pages = Pages(house.queues, ACCOUNT, guard, Clock()).table() | common_pages(CollectorRegistry(), guard, "sqs")
    named = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    page = pages["GET", path]
    return page(HttpRequest("GET", path, named, b"", peer, BASE), {"QueueUrl": "orders"}).status


@pytest.mark.parametrize("peer", [HERE, THERE])
def test_messages_are_shown_to_administrators_who_sign_only(peer: Peer) -> None:
    """The bug: they were shown to whoever asked from this machine, which behind a reverse proxy is everybody."""
    assert status_for(MESSAGES, peer, None) == 403
    assert status_for(MESSAGES, peer, "clerk") == 403
    assert status_for(MESSAGES, peer, "stranger") == 403
    assert status_for(MESSAGES, peer, "chief") == 200


def test_metrics_are_for_this_machine_and_for_administrators() -> None:
    assert status_for(METRICS, HERE, None) == 200
    assert status_for(METRICS, THERE, None) == 403
    assert status_for(METRICS, THERE, "clerk") == 403
    assert status_for(METRICS, THERE, "chief") == 200


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "via", "x_real_ip"])
def test_a_proxy_on_this_machine_that_says_so_does_not_make_its_clients_local(header: str) -> None:
    named: dict[str, Any] = {header: "192.0.2.7"}
    assert status_for(METRICS, HERE, None, **named) == 403


@pytest.mark.parametrize("path", [MESSAGES, METRICS])
def test_where_nobody_signs_pages_of_other_origins_see_nothing(path: str) -> None:
    assert status_for(path, HERE, "", is_open=True) == 200
    assert status_for(path, HERE, "", is_open=True, origin="http://localhost:3000") == 200
    assert status_for(path, HERE, "", is_open=True, origin="https://evil.example") == 403
    assert status_for(path, HERE, "", is_open=True, host="evil.example") == 403
    assert status_for(path, HERE, "", is_open=True, sec_fetch_site="cross-site") == 403


def test_messages_of_another_region_are_shown_to_who_signs_for_it(broker: BrokerProcess, name: str) -> None:
    there = client(broker, region="eu-west-1")
    url = there.create_queue(QueueName=name)["QueueUrl"]
    there.send_message(QueueUrl=url, MessageBody="there")
    there.close()
    target = f"/_mqbroker/sqs/messages?QueueUrl={quote(url, safe='')}"
    credential = "AWS4-HMAC-SHA256 Credential=test/20261129/eu-west-1/sqs/aws4_request, x"
    _, _, body = request(broker.ports["aws"], "GET", target, {"authorization": credential})
    assert [message["Body"] for message in orjson.loads(body)["Messages"]] == ["there"]
    assert get(broker, target)[0] == 400


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_load_balancers_are_told_that_it_is_well(signed_broker: BrokerProcess, method: str) -> None:
    """The bug: 404."""
    status, _, body = request(signed_broker.ports["aws"], method, "/health")
    assert (status, body) == (200, b"ok\n" if method == "GET" else b"")
    assert request(signed_broker.ports["aws"], "POST", "/health")[0] == 404
