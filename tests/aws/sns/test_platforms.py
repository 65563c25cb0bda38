"""Platform applications and their endpoints: all eight actions, and what they refuse."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.sns.test_errors import error, invalid
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

PLATFORMS = ("ADM", "APNS", "APNS_SANDBOX", "BAIDU", "GCM", "MPNS", "WNS")


@pytest.fixture
def application(sns: Any, name: str) -> Iterator[str]:
    """An application of this test's own, by its ARN."""
    arn = sns.create_platform_application(Name=name, Platform="GCM", Attributes={"PlatformCredential": "key"})
    yield str(arn["PlatformApplicationArn"])
    sns.delete_platform_application(PlatformApplicationArn=arn["PlatformApplicationArn"])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_may_have_an_application(sns: Any, name: str, platform: str) -> None:
    made = sns.create_platform_application(Name=name, Platform=platform, Attributes={"PlatformCredential": "key"})
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
    rule = "must be at most 256 characters long, and contain only characters in the following set: a-zA-Z0-9_-."
    for wrong in ("a b", "x" * 257, ""):
        assert error(create, Name=wrong, Platform="GCM", Attributes={}) == invalid(f"Name Reason: {rule}")
    assert error(sns.get_platform_application_attributes, PlatformApplicationArn="x") == invalid(
        "PlatformApplicationArn Reason: An ARN must have at least 6 elements, not 1"
    )
    assert error(sns.get_endpoint_attributes, EndpointArn="x") == invalid(
        "EndpointArn Reason: An ARN must have at least 6 elements, not 1"
    )


def test_accounts_do_not_see_each_others(sns: Any, application: str, broker: BrokerProcess) -> None:
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="t")["EndpointArn"]
    other = client(broker, "sns", key="222233334444")
    assert other.list_platform_applications()["PlatformApplications"] == []
    assert error(other.get_endpoint_attributes, EndpointArn=endpoint)[0] == "NotFound"
    other.close()
