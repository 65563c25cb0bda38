"""boto3 and raw requests against a broker that verifies signatures: who may come in, and what the others are told."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.aws.sqs.conftest import (
    OTHER_ACCOUNT,
    OTHER_KEY,
    OTHER_SECRET,
    OWNER_KEY,
    OWNER_SECRET,
    READER_KEY,
    READER_SECRET,
    client,
)
from tests.support.broker_process import BrokerProcess
from tests.support.raw_http import request
from tests.support.signing_clock import signing_at

SKEW_S = 300


@pytest.fixture
def url(owner: Any, name: str) -> str:
    return str(owner.create_queue(QueueName=name)["QueueUrl"])


def said(
    broker: BrokerProcess, key: str, secret: str, url: str, action: str = "receive_message"
) -> tuple[int, str, str]:
    """Status, code and message of what a client with this key is refused."""
    stranger = client(broker, key, secret)
    try:
        with pytest.raises(ClientError) as caught:
            getattr(stranger, action)(QueueUrl=url, **({"MessageBody": "x"} if action == "send_message" else {}))
    finally:
        stranger.close()
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def test_the_right_key_works(owner: Any, url: str) -> None:
    owner.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes={
        "n": {"DataType": "Number", "StringValue": "3"}
    })  # fmt: skip
    (message,) = owner.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert message["Attributes"]["SenderId"].startswith("AIDA")
    owner.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_wrong_secret_is_refused(signed_broker: BrokerProcess, url: str) -> None:
    status, code, message = said(signed_broker, OWNER_KEY, "wrong", url)
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert message.startswith("The request signature we calculated does not match the signature you provided.")


def test_an_unknown_key_is_refused(signed_broker: BrokerProcess, url: str) -> None:
    assert said(signed_broker, "AKIANOBODY000000", OWNER_SECRET, url) == (
        403, "InvalidClientTokenId", "The security token included in the request is invalid."
    )  # fmt: skip


def test_a_session_token_that_nobody_gave_is_refused(signed_broker: BrokerProcess, url: str) -> None:
    status, body = post(signed_broker, url, credentials=Credentials(OWNER_KEY, OWNER_SECRET, "token"))
    assert (status, body["__type"]) == (403, "com.amazon.coral.service#UnrecognizedClientException")


def test_a_denied_action_is_refused(signed_broker: BrokerProcess, url: str, name: str) -> None:
    status, code, message = said(signed_broker, READER_KEY, READER_SECRET, url, "send_message")
    assert (status, code) == (403, "AccessDenied")
    assert message == (
        "User: arn:aws:iam::000000000000:user/reader is not authorized to perform: sqs:sendmessage on resource: "
        f"arn:aws:sqs:us-east-1:000000000000:{name} because no identity-based policy allows the sqs:sendmessage action"
    )


def test_an_allowed_action_works_beside_it(signed_broker: BrokerProcess, owner: Any, url: str) -> None:
    owner.send_message(QueueUrl=url, MessageBody="hello")
    reader = client(signed_broker, READER_KEY, READER_SECRET)
    assert reader.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
    reader.close()


def test_another_account_has_its_own_queues_and_needs_a_policy_for_others(
    signed_broker: BrokerProcess, owner: Any, url: str, name: str
) -> None:
    other = client(signed_broker, OTHER_KEY, OTHER_SECRET)
    theirs = other.create_queue(QueueName=name)["QueueUrl"]
    assert f"/{OTHER_ACCOUNT}/" in theirs
    assert said(signed_broker, OTHER_KEY, OTHER_SECRET, url, "send_message")[:2] == (403, "AccessDenied")
    owner.add_permission(QueueUrl=url, Label="l", AWSAccountIds=[OTHER_ACCOUNT], Actions=["SendMessage"])
    other.send_message(QueueUrl=url, MessageBody="hello")
    assert owner.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
    assert said(signed_broker, OTHER_KEY, OTHER_SECRET, url)[:2] == (403, "AccessDenied")
    other.close()


# --- raw requests ---------------------------------------------------------------------------------------------------


def post(
    broker: BrokerProcess,
    url: str,
    credentials: Credentials | None = None,
    late_s: float = 0,
    body: bytes = b"",
    without: str = "",
    changes: dict[str, str] | None = None,
) -> tuple[int, Any]:
    """A ReceiveMessage that is signed, then changed, or not signed at all."""
    body = body or orjson.dumps({"QueueUrl": url})
    headers = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "Content-Type": "application/x-amz-json-1.0"}
    made = AWSRequest("POST", f"http://127.0.0.1:{broker.ports['aws']}/", headers, body)
    if credentials is not None:
        when = datetime.fromtimestamp(time.time(), UTC) - timedelta(seconds=late_s)
        with signing_at(when):
            SigV4Auth(credentials, "sqs", "us-east-1").add_auth(made)
    given = {name.lower(): str(value) for name, value in made.headers.items()}
    given |= {"host": urlsplit(made.url).netloc, **(changes or {})}
    given.pop(without, None)
    status, _, answer = request(broker.ports["aws"], "POST", "/", given, body)
    return status, orjson.loads(answer)


OWNER = Credentials(OWNER_KEY, OWNER_SECRET)


def test_a_request_that_is_not_signed_is_denied(signed_broker: BrokerProcess, url: str) -> None:
    status, body = post(signed_broker, url)
    assert (status, body["__type"]) == (403, "com.amazon.coral.service#AccessDeniedException")
    assert body["message"].startswith("Access to the resource ")


@pytest.mark.parametrize("late_s", [SKEW_S - 60, 60 - SKEW_S])
def test_a_clock_may_be_a_little_wrong(signed_broker: BrokerProcess, url: str, late_s: int) -> None:
    assert post(signed_broker, url, OWNER, late_s) == (200, {})


@pytest.mark.parametrize(
    ("late_s", "text"), [(SKEW_S + 60, "Signature expired: "), (-SKEW_S - 60, "Signature not yet current: ")]
)
def test_a_clock_must_not_be_very_wrong(signed_broker: BrokerProcess, url: str, late_s: int, text: str) -> None:
    status, body = post(signed_broker, url, OWNER, late_s)
    assert (status, body["__type"]) == (403, "com.amazon.coral.service#InvalidSignatureException")
    assert body["message"].startswith(text)


@pytest.mark.parametrize(
    "changes",
    [{"x-amz-target": "AmazonSQS.PurgeQueue"}, {"host": "elsewhere"}, {"x-amz-date": "20200101T000000Z"},
     {"content-type": "application/x-amz-json-1.1"}, {"x-amz-more": "1"}],
)  # fmt: skip
def test_what_was_signed_cannot_be_changed(signed_broker: BrokerProcess, url: str, changes: dict[str, str]) -> None:
    status, body = post(signed_broker, url, OWNER, changes=changes)
    assert status in (400, 403)
    assert body["__type"].endswith(("#InvalidSignatureException", "#IncompleteSignatureException")), body


def test_a_signature_in_another_form_is_incomplete(signed_broker: BrokerProcess, url: str) -> None:
    changes = {"authorization": "AWS4-HMAC-SHA256 Credential=x"}
    status, body = post(signed_broker, url, OWNER, changes=changes)
    assert (status, body["__type"]) == (400, "com.amazon.coral.service#IncompleteSignatureException")


def test_nobody_of_these_left_a_traceback(signed_broker: BrokerProcess) -> None:
    assert "Traceback" not in signed_broker.log()
