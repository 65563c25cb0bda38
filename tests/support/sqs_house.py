"""SQS in this process without sockets, threads or a clock: its time passes when a test says so.

`House.call` makes one request on the JSON wire; what the broker would answer over HTTP comes back as a dictionary or is
raised as `Refused`.
"""

from itertools import count
from typing import Any

import orjson

from mqbroker.aws.credentials import AnyIdentity
from mqbroker.aws.front import Front, ServiceHandlers
from mqbroker.aws.model import load_model
from mqbroker.aws.service import Service
from mqbroker.aws.sqs.actions import SqsActions
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.service import SqsService
from mqbroker.aws.sqs_query import SQS_QUERY_NAMES
from mqbroker.aws.accounts import Accounts
from mqbroker.aws.wire import HttpRequest, HttpResponse
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.protocols.session import Peer
from tests.support.amqp_house import Alarms

START = 1_700_000_000_000
ACCOUNT = "000000000000"
REGION = "us-east-1"
BASE = "http://localhost:9324"
LOCAL = Peer("127.0.0.1", 50_000, True, "127.0.0.1", 9324)

_MODEL = Service(load_model("sqs", SQS_QUERY_NAMES))


class Refused(Exception):
    """An error answer: `code` as SDKs see it, the `shape` of the service model, `message`, HTTP `status`."""

    def __init__(self, response: HttpResponse) -> None:
        document = orjson.loads(response.body)
        self.status = response.status
        self.shape = document["__type"].partition("#")[2]
        self.message = document.get("message", "")
        header = b"x-amzn-query-error: "
        lines = [line for line in response.headers.split(b"\r\n") if line.startswith(header)]
        self.code = lines[0].removeprefix(header).partition(b";")[0].decode() if lines else self.shape
        super().__init__(f"{self.code}: {self.message}")


class Pending:
    """The answer to a call, when it has come."""

    def __init__(self) -> None:
        self.response: HttpResponse | None = None

    @property
    def is_answered(self) -> bool:
        """Whether it has come."""
        return self.response is not None

    def result(self) -> dict[str, Any]:
        """What was answered. Raises Refused; AssertionError while nothing was."""
        assert self.response is not None, "the call is not answered"
        if self.response.status != 200:
            raise Refused(self.response)
        return dict(orjson.loads(self.response.body)) if self.response.body else {}


class House:
    """A broker with SQS, whose callers are root of the account that their access key says."""

    def __init__(self, is_strict: bool = True, ledger: Ledger | None = None) -> None:
        self.now = START
        names = count(1)
        self.broker = Broker(ledger or Ledger(), lambda: f"name{next(names)}")
        self.broker.add_vhost("/")
        self.alarms = Alarms()
        accounts = Accounts(self.broker, {ACCOUNT: "/"}, makes_vhosts=True)
        self.queues = SqsQueues(self.broker, accounts, REGION, is_strict)
        service = SqsService(self.broker, self.queues, self.alarms, lambda: None)
        ids = count(1)
        self.actions = SqsActions(service, lambda: next(ids).to_bytes(16, "big"), is_strict)
        request_ids = count(1)
        self.front = Front(
            {"sqs": ServiceHandlers(_MODEL, self.actions.handlers())},
            AnyIdentity(ACCOUNT, REGION),
            lambda: f"request-{next(request_ids)}",
            {},
        )

    def begin(self, action: str, account: str = ACCOUNT, region: str = REGION, **parameters: Any) -> Pending:
        """Makes a call, which may be answered later."""
        headers = {
            "host": "localhost:9324",
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AmazonSQS.{action}",
            "authorization": f"AWS4-HMAC-SHA256 Credential={account}/20231114/{region}/sqs/aws4_request, x",
        }
        pending = Pending()

        def answer(response: HttpResponse) -> None:
            pending.response = response

        request = HttpRequest("POST", "/", headers, orjson.dumps(parameters), LOCAL, BASE)
        self.front.handle(request, answer, self.now)
        self.turn()
        return pending

    def call(self, action: str, account: str = ACCOUNT, region: str = REGION, **parameters: Any) -> dict[str, Any]:
        """Makes a call that is answered at once. Raises Refused."""
        return self.begin(action, account, region, **parameters).result()

    def create(self, name: str = "orders", **attributes: str) -> str:
        """A queue with these attributes; its URL. One whose name ends in .fifo is a FIFO queue."""
        if name.endswith(".fifo"):
            attributes = {"FifoQueue": "true", **attributes}
        return str(self.call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"])

    def send(self, url: str, body: str = "x", **parameters: Any) -> dict[str, Any]:
        """Sends a message."""
        return self.call("SendMessage", QueueUrl=url, MessageBody=body, **parameters)

    def receive(self, url: str, count: int = 10, **parameters: Any) -> list[dict[str, Any]]:
        """Receives what there is, with every attribute, without waiting."""
        found: list[dict[str, Any]] = self.call(
            "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=["All"],
            MessageAttributeNames=["All"], **parameters,
        ).get("Messages", [])  # fmt: skip
        return found

    def bodies(self, url: str, count: int = 10, **parameters: Any) -> list[str]:
        """The bodies of what can be received."""
        return [message["Body"] for message in self.receive(url, count, **parameters)]

    def attributes(self, url: str, *names: str) -> dict[str, str]:
        """Attributes of a queue, all of them where none is named."""
        result = self.call("GetQueueAttributes", QueueUrl=url, AttributeNames=list(names) or ["All"])
        return dict(result.get("Attributes", {}))

    def arn(self, url: str) -> str:
        """The ARN of a queue."""
        return self.attributes(url, "QueueArn")["QueueArn"]

    def pass_time(self, duration_s: float, step_s: float = 0.1) -> None:
        """Lets time pass in steps: deadlines are met at the end of the step."""
        end = self.now + round(duration_s * 1000)
        while self.now < end:
            self.now = min(end, self.now + round(step_s * 1000))
            self.broker.advance(self.now)
            self.turn()

    def turn(self) -> None:
        """The end of a turn of the loop: batches are sealed and promises kept."""
        self.broker.ledger.seal()
