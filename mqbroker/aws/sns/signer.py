"""The key that signs notifications, and its certificate, with which receivers verify them.

Key and certificate are made when they are first needed, and kept in the journal: what was signed before a restart is
verified after it. The secret in the links of subscriptions is made of the same key.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from mqbroker.aws.sns.kinds import SIGNER
from mqbroker.core import definitions
from mqbroker.core.ledger import Ledger

_KEY_BITS = 2048
_VALID_DAYS = 3650
_NAME = "sns.amazonaws.com"
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),  # noqa: S303  what AWS's signature version 1 is
    "2": hashes.SHA256(),
}


class Signer:
    """The key of one broker."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._key: rsa.RSAPrivateKey | None = None
        self._certificate = b""
        self._certificate_name = ""
        self._secret = b""

    def restore(self, found: Mapping[str, bytes]) -> None:
        """Takes over what the journal kept."""
        for _, data in definitions.of_kinds(found, (SIGNER,))[SIGNER]:
            value = definitions.unpack(data)
            key = serialization.load_pem_private_key(str(value["key"]).encode(), None)
            assert isinstance(key, rsa.RSAPrivateKey)
            self._take(key, str(value["certificate"]).encode())

    @property
    def certificate(self) -> bytes:
        """The certificate in PEM."""
        self._require()
        return self._certificate

    @property
    def certificate_name(self) -> str:
        """The name of the file that has the certificate, as AWS's has it."""
        self._require()
        return self._certificate_name

    def sign(self, text: str, version: str) -> str:
        """The signature of a text, in Base64. Equal texts have equal signatures."""
        key = self._require()
        return b64encode(key.sign(text.encode(), padding.PKCS1v15(), _HASHES[version])).decode()

    def secret_id(self, *names: str) -> str:
        """A UUID for a thing with these names that nobody can guess, and that is the same whenever it is asked for."""
        digest = self._digest("id", *names)
        return str(UUID(bytes=digest[:16], version=4))

    def token(self, *names: str) -> str:
        """A long secret text for a thing with these names."""
        return "".join(self._digest(f"token{number}", *names).hex() for number in range(4))

    def _digest(self, *names: str) -> bytes:
        self._require()
        return hmac.digest(self._secret, "\0".join(names).encode(), "sha256")

    def _require(self) -> rsa.RSAPrivateKey:
        if self._key is None:
            key = rsa.generate_private_key(65537, _KEY_BITS)
            self._take(key, _certificate_of(key))
            value = {"key": _pem(key).decode(), "certificate": self._certificate.decode()}
            self._ledger.define(definitions.key(SIGNER, ""), definitions.pack(value))
        assert self._key is not None
        return self._key

    def _take(self, key: rsa.RSAPrivateKey, certificate: bytes) -> None:
        self._key, self._certificate, self._secret = key, certificate, sha256(_pem(key)).digest()
        self._certificate_name = f"SimpleNotificationService-{sha256(certificate).hexdigest()[:32]}.pem"


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate_of(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
