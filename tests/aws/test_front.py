"""The front: which action a request asks for, in which wire, and what it answers to requests that ask for none."""

import gzip
from uuid import RFC_4122, UUID

import orjson
import pytest

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.front.call import Call
from mqbroker.aws.front.front import KeptPage
from mqbroker.aws.front.request_ids import RequestIds
from mqbroker.core.ledger import Ledger
from mqbroker.errors import AwsError
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse
from mqbroker.protocols.session import Peer
from tests.aws.house import PEER, QUEUE_URL, SOMEBODY, Shop, empty

BASE = "http://localhost:9324"
JSON = "application/x-amz-json-1.0"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def ask(shop: Shop, request: HttpRequest) -> HttpResponse:
    answers: list[HttpResponse] = []
    shop.front.handle(request, answers.append, 5)
    assert len(answers) == 1
    return answers[0]


def json_request(target: str, body: bytes, content_type: str = JSON, method: str = "POST") -> HttpRequest:
    headers = {"x-amz-target": target, "content-type": content_type}
    return HttpRequest(method, "/", headers, body, PEER, BASE)


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
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_for_nothing_is_an_unknown_operation(method: str, target: str) -> None:
    response = ask(Shop(empty), HttpRequest(method, target, {"accept": "application/json"}, b"", PEER, BASE))
    assert (response.status, response.content_type) == (404, b"text/xml")
    assert response.body == b'<?xml version="1.0"?><UnknownOperationException/>'


@pytest.mark.parametrize(
    ("method", "content_type"),
    [("POST", "application/json"), ("POST", ""), ("POST", "text/xml"), ("GET", JSON), ("PUT", JSON)],
)
def test_the_json_wire_is_posted_in_its_own_content_type(method: str, content_type: str) -> None:
    request = json_request("AmazonSQS.ListQueues", b"{}", content_type, method)
    response = ask(Shop(empty), request)
    assert (response.status, response.body) == (404, b'<?xml version="1.0"?><UnknownOperationException/>')


@pytest.mark.parametrize(
    "content_type", [f"{JSON}; charset=utf-8", "Application/X-Amz-Json-1.0", JSON.replace("0", "1")]
)
def test_the_content_type_may_be_written_in_other_ways(content_type: str) -> None:
    assert ask(Shop(empty), json_request("AmazonSQS.ListQueues", b"{}", content_type)).status == 200


def test_a_wrong_parameter_is_refused_in_json() -> None:
    shop = Shop(empty)
    response = ask(shop, json_request("AmazonSQS.SendMessage", b'{"QueueUrl": 1}'))
    assert (response.status, response.content_type, shop.calls) == (400, JSON.encode(), [])
    assert b"x-amzn-query-error: SerializationException;Sender\r\n" in response.headers
    assert orjson.loads(response.body) == {
        "__type": "com.amazon.coral.service#SerializationException",
        "message": "NUMBER_VALUE can not be converted to a String",
    }


# --- the Query wire -------------------------------------------------------------------------------------------------


def query(
    target: str, form: str = "", headers: dict[str, str] | None = None, method: str = "GET", peer: Peer = PEER
) -> HttpRequest:
    return HttpRequest("POST" if form else method, target, headers or {}, form.encode(), peer, BASE)


def test_a_queues_path_stands_for_its_url() -> None:
    shop = Shop(empty)
    ask(shop, query("/000000000000/q?Action=SendMessage&MessageBody=a"))
    ask(shop, query("/000000000000/q?Action=SendMessage&MessageBody=a&QueueUrl=other"))
    ask(shop, query("/000000000000/q", "Action=SendMessage&MessageBody=a&Version=2012-11-05", FORM))
    found = [call.parameters["QueueUrl"] for call in shop.calls]
    assert found == [QUEUE_URL, "other", QUEUE_URL]


def test_without_a_path_the_queue_is_missing() -> None:
    response = ask(Shop(empty), query("/?Action=SendMessage&MessageBody=a"))
    assert response.status == 400
    assert b"<Code>MissingParameter</Code><Message>The request must contain the parameter QueueUrl." in response.body


def test_parameters_come_in_the_query_string_and_in_the_form() -> None:
    shop = Shop(empty)
    ask(shop, query("/?Action=SendMessage&MessageBody=a", "QueueUrl=q&MessageBody=b", FORM))
    assert shop.calls[0].parameters == {"QueueUrl": "q", "MessageBody": "b"}


def packed(body: bytes, headers: dict[str, str], target: str = "/") -> HttpRequest:
    return HttpRequest("POST", target, FORM | {"content-encoding": "gzip"} | headers, gzip.compress(body), PEER, BASE)


@pytest.mark.parametrize("body", [b"Action=Unsubscribe&SubscriptionArn=a", b"a" * (4 << 20), b"&=" * (1 << 21)])
def test_a_form_is_unpacked_for_nobody_who_is_not_known(body: bytes) -> None:
    """For four kilobytes of a stranger's the loop stood still for half a second: they became megabytes, and a form."""
    asked: list[str] = []

    def unknown(request: HttpRequest, service: str, now: int) -> Caller:
        asked.append(service)
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token.")

    shop = Shop(empty, identify=unknown)
    for request in (
        packed(body, {}),
        packed(body, {"authorization": "AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/sns/aws4_request, Sig"}),
        packed(body, {}, "/?X-Amz-Credential=a%2F20150830%2Fus-east-1%2Fsns%2Faws4_request&X-Amz-Signature=b"),
    ):
        response = ask(shop, request)
        assert b"<Code>MissingAuthenticationToken</Code>" in response.body
    assert (asked, shop.calls) == (["sqs", "sns", "sns"], [])


def test_a_form_that_is_packed_is_read_for_who_is_known() -> None:
    shop = Shop(empty)
    assert ask(shop, packed(b"Action=SendMessage&QueueUrl=q&MessageBody=b", {})).status == 200
    assert shop.calls[0].parameters == {"QueueUrl": "q", "MessageBody": "b"}


def test_an_identity_that_fails_is_an_internal_error_for_a_packed_form_too() -> None:
    """The exception went out of the front."""

    def fail(request: HttpRequest, service: str, now: int) -> Caller:
        raise ValueError("broken")

    assert ask(Shop(empty, identify=fail), packed(b"Action=ListQueues", {})).status == 500


@pytest.mark.parametrize(
    ("coding", "is_gzip", "is_known"),
    [
        ("GZip", True, True), ("x-gzip", True, True), ("identity, gzip", True, True), ("identity", False, True),
        ("", False, True), (" , Identity", False, True), ("br", False, False), ("gzip, gzip", True, False),
        ("aws-chunked", False, False),
    ],
)  # fmt: skip
def test_the_names_of_encodings_are_those_of_http(coding: str, is_gzip: bool, is_known: bool) -> None:
    """`GZIP` was refused, and so was a body that is said not to be encoded at all."""
    shop = Shop(empty)
    for wire, body in (("json", b'{"QueueNamePrefix":"a"}'), ("query", b"Action=ListQueues&QueueNamePrefix=a")):
        own = {"x-amz-target": "AmazonSQS.ListQueues", "content-type": JSON} if wire == "json" else FORM
        content = gzip.compress(body) if is_gzip else body
        response = ask(shop, HttpRequest("POST", "/", own | {"content-encoding": coding}, content, PEER, BASE))
        assert response.status == (200 if is_known else 400)
    assert [call.parameters for call in shop.calls] == [{"QueueNamePrefix": "a"}] * 2 * is_known


def test_a_body_that_is_no_form_is_not_read() -> None:
    shop = Shop(empty)
    response = ask(shop, query("/", "Action=ListQueues", {"content-type": "text/plain"}))
    assert (response.status, shop.calls) == (404, [])


@pytest.mark.parametrize(
    ("target", "code", "text"),
    [
        ("/?Action=FooBar", "InvalidAction", "The action FooBar is not valid for this endpoint."),
        ("/?Action=<a>", "InvalidAction", "The action &lt;a&gt; is not valid for this endpoint."),
        ("/1/q?Action=FooBar&Version=2012-11-05", "InvalidAction", "The action FooBar is not valid for this endpoint."),
        ("/1/q?Action=ListQueues", "InvalidAction", "The action ListQueues is not valid for this endpoint."),
        (
            "/1/q?Action=CreateQueue&QueueName=q",
            "InvalidAction",
            "The action CreateQueue is not valid for this endpoint.",
        ),
        ("/?Version=2012-11-05", "MissingAction", "The request is missing an action or a required parameter."),
        ("/?Action=", "MissingAction", "The request is missing an action or a required parameter."),
        ("/?Action=%zz", "MalformedQueryString", "The query string contains a syntax error."),
        ("/?Action=ListQueues&MaxResults=x", "MalformedInput", "STRING_VALUE can not be converted to an Integer"),
    ],
)
def test_a_wrong_request_is_refused_in_xml(target: str, code: str, text: str) -> None:
    shop = Shop(empty)
    response = ask(shop, query(target))
    assert (response.status, response.content_type, shop.calls) == (400, b"text/xml", [])
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message><Detail/></Error>"
    assert f'<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">{error}' in response.body.decode()


def test_the_name_of_a_queue_may_be_asked_for_at_another_queue() -> None:
    shop = Shop(empty)
    assert ask(shop, query("/1/q?Action=GetQueueUrl&QueueName=r")).status == 200
    assert shop.calls[0].parameters == {"QueueName": "r"}


def test_who_accepts_json_gets_it() -> None:
    shop = Shop(lambda call: call.answer({"QueueUrl": "q"}))
    accept = {"accept": "application/json, text/plain"}
    response = ask(shop, query("/?Action=GetQueueUrl&QueueName=q", headers=accept))
    assert response.content_type == b"application/json"
    assert orjson.loads(response.body) == {
        "GetQueueUrlResponse": {
            "GetQueueUrlResult": {"QueueUrl": "q"},
            "ResponseMetadata": {"RequestId": shop.calls[0].request_id},
        }
    }
    response = ask(shop, query("/1/q?Action=ListQueues", headers=accept))
    error = orjson.loads(response.body)["Error"]
    assert (error["Code"], error["Detail"]) == ("InvalidAction", None)


SCOPE = "AWS4-HMAC-SHA256 Credential=AKID/20261125/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    ("target", "headers", "service"),
    [
        ("/?Action=AddPermission&Version=2012-11-05", {}, "sqs"),
        ("/?Action=AddPermission&Version=2010-03-31", {}, "sns"),
        ("/?Action=AddPermission", {"authorization": SCOPE % "sqs"}, "sqs"),
        ("/?Action=AddPermission", {"authorization": SCOPE % "sns"}, "sns"),
        ("/?Action=AddPermission&X-Amz-Credential=AKID%2F20261125%2Fus-east-1%2Fsns%2Faws4_request", {}, "sns"),
        ("/?Action=AddPermission", {"authorization": SCOPE % "s3"}, "sqs"),
        ("/?Action=AddPermission", {}, "sqs"),
        ("/?Action=Publish", {}, "sns"),
    ],
)
def test_the_service_is_found(target: str, headers: dict[str, str], service: str) -> None:
    asked: list[str] = []

    def identify(request: HttpRequest, name: str, now: int) -> Caller:
        asked.append(name)
        return SOMEBODY

    ask(Shop(empty, identify=identify), query(target, headers=headers))
    assert asked == [service]


# --- who is calling, and what goes wrong with us --------------------------------------------------------------------


def unknown_client(request: HttpRequest, service: str, now: int) -> Caller:
    raise AwsError("UnrecognizedClientException", "The security token is invalid.", "InvalidClientTokenId", status=403)


def test_a_client_that_is_refused_has_no_call() -> None:
    shop = Shop(empty, identify=unknown_client)
    answers: list[HttpResponse] = []
    assert shop.front.handle(json_request("AmazonSQS.ListQueues", b"{"), answers.append, 5) is None
    assert shop.front.handle(query("/?Action=ListQueues"), answers.append, 5) is None
    assert [answer.status for answer in answers] == [403, 403]
    assert b"com.amazon.coral.service#UnrecognizedClientException" in answers[0].body
    assert b"<Code>InvalidClientTokenId</Code>" in answers[1].body
    assert shop.calls == []


def test_a_client_that_is_known_has_a_call_even_when_it_is_refused() -> None:
    answers: list[HttpResponse] = []
    call = Shop(empty).front.handle(json_request("AmazonSQS.ListQueues", b"{"), answers.append, 5)
    assert call is not None
    assert call.is_answered


def test_a_handler_refuses_by_raising() -> None:
    def refuse(call: Call) -> None:
        raise AwsError("OverLimit", "Too much.", status=403)

    response = ask(Shop(refuse), json_request("AmazonSQS.ListQueues", b"{}"))
    assert response.status == 403
    assert orjson.loads(response.body) == {"__type": "com.amazonaws.sqs#OverLimit", "message": "Too much."}


def test_a_handler_that_fails_is_logged_at_intervals_and_answered(caplog: pytest.LogCaptureFixture) -> None:
    def fail(call: Call) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    shop = Shop(fail)
    for request in (json_request("AmazonSQS.ListQueues", b"{}"), query("/?Action=ListQueues")):
        response = ask(shop, request)
        assert response.status == 500
        assert b"InternalFailure" in response.body
    (record,) = caplog.records
    assert f"ListQueues {shop.calls[0].request_id} failed" in record.message
    assert "ZeroDivisionError: nobody foresaw this" in record.message


@pytest.mark.parametrize("request_", [json_request("AmazonSQS.ListQueues", b"{}"), query("/?Action=ListQueues")])
def test_a_client_check_that_fails_is_answered(request_: HttpRequest, caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: HttpRequest, service: str, now: int) -> Caller:
        raise ZeroDivisionError

    assert ask(Shop(empty, identify=fail), request_).status == 500
    assert "ZeroDivisionError" in caplog.text


def test_a_result_that_no_wire_can_carry_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    response = ask(Shop(lambda call: call.answer({"QueueUrl": object()})), json_request("AmazonSQS.ListQueues", b"{}"))
    assert response.status == 500
    assert len(caplog.records) == 1


def test_a_handler_that_fails_after_its_answer_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    for error in (AwsError("OverLimit", "Too much."), ZeroDivisionError()):

        def answer_and_fail(call: Call, error: Exception = error) -> None:
            call.answer({})
            raise error

        assert ask(Shop(answer_and_fail), json_request("AmazonSQS.ListQueues", b"{}")).status == 200
    assert len(caplog.records) == 2


# --- pages ----------------------------------------------------------------------------------------------------------


def test_a_page_is_found_by_method_and_path() -> None:
    def page(request: HttpRequest, parameters: dict[str, str]) -> HttpResponse:
        return HttpResponse(200, b"application/json", orjson.dumps(parameters))

    shop = Shop(empty, {("GET", "/_mqbroker/x"): page})
    assert ask(shop, query("/_mqbroker/x?a=b")).body == b'{"a":"b"}'
    assert ask(shop, query("/_mqbroker/x", method="HEAD")).status == 200
    assert ask(shop, query("/_mqbroker/x", method="POST")).status == 404
    assert ask(shop, query("/_mqbroker/y")).status == 404
    assert ask(shop, query("/_mqbroker/x?a=%zz")).status == 400


class SlowLedger(Ledger):
    """A journal that keeps no promise before it is told to."""

    def seal(self) -> None:
        pass


def test_a_page_that_changes_something_is_answered_when_that_is_durable() -> None:
    """A subscription that was confirmed by its link, or the STOP of a telephone, was answered and could be lost."""

    def page(request: HttpRequest, parameters: dict[str, str]) -> HttpResponse:
        return HttpResponse(200, b"text/plain", b"done")

    ledger, answers = SlowLedger(), list[HttpResponse]()
    shop = Shop(empty, {("GET", "/_mqbroker/x"): KeptPage(page, ledger)})
    shop.front.handle(query("/_mqbroker/x"), answers.append, 5)
    assert answers == []
    ledger.commit(ledger.position)
    assert [each.body for each in answers] == [b"done"]


def test_a_page_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def page(request: HttpRequest, parameters: dict[str, str]) -> HttpResponse:
        raise ZeroDivisionError

    assert ask(Shop(empty, {("GET", "/_mqbroker/x"): page}), query("/_mqbroker/x")).status == 500
    assert "ZeroDivisionError" in caplog.text


def test_request_ids_are_uuids_and_differ() -> None:
    ids = RequestIds()
    found = [ids.take() for _ in range(1000)]
    assert len(set(found)) == 1000
    assert all(UUID(each).version == 4 and UUID(each).variant == RFC_4122 for each in found)
    assert all(str(UUID(each)) == each for each in found)
