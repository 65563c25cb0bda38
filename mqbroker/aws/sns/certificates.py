"""What the certificates of platform applications say: for which app they are, and how long they are good."""

from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

_REMEMBERED = 1000
_BEGIN = "-----BEGIN CERTIFICATE-----"


def is_certificate(text: str) -> bool:
    """Whether a principal is a certificate, and not the id of a key."""
    return _BEGIN in text


@lru_cache(_REMEMBERED)
def app_of(pem: str) -> str:
    """The app that Apple has made a certificate for, which is the user id of its subject; empty if it has none."""
    certificate = _parsed(pem)
    found = [] if certificate is None else certificate.subject.get_attributes_for_oid(NameOID.USER_ID)
    return str(found[0].value) if found else ""


def expiry_of(pem: str) -> datetime | None:
    """Until when a certificate is good; None for what is none."""
    certificate = _parsed(pem)
    return None if certificate is None else certificate.not_valid_after_utc


def _parsed(pem: str) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None
