"""Requests signed by botocore, which knows nothing of our verification, and what comes of them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import botocore.auth  # type: ignore[import-untyped]
import pytest
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from mqbroker.aws.auth.claim import Claim
from mqbroker.aws.auth.sigv4 import Verifier
from mqbroker.core.access.access import AccessKey
from mqbroker.errors import AwsError
from mqbroker.protocols.session import Peer
from tests.support.signing_clock import signing_at

KEY_ID = "AKIDEXAMPLE000000"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ACCOUNT = "111122223333"
KEYS = {KEY_ID: AccessKey(KEY_ID, "ann", SECRET, ACCOUNT)}
PEER = Peer("192.0.2.7", 50_000, False)
QUEUE = "/111122223333/orders"
NOW = 1_440_938_160_000  # 2015-08-30 12:36:00 UTC


@dataclass(frozen=True)
class Request:
    """A request as the front passes it."""

    method: str = "POST"
    target: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: Peer = PEER

    def without(self, *names: str) -> "Request":
        """The same without some headers."""
        return replace(self, headers={name: value for name, value in self.headers.items() if name not in names})

    def having(self, **headers: str) -> "Request":
        """The same with other values of headers; underscores stand for dashes."""
        return replace(self, headers=self.headers | {name.replace("_", "-"): text for name, text in headers.items()})

    def over_tls(self) -> "Request":
        """The same on an encrypted connection."""
        return replace(self, peer=replace(self.peer, is_tls=True))


def sign(
    request: Request,
    *,
    now: int = NOW,
    region: str = "us-east-1",
    service: str = "sqs",
    secret: str = SECRET,
    token: str | None = None,
    expires_s: int | None = None,
) -> Request:
    """The request signed by botocore: in a header, or in the query string when `expires_s` is given."""
    url = f"http://{request.headers.get('host', 'localhost:9324')}{request.target}"
    made = AWSRequest(request.method, url, {**request.headers}, request.body)
    credentials = Credentials(KEY_ID, secret, token)
    signer = botocore.auth.SigV4Auth(credentials, service, region)
    if expires_s is not None:
        signer = botocore.auth.SigV4QueryAuth(credentials, service, region, expires_s)
    with signing_at(datetime.fromtimestamp(now // 1000, UTC)):
        signer.add_auth(made)
    parts = urlsplit(made.url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = {"host": parts.netloc} | {name.lower(): str(value) for name, value in made.headers.items()}
    # botocore moves the body into the query of a URL that it signs in advance.
    return replace(request, target=target, headers=headers, body=made.data or b"")


def call(body: bytes = b'{"QueueUrl":"http://localhost:9324/111122223333/q","MessageBody":"hello"}') -> Request:
    """A request such as boto3 makes, not yet signed."""
    headers = {
        "host": "localhost:9324",
        "x-amz-target": "AmazonSQS.SendMessage",
        "content-type": "application/x-amz-json-1.0",
        "user-agent": "Boto3",
        "content-length": str(len(body)),
    }
    return Request("POST", "/", headers, body)


MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def verify(request: Request, now: int = NOW, service: str = "sqs", keys: dict[str, AccessKey] = KEYS) -> Claim:
    """Verifies with a fresh verifier."""
    return Verifier(keys, 300).verify(request, service, now)


def refusal_of(request: Request, now: int = NOW, service: str = "sqs", keys: dict[str, AccessKey] = KEYS) -> AwsError:
    """The refusal of a request, the same from a verifier that knows the client already."""
    with pytest.raises(AwsError) as fresh:
        verify(request, now, service, keys)
    verifier = Verifier(KEYS, 300)
    verifier.verify(sign(call()), "sqs", NOW)
    verifier._keys = keys
    with pytest.raises(AwsError) as again:
        verifier.verify(request, service, now)
    assert vars(fresh.value) == vars(again.value)
    return fresh.value


def answer(error: AwsError) -> tuple[str, str, int, str]:
    """What the client sees of a refusal."""
    assert error.is_sender
    assert error.query_message == error.message
    return error.shape, error.code, error.status, error.message


def does_not_match(text: str = MISMATCH) -> tuple[str, str, int, str]:
    return "InvalidSignatureException", "SignatureDoesNotMatch", 403, text


def incomplete(text: str) -> tuple[str, str, int, str]:
    return "IncompleteSignatureException", "IncompleteSignature", 400, text
