"""Platform applications and their endpoints: all eight actions, and what they refuse."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.sns.conftest import Queues
from tests.aws.sns.test_errors import error, invalid
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

NO_ATTRIBUTES = (
    "ValidationError",
    "1 validation error detected: Value null at 'attributes' failed to satisfy constraint: Member must not be null",
    400,
)
PLATFORMS = ("ADM", "APNS", "APNS_SANDBOX", "BAIDU", "GCM", "MPNS", "WNS")


@pytest.fixture
def application(sns: Any, name: str) -> Iterator[str]:
    """An application of this test's own, by its ARN."""
    arn = sns.create_platform_application(Name=name, Platform="GCM", Attributes={"PlatformCredential": "key"})
    yield str(arn["PlatformApplicationArn"])
    sns.delete_platform_application(PlatformApplicationArn=arn["PlatformApplicationArn"])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_may_have_an_application(sns: Any, name: str, platform: str) -> None:
    pair = {"PlatformCredential": "key", "PlatformPrincipal": "id"}
    made = sns.create_platform_application(Name=name, Platform=platform, Attributes=pair)
    arn = made["PlatformApplicationArn"]
    assert arn == f"arn:aws:sns:us-east-1:000000000000:app/{platform}/{name}"
    sns.delete_platform_application(PlatformApplicationArn=arn)


def test_applications_are_found_changed_and_deleted(sns: Any, application: str) -> None:
    assert sns.create_platform_application(
        Name=application.rpartition("/")[2], Platform="GCM", Attributes={"PlatformCredential": "key"}
    )["PlatformApplicationArn"] == application  # fmt: skip
    changes = {"PlatformPrincipal": "p", "Enabled": "false", "SuccessFeedbackSampleRate": "7"}
    sns.set_platform_application_attributes(PlatformApplicationArn=application, Attributes=changes)
    shown = sns.get_platform_application_attributes(PlatformApplicationArn=application)["Attributes"]
    assert shown == {"Enabled": "false", "SuccessFeedbackSampleRate": "7"}
    listed = sns.list_platform_applications()["PlatformApplications"]
    assert {"PlatformApplicationArn": application, "Attributes": shown} in listed
    sns.delete_platform_application(PlatformApplicationArn=application)
    sns.delete_platform_application(PlatformApplicationArn=application)
    missing = ("NotFound", "PlatformApplication does not exist", 404)
    for action in (sns.get_platform_application_attributes, sns.list_endpoints_by_platform_application):
        assert error(action, PlatformApplicationArn=application) == missing
    assert error(sns.create_platform_endpoint, PlatformApplicationArn=application, Token="t") == missing
    assert (
        error(sns.set_platform_application_attributes, PlatformApplicationArn=application, Attributes={"Enabled": "x"})
        == missing
    )


def test_endpoints_are_found_changed_and_deleted(sns: Any, application: str) -> None:
    given = {"PlatformApplicationArn": application, "Token": "t", "CustomUserData": "ann"}
    endpoint = sns.create_platform_endpoint(**given)["EndpointArn"]
    assert endpoint.startswith(application.replace(":app/", ":endpoint/"))
    assert sns.create_platform_endpoint(**given)["EndpointArn"] == endpoint
    assert error(sns.create_platform_endpoint, **{**given, "CustomUserData": "bob"}) == invalid(
        f"Token Reason: Endpoint {endpoint} already exists with the same Token, but different attributes."
    )
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false", "Token": "u"})
    shown = sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]
    assert shown == {"Enabled": "false", "Token": "u", "CustomUserData": "ann"}
    listed = sns.list_endpoints_by_platform_application(PlatformApplicationArn=application)["Endpoints"]
    assert listed == [{"EndpointArn": endpoint, "Attributes": shown}]
    assert error(sns.publish, TargetArn=endpoint, Message="m") == ("EndpointDisabled", "Endpoint is disabled", 400)
    sns.delete_endpoint(EndpointArn=endpoint)
    sns.delete_endpoint(EndpointArn=endpoint)
    missing = ("NotFound", "Endpoint does not exist", 404)
    assert error(sns.get_endpoint_attributes, EndpointArn=endpoint) == missing
    assert error(sns.set_endpoint_attributes, EndpointArn=endpoint, Attributes={"Enabled": "true"}) == missing


def test_an_application_takes_its_endpoints_along(sns: Any, application: str) -> None:
    endpoints = [
        sns.create_platform_endpoint(PlatformApplicationArn=application, Token=f"t{number}")["EndpointArn"]
        for number in range(101)
    ]
    pages = list(
        sns.get_paginator("list_endpoints_by_platform_application").paginate(PlatformApplicationArn=application)
    )
    assert [len(page["Endpoints"]) for page in pages] == [100, 1]
    sns.delete_platform_application(PlatformApplicationArn=application)
    assert error(sns.get_endpoint_attributes, EndpointArn=endpoints[0])[0] == "NotFound"


def test_what_is_no_application(sns: Any, name: str) -> None:
    create = sns.create_platform_application
    assert error(create, Name=name, Platform="PIGEON", Attributes={}) == invalid(
        "Platform Reason: PIGEON is not supported"
    )
    for wrong, reason in (
        ("", "cannot be empty"), ("x" * 257, "must be at most 256 characters long"),
        ("a b", "must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"),
    ):  # fmt: skip
        assert error(create, Name=wrong, Platform="GCM", Attributes={}) == invalid(f"{wrong} Reason: {reason}")
    assert error(create, Name=name, Platform="GCM", Attributes={}) == NO_ATTRIBUTES
    for one, other in (("Principal", "Credential"), ("Credential", "Principal")):
        reason = f"Platform{one} attribute provided without Platform{other}"
        assert error(create, Name=name, Platform="ADM", Attributes={f"Platform{one}": "x"}) == invalid(
            f"Attributes Reason: {reason}"
        )
    assert error(sns.get_platform_application_attributes, PlatformApplicationArn="x") == invalid(
        "PlatformApplicationArn Reason: An ARN must have at least 6 elements, not 1"
    )
    assert error(sns.get_endpoint_attributes, EndpointArn="x") == invalid(
        "EndpointArn Reason: An ARN must have at least 6 elements, not 1"
    )


def test_attributes_of_applications_and_endpoints(sns: Any, application: str) -> None:
    assert (
        error(sns.set_platform_application_attributes, PlatformApplicationArn=application, Attributes={})
        == NO_ATTRIBUTES
    )
    given = {"PlatformApplicationArn": application, "Token": "t"}
    endpoint = sns.create_platform_endpoint(**given)["EndpointArn"]
    assert error(sns.set_endpoint_attributes, EndpointArn=endpoint, Attributes={}) == NO_ATTRIBUTES
    name = invalid("Attributes Reason: Invalid attribute name: Fake")
    long = invalid(
        "Attributes Reason: Invalid value for attribute: CustomUserData: must be at most 2048 bytes long in UTF-8 "
        "encoding"
    )
    for attributes, said in (({"Fake": "x"}, name), ({"CustomUserData": "ä" * 1025}, long)):
        assert error(sns.set_endpoint_attributes, EndpointArn=endpoint, Attributes=attributes) == said
        assert error(sns.create_platform_endpoint, **given, Attributes=attributes) == said
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"CustomUserData": "ä" * 1024})


def test_accounts_do_not_see_each_others(sns: Any, application: str, broker: BrokerProcess) -> None:
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    other = client(broker, "sns", key="222233334444")
    assert other.list_platform_applications()["PlatformApplications"] == []
    assert error(other.get_endpoint_attributes, EndpointArn=endpoint)[0] == "NotFound"
    assert error(other.publish, TargetArn=endpoint, Message="m") == invalid(
        "TargetArn Reason: No endpoint found for the target arn specified"
    )
    topic = other.create_topic(Name="t")["TopicArn"]
    absent = f"Endpoint Reason: Endpoint does not exist for endpoint arn{endpoint}"
    assert error(other.subscribe, TopicArn=topic, Protocol="application", Endpoint=endpoint) == invalid(absent)
    other.delete_endpoint(EndpointArn=endpoint)
    other.delete_platform_application(PlatformApplicationArn=application)
    assert sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]["Token"] == "t"
    other.close()


def test_an_endpoint_that_is_subscribed_is_there(sns: Any, topic: str, application: str) -> None:
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    given = {"TopicArn": topic, "Protocol": "application", "Endpoint": endpoint}
    sns.subscribe(**given)
    sns.delete_endpoint(EndpointArn=endpoint)
    assert error(sns.subscribe, **given) == invalid(
        f"Endpoint Reason: Endpoint does not exist for endpoint arn{endpoint}"
    )


def test_nothing_is_published_by_an_application_that_is_disabled(sns: Any, application: str) -> None:
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    sns.set_platform_application_attributes(PlatformApplicationArn=application, Attributes={"Enabled": "false"})
    assert error(sns.publish, TargetArn=endpoint, Message="m") == (
        "PlatformApplicationDisabled", "Platform application is disabled", 400,
    )  # fmt: skip


# --- events -----------------------------------------------------------------------------------------------------------

EVENTS = ("EndpointCreated", "EndpointDeleted", "EndpointUpdated", "DeliveryFailure")


def test_topics_are_told_what_happens_to_endpoints(sns: Any, topic: str, application: str, queues: Queues) -> None:
    url = queues.subscribed(topic)
    sns.set_platform_application_attributes(
        PlatformApplicationArn=application, Attributes={f"Event{each}": topic for each in EVENTS}
    )
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")
    for token in ("u", "u"):
        sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Token": token})
    sns.delete_endpoint(EndpointArn=endpoint)
    sns.delete_endpoint(EndpointArn=endpoint)
    notices = queues.notices(url)
    told = [json.loads(notice["Message"]) for notice in notices]
    _, platform, name = application.split("/")
    assert [notice["Subject"] for notice in notices] == [
        f"{each['EventType']} event for app {name} ({platform})" for each in told
    ]
    assert [each.pop("EventType") for each in told] == ["EndpointCreated", "EndpointUpdated", "EndpointDeleted"]
    for each in told:
        assert each.pop("Time").endswith("Z")
        assert each == {"EndpointArn": endpoint, "Resource": application, "Service": "SNS"}


def test_a_topic_is_told_what_did_not_arrive(sns: Any, topic: str, application: str, queues: Queues) -> None:
    """The device is subscribed to the topic of its own failures, which must not go round and round."""
    url = queues.subscribed(topic)
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=endpoint)
    sns.set_platform_application_attributes(
        PlatformApplicationArn=application, Attributes={"EventDeliveryFailure": topic}
    )
    sent = sns.publish(TargetArn=endpoint, Message="m")["MessageId"]
    told = json.loads(queues.texts(url, 10)[0])
    assert list(told) == sorted(told)
    assert told.pop("Time").endswith("Z")
    assert told == {
        "EventType": "DeliveryFailure", "Resource": application, "EndpointArn": endpoint, "Service": "SNS",
        "DeliveryAttempts": 1, "FailureType": "DeliveryFailedPerm", "MessageId": sent,
        "FailureMessage": "PlatformCredential of the platform application is not the JSON file of a service account",
    }  # fmt: skip
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
    assert told_through(sns, topic, url, queues) == ("EndpointDisabled", "Endpoint is disabled")
    sns.delete_endpoint(EndpointArn=endpoint)
    assert told_through(sns, topic, url, queues) == ("EndpointNotFound", "Endpoint was not found")
    assert queues.texts(url, 1) == []


def told_through(sns: Any, topic: str, url: str, queues: Queues) -> tuple[str, str]:
    """What the topic is told of a message to it that does not arrive at the device."""
    sent = sns.publish(TopicArn=topic, Message="through the topic")["MessageId"]
    found = queues.texts(url, 10)
    while len(found) < 2:
        found += queues.texts(url, 10)
    told = json.loads(found[1])
    assert told["MessageId"] == sent
    return told["FailureType"], told["FailureMessage"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("x", "Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:us-east-1:222233334444:t", "Reason: it must be a standard topic of the account"),
        ("arn:aws:sns:us-east-1:000000000000:t.fifo", "Reason: it must be a standard topic of the account"),
    ],
)
def test_events_go_to_standard_topics_of_the_account(sns: Any, application: str, wrong: str, said: str) -> None:
    given = {"PlatformApplicationArn": application, "Attributes": {"EventEndpointCreated": wrong}}
    assert error(sns.set_platform_application_attributes, **given) == invalid(f"EventEndpointCreated {said}")
