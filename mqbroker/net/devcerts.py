"""Certificates for development and tests: an authority, a server certificate for this machine, a client certificate.

They are made on the machine that uses them and never leave it. For anything that other machines reach, use the
certificates of a real authority.
"""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mqbroker.config.sections import TlsConfig

LIFETIME = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=30)
# The clocks of two machines, or of a machine and its containers, differ a little.
BACKDATED = datetime.timedelta(hours=1)

SERVER_NAMES = ("localhost", "127.0.0.1", "::1")
CLIENT_NAME = "guest"

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class DevCertificates:
    """The PEM files in one folder. The keys are readable by their owner only."""

    directory: Path

    @property
    def ca(self) -> Path:
        """The authority's certificate: what clients trust."""
        return self.directory / "ca.pem"

    @property
    def server(self) -> Path:
        """The server's certificate."""
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        """The server's private key."""
        return self.directory / "server.key"

    @property
    def client(self) -> Path:
        """A client's certificate."""
        return self.directory / "client.pem"

    @property
    def client_key(self) -> Path:
        """The client's private key."""
        return self.directory / "client.key"

    def tls_config(self, given: TlsConfig) -> TlsConfig:
        """The TLS configuration with these files where none were given."""
        if given.certificate is not None:
            return given
        return replace(given, certificate=self.server, key=self.server_key, client_ca=given.client_ca or self.ca)


def ensure(directory: Path) -> DevCertificates:
    """The certificates in `directory`, made anew when there are none or when they end within thirty days."""
    certificates = DevCertificates(directory)
    if _ends_soon(certificates.server):
        generate(directory)
    return certificates


def generate(
    directory: Path, server_names: tuple[str, ...] = SERVER_NAMES, client_name: str = CLIENT_NAME
) -> DevCertificates:
    """Makes all files in `directory`, replacing what is there. The authority's key is not kept."""
    certificates = DevCertificates(directory)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    _write_public(certificates.ca, _pem(ca))
    server = _server_builder(server_names)
    client = _leaf_builder(client_name, x509.DNSName(client_name), (ExtendedKeyUsageOID.CLIENT_AUTH,))
    _issue(server, ca, ca_key, certificates.server, certificates.server_key)
    _issue(client, ca, ca_key, certificates.client, certificates.client_key)
    return certificates


def generate_pair(directory: Path, server_names: tuple[str, ...] = SERVER_NAMES) -> None:
    """Makes an authority and one certificate for the links of a pair in `directory`: ca.pem, pair.pem and pair.key."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key)
    _write_public(directory / "ca.pem", _pem(ca))
    first, *others = [_general_name(name) for name in server_names]
    # Either side may have opened the link.
    purposes = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    builder = _leaf_builder(server_names[0], first, purposes, *others)
    _issue(builder, ca, ca_key, directory / "pair.pem", directory / "pair.key")


def _authority(key: Key) -> x509.Certificate:
    name = _name("mqbroker development authority")
    usage = _key_usage(is_authority=True)
    return (
        _dated_builder(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server_builder(names: tuple[str, ...]) -> x509.CertificateBuilder:
    first, *others = [_general_name(name) for name in names]
    return _leaf_builder(names[0], first, (ExtendedKeyUsageOID.SERVER_AUTH,), *others)


def _leaf_builder(
    common_name: str, name: x509.GeneralName, purposes: Sequence[x509.ObjectIdentifier], *more_names: x509.GeneralName
) -> x509.CertificateBuilder:
    return (
        _dated_builder(_name(common_name))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName([name, *more_names]), critical=False)
    )


def _issue(builder: x509.CertificateBuilder, ca: x509.Certificate, ca_key: Key, path: Path, key_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = (
        builder.issuer_name(ca.subject)
        .public_key(key.public_key())
        .add_extension(authority, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write_private(key_path, _key_pem(key))
    _write_public(path, _pem(certificate))


def _dated_builder(subject: x509.Name) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
    )


def _key_usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_public(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _write_private(path: Path, content: bytes) -> None:
    # Removed first: opening an existing file would keep whatever mode it has.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _ends_soon(path: Path) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return True
    return certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC) + RENEW_BEFORE
