"""Who is at the other end: the addresses of a connection, what a proxy says of them, the names of a certificate.

Gathers; decides nothing. Whether a name or an address lets anyone in is the business of the protocols.
"""

import ipaddress
import socket
import ssl
from asyncio import BaseTransport
from dataclasses import replace
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from mqbroker.limits import ADDRESSES_REMEMBERED
from mqbroker.net.proxy_protocol import ProxyHeader, plain_host
from mqbroker.protocols.session import Peer


def peer_of(connected: socket.socket, remote: tuple[str, int], is_tls: bool, listener: str) -> Peer:
    """The peer of an accepted socket; `remote` is its address as accept() gave it."""
    host, port = _plain(remote)
    server_host, server_port = _plain(connected.getsockname())
    return Peer(host, port, _is_loopback(host), server_host, server_port, is_tls, listener=listener)


def with_proxy_header(peer: Peer, header: ProxyHeader) -> Peer:
    """The peer on whose behalf the proxy connects."""
    if header.is_local:
        return peer
    if header.source is None or header.destination is None:
        # A proxy on this machine that does not know its client must not make a remote client a local one.
        return replace(peer, is_loopback=False)
    (host, port), (server_host, server_port) = header.source, header.destination
    return replace(
        peer, host=host, port=port, is_loopback=_is_loopback(host), server_host=server_host, server_port=server_port
    )


def with_certificate(peer: Peer, transport: BaseTransport) -> Peer:
    """The peer with what was agreed on for TLS, and with the names of its client certificate, if one was verified."""
    ssl_object: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if ssl_object is None:
        return peer
    der, cipher = ssl_object.getpeercert(binary_form=True), ssl_object.cipher()
    tls = {"protocol": ssl_object.version() or "", "cipher": "" if cipher is None else cipher[0]}
    if der is None:
        return replace(peer, tls=tls)
    certificate = x509.load_der_x509_certificate(der)
    return replace(peer, certificate_names=certificate_names(certificate), tls=tls | _issued(certificate))


def _issued(certificate: x509.Certificate) -> dict[str, str]:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "validity": f"{begin:%Y-%m-%dT%H:%M:%SZ} - {end:%Y-%m-%dT%H:%M:%SZ}",
    }


def certificate_names(certificate: x509.Certificate) -> dict[str, str]:
    """The names in a certificate, the first of each kind: `cn`, `dn` (RFC 4514), `san_dns` and so on."""
    names = {"dn": certificate.subject.rfc4514_string()}
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[:1]:
        names["cn"] = str(attribute.value)
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return names
    for name in alternatives:
        _add_alternative(names, name)
    return names


def _add_alternative(names: dict[str, str], name: x509.GeneralName) -> None:
    if isinstance(name, x509.DNSName):
        names.setdefault("san_dns", name.value)
    elif isinstance(name, x509.RFC822Name):
        names.setdefault("san_email", name.value)
    elif isinstance(name, x509.UniformResourceIdentifier):
        names.setdefault("san_uri", name.value)
    elif isinstance(name, x509.IPAddress):
        names.setdefault("san_ip", str(name.value))


def _plain(address: tuple[str, int]) -> tuple[str, int]:
    # IPv6 addresses come with flow and scope as third and fourth element, and the scope in the text after a %.
    host, port = address[:2]
    return _plain_text(host), port


@lru_cache(ADDRESSES_REMEMBERED)
def _plain_text(host: str) -> str:
    return plain_host(ipaddress.ip_address(host.partition("%")[0]))


@lru_cache(ADDRESSES_REMEMBERED)
def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
