"""Signing keys: what a secret access key becomes for one day, region and service, kept because it costs four HMACs.

The HMAC of a request (RFC 2104) goes on from the two hashes that the key begins, which is a third of the work of
starting with the key each time.
"""

from collections import OrderedDict
from hashlib import sha256
from hmac import digest
from typing import Any

from mqbroker.aws.limits import AWS_SIGNING_KEYS_MAX
from mqbroker.core.access.credentials import Credential

Hash = Any
"""A hash object of hashlib, for which it has no public type."""

TERMINATOR = "aws4_request"

_BLOCK_BYTES = 64
_INNER_PAD = bytes([octet ^ 0x36 for octet in range(256)])
_OUTER_PAD = bytes([octet ^ 0x5C for octet in range(256)])


class SigningKey:
    """The key of a secret for a credential scope."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: str, date: str, region: str, service: str) -> None:
        key = f"AWS4{secret}".encode()
        for part in (date, region, service, TERMINATOR):
            key = digest(key, part.encode(), "sha256")
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(block.translate(_INNER_PAD))
        self._outer = sha256(block.translate(_OUTER_PAD))

    def begin(self, text: bytes) -> Hash:
        """The inner hash with the beginning of a text. It may be copied for each text that begins so."""
        inner = self._inner.copy()
        inner.update(text)
        return inner

    def finish(self, inner: Hash) -> str:
        """The signature of the text that the inner hash has taken, in hexadecimal digits."""
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


class SigningKeys:
    """The keys that were of use lately, the oldest of use leaving first. Only right signatures get a key kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str, str], tuple[Credential, SigningKey]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Credential, date: str, region: str, service: str) -> SigningKey:
        """The signing key, kept or made. A key whose secret has changed is another object, so none is outdated."""
        place = (key.id, date, region, service)
        found = self._kept.get(place)
        if found is None or found[0] is not key:
            return SigningKey(key.secret, date, region, service)
        self._kept.move_to_end(place)
        return found[1]

    def keep(self, key: Credential, date: str, region: str, service: str, signing_key: SigningKey) -> None:
        """Keeps a signing key that a right signature was made with."""
        place = (key.id, date, region, service)
        self._kept[place] = (key, signing_key)
        self._kept.move_to_end(place)
        if len(self._kept) > AWS_SIGNING_KEYS_MAX:
            self._kept.popitem(last=False)
