"""A request and an answer of HTTP as those who handle requests see them, free of how they travel."""

from collections.abc import Callable, Mapping

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


Answer = Callable[[HttpResponse], None]
"""Takes the one answer to a request, now or later."""


class Pending:
    """A request that is being handled, as its connection sees it."""

    __slots__ = ("is_delivery",)

    def __init__(self) -> None:
        self.is_delivery = False
        """Whether the answer brings messages: then it leaves after the answers to those who have sent some."""

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""

    def hurry(self) -> None:
        """The broker is about to stop: answers soon."""


Handle = Callable[[HttpRequest, Answer, int], Pending | None]
"""Takes a request and what to answer it with, at `now`; returns the request's work when the client is known by name."""
