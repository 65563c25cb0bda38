"""The driver's signatures: AWS's published key, and botocore's signature of the same requests."""

import time

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from bench.driver.jobs import Endpoint
from bench.driver.sigv4 import REGION, signing_key
from bench.driver.sqs_calls import CONTENT_TYPE, ConstantCall, sqs_encoder

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ENDPOINT = Endpoint("sqs", "127.0.0.1", 9324, KEY_ID, SECRET)


def headers_of(request: bytes) -> dict[str, str]:
    head = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}


def test_the_signing_key_is_that_of_awss_published_example() -> None:
    """AWS General Reference, "Examples of how to derive a signing key for Signature Version 4"."""
    key = signing_key(SECRET, "20120215", "us-east-1", "iam")
    assert key.hex() == "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"


@pytest.mark.parametrize("body", [b"{}", b'{"QueueUrl":"http://h/q","MessageBody":"\xc3\xa4 +=/"}'])
@pytest.mark.parametrize("second", [1_440_938_160, 1_700_000_000])
def test_a_call_is_signed_as_botocore_signs_it(monkeypatch: pytest.MonkeyPatch, body: bytes, second: int) -> None:
    monkeypatch.setattr(time, "time", lambda: second + 0.5)
    call = sqs_encoder(ENDPOINT, "SendMessage").encode(body)
    assert call.endswith(b"\r\n\r\n" + body)
    sent = headers_of(call)
    assert sent["content-length"] == str(len(body))
    signed = {"Host": "127.0.0.1:9324", "Content-Type": CONTENT_TYPE, "X-Amz-Target": "AmazonSQS.SendMessage"}
    request = AWSRequest("POST", "http://127.0.0.1:9324/", signed, body)
    request.context["timestamp"] = sent["x-amz-date"]
    auth = SigV4Auth(Credentials(KEY_ID, SECRET), "sqs", REGION)
    request.headers["X-Amz-Date"] = sent["x-amz-date"]
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    assert sent["authorization"].endswith(f"Signature={signature}")
    assert time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second)) == sent["x-amz-date"]


def test_a_constant_call_is_encoded_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    call = ConstantCall(sqs_encoder(ENDPOINT, "SendMessage"), b"{}")
    monkeypatch.setattr(time, "time", lambda: 86_399.9)
    first = call.encode()
    assert call.encode() is first
    monkeypatch.setattr(time, "time", lambda: 86_400.1)
    next_day = call.encode()
    assert headers_of(first)["x-amz-date"] == "19700101T235959Z"
    assert headers_of(next_day)["x-amz-date"] == "19700102T000000Z"
    assert next_day == sqs_encoder(ENDPOINT, "SendMessage").encode(b"{}")
