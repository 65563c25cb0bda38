"""Password hashes: ours, RabbitMQ's, and everything that must not pass."""

import hashlib
from base64 import b64encode

import pytest

from mqbroker.core.access.passwords import decoy, hash_password, is_outdated, verify

SALT = bytes(range(16))


def rabbit_hash(password: bytes, digest: str, salt: bytes = b"\x90\x8d\xc6\x0a") -> str:
    """What RabbitMQ's definitions hold."""
    return b64encode(salt + hashlib.new(digest, salt + password).digest()).decode()


def test_our_own_hash_fits_its_password_only() -> None:
    made = hash_password("pässword".encode(), SALT)
    assert made.startswith("scrypt$16384$8$5$")
    assert verify("pässword".encode(), made)
    assert not verify(b"password", made)
    assert not is_outdated(made)
    assert hash_password("pässword".encode(), bytes(16)) != made


def test_a_hash_from_rabbitmqs_documentation_fits() -> None:
    """The worked example of RabbitMQ's guide to passwords: `test12`, salt 908DC60A."""
    known = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
    assert verify(b"test12", known)
    assert not verify(b"test13", known)
    assert is_outdated(known)


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_both_digests_of_rabbitmq_are_understood(digest: str) -> None:
    assert verify(b"secret", rabbit_hash(b"secret", digest))
    assert not verify(b"Secret", rabbit_hash(b"secret", digest))


def test_an_empty_password_never_passes() -> None:
    for stored in ("", hash_password(b"", SALT), rabbit_hash(b"", "sha256")):
        assert not verify(b"", stored)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "scrypt$",
        "scrypt$16384$8$5$$",
        "scrypt$x$8$5$AAAA$AAAA",
        "scrypt$16383$8$5$AAAA$AAAA",
        "scrypt$1073741824$8$5$AAAA$AAAA",
        "scrypt$16384$8$5$AAAA$AAAA$AAAA",
        "scrypt$16384$8$-1$AAAA$AAAA",
        "sécret",
        "====",
        rabbit_hash(b"secret", "md5"),
        rabbit_hash(b"secret", "sha256")[:-4],
    ],
)
def test_nothing_passes_against_a_hash_that_is_none(stored: str) -> None:
    assert not verify(b"secret", stored)


def test_nothing_fits_the_decoy() -> None:
    assert not verify(b"secret", decoy())
