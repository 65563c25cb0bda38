"""Objects for a bucket of S3, or of a service that has its API: PUT requests that are signed (Signature Version 4).

The names of objects and buckets are plain characters, so nothing has to be encoded that a signature would have to agree
on.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from mqbroker.aws.auth.signed_head import ALGORITHM
from mqbroker.aws.auth.signing_keys import TERMINATOR, SigningKey
from mqbroker.delivery.errors import DeliveryFailed
from mqbroker.delivery.http import HttpClient
from mqbroker.delivery.limits import REASON_CHARS_MAX

_SERVICE = "s3"


class Bucket:
    """A bucket, and who writes to it."""

    def __init__(self, url: str, region: str, client: HttpClient) -> None:
        """`url` is https://access-key:secret@host/bucket."""
        parts = urlsplit(url)
        self._host = parts.netloc.rpartition("@")[2]
        self._url = f"{parts.scheme}://{self._host}"
        self._path = parts.path.rstrip("/")
        self._key, self._secret = unquote(parts.username or ""), unquote(parts.password or "")
        self._region = region
        self._client = client

    async def put(self, name: str, data: bytes, at: datetime) -> int:
        """Writes an object. Raises DeliveryFailed: the operator may yet make the bucket, or give the right to it."""
        path = f"{self._path}/{name}"
        response = await self._client.send("PUT", self._url + path, data, self.headers(path, data, at))
        if response.status != 200:
            said = response.body[:REASON_CHARS_MAX].decode("latin-1")
            raise DeliveryFailed(f"the bucket answers {response.status}: {said!r}", status=response.status)
        return response.status

    def headers(self, path: str, data: bytes, at: datetime) -> Mapping[str, str]:
        """The headers that say who writes the object, and that nobody else does."""
        timestamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = sha256(data).hexdigest()
        signed = {"host": self._host, "x-amz-content-sha256": digest, "x-amz-date": timestamp}
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"PUT\n{path}\n\n{lines}\n{names}\n{digest}"
        scope = f"{timestamp[:8]}/{self._region}/{_SERVICE}/{TERMINATOR}"
        text = f"{ALGORITHM}\n{timestamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        key = SigningKey(self._secret, timestamp[:8], self._region, _SERVICE)
        signature = key.finish(key.begin(text.encode()))
        credential = f"Credential={self._key}/{scope}, SignedHeaders={names}, Signature={signature}"
        del signed["host"]  # the client says that itself
        return {"Authorization": f"{ALGORITHM} {credential}", **signed}
