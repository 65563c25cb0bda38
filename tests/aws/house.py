"""A front with the model of SQS and handlers that do what a test says, and sessions of HTTP on it without a socket."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from mqbroker.aws.auth.credentials import Caller
from mqbroker.aws.front.call import Call
from mqbroker.aws.front.front import AnyPage, Front, Handler, ServiceHandlers
from mqbroker.aws.front.model import load_model
from mqbroker.aws.front.request_ids import RequestIds
from mqbroker.aws.front.service import Service
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.aws.sqs.query_names import SQS_QUERY_NAMES
from mqbroker.clock import Clock
from mqbroker.net.origins import Origins
from mqbroker.protocols.http.messages import HttpRequest
from mqbroker.protocols.http.session import Endpoint, HttpSession
from mqbroker.protocols.session import Outbox, Peer

PEER = Peer("127.0.0.1", 40_000, True, "127.0.0.1", 9324)
QUEUE_URL = "http://localhost:9324/000000000000/q"


SOMEBODY = Caller(
    "000000000000", "us-east-1", "", "test", "000000000000", "arn:aws:iam::000000000000:root", "127.0.0.1", False
)
"""A caller whom nobody checked."""


@cache
def sqs() -> Service:
    return Service(load_model("sqs", SQS_QUERY_NAMES))


@cache
def sns() -> Service:
    return Service(load_model("sns"))


def anybody(request: HttpRequest, service: str, now: int) -> Caller:
    return SOMEBODY


@dataclass
class Shop:
    """A front whose every action is put down in `calls`; `handler` then does what it likes with it."""

    handler: Handler
    pages: Mapping[tuple[str, str], AnyPage] = field(default_factory=dict)
    identify: Callable[[HttpRequest, str, int], Caller] = anybody
    calls: list[Call] = field(default_factory=list)
    web: WebPages = field(default_factory=lambda: WebPages(Origins(()), is_open=False))

    def __post_init__(self) -> None:
        def handle(call: Call) -> None:
            self.calls.append(call)
            self.handler(call)

        services = {
            service.name: ServiceHandlers(service, dict.fromkeys(service.actions, handle)) for service in (sqs(), sns())
        }
        self.front = Front(services, self.identify, RequestIds().take, self.pages, self.web)
        self.outbox = Outbox(lambda: None)
        self.endpoint = Endpoint(self.front.handle, self.outbox, Clock())

    def session(self) -> HttpSession:
        return self.endpoint.new_session(PEER)


def empty(call: Call) -> None:
    call.answer(None)


def wait(call: Call) -> None:
    """Leaves the answer to the test."""
