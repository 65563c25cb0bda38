"""RabbitMQ's own password hashes: the octets of a salt, and the digest of salt and password."""

import hashlib
import hmac

_SALT_BYTES = 4
_DIGESTS = {_SALT_BYTES + 32: "sha256", _SALT_BYTES + 64: "sha512"}


def is_known_size(size: int) -> bool:
    """Whether there are hashes of so many octets."""
    return size in _DIGESTS


def verify(password: bytes, stored: bytes) -> bool:
    """Whether the password belongs to the hash."""
    digest = _DIGESTS.get(len(stored))
    if digest is None:
        return False
    salt, expected = stored[:_SALT_BYTES], stored[_SALT_BYTES:]
    return hmac.compare_digest(hashlib.new(digest, salt + password).digest(), expected)
