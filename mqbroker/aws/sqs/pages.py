"""Pages beside the AWS services, for tests and operators: a look at the messages of a queue, and metrics.

    GET /_mqbroker/sqs/messages?QueueUrl=...[&MaxNumberOfMessages=10]    what could be received, without receiving it
    GET /_mqbroker/metrics                                               for Prometheus
    GET /health                                                          for load balancers

Messages are shown to whoever signs as an administrator, and where nobody has to sign. That a request comes from this
machine is not enough: a reverse proxy makes every request one of this machine. The metrics have names of queues and
numbers, and Prometheus cannot sign, so for them it is enough, unless a proxy says that it is one.
"""


import orjson
from prometheus_client import CollectorRegistry, generate_latest

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.front.call import Identify
from mqbroker.aws.front.front import HEALTH_PATH, Page
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.aws.limits import PEEK_MESSAGES_MAX
from mqbroker.aws.sqs.metrics import SqsMetrics
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.shown_message import ShownMessage
from mqbroker.clock import Clock
from mqbroker.core.access.access import Access
from mqbroker.errors import AwsError
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse

JSON = b"application/json"
_PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"
_ADMINISTRATOR = "administrator"
_FORWARDED = frozenset(("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"))
_PEEKED = 10  # messages, unless the request says how many


class Pages:
    """Answers requests for pages."""

    def __init__(
        self, queues: SqsQueues, access: Access, identify: Identify, account: str, clock: Clock, web: WebPages
    ) -> None:
        """`account` is the one whose queue a name without an account means."""
        self._queues = queues
        self._access = access
        self._identify = identify
        self._account = account
        self._clock = clock
        self._web = web
        self._registry = CollectorRegistry()
        self._registry.register(SqsMetrics(queues, clock.now))

    def table(self) -> dict[tuple[str, str], Page]:
        """The pages by method and path."""
        return {
            ("GET", "/_mqbroker/sqs/messages"): _guarded(self._messages),
            ("GET", "/_mqbroker/metrics"): _guarded(self._metrics),
            ("GET", HEALTH_PATH): _health,
        }

    def _check(self, request: HttpRequest) -> Caller:
        """Raises AwsError unless an administrator asks; the root of an account is one, and is whoever need not sign."""
        caller = self._identify(request, "sqs", self._clock.now())
        user = self._access.users.get(caller.user)
        if caller.user and (user is None or _ADMINISTRATOR not in user.tags):
            raise AwsError("AccessDenied", "Pages are for administrators.", status=403)
        return caller

    def _messages(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        if self._web.is_open:
            self._web.check(request, only_reads=True)
        caller = self._check(request)
        queue = self._queues.at_url(query.get("QueueUrl", ""), self._account, caller.region)
        count = query.get("MaxNumberOfMessages", str(_PEEKED))
        if not count.isascii() or not count.isdigit():
            raise AwsError("InvalidParameterValue", "MaxNumberOfMessages is a number.")
        entries = queue.core.lines.first_entries(min(int(count), PEEK_MESSAGES_MAX))
        now = self._clock.now()
        messages = [ShownMessage(queue, entry).shown(("All",), ("All",), now) for entry in entries]
        for message in messages:
            del message["ReceiptHandle"]  # nothing was received
        return HttpResponse(200, JSON, orjson.dumps({"Messages": messages}, default=_octets))

    def _metrics(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        if request.peer.is_loopback and not _FORWARDED & request.headers.keys():
            self._web.check(request, only_reads=True)
        else:
            self._check(request)
        return HttpResponse(200, _PROMETHEUS, generate_latest(self._registry))


def _guarded(page: Page) -> Page:
    def guarded(request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        try:
            return page(request, query)
        except AwsError as error:
            return HttpResponse(error.status, JSON, orjson.dumps({"error": error.code, "message": error.message}))

    return guarded


def _health(request: HttpRequest, query: dict[str, str]) -> HttpResponse:
    return HttpResponse(200, b"text/plain", b"ok\n")


def _octets(value: object) -> str:
    """orjson asks for what is no JSON: attributes of octets, as hexadecimal digits."""
    assert isinstance(value, bytes)
    return value.hex()
