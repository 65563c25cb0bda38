"""Who may see pages of the broker: administrators, who sign, and anybody where nobody has to sign.

That a request comes from this machine is not enough: a reverse proxy makes every request one of this machine. Metrics
have names of queues and numbers, and Prometheus cannot sign, so for them it is enough, unless a proxy says that it is
one.
"""

import orjson

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.front.call import Identify
from mqbroker.aws.front.front import Page
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.clock import Clock
from mqbroker.core.access.access import Access
from mqbroker.errors import AwsError
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse

JSON = b"application/json"
_ADMINISTRATOR = "administrator"
_FORWARDED = frozenset(("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"))


class PageGuard:
    """The rules of one broker."""

    def __init__(self, access: Access, identify: Identify, clock: Clock, web: WebPages) -> None:
        self._access = access
        self._identify = identify
        self._clock = clock
        self._web = web

    def administrator(self, request: HttpRequest, service: str) -> Caller:
        """Who asks. Raises AwsError unless that is an administrator; the root of an account is one, and is whoever
        need not sign. `service` is the one that the signature is for."""
        if self._web.is_open:
            self._web.check(request, only_reads=True)
        caller = self._identify(request, service, self._clock.now())
        user = self._access.users.get(caller.user)
        if caller.user and (user is None or _ADMINISTRATOR not in user.tags):
            raise AwsError("AccessDenied", "Pages are for administrators.", status=403)
        return caller

    def local_or_administrator(self, request: HttpRequest, service: str) -> None:
        """Raises AwsError for who is neither on this machine nor an administrator."""
        if request.peer.is_loopback and not _FORWARDED & request.headers.keys():
            self._web.check(request, only_reads=True)
        else:
            self.administrator(request, service)


def guarded(page: Page) -> Page:
    """The page, whose refusals are told as JSON."""

    def answer(request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        try:
            return page(request, query)
        except AwsError as error:
            return HttpResponse(error.status, JSON, orjson.dumps({"error": error.code, "message": error.message}))

    return answer
