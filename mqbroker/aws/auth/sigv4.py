"""AWS Signature Version 4, verified strictly: in the Authorization header, and in the query string of a URL.

Owns every decision of the check, in the order in which AWS makes it; what the key may do is for others to say. Nothing
here reads a clock: `now` is an argument.

This runs for every request, so what repeats is kept: the header without its signature is the same for all requests of
one client in one day, and most of what is signed for a second. It is kept only once a signature was right, so that
strangers cannot fill the memory.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hmac import compare_digest
from typing import Protocol

from mqbroker.aws.auth.canonical import canonical_query, query_pairs
from mqbroker.aws.auth.claim import Claim, authentication_parameters, claim_of_header, claim_of_query, expiry_s
from mqbroker.aws.auth.digests import sha256_hex
from mqbroker.aws.auth.signed_head import SignedHead
from mqbroker.aws.auth.signing_keys import SigningKey, SigningKeys
from mqbroker.aws.front.refusals import does_not_match, incomplete, unknown_client, unsigned
from mqbroker.aws.limits import AWS_CLAIMS_MAX, AWS_TIMESTAMPS_REMEMBERED
from mqbroker.core.access.credentials import Credential
from mqbroker.core.recent import remember
from mqbroker.protocols.session import Peer

_UNSIGNED = frozenset(("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
_TIMESTAMP_CHARS = 16  # 20150830T123600Z
_SIGNATURE_CHARS = 64


class SignedRequest(Protocol):
    """What of a request is signed. Texts hold octets (latin-1); names of headers are in lower case."""

    @property
    def method(self) -> str:
        """In capitals, as it came."""

    @property
    def target(self) -> str:
        """Path and query, as they came."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Values of headers that came more than once are joined by a comma without a space, in their order."""

    @property
    def body(self) -> bytes:
        """The whole body."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""


class Verifier:
    """Verifies requests against access keys. `keys` is looked at each time, so a key that changes counts at once."""

    def __init__(self, keys: Mapping[str, Credential], clock_skew_s: int) -> None:
        self._keys = keys
        self._clock_skew_s = clock_skew_s
        self._signing_keys = SigningKeys()
        self._claims: dict[str, Claim] = {}

    def verify(self, request: SignedRequest, service: str, now: int) -> Claim:
        """The claim that the request proves; its `key` is set. Raises AwsError. `now` is in milliseconds."""
        authorization = request.headers.get("authorization", "")
        path, query = request.target, ""
        if "?" in path:
            path, _, query = path.partition("?")
        if authorization.startswith("AWS4-"):
            return self._verify_header(request, authorization, path, query, service, now)
        if "X-Amz-" in query:
            return self._verify_query(request, path, query, service, now)
        scheme = "https" if request.peer.is_tls else "http"
        raise unsigned(service, f"{scheme}://{request.headers.get('host', '')}{path}")

    # --- the two forms ----------------------------------------------------------------------------------------------

    def _verify_header(
        self, request: SignedRequest, authorization: str, path: str, query: str, service: str, now: int
    ) -> Claim:
        headers = request.headers
        timestamp = headers.get("x-amz-date") or headers.get("date", "")
        stem, signature = authorization[:-_SIGNATURE_CHARS], authorization[-_SIGNATURE_CHARS:]
        claim = self._claims.get(stem) if timestamp else None
        if claim is None:
            claim, signature = claim_of_header(authorization, bool(timestamp))
            claim.check_names()
        _check_signed(claim, headers)
        self._check_time(timestamp, self._clock_skew_s, self._clock_skew_s, now)
        pairs = query_pairs(query) if query else []
        if "X-Amz-Algorithm" in [name for name, _ in pairs]:
            both = "'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header"
            raise does_not_match(f"Found both {both}.")
        is_new = claim.key is None
        self._check_signature(claim, signature, request, path, pairs, timestamp, service)
        # Where the signature is not the last parameter, the stem is not all that the claim was read from.
        if is_new and authorization.endswith(f"Signature={signature}"):
            remember(self._claims, stem, claim, AWS_CLAIMS_MAX)
        return claim

    def _verify_query(self, request: SignedRequest, path: str, query: str, service: str, now: int) -> Claim:
        pairs = query_pairs(query)
        found = authentication_parameters(pairs)
        claim, signature = claim_of_query(found)
        claim.check_names()
        _check_signed(claim, request.headers)
        timestamp = found["X-Amz-Date"]
        lifetime_s = expiry_s(found["X-Amz-Expires"]) if "X-Amz-Expires" in found else self._clock_skew_s
        self._check_time(timestamp, lifetime_s, self._clock_skew_s, now)
        signed_pairs = [pair for pair in pairs if pair[0] != "X-Amz-Signature"]
        self._check_signature(claim, signature, request, path, signed_pairs, timestamp, service)
        if "X-Amz-Security-Token" in found:
            raise unknown_client()
        return claim

    # --- checks -----------------------------------------------------------------------------------------------------

    def _check_time(self, timestamp: str, past_s: int, future_s: int, now: int) -> None:
        signed_at, now_s = _seconds(timestamp), now // 1000
        if signed_at < now_s - past_s:
            raise does_not_match(
                f"Signature expired: {timestamp} is now earlier than {_text(now_s - past_s)} "
                f"({_text(now_s)} - {_span(past_s)}.)"
            )
        if signed_at > now_s + future_s:
            raise does_not_match(
                f"Signature not yet current: {timestamp} is still later than {_text(now_s + future_s)} "
                f"({_text(now_s)} + {_span(future_s)}.)"
            )

    def _check_signature(
        self,
        claim: Claim,
        signature: str,
        request: SignedRequest,
        path: str,
        pairs: list[tuple[str, str]],
        timestamp: str,
        service: str,
    ) -> None:
        signing_key = self._signing_key(claim, timestamp, service)
        values = _signed_values(claim, request.headers)
        place = (request.method, path, timestamp, *values)
        head = claim.heads.get(place) if signing_key is claim.signing_key and not pairs else None
        is_known = head is not None
        if head is None:
            query = canonical_query(pairs) if pairs else ""
            head = SignedHead(request.method, path, query, claim.names, values, timestamp, claim.scope, signing_key)
        expected = head.signature(_payload_hash(request))
        if not (signature.isascii() and compare_digest(expected, signature)):
            raise does_not_match()
        if "x-amz-security-token" in request.headers:
            raise unknown_client()
        if signing_key is not claim.signing_key:
            current = self._keys[claim.key_id]
            self._signing_keys.keep(current, claim.date, claim.region, claim.service, signing_key)
            claim.prove(current, signing_key)
        if not (is_known or pairs):
            claim.keep(place, head)

    def _signing_key(self, claim: Claim, timestamp: str, service: str) -> SigningKey:
        """What the claim has to be signed with."""
        key = claim.key
        if key is None:
            claim.split()
        if claim.date != timestamp[:8] or claim.service != service or key is None:
            claim.check_scope(service, timestamp)
        current = self._keys.get(claim.key_id)
        if current is None:
            raise unknown_client()
        if current is key and claim.signing_key is not None:
            return claim.signing_key
        return self._signing_keys.get(current, claim.date, claim.region, service)


def _check_signed(claim: Claim, headers: Mapping[str, str]) -> None:
    present = tuple(headers)
    if present == claim.checked_headers:
        return  # a client sends the same headers each time
    names = claim.name_set
    for name in headers:
        if name.startswith("x-amz-") and name not in names:
            raise does_not_match(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    if "x-amz-date" not in headers and "date" in headers and "date" not in names:
        raise does_not_match("'date' must be a 'SignedHeader' in the AWS Authorization.")
    claim.checked_headers = present


def _signed_values(claim: Claim, headers: Mapping[str, str]) -> list[str]:
    try:
        return [headers[name] for name in claim.names]
    except KeyError:
        raise does_not_match() from None


def _payload_hash(request: SignedRequest) -> str:
    """The hash that must have been signed, or the word that stands for it where TLS protects the body instead."""
    declared = request.headers.get("x-amz-content-sha256")
    if declared in _UNSIGNED and request.peer.is_tls:
        return str(declared)
    computed = sha256_hex(request.body)
    # Chunks with signatures of their own are a form of S3; for other services such a word is just a wrong hash.
    if declared is not None and declared != computed:
        raise does_not_match()
    return computed


@lru_cache(AWS_TIMESTAMPS_REMEMBERED)
def _seconds(timestamp: str) -> int:
    """Seconds since the epoch. Raises AwsError."""
    digits = timestamp[:8] + timestamp[9:15]
    has_form = len(timestamp) == _TIMESTAMP_CHARS and timestamp[8] == "T" and timestamp[15] == "Z"
    try:
        if not (has_form and digits.isascii() and digits.isdigit()):
            raise ValueError(timestamp)
        year = int(digits[:4])
        month, day, hour, minute, second = [int(digits[at : at + 2]) for at in range(4, 14, 2)]
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:
        raise incomplete(
            f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def _span(seconds: int) -> str:
    return f"{seconds} sec" if seconds % 60 else f"{seconds // 60} min"
