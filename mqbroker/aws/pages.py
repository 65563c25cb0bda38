"""Pages beside the AWS services, for tests and operators: a look at the messages of a queue, and metrics.

    GET /_mqbroker/sqs/messages?QueueUrl=...[&MaxNumberOfMessages=10]    what could be received, without receiving it
    GET /_mqbroker/metrics                                               for Prometheus

They show what is in queues, so they are for this machine only, or for whoever signs as an administrator.
"""


import orjson
from prometheus_client import CollectorRegistry, generate_latest

from mqbroker.aws.call import Identify
from mqbroker.aws.front import Page
from mqbroker.aws.sqs.metrics import SqsMetrics
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.shown_message import ShownMessage
from mqbroker.aws.wire import HttpRequest, HttpResponse
from mqbroker.clock import Clock
from mqbroker.core.access import Access
from mqbroker.errors import AwsError
from mqbroker.limits import PEEK_MESSAGES_MAX

JSON = b"application/json"
_PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"
_ADMINISTRATOR = "administrator"
_PEEKED = 10  # messages, unless the request says how many


class Pages:
    """Answers requests for pages."""

    def __init__(self, queues: SqsQueues, access: Access, identify: Identify, account: str, clock: Clock) -> None:
        """`account` is the one whose queue a name without an account means."""
        self._queues = queues
        self._access = access
        self._identify = identify
        self._account = account
        self._clock = clock
        self._registry = CollectorRegistry()
        self._registry.register(SqsMetrics(queues, clock.now))

    def table(self) -> dict[tuple[str, str], Page]:
        """The pages by method and path."""
        return {
            ("GET", "/_mqbroker/sqs/messages"): self._guarded(self._messages),
            ("GET", "/_mqbroker/metrics"): self._guarded(self._metrics),
        }

    def _guarded(self, page: Page) -> Page:
        def guarded(request: HttpRequest, query: dict[str, str]) -> HttpResponse:
            try:
                self._check(request)
                return page(request, query)
            except AwsError as error:
                return HttpResponse(error.status, JSON, orjson.dumps({"error": error.code, "message": error.message}))

        return guarded

    def _check(self, request: HttpRequest) -> None:
        if request.peer.is_loopback:
            return
        caller = self._identify(request, "sqs", self._clock.now())
        user = self._access.users.get(caller.user)
        if user is None or _ADMINISTRATOR not in user.tags:
            raise AwsError("AccessDenied", "Pages are for administrators.", status=403)

    def _messages(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        queue = self._queues.at_url(query.get("QueueUrl", ""), self._account, self._queues.region)
        count = query.get("MaxNumberOfMessages", str(_PEEKED))
        if not count.isascii() or not count.isdigit():
            raise AwsError("InvalidParameterValue", "MaxNumberOfMessages is a number.")
        entries = queue.core.peek_messages(min(int(count), PEEK_MESSAGES_MAX))
        now = self._clock.now()
        messages = [ShownMessage(queue, entry).shown(("All",), ("All",), now) for entry in entries]
        for message in messages:
            del message["ReceiptHandle"]  # nothing was received
        return HttpResponse(200, JSON, orjson.dumps({"Messages": messages}, default=_octets))

    def _metrics(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        return HttpResponse(200, _PROMETHEUS, generate_latest(self._registry))


def _octets(value: object) -> str:
    """orjson asks for what is no JSON: attributes of octets, as hexadecimal digits."""
    assert isinstance(value, bytes)
    return value.hex()
