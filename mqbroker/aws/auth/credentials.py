"""Who sent a request of an AWS service: a user of the broker with an access key, or the root of an account.

Owns what a caller is called (ARN, unique id) and the two ways to find out who it is: by a verified signature, or, for
development, by whatever access key id the request names.
"""

from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs

from mqbroker.aws.auth.claim import is_region
from mqbroker.aws.auth.sigv4 import SignedRequest, Verifier
from mqbroker.aws.config import AwsConfig
from mqbroker.aws.limits import AWS_CALLERS_MAX, AWS_HEAD_KEPT_BYTES
from mqbroker.core.access.access import Access
from mqbroker.core.access.credentials import Credential
from mqbroker.core.recent import remember
from mqbroker.protocols.session import Peer

_ACCOUNT_DIGITS = 12
_UNIQUE_ID_CHARS = 17  # after AIDA, which marks a user among IAM's unique identifiers


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. `user` is empty for the root of an account; `user_id` is what SQS shows as SenderId.

    `is_secure`: nobody on a network could read or change the request; it was encrypted, or has not left this machine.
    """

    account: str
    region: str
    user: str
    access_key: str
    user_id: str
    arn: str
    source_ip: str
    is_secure: bool


Identify = Callable[[SignedRequest, str, int], Caller]
"""Says who sent a request, given the service's name such as "sqs" and the time in ms. Raises AwsError."""


def user_id_of(account: str, user: str) -> str:
    """The unique id of a user, the same for ever; the root's is the account."""
    if not user:
        return account
    hashed = sha256(f"{account}:{user}".encode("utf-8", "surrogateescape")).digest()
    return f"AIDA{b32encode(hashed).decode()[:_UNIQUE_ID_CHARS]}"


def arn_of(account: str, user: str) -> str:
    """The ARN of a user, or of the root of an account."""
    return f"arn:aws:iam::{account}:user/{user}" if user else f"arn:aws:iam::{account}:root"


def stranger(peer: Peer) -> Caller:
    """Who sends a request that needs no signature and has none."""
    return Caller("", "", "", "", "", "", peer.host, peer.is_tls or peer.is_loopback)


def make_identify(access: Access, config: AwsConfig) -> Identify:
    """The way that the configuration asks for."""
    if config.auth == "any":
        return AnyIdentity(config.account, config.region)
    return SignedIdentity(Verifier(access.access_keys, config.clock_skew_s))


class SignedIdentity:
    """The user whose access key the request is signed with."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._callers: dict[tuple[str, str, str, bool], tuple[Credential, Caller]] = {}

    def __call__(self, request: SignedRequest, service: str, now: int) -> Caller:
        """Raises AwsError."""
        claim = self._verifier.verify(request, service, now)
        key, peer = claim.key, request.peer
        assert key is not None
        place = (key.id, claim.region, peer.host, peer.is_tls or peer.is_loopback)
        found = self._callers.get(place)
        if found is not None and found[0] is key:
            return found[1]
        return self._remember(place, key)

    def _remember(self, place: tuple[str, str, str, bool], key: Credential) -> Caller:
        key_id, region, host, is_secure = place
        arn, user_id = arn_of(key.account, key.user), user_id_of(key.account, key.user)
        caller = Caller(key.account, region, key.user, key_id, user_id, arn, host, is_secure)
        remember(self._callers, place, (key, caller), AWS_CALLERS_MAX)
        return caller


class AnyIdentity:
    """The root of the account that the access key id is, or of the default account. Nothing is verified."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._callers: dict[tuple[str, str, bool], Caller] = {}
        """By what stands before the first comma of the header, which is the same for all requests of a client in a
        day."""

    def __call__(self, request: SignedRequest, _service: str, _now: int) -> Caller:
        """Never raises: what cannot be read counts as not given."""
        peer = request.peer
        head = request.headers.get("authorization", "").partition(",")[0]
        place = (head, peer.host, peer.is_tls or peer.is_loopback)
        found = self._callers.get(place)
        return self._find(request, place) if found is None else found

    def _find(self, request: SignedRequest, place: tuple[str, str, bool]) -> Caller:
        head, host, is_secure = place
        key_id, region = _named(request)
        is_account = len(key_id) == _ACCOUNT_DIGITS and key_id.isascii() and key_id.isdigit()
        account = key_id if is_account else self._account
        caller = Caller(account, region or self._region, "", key_id, account, arn_of(account, ""), host, is_secure)
        if head.partition("Credential=")[2].strip() and len(head) <= AWS_HEAD_KEPT_BYTES:
            remember(self._callers, place, caller, AWS_CALLERS_MAX)
        return caller


def _named(request: SignedRequest) -> tuple[str, str]:
    """The access key id and the region that a request names, in a header or in its query; empty where it does not."""
    authorization = request.headers.get("authorization", "")
    credential = authorization.partition("Credential=")[2].partition(",")[0].strip()
    if not credential and "?" in request.target:
        query = parse_qs(request.target.partition("?")[2])
        credential = query.get("X-Amz-Credential", query.get("AWSAccessKeyId", [""]))[0]
    parts = credential.split("/")
    return parts[0], parts[2] if len(parts) == 5 and is_region(parts[2]) else ""
