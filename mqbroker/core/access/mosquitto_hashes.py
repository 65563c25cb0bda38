"""The hashes of mosquitto_passwd: of its password file, and of its dynamic security."""

import hashlib
import hmac
from base64 import b64decode
from typing import NamedTuple

BEGINNINGS = ("$6$", "$7$")
_DIGEST_BYTES = 64
_ITERATIONS_MAX = 10_000_000


class _Parts(NamedTuple):
    iterations: int
    """0 for a plain digest."""
    salt: bytes
    digest: bytes


def verify(password: bytes, password_hash: str) -> bool:
    """Whether the password belongs to the hash. Raises ValueError, binascii.Error."""
    parts = _parts(password_hash)
    if parts is None:
        return False
    if parts.iterations:
        found = hashlib.pbkdf2_hmac("sha512", password, parts.salt, parts.iterations)
    else:
        found = hashlib.sha512(password + parts.salt).digest()
    return hmac.compare_digest(found, parts.digest)


def is_usable(password_hash: str) -> bool:
    """Whether there can be a password that belongs to the hash. Raises ValueError, binascii.Error."""
    return _parts(password_hash) is not None


def _parts(password_hash: str) -> _Parts | None:
    kind, *numbers, salt, digest = password_hash[1:].split("$")
    iterations = int(numbers[0]) if numbers else 0
    found = _Parts(iterations, b64decode(salt, validate=True), b64decode(digest, validate=True))
    is_right = (
        len(numbers) == (kind == "7") and 0 <= iterations <= _ITERATIONS_MAX and bool(iterations) == (kind == "7")
    )
    return found if is_right and len(found.digest) == _DIGEST_BYTES else None
