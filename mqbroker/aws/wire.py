"""A request and an answer of HTTP as the parts of the front see them, free of how they travel.

Knows no service and no wire format of AWS.
"""

from collections.abc import Mapping

from mqbroker.protocols.session import Peer


class HttpRequest:
    """One complete request. `headers` has lower-case names; the values of equal names are joined by a comma.

    Values are text of one character per byte sent (Latin-1). `target` is what the request line says: path and query, as
    they were sent. `base_url` is the scheme and host that the client used, such as "http://localhost:9324".
    """

    __slots__ = ("base_url", "body", "headers", "method", "peer", "target")

    def __init__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, peer: Peer, base_url: str = ""
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.peer = peer
        self.base_url = base_url

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.peer.is_tls


class HttpResponse:
    """One answer. `headers` are whole header lines, each with its CRLF, beyond those that every answer has."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(self, status: int, content_type: bytes, body: bytes, headers: bytes = b"") -> None:
        self.status = status
        self.content_type = content_type
        self.body = body
        self.headers = headers


def request_id_header(request_id: str) -> bytes:
    """The header line that every answer of a service has."""
    return b"x-amzn-RequestId: %b\r\n" % request_id.encode()
