"""Requests of web pages: which are refused, and what browsers are told for those that may call.

Where nobody has to sign (`--dev`), any page that the user opens could otherwise send messages and empty queues, since a
browser sends simple requests, such as those of forms and images, wherever a page wants them. So there

    a page of an origin that is not allowed                 is refused
    a request of which a browser says that it is another    is refused: it has no origin if it is an image or a link
    site's, or of a host that could be anybody's
    a request that changes something                        needs a header that no page sends unasked: that of a
                                                            signature, a JSON type, or any X-...

Programs are not in its way: SDKs have such headers. A signature that is verified needs none of this; then the pages of
the origins are only told that they may read the answers (CORS).
"""

from collections.abc import Mapping

from mqbroker.aws.front.refusals import access_denied
from mqbroker.net.origins import Origins, is_safe_host
from mqbroker.protocols.http.messages import Answer, HttpRequest, HttpResponse

_FOREIGN = ("cross-site", "same-site")
_SIMPLE_TYPES = ("", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_EXPOSED = "x-amzn-RequestId, x-amzn-query-error, Date"
_MAX_AGE_S = 600


class WebPages:
    """The rules of one broker."""

    def __init__(self, origins: Origins, is_open: bool) -> None:
        """`is_open`: nobody has to sign."""
        self.is_open = is_open
        self._origins = origins

    def check(self, request: HttpRequest, only_reads: bool) -> None:
        """Raises AwsError for a request that a page of another origin may have sent."""
        headers = request.headers
        origin = headers.get("origin")
        if origin is not None:
            if not self._origins.allow(origin):
                raise access_denied(f"Pages of {origin} may not call: aws.origins does not list it.")
            return
        if headers.get("sec-fetch-site") in _FOREIGN:
            raise access_denied("Pages of other sites may not call.")
        host = headers.get("host", "localhost")  # HTTP/1.0 alone has none, and no browser speaks that
        if request.method in ("GET", "HEAD") and not is_safe_host(host):
            raise access_denied(f"A page could call by the name {host}. Use POST, an address or localhost.")
        if not only_reads and not _has_own_header(headers):
            raise access_denied("Without a signature, a request needs another header that starts with X-, or JSON.")

    def preflight(self, request: HttpRequest) -> HttpResponse | None:
        """What a browser is told that asks whether a page may call; None where it may not."""
        headers = request.headers
        origin = headers.get("origin", "")
        if "access-control-request-method" not in headers or not self._origins.allow(origin):
            return None
        lines = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "*"),
            "Access-Control-Max-Age": str(_MAX_AGE_S),
        }
        if "access-control-request-private-network" in headers:
            lines["Access-Control-Allow-Private-Network"] = "true"
        return HttpResponse(200, b"text/plain", b"", _lines({**_allowing(origin), **lines}))

    def opened(self, request: HttpRequest, answer: Answer) -> Answer:
        """The answer to a page's request, which the page may read if its origin is allowed."""
        origin = request.headers["origin"]
        if not self._origins.allow(origin):
            return answer
        lines = _lines({**_allowing(origin), "Access-Control-Expose-Headers": _EXPOSED})

        def answer_page(response: HttpResponse) -> None:
            answer(HttpResponse(response.status, response.content_type, response.body, response.headers + lines))

        return answer_page


def _has_own_header(headers: Mapping[str, str]) -> bool:
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        "authorization" in headers
        or content_type not in _SIMPLE_TYPES
        or any(name.startswith("x-") for name in headers)
    )


def _allowing(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _lines(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
