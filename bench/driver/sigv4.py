"""Signature Version 4 of AWS for requests that differ in their bodies only: a POST to / with constant headers.

Owns the signing. The key is derived once a day, and everything that does not depend on the body once a second, so a
signature costs two hashes and one HMAC. Knows no service and no socket.
"""

import hmac
import time
from hashlib import sha256

REGION = "us-east-1"
ALGORITHM = "AWS4-HMAC-SHA256"


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of a day. date: YYYYMMDD. Source: IAM User Guide, "Create a signed AWS API request"."""
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class Signer:
    """Signs bodies that are sent with the same headers.

    headers: lower-case names and values of all that is signed, but for x-amz-date, which is added.
    """

    def __init__(self, key_id: str, secret: str, service: str, headers: dict[str, str]) -> None:
        self._key_id = key_id
        self._secret = secret
        self._service = service
        self._headers = headers
        self._date = ""
        self._key = b""
        self._canonical = self._to_sign = b""

    def at(self, second: int) -> bytes:
        """Sign as of this Unix time from now on; the X-Amz-Date and Authorization headers up to the signature."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        date = stamp[:8]
        if date != self._date:
            self._date = date
            self._key = signing_key(self._secret, date, REGION, self._service)
        scope = f"{date}/{REGION}/{self._service}/aws4_request"
        headers = sorted((self._headers | {"x-amz-date": stamp}).items())
        names = ";".join(name for name, _ in headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers)
        self._canonical = f"POST\n/\n\n{lines}\n{names}\n".encode()
        self._to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n".encode()
        credential = f"{ALGORITHM} Credential={self._key_id}/{scope}, SignedHeaders={names}, Signature="
        return f"X-Amz-Date: {stamp}\r\nAuthorization: {credential}".encode()

    def sign(self, body: bytes) -> bytes:
        """The signature of a body, in hexadecimal digits."""
        canonical = self._canonical + sha256(body).hexdigest().encode()
        return hmac.digest(self._key, self._to_sign + sha256(canonical).hexdigest().encode(), "sha256").hex().encode()
