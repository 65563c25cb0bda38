"""Subscriptions of HTTP with real receivers: confirmation, headers, signatures, retries, endpoints that misbehave."""

import json
import threading
import urllib.request
from base64 import b64decode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.aws.sns.conftest import Queues
from tests.aws.sns.receiver import Arrival, Receiver

FAST = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 3, "numNoDelayRetries": 2}}
ONCE = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 0}}


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: bytes = answer.read()
        return found


def verify(notice: dict[str, Any]) -> None:
    """By the rules of the SNS Developer Guide, with the certificate that the message names."""
    names = (
        ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
        if notice["Type"] == "Notification"
        else ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    )
    text = "".join(f"{name}\n{notice[name]}\n" for name in names if name in notice)
    key = x509.load_pem_x509_certificate(fetch(notice["SigningCertURL"])).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[notice["SignatureVersion"]]  # noqa: S303
    key.verify(b64decode(notice["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


def confirmed(sns: Any, topic: str, receiver: Receiver, **attributes: Any) -> str:
    """The ARN of a subscription of the receiver, which has followed the link."""
    given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()}
    arn = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=f"{receiver.url}/in", Attributes=given, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    answer = fetch(receiver.take("SubscriptionConfirmation").json()["SubscribeURL"])
    assert arn in answer.decode()
    return str(arn)


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_endpoint_confirms_and_verifies_what_it_gets(sns: Any, topic: str, version: str) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    with Receiver() as receiver:
        answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{receiver.url}/in")
        assert answer["SubscriptionArn"] == "pending confirmation"
        (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert listed["SubscriptionArn"] == "PendingConfirmation"
        asked = receiver.take("SubscriptionConfirmation")
        assert "x-amz-sns-subscription-arn" not in asked.headers
        assert asked.headers["Content-Type"] == "text/plain; charset=UTF-8"
        assert list(asked.json()) == [
            "Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp", "SignatureVersion",
            "Signature", "SigningCertURL",
        ]  # fmt: skip
        assert asked.json()["Message"] == (
            f"You have chosen to subscribe to the topic {topic}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
        verify(asked.json())
        sns.publish(TopicArn=topic, Message="too early")
        sns.confirm_subscription(TopicArn=topic, Token=asked.json()["Token"])
        sent = sns.publish(TopicArn=topic, Message="hello ö\n", Subject="s")
        arrival = receiver.take()
        verify(arrival.json())
        assert arrival.json()["Message"] == "hello ö\n"
        (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        wanted = {
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": sent["MessageId"],
            "x-amz-sns-topic-arn": topic,
            "x-amz-sns-subscription-arn": listed["SubscriptionArn"],
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "Accept-Encoding": "gzip,deflate",
        }
        assert {name: arrival.headers.get(name) for name in wanted} == wanted


def test_raw_delivery_and_the_content_type_of_a_policy(sns: Any, topic: str) -> None:
    with Receiver() as receiver:
        policy = {"requestPolicy": {"headerContentType": "text/csv"}}
        confirmed(sns, topic, receiver, RawMessageDelivery="true", DeliveryPolicy=policy)
        sns.publish(TopicArn=topic, Message="a,b")
        arrival = receiver.take()
    assert arrival.body == b"a,b"
    assert arrival.headers["x-amz-sns-rawdelivery"] == "true"
    assert arrival.headers["Content-Type"] == "text/csv"


def test_the_link_of_a_message_ends_the_subscription_and_another_brings_it_back(sns: Any, topic: str) -> None:
    with Receiver() as receiver:
        arn = confirmed(sns, topic, receiver)
        sns.publish(TopicArn=topic, Message="1")
        fetch(receiver.take().json()["UnsubscribeURL"])
        ended = receiver.take("UnsubscribeConfirmation")
        verify(ended.json())
        assert ended.json()["Message"] == (
            f"You have chosen to deactivate subscription {arn}.\n"
            "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
        )
        assert ended.headers["x-amz-sns-subscription-arn"] == arn
        sns.publish(TopicArn=topic, Message="2")
        fetch(ended.json()["SubscribeURL"])
        sns.publish(TopicArn=topic, Message="3")
        assert receiver.take().json()["Message"] == "3"


def test_a_failed_delivery_is_tried_again_and_then_goes_to_the_dead_letter_queue(
    sns: Any, topic: str, queues: Queues
) -> None:
    dead = queues.make()
    with Receiver(lambda _: 503) as receiver:
        receiver.answer = lambda arrival: 200 if "Token" in arrival.body.decode() else 503
        redrive = {"deadLetterTargetArn": queues.arn(dead)}
        confirmed(sns, topic, receiver, DeliveryPolicy=FAST, RedrivePolicy=redrive)
        sns.publish(TopicArn=topic, Message="lost")
        ids = {receiver.take().headers["x-amz-sns-message-id"] for _ in range(4)}
        assert len(ids) == 1
        (notice,) = queues.notices(dead, 10)
        assert notice["Message"] == "lost"
        assert receiver.is_quiet(0.5)


@pytest.mark.parametrize("status", [301, 404, 410])
def test_some_answers_are_the_last_word(sns: Any, topic: str, queues: Queues, status: int) -> None:
    dead = queues.make()
    with Receiver() as receiver:
        confirmed(sns, topic, receiver, RedrivePolicy={"deadLetterTargetArn": queues.arn(dead)})
        receiver.answer = lambda _: status
        sns.publish(TopicArn=topic, Message="x")
        receiver.take()
        assert len(queues.notices(dead, 10)) == 1
        assert receiver.is_quiet(0.5)


def test_endpoints_that_hang_do_not_delay_the_others(sns: Any, topic: str) -> None:
    """Ten endpoints that hang took every connection."""
    hanging = threading.Event()

    def hang(arrival: Arrival) -> int:
        if "Token" not in arrival.body.decode():
            hanging.wait(20)
        return 200

    bad = [Receiver(hang) for _ in range(5)]
    with Receiver() as good:
        for receiver in bad:
            receiver.__enter__()
            confirmed(sns, topic, receiver)
        confirmed(sns, topic, good)
        for number in range(20):
            sns.publish(TopicArn=topic, Message=str(number))
        assert {good.take().json()["Message"] for _ in range(20)} == {str(number) for number in range(20)}
        hanging.set()
        for receiver in bad:
            receiver.__exit__(None, None, None)
