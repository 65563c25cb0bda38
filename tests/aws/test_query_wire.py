"""Parameters and errors on the Query wire: forms as people write them, and what is refused."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqbroker.aws.front import query_wire
from mqbroker.aws.front.call import refusal
from mqbroker.aws.limits import QUERY_DEPTH_MAX, QUERY_PARAMETERS_MAX
from mqbroker.errors import AwsError
from tests.aws.house import sns, sqs


def parsed(action: str, form: str | bytes) -> dict[str, Any]:
    data = form if isinstance(form, bytes) else form.encode()
    return query_wire.parse_parameters(query_wire.parse_form(data), sqs().actions[action].parse_query)


def refused(action: str, form: str | bytes) -> AwsError:
    with pytest.raises(AwsError) as caught:
        parsed(action, form)
    return caught.value


@pytest.mark.parametrize(
    ("action", "form", "parameters"),
    [
        # the examples of the API Reference
        (
            "SendMessage",
            "QueueUrl=q&MessageBody=This+is+a+test+message&MessageAttribute.1.Name=my_attribute_name_1"
            "&MessageAttribute.1.Value.StringValue=my_attribute_value_1&MessageAttribute.1.Value.DataType=String",
            {
                "QueueUrl": "q",
                "MessageBody": "This is a test message",
                "MessageAttributes": {
                    "my_attribute_name_1": {"StringValue": "my_attribute_value_1", "DataType": "String"}
                },
            },
        ),
        (
            "SetQueueAttributes",
            "QueueUrl=q&Attribute.Name=DelaySeconds&Attribute.Value=45",
            {"QueueUrl": "q", "Attributes": {"DelaySeconds": "45"}},
        ),
        (
            "DeleteMessageBatch",
            "QueueUrl=q&DeleteMessageBatchRequestEntry.1.Id=msg1&DeleteMessageBatchRequestEntry.1.ReceiptHandle=h%3D"
            "&DeleteMessageBatchRequestEntry.2.Id=msg2&DeleteMessageBatchRequestEntry.2.ReceiptHandle=g",
            {
                "QueueUrl": "q",
                "Entries": [{"Id": "msg1", "ReceiptHandle": "h="}, {"Id": "msg2", "ReceiptHandle": "g"}],
            },
        ),
        ("CreateQueue", "QueueName=q&Tag.1.Key=a&Tag.1.Value=", {"QueueName": "q", "tags": {"a": ""}}),
        # what else has been seen
        ("ListQueues", "", {}),
        ("ListQueues", "&&Action=ListQueues&Version=2012-11-05&Colour.1.x=3", {}),
        ("ListQueues", "QueueNamePrefix", {"QueueNamePrefix": ""}),
        ("ListQueues", "QueueNamePrefix=a=b", {"QueueNamePrefix": "a=b"}),
        ("ListQueues", "QueueNamePrefix=%e2%82%AC%2B+", {"QueueNamePrefix": "€+ "}),
        ("ListQueues", "MaxResults=", {}),
        ("ListQueues", "MaxResults=%2B7", {"MaxResults": 7}),
        ("ReceiveMessage", "QueueUrl=q&AttributeName=All", {"QueueUrl": "q", "AttributeNames": ["All"]}),
        ("ReceiveMessage", "QueueUrl=q&AttributeName=", {"QueueUrl": "q"}),
        (
            "ReceiveMessage",
            "QueueUrl=q&AttributeName.10=c&AttributeName.2=b&AttributeName.1=a",
            {"QueueUrl": "q", "AttributeNames": ["a", "b", "c"]},
        ),
        ("SendMessageBatch", "QueueUrl=q", {"QueueUrl": "q", "Entries": []}),
        (
            "SendMessage",
            "QueueUrl=q&MessageBody=&MessageAttribute.1.Name=x&MessageAttribute.1.Value.BinaryValue=AP8%2F",
            {"QueueUrl": "q", "MessageBody": "", "MessageAttributes": {"x": {"BinaryValue": b"\x00\xff?"}}},
        ),
        ("SendMessage", "QueueUrl=q&MessageBody=a&MessageAttribute.1.Name=x", {"MessageAttributes": {"x": {}}}),
    ],
)
def test_a_form_is_read(action: str, form: str, parameters: dict[str, Any]) -> None:
    assert parsed(action, form).items() >= parameters.items()


@pytest.mark.parametrize(
    ("action", "form", "text"),
    [
        ("ReceiveMessage", "MaxNumberOfMessages=ten", "STRING_VALUE can not be converted to an Integer"),
        ("ReceiveMessage", "MaxNumberOfMessages=1e3", "STRING_VALUE can not be converted to an Integer"),
        ("ReceiveMessage", "MaxNumberOfMessages=" + "9" * 5000, "STRING_VALUE can not be converted to an Integer"),
        ("ReceiveMessage", "MaxNumberOfMessages.1=1", "Start of structure or map found where not expected."),
        ("ReceiveMessage", "AttributeName.x=All", "Start of list found where not expected"),
        ("ReceiveMessage", "AttributeName.-1=All", "Start of list found where not expected"),
        ("ReceiveMessage", "AttributeName.99999999=All", "Start of list found where not expected"),
        ("ReceiveMessage", "AttributeName.1.x=All", "Start of structure or map found where not expected."),
        ("SendMessage", "QueueUrl=a&QueueUrl.1=b", "Start of structure or map found where not expected."),
        ("SendMessage", "QueueUrl.1=b&QueueUrl=a", "Start of structure or map found where not expected."),
        ("SetQueueAttributes", "Attribute=a", "Expected map or null"),
        ("SetQueueAttributes", "Attribute.1=a", "Expected map or null"),
        ("SetQueueAttributes", "Attribute.1.Value=a", "Expected map or null"),
        ("SendMessageBatch", "SendMessageBatchRequestEntry.1=a", "Expected null"),
        (
            "SendMessage",
            "MessageAttribute.1.Name=a&MessageAttribute.1.Value.BinaryValue=A",
            "Base64 encoded length is expected a multiple of 4 bytes but found: 1",
        ),
        ("ListQueues", ".".join("a" * (QUERY_DEPTH_MAX + 1)) + "=", "The name of a parameter has too many parts."),
        ("ListQueues", "a&" * QUERY_PARAMETERS_MAX, f"The request has more than {QUERY_PARAMETERS_MAX} parameters."),
    ],
)
def test_a_malformed_parameter_is_refused(action: str, form: str, text: str) -> None:
    error = refused(action, form)
    assert (error.code, error.status, error.message) == ("MalformedInput", 400, text)


@pytest.mark.parametrize("form", [b"a=%", b"a=%4", b"a=%zz", b"%=1", b"a=%ff", b"a=\xff", b"%c3%28=1", b"a=%ed%a0%80"])
def test_bad_encoding_is_a_syntax_error(form: bytes) -> None:
    error = refused("ListQueues", form)
    assert (error.code, error.message) == ("MalformedQueryString", "The query string contains a syntax error.")


@pytest.mark.parametrize(
    ("action", "form", "name"),
    [
        ("SendMessage", "MessageBody=a", "QueueUrl"),
        ("SendMessage", "QueueUrl=q", "MessageBody"),
        (
            "ChangeMessageVisibilityBatch",
            "QueueUrl=q&ChangeMessageVisibilityBatchRequestEntry.3.Id=a",
            "ChangeMessageVisibilityBatchRequestEntry.3.ReceiptHandle",
        ),
    ],
)
def test_a_missing_parameter_is_named(action: str, form: str, name: str) -> None:
    error = refused(action, form)
    assert (error.code, error.message) == ("MissingParameter", f"The request must contain the parameter {name}.")


def test_an_error_has_the_text_of_this_wire() -> None:
    error = AwsError("QueueDoesNotExist", "No.", "AWS.NonExistentQueue", query_message='None for <"this"> wsdl\x00.')
    response = refusal(error, sqs(), "query", False, "id")
    assert (response.status, response.content_type) == (400, b"text/xml")
    assert response.headers == b"x-amzn-RequestId: id\r\n"
    assert response.body.decode() == (
        '<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error>'
        "<Type>Sender</Type><Code>AWS.NonExistentQueue</Code>"
        "<Message>None for &lt;&quot;this&quot;&gt; wsdl\ufffd.</Message><Detail/></Error>"
        "<RequestId>id</RequestId></ErrorResponse>"
    )


def test_an_error_comes_in_json_to_who_accepts_it() -> None:
    error = AwsError("InternalFailure", "No.", status=500, is_sender=False)
    response = refusal(error, sns(), "query", True, "id")
    assert (response.status, response.content_type) == (500, b"application/json")
    assert orjson.loads(response.body) == {
        "Error": {"Code": "InternalFailure", "Message": "No.", "Type": "Receiver", "Detail": None},
        "RequestId": "id",
    }


NAMES = "Attribute AttributeName MessageAttribute SendMessageBatchRequestEntry Entries entry member Name Value Key Id"
PIECES = st.sampled_from([*NAMES.split(), "QueueUrl", "MessageBody", "MaxNumberOfMessages", "1", "2", "0", "-1", "x"])
FORMS = st.lists(st.tuples(st.lists(PIECES, min_size=1, max_size=6).map(".".join), st.text("a1=% +", max_size=4)))


@settings(deadline=None)
@given(form=FORMS, action=st.sampled_from([*sqs().actions.values(), *sns().actions.values()]))
def test_any_form_is_read_or_refused(form: list[tuple[str, str]], action: Any) -> None:
    try:
        query_wire.parse_parameters(dict(form), action.parse_query)
    except AwsError as error:
        assert error.code in ("MalformedInput", "MissingParameter")  # noqa: PT017 - any of the two is right


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_form_or_refused(data: bytes) -> None:
    try:
        query_wire.parse_form(data)
    except AwsError as error:
        assert error.code == "MalformedQueryString"  # noqa: PT017 - but no other error


def test_a_parameter_that_is_there_twice_is_refused() -> None:
    """The last one counted, while a signature is made of both in the order of their values."""
    assert refused("SendMessage", "QueueUrl=q&MessageBody=a&MessageBody=b").code == "MalformedInput"
