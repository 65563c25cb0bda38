"""SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side: MQTT 5's enhanced authentication, and SASL.

    client: n,,n=<user>,r=<nonce>                     server: r=<nonce><more>,s=<salt>,i=<iterations>
    client: c=biws,r=<nonce><more>,p=<proof>          server: v=<signature>

It needs users whose password hash is in SCRAM's own form (core/passwords.py). Of others, and of users that do not
exist, it knows nothing that it could check: they are led on with a salt that stays the same, and refused at the end.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

from mqbroker.core.access.access import Access
from mqbroker.core.access.passwords import ScramKeys, decoy_scram_keys, scram_keys

METHOD = "SCRAM-SHA-256"

_GS2_HEADER = b"n,,"  # no channel binding, no other identity to act for
_NO_BINDING = b"c=" + base64.b64encode(_GS2_HEADER)


class ScramExchange:
    """One authentication. `last` is the server's final message once the client has proved itself."""

    __slots__ = ("_access", "_keys", "_message", "_new_nonce", "_nonce", "_user", "last")

    def __init__(self, access: Access, new_nonce: Callable[[], str]) -> None:
        self._access = access
        self._new_nonce = new_nonce
        self._user = ""
        self._nonce = b""
        self._message = b""
        self._keys: ScramKeys | None = None
        self.last = b""

    def first(self, data: bytes) -> bytes | None:
        """The answer to the client's first message; None for one that is not SCRAM's."""
        if not data.startswith(_GS2_HEADER):
            return None
        bare = data[len(_GS2_HEADER) :]
        fields = _fields(bare)
        user, nonce = fields.get(b"n"), fields.get(b"r")
        if not user or not nonce:
            return None
        self._user = user.replace(b"=2C", b",").replace(b"=3D", b"=").decode(errors="replace")
        self._nonce = nonce + self._new_nonce().encode()
        self._keys = self._keys_of(self._user)
        keys = self._keys or decoy_scram_keys(self._user)
        answer = b"r=%s,s=%s,i=%d" % (self._nonce, base64.b64encode(keys.salt), keys.iterations)
        self._message = bare + b"," + answer
        return answer

    def _keys_of(self, name: str) -> ScramKeys | None:
        user = self._access.users.get(name) or self._access.users.get(name.rpartition(":")[2])
        return None if user is None else scram_keys(user.password_hash)

    def final(self, data: bytes) -> str:
        """The name of the user who has proved to know the password, or an empty one."""
        start, found, proof_text = data.rpartition(b",p=")
        fields = _fields(start)
        if not found or self._keys is None or not self._nonce:
            return ""
        if fields.get(b"r") != self._nonce or not start.startswith(_NO_BINDING + b","):
            return ""
        message = self._message + b"," + start
        keys, self._keys = self._keys, None  # a proof is looked at once
        if not _is_proof(proof_text, keys.stored_key, message):
            return ""
        self.last = b"v=" + base64.b64encode(hmac.digest(keys.server_key, message, "sha256"))
        return self._user


def _is_proof(text: bytes, stored_key: bytes, message: bytes) -> bool:
    try:
        proof = base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    signature = hmac.digest(stored_key, message, "sha256")
    if len(proof) != len(signature):
        return False
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)


def _fields(data: bytes) -> dict[bytes, bytes]:
    """`a=x,b=y` as a mapping."""
    pairs = (part.partition(b"=") for part in data.split(b","))
    return {name: value for name, equals, value in pairs if equals}
