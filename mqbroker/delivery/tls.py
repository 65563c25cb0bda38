"""How connections that the broker makes know the other side by its certificate, and show their own."""

import ssl
import tempfile
from typing import NamedTuple

from mqbroker.delivery.errors import DeliveryFailed


class Identity(NamedTuple):
    """A certificate, with those that vouch for it, and its private key, in PEM."""

    certificate: str
    key: str


def client_context(ca_file: str, identity: Identity | None = None) -> ssl.SSLContext:
    """One that trusts the authorities of the system, and those in `ca_file` unless that is empty."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    if identity is not None:
        _show(context, identity)
    return context


def _show(context: ssl.SSLContext, identity: Identity) -> None:
    """OpenSSL reads them from a file only, which nobody else may read, and which is gone at once."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"{identity.certificate}\n{identity.key}\n")
        file.flush()
        try:
            context.load_cert_chain(file.name, password="")  # without one it would ask the terminal
        except (ssl.SSLError, ValueError):
            text = "the certificate and the key of the application are none, or do not fit each other"
            raise DeliveryFailed(text, is_permanent=True) from None
