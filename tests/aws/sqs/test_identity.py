"""GetCallerIdentity of STS, which Terraform asks before anything else: by boto3, and by raw requests of its wire."""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import fromstring

import boto3  # type: ignore[import-untyped]
import orjson
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from mqbroker.aws.auth.credentials import user_id_of
from tests.aws.sqs.conftest import OTHER_ACCOUNT, OTHER_KEY, OTHER_SECRET
from tests.support.broker_process import BrokerProcess
from tests.support.raw_http import request
from tests.support.sqs_house import ACCOUNT

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
ROOT = {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"}
FORM = {"content-type": "application/x-www-form-urlencoded", "authorization": "AWS4-HMAC-SHA256 Credential=test, x"}
ASK = b"Action=GetCallerIdentity&Version=2011-06-15"


def client(broker: BrokerProcess, key: str, secret: str, region: str = "us-east-1") -> Any:
    url = f"http://127.0.0.1:{broker.ports['aws']}"
    config = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30)
    return boto3.client(
        "sts", endpoint_url=url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret, config=config
    )


@pytest.fixture
def sts(broker: BrokerProcess) -> Iterator[Any]:
    made = client(broker, "test", "test")
    yield made
    made.close()


def identity(sts: Any) -> dict[str, str]:
    found = dict(sts.get_caller_identity())
    del found["ResponseMetadata"]
    return found


def test_a_caller_is_told_who_it_is(sts: Any) -> None:
    """The bug: nobody answered for STS, so Terraform stopped before its first queue."""
    assert identity(sts) == ROOT


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_user_is_told_so_by_the_key(signed_broker: BrokerProcess, region: str) -> None:
    other = client(signed_broker, OTHER_KEY, OTHER_SECRET, region)
    assert identity(other) == {
        "UserId": user_id_of(OTHER_ACCOUNT, "other"),
        "Account": OTHER_ACCOUNT,
        "Arn": f"arn:aws:iam::{OTHER_ACCOUNT}:user/other",
    }
    other.close()


def test_a_wrong_secret_is_refused(signed_broker: BrokerProcess) -> None:
    stranger = client(signed_broker, OTHER_KEY, "guessed")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.get_caller_identity()
    stranger.close()


def test_what_is_not_signed_is_refused(signed_broker: BrokerProcess) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    status, _, body = request(signed_broker.ports["aws"], headers=headers, body=ASK)
    assert status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_answer_is_xml(broker: BrokerProcess, method: str) -> None:
    is_form = method == "POST"
    status, _, body = request(
        broker.ports["aws"], method, "/" if is_form else f"/?{ASK.decode()}", FORM, ASK if is_form else b""
    )
    assert status == 200
    (result, metadata) = fromstring(body)
    assert {each.tag.removeprefix(f"{{{NAMESPACE}}}"): each.text for each in result} == ROOT
    assert metadata.tag == f"{{{NAMESPACE}}}ResponseMetadata"


def test_the_answer_is_json_for_who_accepts_that(broker: BrokerProcess) -> None:
    status, _, body = request(broker.ports["aws"], headers={**FORM, "accept": "application/json"}, body=ASK)
    assert status == 200
    assert orjson.loads(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"] == ROOT


def test_other_actions_of_sts_are_none(sts: Any) -> None:
    with pytest.raises(ClientError, match="InvalidAction"):
        sts.get_session_token()
