"""The Query wire: real requests, signed by botocore in the query string, for a broker that verifies them; and XML."""

from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import fromstring

import orjson
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from mqbroker.protocols.http.messages import HttpRequest, HttpResponse
from tests.aws.sqs.conftest import OWNER_KEY, OWNER_SECRET
from tests.support.broker_process import BrokerProcess
from tests.support.raw_http import request
from tests.support.sqs_house import ACCOUNT, BASE, LOCAL, House
from tests.support.sqs_query_form import NAMESPACE, error, form, result

UNKNOWN_OPERATION = b"<UnknownOperationException"
CREDENTIALS = Credentials(OWNER_KEY, OWNER_SECRET)


class Old:
    """A client that signs as the old ones did: GET with the signature in the query string, or POST of a form."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.port = broker.ports["aws"]
        self.base = f"http://127.0.0.1:{self.port}"

    def get(self, url: str, accept: str = "*/*", **parameters: str) -> tuple[int, bytes]:
        """GET on a URL, signed in the query string; parameters as they are written there, with - for a point."""
        named = {name.replace("_", "."): value for name, value in parameters.items()}
        made = AWSRequest("GET", url, {}, b"", named)
        SigV4QueryAuth(CREDENTIALS, "sqs", "us-east-1", 60).add_auth(made)
        return self._send(made, {"accept": accept})

    def post(self, action: str, **parameters: Any) -> dict[str, Any]:
        """POST of a form to /, signed in a header; what is answered."""
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        made = AWSRequest("POST", self.base + "/", headers, form(action, parameters))
        SigV4Auth(CREDENTIALS, "sqs", "us-east-1").add_auth(made)
        status, body = self._send(made, {})
        assert status == 200, body
        return result(action, body)

    def _send(self, made: AWSRequest, headers: dict[str, str]) -> tuple[int, bytes]:
        parts = urlsplit(made.prepare().url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        given = {**{name: str(value) for name, value in made.headers.items()}, **headers, "host": parts.netloc}
        body = made.data if isinstance(made.data, bytes) else b""
        status, _, answer = request(self.port, made.method, target, given, body)
        return status, answer


@pytest.fixture
def old(signed_broker: BrokerProcess) -> Old:
    return Old(signed_broker)


@pytest.fixture
def url(old: Old, name: str) -> str:
    return str(old.post("CreateQueue", QueueName=name)["QueueUrl"])


# --- signed, over a socket ------------------------------------------------------------------------------------------


def test_a_queue_is_used_by_get_on_its_url(old: Old, url: str) -> None:
    status, body = old.get(url, Action="SendMessage", MessageBody="foo bar+baz&<ü>", Version="2012-11-05")
    assert status == 200
    sent = result("SendMessage", body)
    status, body = old.get(url, Action="ReceiveMessage", AttributeName_1="All")
    (message,) = result("ReceiveMessage", body)["Messages"]
    assert (message["Body"], message["MessageId"]) == ("foo bar+baz&<ü>", sent["MessageId"])
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    status, body = old.get(url, Action="DeleteMessage", ReceiptHandle=message["ReceiptHandle"])
    assert (status, result("DeleteMessage", body)) == (200, {})
    status, body = old.get(url, Action="ReceiveMessage")
    assert b"<ReceiveMessageResult/>" in body
    status, body = old.get(url, Action="DeleteQueue")
    assert status == 200
    status, body = old.get(url, Action="GetQueueAttributes", AttributeName_1="QueueArn")
    assert (status, *error(body)[:2]) == (
        400, "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist for this wsdl version.",
    )  # fmt: skip


def test_attributes_are_named_by_number(old: Old, url: str, name: str) -> None:
    _, body = old.get(url, Action="GetQueueAttributes", AttributeName_1="All")
    assert f"<Attribute><Name>QueueArn</Name><Value>arn:aws:sqs:us-east-1:{ACCOUNT}:{name}</Value>".encode() in body
    assert b"<Name>VisibilityTimeout</Name><Value>30</Value>" in body
    _, body = old.get(url, Action="GetQueueAttributes", AttributeName_1="QueueArn", AttributeName_2="DelaySeconds")
    assert result("GetQueueAttributes", body)["Attributes"].keys() == {"QueueArn", "DelaySeconds"}
    status, body = old.get(url, Action="GetQueueAttributes", AttributeName_1="Foobar")
    assert (status, error(body)) == (400, ("InvalidAttributeName", "Unknown Attribute Foobar.", "Sender"))


def test_a_url_that_was_signed_in_advance_for_no_action_is_an_unknown_operation(old: Old, url: str) -> None:
    """The bug: it was told that an action was missing, with another status than on AWS."""
    for each in (url, old.base + "/"):
        status, body = old.get(each)
        assert status == 404
        assert UNKNOWN_OPERATION in body


def test_a_form_is_read_as_one_although_it_names_a_target(old: Old, name: str) -> None:
    """The bug: Perl's Paws sends X-Amz-Target with each form, and was answered 404."""
    content_type = "application/x-www-form-urlencoded; charset=utf-8"
    headers = {"x-amz-target": "AmazonSQS.CreateQueue", "content-type": content_type}
    made = AWSRequest("POST", old.base + "/", headers, form("CreateQueue", {"QueueName": name}))
    SigV4Auth(CREDENTIALS, "sqs", "us-east-1").add_auth(made)
    status, body = old._send(made, {})
    assert status == 200
    assert result("CreateQueue", body)["QueueUrl"].endswith(f"/{name}")


def test_every_action_works_as_a_form(old: Old, url: str, name: str) -> None:
    attributes = {"n": {"DataType": "Number", "StringValue": "3"}}
    entries = [{"Id": "a", "MessageBody": "1", "MessageAttributes": attributes}, {"Id": "b", "MessageBody": "2"}]
    sent = old.post("SendMessageBatch", QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in sent["Successful"]] == ["a", "b"]
    received = old.post("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    assert received["Messages"][0]["MessageAttributes"] == attributes
    handles = [message["ReceiptHandle"] for message in received["Messages"]]
    old.post("ChangeMessageVisibilityBatch", QueueUrl=url, Entries=[
        {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 60} for number, handle in enumerate(handles)
    ])  # fmt: skip
    old.post("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handles[0], VisibilityTimeout=60)
    old.post("DeleteMessageBatch", QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": handles[0]}])
    old.post("SetQueueAttributes", QueueUrl=url, Attributes={"DelaySeconds": "1"})
    old.post("TagQueue", QueueUrl=url, Tags={"a": "b"})
    assert old.post("ListQueueTags", QueueUrl=url) == {"Tags": {"a": "b"}}
    old.post("UntagQueue", QueueUrl=url, TagKeys=["a"])
    old.post("AddPermission", QueueUrl=url, Label="l", AWSAccountIds=["123456789012"], Actions=["SendMessage"])
    old.post("RemovePermission", QueueUrl=url, Label="l")
    assert old.post("ListQueues", QueueNamePrefix=name)["QueueUrls"] == [url]
    assert old.post("GetQueueUrl", QueueName=name) == {"QueueUrl": url}
    assert old.post("ListDeadLetterSourceQueues", QueueUrl=url) == {}
    old.post("PurgeQueue", QueueUrl=url)
    old.post("DeleteQueue", QueueUrl=url)


@pytest.mark.parametrize("action", ["CreateQueue", "ListQueues"])
def test_what_is_about_no_queue_is_not_asked_of_one(old: Old, url: str, action: str) -> None:
    status, body = old.get(url, Action=action, QueueName="new")
    assert (status, error(body)) == (
        400, ("InvalidAction", f"The action {action} is not valid for this endpoint.", "Sender")
    )  # fmt: skip


def test_the_url_of_any_queue_tells_that_of_another(old: Old, url: str) -> None:
    other = str(old.post("CreateQueue", QueueName=f"{url.rpartition('/')[2]}-other")["QueueUrl"])
    status, body = old.get(url, Action="GetQueueUrl", QueueName=other.rpartition("/")[2])
    assert (status, result("GetQueueUrl", body)) == (200, {"QueueUrl": other})
    _, body = old.get(url, Action="GetQueueAttributes", QueueUrl=other, AttributeName_1="QueueArn")
    assert result("GetQueueAttributes", body)["Attributes"]["QueueArn"].endswith("-other"), "the parameter counts"


@pytest.mark.parametrize("change", ["MessageBody=other", "Action=PurgeQueue", "Extra=1", "X-Amz-Expires=604800"])
def test_a_query_that_was_signed_otherwise_is_refused(old: Old, url: str, change: str) -> None:
    made = AWSRequest("GET", url, {}, b"", {"Action": "SendMessage", "MessageBody": "x"})
    SigV4QueryAuth(CREDENTIALS, "sqs", "us-east-1", 60).add_auth(made)
    parts = urlsplit(made.prepare().url)
    status, _, body = request(old.port, "GET", f"{parts.path}?{parts.query}&{change}", {"host": parts.netloc})
    refusals = ((403, "SignatureDoesNotMatch"), (400, "IncompleteSignature"), (400, "MalformedInput"))
    assert (status, error(body)[0]) in refusals


# --- in this process: XML and JSON ----------------------------------------------------------------------------------


@pytest.fixture
def xml() -> House:
    return House(wire="query")


def get(house: House, target: str, accept: str = "*/*", method: str = "GET") -> HttpResponse:
    """A request without a body."""
    pending = house.request("", HttpRequest(method, target, {"accept": accept, "host": "x"}, b"", LOCAL, BASE))
    assert pending.response is not None
    return pending.response


def test_an_answer_is_xml_of_the_service_with_a_request_id(xml: House) -> None:
    url = xml.create()
    response = get(xml, f"{urlsplit(url).path}?Action=SendMessage&MessageBody=x")
    assert (response.status, response.content_type) == (200, b"text/xml")
    root = fromstring(response.body)
    assert root.tag == f"{{{NAMESPACE}}}SendMessageResponse"
    request_id = root.findtext("{*}ResponseMetadata/{*}RequestId", "")
    assert f"x-amzn-RequestId: {request_id}\r\n".encode() in response.headers


def test_an_error_is_xml_with_an_empty_detail(xml: House) -> None:
    response = get(xml, "/?Action=FooBar&Version=2012-11-05")
    assert response.status == 400
    assert error(response.body) == (
        "InvalidAction", "The action FooBar is not valid for this endpoint.", "Sender"
    )  # fmt: skip
    assert b"<Detail/>" in response.body


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_nothing_is_an_unknown_operation(xml: House, accept: str) -> None:
    response = get(xml, urlsplit(xml.create()).path, accept)
    assert response.status == 404
    assert UNKNOWN_OPERATION in response.body


def test_a_query_without_an_action_misses_it(xml: House) -> None:
    response = get(xml, "/?Version=2012-11-05")
    assert (response.status, error(response.body)[0]) == (400, "MissingAction")


def test_what_is_missing_is_named(xml: House) -> None:
    response = get(xml, f"{urlsplit(xml.create()).path}?Action=SendMessage")
    assert error(response.body)[:2] == ("MissingParameter", "The request must contain the parameter MessageBody.")


def asked(house: House, url: str, **parameters: str) -> Any:
    """What is answered in JSON."""
    query = "&".join(f"{name.replace('_', '.')}={value}" for name, value in parameters.items())
    response = get(house, f"{urlsplit(url).path}?{query}", "application/json")
    assert response.content_type == b"application/json"
    return orjson.loads(response.body)


def test_an_answer_is_json_for_who_accepts_it(xml: House) -> None:
    url = xml.create()
    sent = asked(xml, url, Action="SendMessage", MessageBody="hello")["SendMessageResponse"]
    assert sent["ResponseMetadata"].keys() == {"RequestId"}
    assert sent["SendMessageResult"]["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert sent["SendMessageResult"]["SequenceNumber"] is None
    received = asked(xml, url, Action="ReceiveMessage", VisibilityTimeout="0")["ReceiveMessageResponse"]
    (message,) = received["ReceiveMessageResult"]["messages"]
    assert (message["Body"], message["Attributes"], message["MessageAttributes"]) == ("hello", None, None)
    received = asked(xml, url, Action="ReceiveMessage", AttributeName_1="SenderId")["ReceiveMessageResponse"]
    (message,) = received["ReceiveMessageResult"]["messages"]
    assert message["Attributes"] == [{"Name": "SenderId", "Value": ACCOUNT}]
    assert asked(xml, url, Action="ReceiveMessage")["ReceiveMessageResponse"]["ReceiveMessageResult"] == {
        "messages": None
    }  # fmt: skip
    found = asked(xml, "http://x/", Action="ListQueues", Version="2012-11-05")["ListQueuesResponse"]
    assert found["ListQueuesResult"] == {"queueUrls": [url], "NextToken": None}
    found = asked(xml, url, Action="GetQueueAttributes", AttributeName_1="QueueArn")["GetQueueAttributesResponse"]
    assert found["GetQueueAttributesResult"]["Attributes"] == [{"Name": "QueueArn", "Value": xml.arn(url)}]
    assert asked(xml, url, Action="PurgeQueue")["PurgeQueueResponse"].keys() == {"ResponseMetadata"}


def test_an_error_is_json_too(xml: House) -> None:
    found = asked(xml, xml.create(), Action="ListQueues")
    assert found["Error"] == {
        "Code": "InvalidAction", "Message": "The action ListQueues is not valid for this endpoint.", "Type": "Sender",
        "Detail": None,
    }  # fmt: skip
    assert found["RequestId"]


def test_the_json_wire_works_at_the_url_of_a_queue() -> None:
    house = House()
    url = house.create()
    house.send(url, "hello")
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.ReceiveMessage", "host": "x"}
    body = orjson.dumps({"QueueUrl": url})
    pending = house.request("", HttpRequest("POST", urlsplit(url).path, headers, body, LOCAL, BASE))
    assert pending.bodies() == ["hello"]
    assert pending.response is not None
    assert pending.response.content_type == b"application/x-amz-json-1.0"
