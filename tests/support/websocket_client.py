"""The blocking client of the websockets library, whose options have changed since the lowest version that will do."""

import inspect
import ssl
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from websockets.sync import client
from websockets.sync.connection import Connection

from tests.support.tls_tunnel import open_tunnel

OPTIONS = inspect.signature(client.connect).parameters


def connect(url: str, tls: ssl.SSLContext | None = None, **options: Any) -> AbstractContextManager[Connection]:
    """A connection without a proxy, of which versions before 15 know nothing; to be entered, as since 17 one must."""
    if "proxy" in OPTIONS:
        options["proxy"] = None
    if tls is not None:
        place = urlsplit(url)
        assert place.hostname
        assert place.port
        options["sock"] = open_tunnel(place.hostname, place.port, tls)
        url = url.replace("wss:", "ws:", 1)
    connection: AbstractContextManager[Connection] = client.connect(url, **options)
    return connection
