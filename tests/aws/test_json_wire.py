"""Parameters and errors on the JSON wire: what is left out, what is refused, and in which words."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.aws.front import json_wire
from mqbroker.aws.front.call import refusal
from mqbroker.aws.front.service import Action
from mqbroker.errors import AwsError
from tests.aws.house import QUEUE_URL, sqs


def parsed(action: str, parameters: Any) -> dict[str, Any]:
    return json_wire.parse_body(orjson.dumps(parameters), sqs().actions[action].parse_json)


def refused(action: str, parameters: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        parsed(action, parameters)
    return caught.value


def with_attribute(value: Any) -> dict[str, Any]:
    return {"QueueUrl": QUEUE_URL, "MessageBody": "a", "MessageAttributes": {"x": value}}


@pytest.mark.parametrize(
    ("action", "parameters", "text"),
    [
        ("SendMessage", {"QueueUrl": 1}, "NUMBER_VALUE can not be converted to a String"),
        ("SendMessage", {"QueueUrl": 1.5}, "NUMBER_VALUE can not be converted to a String"),
        ("SendMessage", {"QueueUrl": True}, "TRUE_VALUE can not be converted to a String"),
        ("SendMessage", {"QueueUrl": False}, "FALSE_VALUE can not be converted to a String"),
        ("SendMessage", {"QueueUrl": []}, "Unrecognized collection type class java.lang.String"),
        ("SendMessage", {"QueueUrl": {}}, "Start of structure or map found where not expected."),
        ("ReceiveMessage", {"MaxNumberOfMessages": "1"}, "STRING_VALUE can not be converted to an Integer"),
        ("ReceiveMessage", {"MaxNumberOfMessages": True}, "TRUE_VALUE can not be converted to an Integer"),
        ("ReceiveMessage", {"MaxNumberOfMessages": []}, "Unrecognized collection type class java.lang.Integer"),
        ("ReceiveMessage", {"MaxNumberOfMessages": {}}, "Start of structure or map found where not expected."),
        ("ReceiveMessage", {"AttributeNames": "All"}, "Expected list or null"),
        ("ReceiveMessage", {"AttributeNames": {}}, "Start of structure or map found where not expected."),
        ("ReceiveMessage", {"AttributeNames": [1]}, "NUMBER_VALUE can not be converted to a String"),
        ("CreateQueue", {"Attributes": "x"}, "Expected map or null"),
        ("CreateQueue", {"Attributes": []}, "Start of list found where not expected"),
        ("CreateQueue", {"Attributes": {"DelaySeconds": 1}}, "NUMBER_VALUE can not be converted to a String"),
        ("SendMessageBatch", {"QueueUrl": "q", "Entries": ["x"]}, "Expected null"),
        ("SendMessageBatch", {"QueueUrl": "q", "Entries": [[]]}, "Start of list found where not expected"),
        ("SendMessage", with_attribute({"BinaryValue": 1}), "NUMBER_VALUE can not be converted to a Blob"),
        (
            "SendMessage",
            with_attribute({"BinaryValue": "AAA"}),
            "Base64 encoded length is expected a multiple of 4 bytes but found: 3",
        ),
        ("SendMessage", with_attribute({"BinaryValue": "A*AA"}), "Invalid Base64 character"),
        ("SendMessage", with_attribute({"BinaryValue": "éééé"}), "Invalid Base64 character"),
        ("SendMessage", with_attribute({"BinaryValue": "A==="}), "Invalid Base64 character"),
        ("ListQueues", [], "Start of list found where not expected"),
        ("ListQueues", "x", "Expected null"),
        ("ListQueues", None, "Expected null"),
    ],
)
def test_a_value_of_a_wrong_type_is_refused(action: str, parameters: Any, text: str) -> None:
    error = refused(action, parameters)
    assert (error.shape, error.code, error.status, error.message) == (
        "SerializationException",
        "SerializationException",
        400,
        text,
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}x",
        b"{'QueueUrl': 1}",
        b'{"QueueUrl": "\xff"}',
        b'{"QueueUrl": "\\ud800"}',
        b"[" * 100_000,
        b"NaN",
    ],
)
def test_what_is_no_json_is_refused_without_a_text(body: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        json_wire.parse_body(body, sqs().actions["ListQueues"].parse_json)
    assert (caught.value.shape, caught.value.message) == ("SerializationException", "")


@pytest.mark.parametrize(
    ("action", "parameters", "name"),
    [
        ("SendMessage", {}, "QueueUrl"),
        ("SendMessage", {"QueueUrl": None}, "QueueUrl"),
        ("SendMessage", {"QueueUrl": QUEUE_URL}, "MessageBody"),
        ("SetQueueAttributes", {"QueueUrl": QUEUE_URL}, "Attributes"),
        ("AddPermission", {"QueueUrl": "q", "Label": "l", "AWSAccountIds": []}, "Actions"),
        (
            "SendMessageBatch",
            {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "1", "MessageBody": "a"}, None, {"Id": "2"}]},
            "SendMessageBatchRequestEntry.2.MessageBody",
        ),
    ],
)
def test_a_missing_parameter_is_named(action: str, parameters: Any, name: str) -> None:
    error = refused(action, parameters)
    assert (error.shape, error.code) == ("MissingRequiredParameterException", "MissingParameter")
    assert error.message == f"The request must contain the parameter {name}."


@pytest.mark.parametrize("entries", [{}, {"Entries": None}, {"Entries": []}])
def test_a_missing_batch_is_an_empty_one(entries: dict[str, Any]) -> None:
    assert parsed("DeleteMessageBatch", {"QueueUrl": QUEUE_URL} | entries)["Entries"] == []


def test_what_is_null_or_unknown_is_left_out() -> None:
    parameters: dict[str, Any] = {
        "QueueUrl": QUEUE_URL,
        "MaxNumberOfMessages": None,
        "Colour": {"x": []},
        "AttributeNames": ["All", None],
        "MessageAttributeNames": [],
    }
    assert parsed("ReceiveMessage", parameters) == {
        "QueueUrl": QUEUE_URL,
        "AttributeNames": ["All"],
        "MessageAttributeNames": [],
    }


def test_a_fraction_is_cut_off() -> None:
    assert parsed("ReceiveMessage", {"QueueUrl": "q", "WaitTimeSeconds": 1.9})["WaitTimeSeconds"] == 1


def test_what_an_attribute_lacks_is_left_to_the_service() -> None:
    assert parsed("SendMessage", with_attribute({}))["MessageAttributes"] == {"x": {}}


NAMES = st.sampled_from(
    ["QueueUrl", "MessageBody", "Entries", "Attributes", "Id", "MessageAttributes", "tags", "Name", "x"]
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.text("aA=\u00e9", max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
)


@settings(deadline=None)
@given(parameters=VALUES, action=st.sampled_from([*sqs().actions.values()]))
def test_any_value_is_read_or_refused(parameters: Any, action: Action) -> None:
    try:
        json_wire.parse_body(orjson.dumps(parameters), action.parse_json)
    except AwsError as error:
        assert error.code in ("SerializationException", "MissingParameter")  # noqa: PT017 - any of the two is right


def test_an_error_has_its_shape_and_the_code_of_the_query_wire() -> None:
    code = "AWS.SimpleQueueService.NonExistentQueue"
    error = AwsError("QueueDoesNotExist", "The specified queue does not exist.", code)
    response = refusal(error, sqs(), "json", False, "id")
    assert response.status == 400
    assert response.content_type == b"application/x-amz-json-1.0"
    assert response.headers == (b"x-amzn-RequestId: id\r\nx-amzn-query-error: %b;Sender\r\n" % code.encode())
    assert orjson.loads(response.body) == {
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    }


def test_a_failure_of_ours_is_the_receivers() -> None:
    response = refusal(AwsError("InternalFailure", "No.", status=500, is_sender=False), sqs(), "json", False, "id")
    assert response.status == 500
    assert b"x-amzn-query-error: InternalFailure;Receiver\r\n" in response.headers
    assert orjson.loads(response.body)["__type"] == "com.amazon.coral.service#InternalFailure"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_without_an_end_are_no_integers(value: float) -> None:
    """The answer to a document of CBOR with such a number was an internal error."""
    with pytest.raises(AwsError, match="NUMBER_VALUE can not be converted to an Integer"):
        sqs().actions["ReceiveMessage"].parse_json({"QueueUrl": QUEUE_URL, "MaxNumberOfMessages": value})
