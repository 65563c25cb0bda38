"""What a request claims of itself by AWS Signature Version 4, taken apart: from its header or from its query string.

    Authorization: AWS4-HMAC-SHA256 Credential=<key id>/<date>/<region>/<service>/aws4_request,
                   SignedHeaders=<name>;<name>, Signature=<64 hexadecimal digits>

or, for a URL that was signed in advance, the same as X-Amz-Algorithm, X-Amz-Credential, X-Amz-SignedHeaders and
X-Amz-Signature in the query, with X-Amz-Date and X-Amz-Expires. Knows the form; whether it is true, sigv4 finds out.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from mqbroker.aws.auth.signed_head import ALGORITHM, SignedHead
from mqbroker.aws.auth.signing_keys import TERMINATOR, SigningKey
from mqbroker.aws.front.refusals import does_not_match, fingerprint, incomplete
from mqbroker.aws.limits import AWS_HEAD_KEPT_BYTES, AWS_HEADS_MAX, AWS_PRESIGNED_EXPIRY_S_MAX, AWS_REGION_CHARS_MAX
from mqbroker.core.access.credentials import Credential
from mqbroker.core.recent import remember

_REGION = re.compile(rf"[a-z][a-z0-9-]{{0,{AWS_REGION_CHARS_MAX - 1}}}")
_PARAMETERS = ("Credential", "Signature", "SignedHeaders")
_QUERY_PARAMETERS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
_QUERY_KNOWN = frozenset((*_QUERY_PARAMETERS, "X-Amz-Expires", "X-Amz-Security-Token"))


class Claim:
    """Who is said to have signed for what, and which headers. `names` are in the order in which they were signed."""

    __slots__ = (
        "checked_headers", "credential", "date", "heads", "key", "key_id", "name_set", "names", "region", "scope",
        "service", "signing_key", "terminator",
    )  # fmt: skip

    def __init__(self, credential: str, signed: str) -> None:
        """`signed` are the names of headers as the claim has them, between semicolons."""
        self.credential = credential
        self.key_id = self.date = self.region = self.service = self.terminator = self.scope = ""
        self.names = signed.split(";")
        self.name_set = frozenset(self.names)
        self.checked_headers: tuple[str, ...] = ()
        """The names of all headers of the last request that had every signed one, as it has to."""
        self.key: Credential | None = None
        """The key that the claim was found right with, and what it signs with."""
        self.signing_key: SigningKey | None = None
        self.heads: dict[tuple[str, ...], SignedHead] = {}
        """What right signatures made with that key began with lately, by method, path, timestamp, and headers."""

    def prove(self, key: Credential, signing_key: SigningKey) -> None:
        """The claim was found right with this key."""
        self.key, self.signing_key = key, signing_key
        self.heads.clear()

    def keep(self, place: tuple[str, ...], head: SignedHead) -> None:
        """Keeps the head of a right signature."""
        if sum(map(len, place)) <= AWS_HEAD_KEPT_BYTES:
            remember(self.heads, place, head, AWS_HEADS_MAX)

    def split(self) -> None:
        """Takes the credential apart. Raises AwsError."""
        parts = self.credential.split("/")
        if len(parts) != 5:
            text = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
            raise incomplete(f"{text} got '{self.credential}'")
        self.key_id, self.date, self.region, self.service, self.terminator = parts
        self.scope = "/".join(parts[1:])

    def check_scope(self, service: str, timestamp: str) -> None:
        """Raises AwsError with everything that is wrong with the scope at once, as AWS does."""
        faults = []
        if not is_region(self.region):
            faults.append(f"Credential should be scoped to a valid region, not '{self.region}'.")
        if self.service != service:
            faults.append(f"Credential should be scoped to correct service: '{service}'.")
        if self.terminator != TERMINATOR:
            wrong = f"'{TERMINATOR}', not '{self.terminator}'."
            faults.append(f"Credential should be scoped with a valid terminator: {wrong}")
        if self.date != timestamp[:8]:
            faults.append(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{self.date}' != '{timestamp[:8]}', from '{timestamp}'."
            )
        if faults:
            raise does_not_match(" ".join(faults))

    def check_names(self) -> None:
        """Raises AwsError unless the names are as the canonical form has them, and the host is among them."""
        if "host" not in self.name_set:
            raise does_not_match("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
        if self.names != sorted(self.name_set):
            raise does_not_match()


def is_region(text: str) -> bool:
    """Whether a text has the form of a region. Any will do: there are as many as clients name."""
    return _REGION.fullmatch(text) is not None


def claim_of_header(authorization: str, has_date: bool) -> tuple[Claim, str]:
    """The claim and the signature in an Authorization header. Raises AwsError."""
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    found = _header_parameters(authorization, rest)
    faults = [f"Authorization header requires '{name}' parameter." for name in _PARAMETERS if not found.get(name)]
    if not has_date:
        faults.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if faults:
        quoted = f"(Hashed with SHA-256 and encoded with Base64) Authorization={fingerprint(authorization)}"
        raise incomplete(f"{' '.join(faults)} {quoted}")
    return Claim(found["Credential"], found["SignedHeaders"]), found["Signature"]


def _header_parameters(authorization: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in text.split(","):
        name, equals, value = pair.strip(" \t").partition("=")
        if not equals:
            quoted = f"(hashed with SHA-256 and encoded with Base64): '{fingerprint(authorization)}'."
            raise incomplete(f"Invalid key=value pair (missing equal-sign) in Authorization header {quoted}")
        if name in found:
            raise does_not_match()
        found[name] = value
    return found


def authentication_parameters(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The parameters of the signature among the pairs of `query_pairs`. Raises AwsError for one that comes twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise does_not_match()
        if name in _QUERY_KNOWN:
            found[name] = unquote(value)
    return found


def claim_of_query(found: Mapping[str, str]) -> tuple[Claim, str]:
    """The claim and the signature among parameters of a query. Raises AwsError."""
    missing = [name for name in _QUERY_PARAMETERS if not found.get(name)]
    if missing:
        faults = [f"AWS query-string parameters must include '{name}'." for name in missing]
        raise incomplete(f"{' '.join(faults)} Re-examine the query-string parameters.")
    if found["X-Amz-Algorithm"] != ALGORITHM:
        raise incomplete(f"Unsupported AWS 'algorithm': '{found['X-Amz-Algorithm']}'.")
    return Claim(found["X-Amz-Credential"], found["X-Amz-SignedHeaders"]), found["X-Amz-Signature"]


def expiry_s(text: str) -> int:
    """How long a URL that was signed in advance is good for, in seconds. Raises AwsError."""
    if not (text.isascii() and text.isdigit()):
        raise incomplete("X-Amz-Expires should be a number")
    # Only so many digits can be a week; longer numbers are not worth reading.
    seconds = int(text[:8])
    if seconds > AWS_PRESIGNED_EXPIRY_S_MAX:
        limit = f"the given X-Amz-Expires must be less than {AWS_PRESIGNED_EXPIRY_S_MAX} seconds"
        raise incomplete(f"X-Amz-Expires must be less than a week (in seconds); that is, {limit}")
    if not seconds:
        raise incomplete("X-Amz-Expires must be greater than 0")
    return seconds
