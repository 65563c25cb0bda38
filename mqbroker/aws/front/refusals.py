"""What a request is told that does not show who sent it, or whose sender may not do what it asks: AWS's words.

The texts are those that AWS's services answered with where that is on record; a shape is the `__type` of JSON, the code
what Query and the header `x-amzn-query-error` say.
"""

from base64 import b64encode
from hashlib import sha256

from mqbroker.errors import AwsError

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def unsigned(service: str, url: str) -> AwsError:
    """Neither a header nor the query string shows who sent the request. SQS lets strangers ask, and denies."""
    if service == "sqs":
        return access_denied(f"Access to the resource {url} is denied.")
    text = "Request is missing Authentication Token"
    return AwsError("MissingAuthenticationTokenException", text, "MissingAuthenticationToken", 403)


def incomplete(text: str) -> AwsError:
    """What should show it is not in the form of AWS Signature Version 4."""
    return AwsError("IncompleteSignatureException", text, "IncompleteSignature")


def does_not_match(text: str = MISMATCH) -> AwsError:
    """The signature is not right, not of now, or not for this service."""
    return AwsError("InvalidSignatureException", text, "SignatureDoesNotMatch", 403)


def unknown_client() -> AwsError:
    """The access key is not known, or a session token came with it, which nobody here has given out."""
    text = "The security token included in the request is invalid."
    return AwsError("UnrecognizedClientException", text, "InvalidClientTokenId", 403)


def malformed_query(text: str) -> AwsError:
    """The query string has a percent sign that escapes nothing."""
    return AwsError("MalformedQueryString", text)


def access_denied(text: str) -> AwsError:
    """The sender is known and may not do this."""
    return AwsError("AccessDeniedException", text, "AccessDenied", 403)


def fingerprint(text: str) -> str:
    """How AWS quotes an Authorization header that it does not understand: it may hold a secret of another scheme."""
    return b64encode(sha256(text.encode("latin-1")).digest()).decode()
