"""Topics and subscriptions as their owners see them: attributes, pages, tags, policies; and as other protocols do."""

import json
from pathlib import Path
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.aws.sns.conftest import Queues
from tests.aws.sns.raw import refused
from tests.aws.sns.test_errors import error
from tests.aws.sqs.conftest import (
    OTHER_ACCOUNT,
    OTHER_KEY,
    OTHER_SECRET,
    OWNER_KEY,
    OWNER_SECRET,
    READER_KEY,
    READER_SECRET,
    SIGNED,
)
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

HEALTHY = {
    "minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0, "numNoDelayRetries": 0,
    "numMinDelayRetries": 0, "backoffFunction": "linear",
}  # fmt: skip


def attributes_of(sns: Any, topic: str) -> dict[str, str]:
    found: dict[str, str] = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    return found


def test_what_a_topic_shows_at_first(sns: Any, name: str) -> None:
    arn = sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true", "DisplayName": "d"})["TopicArn"]
    found = attributes_of(sns, arn)
    assert json.loads(found.pop("EffectiveDeliveryPolicy")) == {
        "http": {
            "defaultHealthyRetryPolicy": HEALTHY,
            "disableSubscriptionOverrides": False,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        }
    }
    policy = json.loads(found.pop("Policy"))
    assert (policy["Version"], policy["Id"]) == ("2008-10-17", "__default_policy_ID")
    assert len(policy["Statement"][0]["Action"]) == 8
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"AWS:SourceOwner": "000000000000"}}
    assert found == {
        "TopicArn": arn, "Owner": "000000000000", "DisplayName": "d", "FifoTopic": "true",
        "ContentBasedDeduplication": "false", "SubscriptionsConfirmed": "0", "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
    }  # fmt: skip


def test_what_a_standard_topic_shows_at_first(sns: Any, topic: str) -> None:
    found = attributes_of(sns, topic)
    assert json.loads(found.pop("EffectiveDeliveryPolicy"))["http"]["defaultHealthyRetryPolicy"] == HEALTHY
    assert json.loads(found.pop("Policy")) == {
        "Version": "2008-10-17", "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": topic,
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
                "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
            ],
            "Condition": {"StringEquals": {"AWS:SourceOwner": "000000000000"}},
        }],
    }  # fmt: skip
    assert found == {
        "TopicArn": topic, "Owner": "000000000000", "DisplayName": "", "SubscriptionsConfirmed": "0",
        "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
    }  # fmt: skip


def test_delivery_policies_are_kept_with_their_defaults(sns: Any, topic: str) -> None:
    def put(policy: Any) -> None:
        text = json.dumps(policy) if policy else ""
        sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=text)

    put({"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1}}})
    found = attributes_of(sns, topic)
    assert json.loads(found["DeliveryPolicy"]) == {
        "http": {
            "defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1},
            "disableSubscriptionOverrides": False,
        }
    }
    effective = json.loads(found["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert effective == {**HEALTHY, "minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1}
    put({"http": {"defaultHealthyRetryPolicy": None}})
    assert json.loads(attributes_of(sns, topic)["DeliveryPolicy"]) == {"http": {"disableSubscriptionOverrides": False}}
    put(None)
    assert "DeliveryPolicy" not in attributes_of(sns, topic)
    given = {"DeliveryPolicy": json.dumps({"requestPolicy": {"headerContentType": "text/csv"}})}
    arn = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/", Attributes=given, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert json.loads(shown["DeliveryPolicy"]) == {
        "healthyRetryPolicy": None, "sicklyRetryPolicy": None, "throttlePolicy": None,
        "requestPolicy": {"headerContentType": "text/csv"}, "guaranteed": False,
    }  # fmt: skip
    assert json.loads(shown["EffectiveDeliveryPolicy"])["healthyRetryPolicy"] == HEALTHY
    assert shown["PendingConfirmation"] == "true"


def test_what_a_subscription_shows(sns: Any, topic: str, queues: Queues) -> None:
    url = queues.make()
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues.arn(url))["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] == {
        "SubscriptionArn": arn, "TopicArn": topic, "Protocol": "sqs", "Endpoint": queues.arn(url),
        "Owner": "000000000000", "SubscriptionPrincipal": "arn:aws:iam::000000000000:root",
        "ConfirmationWasAuthenticated": "true", "PendingConfirmation": "false", "RawMessageDelivery": "false",
    }  # fmt: skip
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", '{"a": {"b": ["c"]}}')):
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["FilterPolicy"], shown["FilterPolicyScope"]) == ('{"a": {"b": ["c"]}}', "MessageBody")
    sns.publish(TopicArn=topic, Message="no")
    sns.publish(TopicArn=topic, Message='{"a": {"b": "c"}}')
    assert queues.texts(url) == ['{"a": {"b": "c"}}']


def test_lists_have_pages_of_a_hundred(sns: Any, topic: str) -> None:
    for number in range(101):
        sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=f"+1555{number:04}")
    first = sns.list_subscriptions_by_topic(TopicArn=topic)
    rest = sns.list_subscriptions_by_topic(TopicArn=topic, NextToken=first["NextToken"])
    assert (len(first["Subscriptions"]), len(rest["Subscriptions"])) == (100, 1)
    assert "NextToken" not in rest
    sns.delete_topic(TopicArn=topic)


def test_tags_of_a_topic(sns: Any, topic: str) -> None:
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "k1", "Value": "v1"}, {"Key": "k2", "Value": "v2"}])
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "k2", "Value": "v2b"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["k1", "k9"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "k2", "Value": "v2b"}]


def test_each_protocol_may_have_its_own_text(sns: Any, topic: str, queues: Queues) -> None:
    url = queues.subscribed(topic)
    both = json.dumps({"default": "d", "sqs": '{"field": "value"}', "http": "h"})
    sns.publish(TopicArn=topic, Message=both, MessageStructure="json")
    sns.publish(TopicArn=topic, Message='{"default": "only"}', MessageStructure="json")
    assert queues.texts(url) == ['{"field": "value"}', "only"]


def test_what_a_queue_does_not_take_goes_to_the_dead_letter_queue(sns: Any, topic: str, queues: Queues) -> None:
    dead = queues.make()
    redrive = json.dumps({"deadLetterTargetArn": queues.arn(dead)})
    for raw in ("false", "true"):
        url = queues.subscribed(topic, RedrivePolicy=redrive, RawMessageDelivery=raw)
        queues.sqs.delete_queue(QueueUrl=url)
        sns.publish(TopicArn=topic, Message="m", Subject="s")
        found = queues.take(dead)
        for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
            arn = subscription["SubscriptionArn"]
            sns.unsubscribe(SubscriptionArn=arn)
        (message,) = found
        if raw == "true":
            assert message["Body"] == "m"
        else:
            notice = json.loads(message["Body"])
            assert notice["UnsubscribeURL"].endswith(arn)
            assert (notice["Message"], notice["Subject"]) == ("m", "s")


def test_sensitive_data_is_masked_refused_or_kept_from_some(sns: Any, topic: str, queues: Queues) -> None:
    prefix = "arn:aws:dataprotection::aws:data-identifier/"
    url = queues.subscribed(topic, RawMessageDelivery="true")

    def put(direction: str, identifier: str, operation: Any) -> None:
        statement = {
            "DataDirection": direction, "Principal": ["*"], "DataIdentifier": [prefix + identifier],
            "Operation": operation,
        }  # fmt: skip
        document = {"Name": "p", "Version": "2021-06-01", "Statement": [statement]}
        sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=json.dumps(document))

    put("Inbound", "EmailAddress", {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}})
    sns.publish(TopicArn=topic, Message="to ann@example.com!")
    put("Outbound", "CreditCardNumber", {"Deidentify": {"RedactConfig": {}}})
    sns.publish(TopicArn=topic, Message="card 4111 1111 1111 1111, number 4111 1111 1111 1112")
    put("Outbound", "Ssn-US", {"Deny": {}})
    sns.publish(TopicArn=topic, Message="123-45-6789")
    assert [message["Body"] for message in queues.take(url)] == [
        "to ###############!", "card , number 4111 1111 1111 1112",
    ]  # fmt: skip
    put("Inbound", "IpAddress", {"Deny": {}})
    with pytest.raises(sns.exceptions.AuthorizationErrorException):
        sns.publish(TopicArn=topic, Message="from 10.0.0.1")
    assert json.loads(sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"])["Name"] == "p"


# --- other protocols --------------------------------------------------------------------------------------------------


@pytest.fixture
def channel(broker: BrokerProcess) -> Any:
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    yield connection.channel()
    connection.close()


def test_amqp_publishes_to_a_topic_and_binds_to_it(
    sns: Any, topic: str, name: str, queues: Queues, channel: Any
) -> None:
    url = queues.subscribed(topic, FilterPolicy='{"kind": ["a"]}')
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, name)
    properties = pika.BasicProperties(headers={"kind": "a", "SnsSubject": "s"})
    channel.basic_publish(name, "", b"from amqp", properties)
    channel.basic_publish(name, "", b"filtered", pika.BasicProperties(headers={"kind": "b"}))
    sns.publish(
        TopicArn=topic, Message="from sns", MessageAttributes={"kind": {"DataType": "String", "StringValue": "a"}}
    )
    first, second = queues.notices(url, 10)
    assert (first["Message"], first["Subject"]) == ("from amqp", "s")
    assert first["MessageAttributes"] == {"kind": {"Type": "String", "Value": "a"}}
    assert second["Message"] == "from sns"
    found = [next(channel.consume(queue, inactivity_timeout=10)) for _ in range(3)]
    assert [body for _, _, body in found] == [b"from amqp", b"filtered", b"from sns"]
    assert found[2][1].headers["kind"] == "a"
    assert found[2][1].headers["SnsTopicArn"] == topic


def test_topics_send_to_exchanges_and_to_topics_of_mqtt(
    sns: Any, topic: str, name: str, broker: BrokerProcess, channel: Any
) -> None:
    queue = channel.queue_declare(f"{name}-amqp").method.queue
    got: list[bytes] = []
    subscriber = mqtt.Client(CallbackAPIVersion.VERSION2)
    subscriber.username_pw_set("guest", "guest")
    subscriber.on_message = lambda _client, _data, message: got.append(bytes(message.payload))
    ready: list[bool] = []
    subscriber.on_subscribe = lambda *_: ready.append(True)
    subscriber.connect("127.0.0.1", broker.ports["mqtt"])
    subscriber.subscribe(f"{name}/in")
    while not ready:
        subscriber.loop(0.1)
    sns.subscribe(TopicArn=topic, Protocol="amqp", Endpoint=f"/{queue}", Attributes={"RawMessageDelivery": "true"})
    sns.subscribe(TopicArn=topic, Protocol="amqp", Endpoint=f"{name}/", Attributes={"RawMessageDelivery": "true"})
    sns.subscribe(TopicArn=topic, Protocol="mqtt", Endpoint=f"{name}/in")
    sns.publish(TopicArn=topic, Message="m")
    _, _, body = next(channel.consume(queue, inactivity_timeout=10))
    assert body == b"m"
    while not got:
        assert subscriber.loop(0.1) == 0
    assert json.loads(got[0])["Message"] == "m"
    subscriber.disconnect()


# --- who may what -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    data_dir = tmp_path_factory.mktemp("sns") / "data"
    with BrokerProcess(data_dir, schemes=("aws",), config=SIGNED) as running:
        yield running


def test_who_sends_must_have_signed(signed: BrokerProcess) -> None:
    def refusal(key: str, secret: str) -> tuple[str, str, int]:
        made = client(signed, "sns", key, secret)
        try:
            return error(made.list_topics)
        finally:
            made.close()

    code, _, status = refusal(OWNER_KEY, f"{OWNER_SECRET}x")
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    unknown = "The security token included in the request is invalid."
    assert refusal("AKIANOBODYNOBODYNOBO", "x") == ("InvalidClientTokenId", unknown, 403)
    assert refused(signed, "ListTopics") == ("MissingAuthenticationToken", "Request is missing Authentication Token")


def test_policies_decide_who_may_publish(signed: BrokerProcess) -> None:
    owner = client(signed, "sns", OWNER_KEY, OWNER_SECRET)
    reader = client(signed, "sns", READER_KEY, READER_SECRET)
    other = client(signed, "sns", OTHER_KEY, OTHER_SECRET)
    topic = owner.create_topic(Name="orders")["TopicArn"]
    for who in (reader, other):
        with pytest.raises(who.exceptions.AuthorizationErrorException, match="SNS:Publish"):
            who.publish(TopicArn=topic, Message="m")
    owner.add_permission(TopicArn=topic, Label="l", AWSAccountId=[OTHER_ACCOUNT], ActionName=["Publish"])
    other.publish(TopicArn=topic, Message="m")
    with pytest.raises(other.exceptions.AuthorizationErrorException):
        other.delete_topic(TopicArn=topic)
    owner.remove_permission(TopicArn=topic, Label="l")
    with pytest.raises(other.exceptions.AuthorizationErrorException):
        other.publish(TopicArn=topic, Message="m")
    for each in (owner, reader, other):
        each.close()


def test_two_hundred_filter_policies_are_the_most_of_a_topic(signed: BrokerProcess) -> None:
    owner = client(signed, "sns", OWNER_KEY, OWNER_SECRET)
    topic = owner.create_topic(Name="filtered")["TopicArn"]
    given = {"TopicArn": topic, "Protocol": "sms", "ReturnSubscriptionArn": True}
    policy = {"FilterPolicy": '{"a": ["b"]}'}
    for number in range(200):
        owner.subscribe(**given, Endpoint=f"+1555{number:04}", Attributes=policy)
    with pytest.raises(owner.exceptions.FilterPolicyLimitExceededException):
        owner.subscribe(**given, Endpoint="+15559999", Attributes=policy)
    arn = owner.subscribe(**given, Endpoint="+15559999")["SubscriptionArn"]
    with pytest.raises(owner.exceptions.FilterPolicyLimitExceededException):
        owner.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"a":[1]}')
    assert "FilterPolicy" not in owner.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    owner.delete_topic(TopicArn=topic)
    owner.close()


def test_how_many_filter_policies_a_topic_has_is_an_option(tmp_path: Path) -> None:
    """Whoever needed more than AWS's 200 had to turn the check of signatures off."""
    config = f"{SIGNED}\n[aws.sns]\nfilter_policies_max = 2\n"
    policy = {"FilterPolicy": '{"a": ["b"]}'}
    with BrokerProcess(tmp_path / "data", schemes=("aws",), config=config) as broker:
        owner = client(broker, "sns", OWNER_KEY, OWNER_SECRET)
        given = {"TopicArn": owner.create_topic(Name="filtered")["TopicArn"], "Protocol": "sms"}
        for number in range(2):
            owner.subscribe(**given, Endpoint=f"+1555{number:04}", Attributes=policy)
        with pytest.raises(owner.exceptions.FilterPolicyLimitExceededException, match="no more than 2 "):
            owner.subscribe(**given, Endpoint="+15559999", Attributes=policy)
        owner.close()


def test_a_queue_with_a_policy_takes_what_that_allows(signed: BrokerProcess) -> None:
    sns, sqs = (client(signed, service, OWNER_KEY, OWNER_SECRET) for service in ("sns", "sqs"))
    topic = sns.create_topic(Name="guarded")["TopicArn"]
    url = sqs.create_queue(QueueName="guarded")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def publish_with(source: str) -> list[Any]:
        statement = {
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.publish(TopicArn=topic, Message="m")
        return list(sqs.receive_message(QueueUrl=url).get("Messages", []))

    assert publish_with(f"{topic}-other") == []
    assert len(publish_with(topic)) == 1
    sns.close()
    sqs.close()


def test_a_queue_of_another_account_confirms_and_allows(signed: BrokerProcess) -> None:
    sns = client(signed, "sns", OWNER_KEY, OWNER_SECRET)
    sqs, their_sns = (client(signed, service, OTHER_KEY, OTHER_SECRET) for service in ("sqs", "sns"))
    topic = sns.create_topic(Name="crossing")["TopicArn"]
    url = sqs.create_queue(QueueName="crossing")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"] == "pending confirmation"
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    asked = json.loads(message["Body"])
    assert asked["Type"] == "SubscriptionConfirmation"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    their_sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    sns.publish(TopicArn=topic, Message="m")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "m"
    for each in (sns, sqs, their_sns):
        each.close()
