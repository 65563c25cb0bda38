"""What AWS's tables say of deliveries, one test a row, where no other module has it."""

import json
import time
from typing import Any

import pytest

from tests.aws.sns.conftest import Queues
from tests.aws.sns.raw import call
from tests.aws.sns.receiver import WAIT_S, Receiver
from tests.aws.sns.test_errors import error, invalid, text
from tests.aws.sns.test_http import confirmed, verify
from tests.aws.sns.test_topics import attributes_of
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
ROLE = "arn:aws:iam::000000000000:role/logs"


def statuses_of(broker: BrokerProcess, message_id: str, count: int) -> dict[str, dict[str, Any]]:
    """The delivery status records of a message by destination, once the log has so many."""
    deadline = time.monotonic() + WAIT_S
    while True:
        lines = [line for line in broker.log().splitlines() if "messageMD5Sum" in line and message_id in line]
        if len(lines) >= count:
            records = [json.loads(line[line.index('{"') :]) for line in lines]
            return {record["delivery"]["destination"]: record for record in records}
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status_of(broker: BrokerProcess, message_id: str) -> dict[str, Any]:
    """The one of a message that goes to one place."""
    return next(iter(statuses_of(broker, message_id, 1).values()))


# --- queues -----------------------------------------------------------------------------------------------------------


def test_a_queue_may_be_in_another_region(sns: Any, topic: str, name: str, broker: BrokerProcess) -> None:
    there = client(broker, "sqs", region="eu-west-1")
    url = there.create_queue(QueueName=name)["QueueUrl"]
    endpoint = f"arn:aws:sqs:eu-west-1:000000000000:{name}"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)
    sns.publish(TopicArn=topic, Message="far")
    (message,) = there.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "far"
    there.close()


def test_ten_attributes_are_the_most_of_a_raw_message(sns: Any, topic: str, queues: Queues) -> None:
    dead = queues.make()
    redrive = json.dumps({"deadLetterTargetArn": queues.arn(dead)})
    raw = queues.subscribed(topic, RawMessageDelivery="true", RedrivePolicy=redrive)
    shown = queues.subscribed(topic)
    for count in (10, 11):
        attributes = {f"a{number}": text("x") for number in range(count)}
        sns.publish(TopicArn=topic, Message=str(count), MessageAttributes=attributes)
    assert [message["Body"] for message in queues.take(raw)] == ["10"]
    assert sorted(queues.texts(shown)) == ["10", "11"]
    assert queues.texts(dead, 10) == ["11"]


def test_what_is_filtered_out_is_in_no_dead_letter_queue(sns: Any, topic: str, queues: Queues) -> None:
    dead = queues.make()
    redrive = json.dumps({"deadLetterTargetArn": queues.arn(dead)})
    url = queues.subscribed(topic, FilterPolicy='{"a": ["b"]}', RedrivePolicy=redrive)
    assert sns.publish(TopicArn=topic, Message="m")["MessageId"]
    assert queues.take(url) == queues.take(dead) == []


def test_a_queue_gets_a_longer_message_than_a_client_may_send_it(sns: Any, topic: str, queues: Queues) -> None:
    """The envelope of the longest message is longer than that."""
    url = queues.subscribed(topic)
    sns.publish(TopicArn=topic, Message="x" * 262_144)
    assert queues.texts(url) == ["x" * 262_144]


@pytest.mark.parametrize("version", ["1", "2"])
def test_what_a_queue_gets_is_signed(sns: Any, topic: str, queues: Queues, version: str) -> None:
    url = queues.subscribed(topic)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    sns.publish(TopicArn=topic, Message="ö\n", Subject="s", MessageAttributes={"n": text("1")})
    sns.publish(TopicArn=topic, Message="without a subject")
    for notice in queues.notices(url):
        assert notice["SignatureVersion"] == version
        verify(notice)


def test_attributes_have_their_types_in_the_envelope(sns: Any, topic: str, queues: Queues) -> None:
    url = queues.subscribed(topic)
    attributes = {
        "binary": {"DataType": "Binary", "BinaryValue": b"\2\3\4"},
        "own": {"DataType": "Number.int", "StringValue": "1"},
        "list": {"DataType": "String.Array", "StringValue": '["a", 1, true, null]'},
    }  # fmt: skip
    sns.publish(TopicArn=topic, Message="m", MessageAttributes=attributes)
    (notice,) = queues.notices(url)
    assert notice["MessageAttributes"] == {
        "binary": {"Type": "Binary", "Value": "AgME"}, "own": {"Type": "Number.int", "Value": "1"},
        "list": {"Type": "String.Array", "Value": '["a", 1, true, null]'},
    }  # fmt: skip


def test_the_group_of_a_message_goes_along_to_a_standard_queue(sns: Any, topic: str, queues: Queues) -> None:
    """Fair queues are fair by it."""
    url = queues.subscribed(topic)
    sns.publish(TopicArn=topic, Message="m", MessageGroupId="tenant")
    (message,) = queues.take(url)
    assert message["Attributes"]["MessageGroupId"] == "tenant"


def test_attributes_count_for_the_size_of_a_message_and_of_a_batch(sns: Any, topic: str, queues: Queues) -> None:
    url = queues.subscribed(topic, RawMessageDelivery="true")
    attributes = {"name": text("value")}
    most = 262_144 - len("nameStringvalue")
    sns.publish(TopicArn=topic, Message="x" * most, MessageAttributes=attributes)
    assert error(sns.publish, TopicArn=topic, Message="x" * (most + 1), MessageAttributes=attributes) == invalid(
        "Message too long"
    )
    entries = [
        {"Id": "1", "Message": "x" * (most - 1), "MessageAttributes": attributes}, {"Id": "2", "Message": "y"},
    ]  # fmt: skip
    sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [len(message["Body"]) for message in queues.take(url)] == [most, most - 1, 1]


# --- delivery status and policies -------------------------------------------------------------------------------------


def test_delivery_status_is_logged_where_a_topic_asks_for_it(
    sns: Any, topic: str, queues: Queues, broker: BrokerProcess
) -> None:
    for protocol in ("HTTP", "SQS", "Lambda", "Firehose", "Application"):
        for attribute, value in (
            ("SuccessFeedbackRoleArn", ROLE), ("FailureFeedbackRoleArn", ROLE), ("SuccessFeedbackSampleRate", "100"),
        ):  # fmt: skip
            name = f"{protocol}{attribute}"
            sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
            assert attributes_of(sns, topic)[name] == value
    url = queues.subscribed(topic)
    sent = sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    found = status_of(broker, sent)
    assert found["status"] == "SUCCESS"
    assert found["notification"]["topicArn"] == topic
    assert found["notification"]["messageMD5Sum"] == "5d41402abc4b2a76b9719d911017c592"
    assert found["delivery"]["destination"] == queues.arn(url)
    assert (found["delivery"]["statusCode"], found["delivery"]["attempts"]) == (200, 1)
    queues.sqs.delete_queue(QueueUrl=url)
    sent = sns.publish(TopicArn=topic, Message="lost")["MessageId"]
    found = status_of(broker, sent)
    assert (found["status"], found["delivery"]["providerResponse"]) == ("FAILURE", "The queue does not exist.")


def test_a_sample_rate_of_nothing_logs_no_success(sns: Any, topic: str, queues: Queues, broker: BrokerProcess) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SQSSuccessFeedbackRoleArn", AttributeValue=ROLE)
    queues.subscribed(topic)
    quiet = sns.publish(TopicArn=topic, Message="quiet")["MessageId"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SQSSuccessFeedbackSampleRate", AttributeValue="100")
    status_of(broker, sns.publish(TopicArn=topic, Message="loud")["MessageId"])
    assert quiet not in broker.log()
    assert error(
        sns.set_topic_attributes, TopicArn=topic, AttributeName="SQSSuccessFeedbackSampleRate", AttributeValue="101"
    ) == invalid("SQSSuccessFeedbackSampleRate: Invalid value [101]. Must be an integer between 0 and 100.")


def test_a_throttle_policy_spreads_deliveries(sns: Any, topic: str) -> None:
    with Receiver() as receiver:
        confirmed(sns, topic, receiver, DeliveryPolicy={"throttlePolicy": {"maxReceivesPerSecond": 2}})
        for number in range(4):
            sns.publish(TopicArn=topic, Message=str(number))
        receiver.take()
        began = time.monotonic()
        for _ in range(3):
            receiver.take()
        assert time.monotonic() - began > 1.2


def test_a_topic_may_forbid_policies_of_subscriptions(sns: Any, topic: str) -> None:
    document = {"http": {"disableSubscriptionOverrides": True, "defaultRequestPolicy": {"headerContentType": "a/b"}}}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(document))
    with Receiver() as receiver:
        confirmed(sns, topic, receiver, DeliveryPolicy={"requestPolicy": {"headerContentType": "text/csv"}})
        sns.publish(TopicArn=topic, Message="m")
        assert receiver.take().headers["Content-Type"] == "a/b"


# --- topics and subscriptions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("KmsMasterKeyId", "alias/aws/sns"), ("TracingConfig", "Active"), ("DisplayName", "shown"),
        ("SignatureVersion", "2"),
    ],
)  # fmt: skip
def test_attributes_are_kept(sns: Any, topic: str, attribute: str, value: str) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName=attribute, AttributeValue=value)
    assert attributes_of(sns, topic)[attribute] == value


def test_a_policy_is_kept_and_taken_away(sns: Any, topic: str) -> None:
    statement = {"Sid": "s", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:Publish", "Resource": topic}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    assert json.loads(attributes_of(sns, topic)["Policy"])["Statement"] == [statement]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue="")
    assert json.loads(attributes_of(sns, topic)["Policy"])["Id"] == "__default_policy_ID"


def test_a_policy_has_the_size_that_topics_allow(sns: Any, topic: str) -> None:
    """A topic's policy may have far more than a queue's: 100 statements, 200 principals, 30 KB."""

    def put(statements: int, principals: int, octets: int) -> None:
        each = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:Publish", "Resource": topic}
        accounts = [f"{number:012}" for number in range(principals)]
        made = [each] * (statements - 1) + [{**each, "Principal": {"AWS": accounts}}]
        text = json.dumps({"Version": "2012-10-17", "Statement": made})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=text.ljust(octets))

    put(100, 200, 30_720)
    for wrong in ((101, 1, 0), (1, 201, 0), (1, 1, 30_721)):
        with pytest.raises(sns.exceptions.InvalidParameterException, match="Policy Error"):
            put(*wrong)


def test_subscriptions_are_counted(sns: Any, topic: str, queues: Queues) -> None:
    def counts() -> list[str]:
        found = attributes_of(sns, topic)
        return [found[f"Subscriptions{state}"] for state in ("Confirmed", "Pending", "Deleted")]

    queues.subscribed(topic)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/")
    assert counts() == ["1", "1", "0"]
    (queue,) = [
        each for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] if each["Protocol"] == "sqs"
    ]
    sns.unsubscribe(SubscriptionArn=queue["SubscriptionArn"])
    assert counts() == ["0", "1", "1"]


def test_the_arn_of_a_pending_subscription_is_told_to_who_asks(sns: Any, topic: str) -> None:
    given = {"TopicArn": topic, "Protocol": "http", "Endpoint": "http://127.0.0.1:9/"}
    assert sns.subscribe(**given)["SubscriptionArn"] == "pending confirmation"
    assert sns.subscribe(**given, ReturnSubscriptionArn=True)["SubscriptionArn"].startswith(f"{topic}:")


def test_lists_of_topics_have_pages_of_a_hundred(broker: BrokerProcess) -> None:
    here = client(broker, "sns", key="333344445555")
    for number in range(101):
        here.create_topic(Name=f"t{number}")
    pages = [page["Topics"] for page in here.get_paginator("list_topics").paginate()]
    assert [len(page) for page in pages] == [100, 1]
    assert len({topic["TopicArn"] for page in pages for topic in page}) == 101
    here.close()


def test_an_account_lists_its_subscriptions_of_all_topics(broker: BrokerProcess) -> None:
    here = client(broker, "sns", key="444455556666")
    topics = [here.create_topic(Name=f"t{number}")["TopicArn"] for number in range(2)]
    for number in range(101):
        here.subscribe(TopicArn=topics[number % 2], Protocol="sms", Endpoint=f"+1555{number:04}")
    here.subscribe(TopicArn=topics[0], Protocol="http", Endpoint="http://127.0.0.1:9/")
    pages = [page["Subscriptions"] for page in here.get_paginator("list_subscriptions").paginate()]
    assert [len(page) for page in pages] == [100, 2]
    listed = [each for page in pages for each in page]
    assert {each["TopicArn"] for each in listed} == set(topics)
    assert len({each["Endpoint"] for each in listed}) == 102
    assert [each["Protocol"] for each in listed if each["SubscriptionArn"] == "PendingConfirmation"] == ["http"]
    here.close()


@pytest.mark.parametrize("protocol", ["email", "email-json", "sms", "lambda", "application"])
def test_what_may_not_be_raw(sns: Any, topic: str, protocol: str) -> None:
    endpoints = {
        "sms": "+15550001", "lambda": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "application": "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/00000000-0000-4000-8000-000000000000",
    }  # fmt: skip
    given = {"Endpoint": endpoints.get(protocol, "a@example.com"), "Attributes": {"RawMessageDelivery": "true"}}
    assert error(sns.subscribe, TopicArn=topic, Protocol=protocol, **given) == invalid(
        f"Attributes Reason: Delivery protocol [{protocol}] does not support raw message delivery."
    )


def test_only_endpoints_of_http_have_delivery_policies(sns: Any, topic: str, queues: Queues) -> None:
    policy = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 1}})
    given = {"Endpoint": queues.arn(queues.make()), "Attributes": {"DeliveryPolicy": policy}}
    assert error(sns.subscribe, TopicArn=topic, Protocol="sqs", **given) == invalid(
        "Attributes Reason: DeliveryPolicy: Delivery policies can only be applied to HTTP(S) endpoints"
    )


@pytest.mark.parametrize("days", ["0.5", "366", "-1", "x"])
def test_an_archive_is_kept_for_up_to_a_year(sns: Any, name: str, days: str) -> None:
    def make(value: str) -> dict[str, Any]:
        policy = json.dumps({"MessageRetentionPeriod": value})
        return {"Name": f"{name}.fifo", "Attributes": {"FifoTopic": "true", "ArchivePolicy": policy}}

    assert error(sns.create_topic, **make(days)) == invalid(
        "Attributes Reason: ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and 365"
    )
    for good in ("1", "365"):
        arn = sns.create_topic(**make(good))["TopicArn"]
        sns.set_topic_attributes(TopicArn=arn, AttributeName="ArchivePolicy", AttributeValue="{}")
        sns.delete_topic(TopicArn=arn)


def test_a_replay_needs_an_archive_and_times(sns: Any, name: str, queues: Queues) -> None:
    topic = sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    endpoint = queues.arn(queues.make(fifo=True))

    def wrong(policy: dict[str, str]) -> tuple[str, str, int]:
        given = {"Endpoint": endpoint, "Attributes": {"ReplayPolicy": json.dumps(policy)}}
        return error(sns.subscribe, TopicArn=topic, Protocol="sqs", **given)

    right = {"PointType": "Timestamp", "StartingPoint": "2026-01-01T00:00:00.000Z"}
    assert wrong(right) == invalid("ReplayPolicy: the topic has no ArchivePolicy")
    for change in ({"PointType": "Sequence"}, {"StartingPoint": "yesterday"}, {"EndingPoint": "x"}, {"More": "x"}):
        assert wrong({**right, **change}) == invalid(
            "Attributes Reason: ReplayPolicy: PointType must be Timestamp, StartingPoint and EndingPoint times of "
            "ISO 8601"
        )


# --- errors -----------------------------------------------------------------------------------------------------------


def test_ids_of_batch_entries_are_refused_in_two_texts(sns: Any, topic: str) -> None:
    def wrong(entry_id: str) -> tuple[str, str, int]:
        entries = [{"Id": entry_id, "Message": "m"}]
        return error(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)

    characters = (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 "
        "letters long."
    )
    assert wrong("a.b") == ("InvalidBatchEntryId", characters, 400)
    specification = "The Id of a batch entry in a batch request doesn't abide by the specification."
    for entry_id in ("x" * 81, ""):
        assert wrong(entry_id) == ("InvalidBatchEntryId", specification, 400)


def test_one_place_to_publish_to_is_named(sns: Any, topic: str) -> None:
    assert error(sns.publish, Message="m") == invalid("TopicArn or TargetArn Reason: no value for required parameter")
    assert error(sns.publish, Message="m", TopicArn=topic, PhoneNumber="+15550001")[0] == "InvalidParameter"


@pytest.mark.parametrize("group", ["", "x" * 129, "a b", "é"])
def test_names_of_groups(sns: Any, topic: str, group: str) -> None:
    assert error(sns.publish, TopicArn=topic, Message="m", MessageGroupId=group) == invalid(
        "MessageGroupId Reason: can only include alphanumeric and punctuation characters. 1 to 128 in length"
    )


def test_there_are_42_actions(sns: Any, broker: BrokerProcess) -> None:
    """An action of the model that the broker does not have, or that fails without parameters, is an internal error."""
    actions = sorted(sns.meta.service_model.operation_names)
    assert len(actions) == 42
    for action in actions:
        answer = call(broker, action)
        code = answer.findtext(f"{{{NAMESPACE}}}Error/{{{NAMESPACE}}}Code", "")
        assert answer.tag == f"{{{NAMESPACE}}}{action}Response" or code in ("ValidationError", "InvalidParameter")
