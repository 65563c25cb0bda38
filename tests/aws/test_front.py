"""The front: which action a request asks for, in which wire, and what it answers to requests that ask for none."""

import orjson
import pytest

from mqbroker.aws.wire import HttpRequest, HttpResponse
from tests.aws.house import PEER, QUEUE_URL, Shop, empty

JSON = "application/x-amz-json-1.0"


def ask(shop: Shop, request: HttpRequest) -> HttpResponse:
    answers: list[HttpResponse] = []
    shop.front.handle(request, answers.append, 5)
    assert len(answers) == 1
    return answers[0]


def json_request(target: str, body: bytes, content_type: str = JSON, method: str = "POST") -> HttpRequest:
    headers = {"x-amz-target": target, "content-type": content_type}
    return HttpRequest(method, "/", headers, body, PEER, "http://localhost:9324")


def test_a_json_request_reaches_its_handler_with_its_parameters() -> None:
    shop = Shop(empty)
    body = orjson.dumps({"QueueUrl": QUEUE_URL, "MessageBody": "a", "Unknown": 1, "DelaySeconds": None})
    response = ask(shop, json_request("AmazonSQS.SendMessage", body))
    (call,) = shop.calls
    assert (call.action.name, call.wire, call.now, call.base_url) == ("SendMessage", "json", 5, "http://localhost:9324")
    assert call.parameters == {"QueueUrl": QUEUE_URL, "MessageBody": "a"}
    assert (response.status, response.content_type, response.body) == (200, JSON.encode(), b"{}")
    assert response.headers == b"x-amzn-RequestId: %b\r\n" % call.request_id.encode()


def test_an_unknown_target_is_an_unknown_operation() -> None:
    response = ask(Shop(empty), json_request("AmazonSQS.FooBar", b"{}"))
    assert response.status == 400
    assert orjson.loads(response.body) == {"__type": "com.amazon.coral.service#UnknownOperationException"}


@pytest.mark.parametrize("target", ["/", "/000000000000/q"])
def test_a_request_for_nothing_is_an_unknown_operation(target: str) -> None:
    response = ask(
        Shop(empty), HttpRequest("GET", target, {"accept": "application/json"}, b"", PEER, "http://localhost")
    )
    assert (response.status, response.body) == (404, b'<?xml version="1.0"?><UnknownOperationException/>')
