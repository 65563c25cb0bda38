"""Password hashes: making them and checking them.

Pure functions: the caller brings the salt, and runs `verify` in a pool, because a check costs some 0.2 s of processor
time on purpose. Six formats are understood, the last four so that users of RabbitMQ and Mosquitto can be taken over:

    scrypt$<n>$<r>$<p>$<base64 salt>$<base64 key>      ours
    scram-sha-256$<iterations>$<base64 salt>$<base64 stored key>$<base64 server key>    for SCRAM (RFC 5802) as well
    base64(salt (4 octets) + SHA-256(salt + password))   rabbit_password_hashing_sha256, 36 octets
    base64(salt (4 octets) + SHA-512(salt + password))   rabbit_password_hashing_sha512, 68 octets
    $6$<base64 salt>$<base64 SHA-512(password + salt)>   mosquitto_passwd until 1.6
    $7$<iterations>$<base64 salt>$<base64 PBKDF2>        mosquitto_passwd of 2.0, with HMAC-SHA-512

An absent or empty password never passes, nor does anything against an empty hash: that is how RabbitMQ marks users who
may only come by certificate (CVE-2016-9877 shows what happens otherwise).
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import NamedTuple

from mqbroker.core.access import mosquitto_hashes
from mqbroker.core.rabbitmq import salted_digests

SALT_BYTES = 16

# OWASP's equivalents for scrypt; 16 MiB of memory for each check.
_COST = 1 << 14
_BLOCK = 8
_PARALLEL = 5
_KEY_BYTES = 32

# A hash is data from a file: what it asks for is bounded before the work begins.
_COST_MAX = 1 << 17
_BLOCK_MAX = 16
_PARALLEL_MAX = 16

SCRAM_ITERATIONS = 600_000  # OWASP's number for PBKDF2 with SHA-256
_SCRAM_ITERATIONS_MAX = 10_000_000
_SCRAM = "scram-sha-256$"


def hash_password(password: bytes, salt: bytes) -> str:
    """The hash to keep. `salt` is SALT_BYTES fresh random octets."""
    assert len(salt) == SALT_BYTES
    key = _derive(password, salt, _COST, _BLOCK, _PARALLEL)
    return _format(salt, key)


def decoy() -> str:
    """A hash that nothing fits, to check a password against when there is no such user: the answer takes as long."""
    return _format(bytes(SALT_BYTES), bytes(_KEY_BYTES))


def verify(password: bytes, password_hash: str) -> bool:
    """Whether the password belongs to the hash. False for an empty password and for a hash of no known format."""
    if not password:
        return False
    try:
        if password_hash.startswith("scrypt$"):
            return _verify_scrypt(password, password_hash)
        if password_hash.startswith(_SCRAM):
            return _verify_scram(password, password_hash)
        if password_hash.startswith(mosquitto_hashes.BEGINNINGS):
            return mosquitto_hashes.verify(password, password_hash)
        return salted_digests.verify(password, b64decode(password_hash, validate=True))
    except (ValueError, binascii.Error):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the password should be hashed anew at the next successful login: RabbitMQ's formats, weaker costs."""
    return not password_hash.startswith(f"scrypt${_COST}${_BLOCK}${_PARALLEL}$")


def is_known_format(password_hash: str) -> bool:
    """Whether there can be a password that belongs to the hash: False for the formats of other programs."""
    if password_hash.startswith(_SCRAM):
        keys = scram_keys(password_hash)
        return keys is not None and 0 < keys.iterations <= _SCRAM_ITERATIONS_MAX
    try:
        if password_hash.startswith("scrypt$"):
            return _scrypt_parts(password_hash) is not None
        if password_hash.startswith(mosquitto_hashes.BEGINNINGS):
            return mosquitto_hashes.is_usable(password_hash)
        return salted_digests.is_known_size(len(b64decode(password_hash, validate=True)))
    except (ValueError, binascii.Error):
        return False


def _format(salt: bytes, key: bytes) -> str:
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${b64encode(salt).decode()}${b64encode(key).decode()}"


def _verify_scrypt(password: bytes, password_hash: str) -> bool:
    parts = _scrypt_parts(password_hash)
    if parts is None:
        return False
    n, r, p, salt, key = parts
    return hmac.compare_digest(_derive(password, salt, n, r, p), key)


def _scrypt_parts(password_hash: str) -> tuple[int, int, int, bytes, bytes] | None:
    """Costs, salt and key; None where the costs are beyond what is computed here. Raises ValueError, binascii.Error."""
    _, cost, block, parallel, salt, key = password_hash.split("$")
    n, r, p = int(cost), int(block), int(parallel)
    if not (0 < n <= _COST_MAX and 0 < r <= _BLOCK_MAX and 0 < p <= _PARALLEL_MAX):
        return None
    return n, r, p, b64decode(salt), b64decode(key)


def _derive(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = 128 * r * (n + p + 2)  # what RFC 7914 §2 needs, which OpenSSL wants stated above 32 MiB
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory + (1 << 20), dklen=_KEY_BYTES)


# --- SCRAM ----------------------------------------------------------------------------------------------------------


class ScramKeys(NamedTuple):
    """What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 §3)."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes


def hash_for_scram(password: bytes, salt: bytes, iterations: int = SCRAM_ITERATIONS) -> str:
    """A hash with which a user can log in by SCRAM-SHA-256 as well as with the password itself."""
    stored_key, server_key = _scram(password, salt, iterations)
    parts = (b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"{_SCRAM}{iterations}${'$'.join(parts)}"


def scram_keys(password_hash: str) -> ScramKeys | None:
    """The keys in a hash of that format; None for another format, or one that is broken."""
    if not password_hash.startswith(_SCRAM):
        return None
    try:
        iterations, salt, stored_key, server_key = password_hash.removeprefix(_SCRAM).split("$")
        return ScramKeys(int(iterations), b64decode(salt), b64decode(stored_key), b64decode(server_key))
    except (ValueError, binascii.Error):
        return None


def decoy_scram_keys(user: str) -> ScramKeys:
    """Keys for a user who has none: always the same for the same name, so that nobody learns which names exist."""
    salt = hashlib.sha256(f"mqbroker {user}".encode()).digest()[:SALT_BYTES]
    return ScramKeys(SCRAM_ITERATIONS, salt, b"", b"")


def _verify_scram(password: bytes, password_hash: str) -> bool:
    keys = scram_keys(password_hash)
    if keys is None or not 0 < keys.iterations <= _SCRAM_ITERATIONS_MAX:
        return False
    return hmac.compare_digest(_scram(password, keys.salt, keys.iterations)[0], keys.stored_key)


def _scram(password: bytes, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")
