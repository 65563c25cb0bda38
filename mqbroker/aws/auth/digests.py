"""MD5 and SHA-256 of short texts, in hexadecimal digits.

OpenSSL looks an algorithm up whenever a hash is made, which takes longer than hashing a short text. A copy of a hash
that has taken nothing yet does without.
"""

from hashlib import md5, sha256

_MD5 = md5(usedforsecurity=False)
_SHA256 = sha256()


def md5_hex(octets: bytes) -> str:
    """What SQS shows for clients to compare; no security is in it."""
    taken = _MD5.copy()
    taken.update(octets)
    return taken.hexdigest()


def sha256_hex(octets: bytes) -> str:
    """What signatures are made of."""
    taken = _SHA256.copy()
    taken.update(octets)
    return taken.hexdigest()
