"""How connections that the broker makes know the other side by its certificate."""

import ssl


def client_context(ca_file: str) -> ssl.SSLContext:
    """One that trusts the authorities of the system, and those in `ca_file` unless that is empty."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context
