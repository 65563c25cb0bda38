"""What SNS refuses, with AWS's codes and texts: clients match on them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.aws.sns.conftest import Queues
from tests.aws.sns.raw import refused
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

INVALID = "InvalidParameter"
SQS = "arn:aws:sqs:us-east-1:000000000000"
SIX = "Reason: An ARN must have at least 6 elements, not"


def error(action: Any, **parameters: Any) -> tuple[str, str, int]:
    """Code, message and HTTP status of a call that must be refused."""
    with pytest.raises(ClientError) as refused:
        action(**parameters)
    found = refused.value.response
    return found["Error"]["Code"], found["Error"]["Message"], found["ResponseMetadata"]["HTTPStatusCode"]


def invalid(what: str) -> tuple[str, str, int]:
    return INVALID, f"Invalid parameter: {what}", 400


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


# --- topics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", ["a:b", "a;b", "a!", "a@b", "a|b", "a^b", "a%", "a b", "", "x" * 257, "a.b", "a.fifo"]
)
def test_names_of_topics(sns: Any, wrong: str) -> None:
    assert error(sns.create_topic, Name=wrong) == invalid("Topic Name")


def test_a_name_may_be_long(sns: Any) -> None:
    sns.delete_topic(TopicArn=sns.create_topic(Name="x" * 256)["TopicArn"])


def test_fifo_topics_end_with_fifo(sns: Any) -> None:
    code, message, _ = error(sns.create_topic, Name="a", Attributes={"FifoTopic": "true"})
    assert code == INVALID
    assert message.startswith("Invalid parameter: Fifo Topic names must end with .fifo")


def test_a_topic_is_made_twice_only_with_the_same_attributes_and_tags(sns: Any, name: str) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    made = sns.create_topic(Name=name, Attributes={"DisplayName": "d"}, Tags=tags)["TopicArn"]
    assert sns.create_topic(Name=name)["TopicArn"] == made
    assert sns.create_topic(Name=name, Attributes={"DisplayName": "d"}, Tags=tags)["TopicArn"] == made
    assert error(sns.create_topic, Name=name, Attributes={"DisplayName": "e"}) == invalid(
        "Attributes Reason: Topic already exists with different attributes"
    )
    more = [*tags, {"Key": "l", "Value": "v"}]
    assert error(sns.create_topic, Name=name, Tags=more) == invalid(
        "Tags Reason: Topic already exists with different tags"
    )


def test_topics_that_are_not_there(sns: Any, topic: str, broker: BrokerProcess) -> None:
    missing = ("NotFound", "Topic does not exist", 404)
    assert error(sns.get_topic_attributes, TopicArn=f"{topic}x") == missing
    assert error(sns.publish, TopicArn=f"{topic}x", Message="m") == missing
    assert error(sns.subscribe, TopicArn=f"{topic}x", Protocol="sms", Endpoint="+1555") == missing
    assert error(sns.get_topic_attributes, TopicArn="topic") == invalid(f"TopicArn {SIX} 1")
    assert error(sns.publish, TopicArn="arn:aws", Message="m") == invalid(f"TopicArn {SIX} 2")
    assert error(sns.publish, TopicArn="", Message="m") == invalid(f"TopicArn {SIX} 1")
    other = client(broker, "sns", region="eu-west-1")
    for action, rest in (
        (other.publish, {"Message": "m"}),
        (other.get_topic_attributes, {}),
        (other.subscribe, {"Protocol": "sms", "Endpoint": "+1555"}),
        (other.delete_topic, {}),
        (other.list_subscriptions_by_topic, {}),
    ):
        assert error(action, TopicArn=topic, **rest) == invalid("TopicArn")
    other.close()
    assert error(sns.list_tags_for_resource, ResourceArn=f"{topic}x")[:1] == ("ResourceNotFound",)


def test_attributes_of_topics(sns: Any, topic: str) -> None:
    def wrong(name: str, value: str) -> tuple[str, str, int]:
        return error(sns.set_topic_attributes, TopicArn=topic, AttributeName=name, AttributeValue=value)

    assert wrong("Fake", "x") == invalid("AttributeName")
    assert wrong("FifoTopic", "false") == invalid("AttributeName")
    assert wrong("ContentBasedDeduplication", "true") == invalid("AttributeName")
    assert wrong("Policy", "{}")[0] == INVALID
    assert wrong("SignatureVersion", "3")[0] == INVALID
    assert wrong("DeliveryPolicy", "{")[0] == INVALID
    out_of_scope = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}]}'
    assert wrong("Policy", out_of_scope) == invalid("Policy statement action out of service scope!")


def test_permissions(sns: Any, topic: str) -> None:
    given = {"TopicArn": topic, "Label": "l", "AWSAccountId": ["111122223333"], "ActionName": ["Publish"]}
    sns.add_permission(**given)
    assert error(sns.add_permission, **given) == invalid("Statement already exists")
    assert error(sns.add_permission, **{**given, "Label": "m", "ActionName": ["Nothing"]}) == invalid(
        "Policy statement action out of service scope!"
    )
    sns.remove_permission(TopicArn=topic, Label="l")
    sns.remove_permission(TopicArn=topic, Label="l")


def test_tags(sns: Any, topic: str) -> None:
    twice = [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]
    assert error(sns.tag_resource, ResourceArn=topic, Tags=twice) == invalid("Duplicated keys are not allowed.")
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    assert error(sns.tag_resource, ResourceArn=topic, Tags=many)[0] == "TagLimitExceeded"


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_endpoints(sns: Any, topic: str, queues: Queues) -> None:
    def wrong(protocol: str, endpoint: str, **rest: Any) -> tuple[str, str, int]:
        return error(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint, **rest)

    assert wrong("test-protocol", "x") == invalid("Amazon SNS does not support this protocol string: test-protocol")
    assert wrong("sqs", queues.make()) == invalid("SQS endpoint ARN")
    for stream in ("..", ".", "a/b"):
        endpoint = f"arn:aws:firehose:us-east-1:000000000000:deliverystream/{stream}"
        assert wrong("firehose", endpoint) == invalid("Firehose endpoint ARN")
    assert wrong("sms", "NAA+15551234567") == (INVALID, "Invalid SMS endpoint: NAA+15551234567", 400)
    for number in ("+1--5551234567", "invalid-number"):
        assert wrong("sms", number)[1] == f"Invalid SMS endpoint: {number}"
    assert sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15/55-123.4567")["SubscriptionArn"]
    assert sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{SQS}:nobody")["SubscriptionArn"]
    assert wrong("sqs", "arn:aws:sqs:nobody") == invalid("SQS endpoint ARN")
    assert wrong("http", "https://localhost/") == invalid("Endpoint must match the specified protocol")
    assert wrong("email", "nobody") == invalid("Email address")
    fifo = queues.arn(queues.make(fifo=True))
    assert wrong("sqs", fifo) == invalid(
        "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
    )


def test_attributes_of_subscriptions(sns: Any, topic: str, queues: Queues) -> None:
    endpoint = queues.arn(queues.make())

    def wrong_at_first(**attributes: str) -> tuple[str, str, int]:
        return error(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)

    assert wrong_at_first(RawMessageDelivery="wrongvalue") == invalid(
        "Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false."
    )
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)["SubscriptionArn"]

    def wrong(name: str, value: str) -> tuple[str, str, int]:
        return error(sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=name, AttributeValue=value)

    position = "(`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 2]"
    fault = (
        "failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name\n "
        f"at [Source: REDACTED {position}"
    )
    assert wrong("Fake", "x") == invalid("AttributeName")
    assert wrong("RawMessageDelivery", "x") == invalid("RawMessageDelivery: Invalid value [x]. Must be true or false.")
    assert wrong("RawMessageDelivery", "") == invalid("RawMessageDelivery: Invalid value []. Must be true or false.")
    assert wrong("RedrivePolicy", '{"deadLetterTargetArn": "x"}') == invalid(
        "RedrivePolicy: deadLetterTargetArn is an invalid arn"
    )
    assert wrong("RedrivePolicy", "{invalid") == invalid(f"RedrivePolicy: {fault}")
    assert wrong("FilterPolicy", "{invalid") == invalid(f"FilterPolicy: {fault}")
    assert wrong("FilterPolicyScope", "RandomValue") == invalid(
        "FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes"
    )
    assert wrong("DeliveryPolicy", "{}")[0] == INVALID
    assert wrong_at_first(RawMessageDelivery="true") == invalid(
        "Attributes Reason: Subscription already exists with different attributes"
    )


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        (
            "FilterPolicy", "invalid",
            "FilterPolicy: failed to parse JSON. Unrecognized token 'invalid': was expecting (JSON String, Number, "
            "Array, Object or token 'null', 'true' or 'false')\n at [Source: REDACTED "
            "(`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 8]",
        ),
        (
            "FilterPolicy", '{"key":[{"suffix":100}]}',
            "FilterPolicy: suffix match pattern must be a string\n "
            'at [Source: (String)"{"key":[{"suffix":100}]}"; line: 1, column: 22]',
        ),
        ("FilterPolicy", '{"a":{"b":["c"]}}',
         "Filter policy scope MessageAttributes does not support nested filter policy"),
        ("FilterPolicy", '{"a":["0"],"b":["0"],"c":["0"],"d":["0"],"e":["0"],"f":["0"]}',
         "FilterPolicy: Filter policy can not have more than 5 keys"),
        ("FilterPolicyScope", "RandomValue",
         "FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes"),
        ("RedrivePolicy", '{"deadLetterTargetArn":"x"}', "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
    ],
)  # fmt: skip
def test_subscribe_says_that_it_means_the_attributes(
    sns: Any, topic: str, attribute: str, value: str, said: str
) -> None:
    """Both actions say the same, but Subscribe begins with where it has found it."""
    given = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": f"{SQS}:q"}
    refused = error(sns.subscribe, **given, Attributes={attribute: value})
    assert refused == invalid(f"Attributes Reason: {said}")
    arn = sns.subscribe(**given)["SubscriptionArn"]
    change = {"SubscriptionArn": arn, "AttributeName": attribute, "AttributeValue": value}
    assert error(sns.set_subscription_attributes, **change) == invalid(said)


def test_subscriptions_that_are_not_there(sns: Any, topic: str) -> None:
    nobody = f"{topic}:00000000-0000-4000-8000-000000000000"
    missing = ("NotFound", "Subscription does not exist", 404)
    assert error(sns.get_subscription_attributes, SubscriptionArn=nobody) == missing
    assert error(
        sns.set_subscription_attributes, SubscriptionArn=nobody, AttributeName="RedrivePolicy", AttributeValue=""
    ) == missing  # fmt: skip
    sns.unsubscribe(SubscriptionArn=nobody)
    assert error(sns.unsubscribe, SubscriptionArn="x") == invalid(f"SubscriptionArn {SIX} 1")
    assert error(sns.unsubscribe, SubscriptionArn="a:b:c:d:e") == invalid(f"SubscriptionArn {SIX} 5")
    assert error(sns.unsubscribe, SubscriptionArn=f"{topic}:x") == invalid("SubscriptionId")
    assert error(sns.get_subscription_attributes, SubscriptionArn=f"{topic}:x") == invalid("SubscriptionId")
    for pending in ("PendingConfirmation", "pending confirmation"):
        assert error(sns.get_subscription_attributes, SubscriptionArn=pending) == invalid(f"SubscriptionArn {SIX} 1")
    assert error(sns.unsubscribe, SubscriptionArn="") == invalid(
        "SubscriptionArn Reason: no value for required parameter"
    )


def test_tokens(sns: Any, topic: str) -> None:
    assert error(sns.confirm_subscription, TopicArn=topic, Token="a" * 256) == invalid("Token")
    assert error(sns.confirm_subscription, TopicArn=topic, Token="x") == (INVALID, "Invalid token", 400)
    assert error(sns.confirm_subscription, TopicArn=f"{topic}x", Token="a" * 256) == invalid("Token")
    assert error(sns.confirm_subscription, TopicArn="x", Token="a" * 256) == invalid("Topic")


def test_a_dead_letter_queue_is_of_the_type_of_the_subscription(sns: Any, name: str, queues: Queues) -> None:
    topic = sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues.arn(queues.make(fifo=True)))["SubscriptionArn"]
    redrive = f'{{"deadLetterTargetArn": "{queues.arn(queues.make())}"}}'
    assert error(
        sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName="RedrivePolicy", AttributeValue=redrive
    ) == invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")  # fmt: skip


# --- publishing -------------------------------------------------------------------------------------------------------


def test_messages(sns: Any, topic: str) -> None:
    def wrong(**given: Any) -> tuple[str, str, int]:
        return error(sns.publish, TopicArn=topic, **{"Message": "m", **given})

    assert wrong(Message="") == invalid("Empty message")
    assert wrong(Message="x" * 262_145) == invalid("Message too long")
    assert wrong(Message="x" * 262_140, MessageAttributes={"a": text("x")}) == invalid("Message too long")
    assert wrong(Subject="") == invalid("Subject")
    assert wrong(Subject="x" * 101) == invalid("Subject")
    assert wrong(Subject="a\nb") == invalid("Subject")
    no_default = "Message Structure - No default entry in JSON message body"
    assert wrong(Message='{"sqs": "x"}', MessageStructure="json") == invalid(no_default)
    assert wrong(Message='{"default": 1}', MessageStructure="json") == invalid(no_default)
    assert wrong(Message="{", MessageStructure="json") == invalid(
        "Message Structure - JSON message body failed to parse"
    )
    assert wrong(MessageDeduplicationId="x") == invalid(
        "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for "
        "this topic type"
    )
    sns.publish(TopicArn=topic, Message="x" * 262_144)


def test_what_is_no_place_to_publish_to(sns: Any, topic: str) -> None:
    endpoint = "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/00000000-0000-4000-8000-000000000000"
    assert error(sns.publish, TargetArn=endpoint, Message="m") == invalid(
        "TargetArn Reason: No endpoint found for the target arn specified"
    )
    for number in ("+1a234", "NAA+15551234567"):
        assert error(sns.publish, PhoneNumber=number, Message="m") == invalid(
            f"PhoneNumber Reason: {number} is not valid to publish to"
        )
    assert error(sns.get_endpoint_attributes, EndpointArn=endpoint) == ("NotFound", "Endpoint does not exist", 404)
    application = "arn:aws:sns:us-east-1:000000000000:app/GCM/app"
    assert error(sns.get_platform_application_attributes, PlatformApplicationArn=application) == (
        "NotFound", "PlatformApplication does not exist", 404,
    )  # fmt: skip


def test_attributes_of_text_messages(sns: Any) -> None:
    assert sns.get_sms_attributes()["attributes"]["MonthlySpendLimit"] == "1"
    for wrong, said in (
        ({"Fake": "x"}, "Fake is not a valid attribute"), ({"DefaultSMSType": "x"}, "DefaultSMSType is invalid"),
    ):  # fmt: skip
        assert error(sns.set_sms_attributes, attributes=wrong) == (INVALID, said, 400)
    sns.set_sms_attributes(attributes={"DefaultSMSType": "Transactional"})
    assert sns.get_sms_attributes(attributes=["DefaultSMSType"])["attributes"] == {"DefaultSMSType": "Transactional"}


def test_fifo_topics_ask_for_groups_and_ids(sns: Any, name: str) -> None:
    topic = sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    group = invalid("The MessageGroupId parameter is required for FIFO topics")
    deduplication = invalid(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )
    assert error(sns.publish, TopicArn=topic, Message="m") == group
    assert error(sns.publish, TopicArn=topic, Message="m", MessageGroupId="g") == deduplication
    entry = {"Id": "1", "Message": "m"}
    assert error(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[entry]) == group
    entry["MessageGroupId"] = "g"
    assert error(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[entry]) == deduplication


TYPES = "the set of supported type prefixes is Binary, Number, and String."
EMPTY = "must contain non-empty message attribute value for message attribute type"


@pytest.mark.parametrize(
    ("key", "attribute", "said"),
    [
        ("attr1", {"DataType": "String", "StringValue": ""}, f"The message attribute 'attr1' {EMPTY} 'String'."),
        ("attr1", {"DataType": "String"}, f"The message attribute 'attr1' {EMPTY} 'String'."),
        ("attr1", {"DataType": "Number", "StringValue": ""}, f"The message attribute 'attr1' {EMPTY} 'Number'."),
        ("attr1", {"DataType": "Binary"}, f"The message attribute 'attr1' {EMPTY} 'Binary'."),
        ("attr1", {"DataType": "Binary", "BinaryValue": b""}, f"The message attribute 'attr1' {EMPTY} 'Binary'."),
        (
            "attr1", {"DataType": "String", "BinaryValue": b"x"},
            "The message attribute 'attr1' with type 'String' must use field 'String'.",
        ),
        (
            "attr1", {"DataType": "Number", "BinaryValue": b"x"},
            "The message attribute 'attr1' with type 'Number' must use field 'String'.",
        ),
        (
            "attr1", {"DataType": "Binary", "StringValue": "x"},
            "The message attribute 'attr1' with type 'Binary' must use field 'Binary'.",
        ),
        ("attr1", {"DataType": "Int", "StringValue": "1"},
         f"The message attribute 'attr1' has an invalid message attribute type, {TYPES}"),
        ("attr1", {"DataType": "Stringprefixed", "StringValue": "1"},
         f"The message attribute 'attr1' has an invalid message attribute type, {TYPES}"),
        (
            "attr1", {"DataType": "Number", "StringValue": "x"},
            "Could not cast message attribute 'attr1' value to number.",
        ),
        ("a" * 257, text("x"), "Length of message attribute name must be less than 256 bytes."),
        (
            "a^", text("x"),
            "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include "
            "alphanumeric characters, hyphens, underscores, or dots.",
        ),
        (".a", text("x"), "Invalid message attribute name starting with character '.' was found."),
        ("a.", text("x"), "Invalid message attribute name ending with character '.' was found."),
        ("a..b", text("x"), "Message attribute name can not have successive '.' character."),
    ],
)  # fmt: skip
def test_message_attributes(sns: Any, topic: str, key: str, attribute: dict[str, Any], said: str) -> None:
    expected = ("ParameterValueInvalid", said, 400)
    assert error(sns.publish, TopicArn=topic, Message="m", MessageAttributes={key: attribute}) == expected
    entry = {"Id": "1", "Message": "m", "MessageAttributes": {key: attribute}}
    assert error(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[entry]) == expected


def test_batches(sns: Any, topic: str) -> None:
    def wrong(*entries: dict[str, Any]) -> tuple[str, str, int]:
        return error(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=list(entries))

    def entry(number: object, message: str = "m") -> dict[str, Any]:
        return {"Id": str(number), "Message": message}

    assert wrong(*map(entry, range(11))) == (
        "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.", 400,
    )  # fmt: skip
    assert wrong(entry(1), entry(1)) == (
        "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.", 400,
    )  # fmt: skip
    long = ("BatchRequestTooLong", "The length of all the messages put together is more than the limit.", 400)
    assert wrong(entry(1, "x" * 131_073), entry(2, "x" * 131_072)) == long
    assert wrong({**entry(1, "x" * 262_140), "MessageAttributes": {"a": text("x")}}) == long
    assert error(sns.publish_batch, TopicArn=f"{topic}x", PublishBatchRequestEntries=[entry(1)]) == (
        "NotFound", "Topic does not exist", 404,
    )  # fmt: skip
    assert wrong({**entry(1, '{"sqs": "x"}'), "MessageStructure": "json"}) == invalid(
        "Message Structure - No default entry in JSON message body"
    )
    assert wrong(entry("a b"))[0] == wrong(entry("x" * 81))[0] == "InvalidBatchEntryId"
    assert wrong()[0] == "EmptyBatchRequest"


@pytest.mark.parametrize(
    ("action", "parameters", "path"),
    [
        ("Publish", {"TopicArn": "{topic}"}, "message"),
        ("CreateTopic", {}, "name"),
        ("Subscribe", {"TopicArn": "{topic}"}, "protocol"),
        ("GetTopicAttributes", {}, "topicArn"),
        (
            "Publish",
            {"TopicArn": "{topic}", "Message": "m", "MessageAttributes__entry__1__Name": "attr1",
             "MessageAttributes__entry__1__Value__StringValue": "x"},
            "messageAttributes.attr1.member.dataType",
        ),
        (
            "PublishBatch",
            {"TopicArn": "{topic}", "PublishBatchRequestEntries__member__1__Id": "1",
             "PublishBatchRequestEntries__member__1__Message": "m",
             "PublishBatchRequestEntries__member__1__MessageAttributes__entry__1__Name": "attr1",
             "PublishBatchRequestEntries__member__1__MessageAttributes__entry__1__Value__StringValue": "x"},
            "publishBatchRequestEntries.1.member.messageAttributes.attr1.member.dataType",
        ),
    ],
)  # fmt: skip
def test_what_is_missing(broker: BrokerProcess, topic: str, action: str, parameters: dict[str, str], path: str) -> None:
    given = {name: value.format(topic=topic) for name, value in parameters.items()}
    assert refused(broker, action, **given) == (
        "ValidationError",
        f"1 validation error detected: Value null at '{path}' failed to satisfy constraint: Member must not be null",
    )


def test_an_action_that_there_is_not(broker: BrokerProcess) -> None:
    assert refused(broker, "FooBar") == ("InvalidAction", "The action FooBar is not valid for this endpoint.")
