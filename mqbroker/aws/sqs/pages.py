"""The page beside SQS, for tests and operators: a look at the messages of a queue.

GET /_mqbroker/sqs/messages?QueueUrl=...[&MaxNumberOfMessages=10]    what could be received, without receiving it
"""

import orjson

from mqbroker.aws.front.front import PAGES_PATH, Page
from mqbroker.aws.front.page_guard import JSON, PageGuard, guarded
from mqbroker.aws.limits import PEEK_MESSAGES_MAX
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.shown_message import ShownMessage
from mqbroker.clock import Clock
from mqbroker.errors import AwsError
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse

_PEEKED = 10  # messages, unless the request says how many


class Pages:
    """Answers requests for pages."""

    def __init__(self, queues: SqsQueues, account: str, guard: PageGuard, clock: Clock) -> None:
        """`account` is the one whose queue a name without an account means."""
        self._queues = queues
        self._account = account
        self._guard = guard
        self._clock = clock

    def table(self) -> dict[tuple[str, str], Page]:
        """The pages by method and path."""
        return {("GET", f"{PAGES_PATH}sqs/messages"): guarded(self._messages)}

    def _messages(self, request: HttpRequest, query: dict[str, str]) -> HttpResponse:
        caller = self._guard.administrator(request, "sqs")
        queue = self._queues.at_url(query.get("QueueUrl", ""), self._account, caller.region)
        count = query.get("MaxNumberOfMessages", str(_PEEKED))
        if not count.isascii() or not count.isdigit():
            raise AwsError("InvalidParameterValue", "MaxNumberOfMessages is a number.")
        entries = queue.core.peek(min(int(count), PEEK_MESSAGES_MAX))
        now = self._clock.now()
        messages = [ShownMessage(queue, entry).shown(("All",), ("All",), now) for entry in entries]
        for message in messages:
            del message["ReceiptHandle"]  # nothing was received
        return HttpResponse(200, JSON, orjson.dumps({"Messages": messages}, default=_octets))


def _octets(value: object) -> str:
    """orjson asks for what is no JSON: attributes of octets, as hexadecimal digits."""
    assert isinstance(value, bytes)
    return value.hex()
