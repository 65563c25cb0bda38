"""Bad input over a real socket, on both wires: AWS's error, a broker that stays up, and a log without a traceback."""

import json
from collections.abc import Iterator

import orjson
import pytest

from mqbroker.protocols.http.limits import HTTP_BODY_BYTES_MAX
from tests.support.broker_process import BrokerProcess
from tests.support.raw_http import RawHttp, request
from tests.support.sqs_query_form import error

JSON = "application/x-amz-json-1.0"
FORM = "application/x-www-form-urlencoded"
CORAL = "com.amazon.coral.service#"
SQS = "com.amazonaws.sqs#"


@pytest.fixture(autouse=True)
def stays_up(broker: BrokerProcess) -> Iterator[None]:
    """Behind each test the broker still works, and has nothing to be ashamed of in its log."""
    yield
    status, body = ask_json(broker, b"{}", "ListQueues")
    assert status == 200, body
    assert "Traceback" not in broker.log()


def ask_json(broker: BrokerProcess, body: bytes, action: str = "SendMessage", **headers: str) -> tuple[int, bytes]:
    given = {"content-type": JSON, "x-amz-target": f"AmazonSQS.{action}"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, answer = request(broker.ports["aws"], "POST", "/", given, body)
    return status, answer


def said(broker: BrokerProcess, body: bytes, action: str = "SendMessage") -> tuple[int, str, str]:
    """Status, type and message on the JSON wire."""
    status, answer = ask_json(broker, body, action)
    document = orjson.loads(answer)
    return status, document["__type"], document.get("message", "")


def said_form(broker: BrokerProcess, body: bytes, content_type: str = FORM) -> tuple[int, str, str]:
    """Status, code and message on the Query wire."""
    status, _, answer = request(broker.ports["aws"], "POST", "/", {"content-type": content_type, "x-test": "1"}, body)
    return status, *error(answer)[:2]


# --- actions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["AmazonSQS.FooBar", "AmazonSQS.", "Amazon", "", "AmazonSQS.sendMessage", "\xe4"])
def test_an_unknown_action_on_the_json_wire(broker: BrokerProcess, target: str) -> None:
    status, answer = ask_json(broker, b"{}", x_amz_target=target)
    assert (status, orjson.loads(answer)["__type"]) == (400, CORAL + "UnknownOperationException")


@pytest.mark.parametrize("action", ["FooBar", "sendMessage", "%C3%A4", "a" * 5000])
def test_an_unknown_action_on_the_query_wire(broker: BrokerProcess, action: str) -> None:
    status, code, message = said_form(broker, f"Action={action}&Version=2012-11-05".encode())
    assert (status, code) == (400, "InvalidAction")
    assert message.endswith(" is not valid for this endpoint.")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json"])
def test_another_content_type_is_no_call(broker: BrokerProcess, content_type: str) -> None:
    for headers in ({"x-amz-target": "AmazonSQS.ListQueues"}, {}):
        given = {"content-type": content_type, **headers}
        status, _, answer = request(broker.ports["aws"], "POST", "/", given, b"Action=ListQueues")
        assert (status, b"<UnknownOperationException" in answer) == (404, True)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_another_method_is_no_call(broker: BrokerProcess, method: str) -> None:
    status, _, _ = request(broker.ports["aws"], method, "/", {"x-amz-target": "AmazonSQS.ListQueues"})
    assert status in (400, 404, 405, 501)


# --- JSON -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b'{"QueueUrl"', b"{'a': 1}", b"\xff\xfe", b'{"a": NaN}', b'"\\ud800', b"[" * 5000,
     b'{"QueueUrl": "x"} x', b"\x00"],
)  # fmt: skip
def test_broken_json(broker: BrokerProcess, body: bytes) -> None:
    status, kind, _ = said(broker, body)
    assert (status, kind) == (400, CORAL + "SerializationException")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "Start of list found where not expected"), ("x", "Expected null"), (3, "Expected null"),
        ({"QueueUrl": 3, "MessageBody": "x"}, "NUMBER_VALUE can not be converted to a String"),
        ({"QueueUrl": "q", "MessageBody": True}, "TRUE_VALUE can not be converted to a String"),
        ({"QueueUrl": "q", "MessageBody": {}}, "Start of structure or map found where not expected."),
        ({"QueueUrl": "q", "MessageBody": "x", "DelaySeconds": "1"}, "STRING_VALUE can not be converted to an Integer"),
        ({"QueueUrl": "q", "MessageBody": "x", "MessageAttributes": []}, "Start of list found where not expected"),
        ({"QueueUrl": "q", "MessageBody": "x", "MessageAttributes": {"a": {"BinaryValue": "!!!!"}}},
         "Invalid Base64 character"),
        ({"QueueUrl": "q", "MessageBody": "x", "MessageAttributes": {"a": {"BinaryValue": "a"}}},
         "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
    ],
)  # fmt: skip
def test_values_of_a_wrong_type(broker: BrokerProcess, given: object, message: str) -> None:
    assert said(broker, orjson.dumps(given)) == (400, CORAL + "SerializationException", message)


@pytest.mark.parametrize(
    ("action", "given", "name"),
    [
        ("SendMessage", {"MessageBody": "x"}, "QueueUrl"), ("SendMessage", {"QueueUrl": "q"}, "MessageBody"),
        ("CreateQueue", {}, "QueueName"), ("DeleteMessage", {"QueueUrl": "q"}, "ReceiptHandle"),
        ("SetQueueAttributes", {"QueueUrl": "q"}, "Attributes"), ("CreateQueue", {"QueueName": None}, "QueueName"),
        ("StartMessageMoveTask", {}, "SourceArn"), ("CancelMessageMoveTask", {}, "TaskHandle"),
    ],
)  # fmt: skip
def test_missing_parameters(broker: BrokerProcess, action: str, given: dict[str, object], name: str) -> None:
    assert said(broker, orjson.dumps(given), action) == (
        400, SQS + "MissingRequiredParameterException", f"The request must contain the parameter {name}."
    )  # fmt: skip


@pytest.mark.parametrize("number", [1 << 31, -(1 << 31) - 1, 1 << 63, 10**30])
def test_numbers_that_are_too_large(broker: BrokerProcess, name: str, number: int) -> None:
    url = orjson.loads(ask_json(broker, orjson.dumps({"QueueName": name}), "CreateQueue")[1])["QueueUrl"]
    body = json.dumps({"QueueUrl": url, "MaxNumberOfMessages": number}).encode()
    status, kind, _ = said(broker, body, "ReceiveMessage")
    assert status == 400
    assert kind in (SQS + "InvalidParameterValueException", CORAL + "SerializationException")


def test_text_that_is_half_a_character(broker: BrokerProcess, name: str) -> None:
    url = orjson.loads(ask_json(broker, orjson.dumps({"QueueName": name}), "CreateQueue")[1])["QueueUrl"]
    body = b'{"QueueUrl": "%b", "MessageBody": "\\ud800"}' % url.encode()
    status, kind, _ = said(broker, body)
    assert (status, kind) == (400, CORAL + "SerializationException")


# --- forms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (b"Action=SendMessage&QueueUrl=%zz&MessageBody=x", "MalformedQueryString"),
        (b"Action=SendMessage&QueueUrl=%", "MalformedQueryString"),
        (b"Action=SendMessage&QueueUrl=%ff&MessageBody=x", "MalformedQueryString"),
        (b"Action=SendMessage&QueueUrl=q&MessageBody=x&DelaySeconds=x", "MalformedInput"),
        (b"Action=SendMessage&QueueUrl.1=q&MessageBody=x", "MalformedInput"),
        (b"Action=SendMessage&QueueUrl=q&MessageBody=x&MessageAttribute.x.Name=a", "MalformedInput"),
        (b"Action=SendMessage&QueueUrl=q&MessageBody=x&MessageAttribute.1=a", "MalformedInput"),
        (b"Action=SendMessage&QueueUrl=q&" + b"a." * 50 + b"=1", "MalformedInput"),
        (b"Action=SendMessage&" + b"&".join(b"a%d=1" % number for number in range(10_001)), "MalformedInput"),
        (b"Action=SendMessage&QueueUrl=q", "MissingParameter"), (b"Action=CreateQueue", "MissingParameter"),
        (b"Action=&Version=2012-11-05", "MissingAction"), (b"Version=2012-11-05", "MissingAction"),
        (b"&&&=&=x&Action=DeleteQueue", "MissingParameter"),
    ],
)  # fmt: skip
def test_broken_forms(broker: BrokerProcess, form: bytes, code: str) -> None:
    status, found, _ = said_form(broker, form)
    assert (status, found) == (400, code)


# --- HTTP -----------------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_not_read(broker: BrokerProcess) -> None:
    with RawHttp(broker.ports["aws"]) as connection:
        connection.send(
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-amz-json-1.0\r\n"
            b"x-amz-target: AmazonSQS.SendMessage\r\ncontent-length: %d\r\n\r\n" % (HTTP_BODY_BYTES_MAX + 1)
        )
        assert connection.answer()[0] == 413
        assert connection.is_closed()


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n", b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"POST / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_proper_http_is_refused_and_closed(broker: BrokerProcess, head: bytes) -> None:
    with RawHttp(broker.ports["aws"]) as connection:
        connection.send(head)
        assert connection.answer()[0] == 400
        assert connection.is_closed()


def test_requests_on_one_connection_are_answered_in_order(broker: BrokerProcess, name: str) -> None:
    bodies = [orjson.dumps({"QueueName": f"{name}-{number}"}) for number in range(20)]
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-amz-json-1.0\r\n"
    calls = [
        head + b"x-amz-target: AmazonSQS.%b\r\ncontent-length: %d\r\n\r\n%b"
        % (b"CreateQueue" if number % 3 else b"FooBar", len(body), body)
        for number, body in enumerate(bodies)
    ]  # fmt: skip
    with RawHttp(broker.ports["aws"]) as connection:
        connection.send(b"".join(calls))
        statuses = [connection.answer()[0] for _ in calls]
    assert statuses == [200 if number % 3 else 400 for number in range(20)]
