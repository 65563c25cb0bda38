"""SQS in this process without sockets, threads or a clock: its time passes when a test says so.

`House.call` makes one request on the wire that the house was built for; what the broker would answer over HTTP comes
back as a dictionary in the names of the JSON wire, or is raised as `Refused`. A house on a simulated disk can restart.
"""

from collections.abc import Mapping
from itertools import count
from typing import Any

import orjson

from mqbroker.aws.auth.credentials import AnyIdentity, Caller, arn_of, user_id_of
from mqbroker.aws.front.accounts import Accounts
from mqbroker.aws.front.call import Call
from mqbroker.aws.front.front import Front, ServiceHandlers
from mqbroker.aws.front.model import load_model
from mqbroker.aws.front.service import Service
from mqbroker.aws.front.web_pages import WebPages
from mqbroker.aws.policy.authorization import NO_HEADERS
from mqbroker.aws.sqs.actions import SqsActions
from mqbroker.aws.sqs.query_names import SQS_QUERY_NAMES
from mqbroker.aws.sqs.queue import SqsQueue
from mqbroker.aws.sqs.queues import SqsQueues
from mqbroker.aws.sqs.redrive import QueueArn
from mqbroker.aws.sqs.service import SqsService
from mqbroker.core.broker import Broker
from mqbroker.core.ledger import Ledger
from mqbroker.core.queues.kept import Kept
from mqbroker.core.restoration import restore
from mqbroker.errors import DiskFailed
from mqbroker.net.origins import Origins
from mqbroker.protocols.http.messages import HttpRequest, HttpResponse
from mqbroker.protocols.session import Peer
from mqbroker.server import formats_of
from mqbroker.spoken import PROTOCOLS
from mqbroker.storage.journal import assemble
from tests.storage.house import ManualExecutor
from tests.storage.simdisk import SimDisk
from tests.support import sqs_query_form
from tests.support.session_house import Alarms
from tests.support.window import WINDOW

START = 1_700_000_000_000
ACCOUNT = "000000000000"
REGION = "us-east-1"
HOST = "localhost:9324"
BASE = f"http://{HOST}"
LOCAL = Peer("127.0.0.1", 50_000, True, "127.0.0.1", 9324)
WIRES = ("json", "query")

_MODEL = Service(load_model("sqs", SQS_QUERY_NAMES))
_SEGMENT_BYTES = 1 << 16


class Refused(Exception):
    """An error answer: `code` as SDKs see it, the `shape` of the service model, `message`, HTTP `status`.

    The Query wire does not know shapes.
    """

    def __init__(self, response: HttpResponse) -> None:
        self.status = response.status
        self.shape = ""
        if response.content_type == b"text/xml":
            self.code, self.message, _ = sqs_query_form.error(response.body)
        else:
            document = orjson.loads(response.body)
            self.shape = document["__type"].partition("#")[2]
            self.message = document.get("message", "")
            header = b"x-amzn-query-error: "
            lines = [line for line in response.headers.split(b"\r\n") if line.startswith(header)]
            self.code = lines[0].removeprefix(header).partition(b";")[0].decode() if lines else self.shape
        super().__init__(f"{self.code}: {self.message}")


class Pending:
    """The answer to a call, when it has come."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.call: Call | None = None
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
        if self.response.content_type == b"text/xml":
            return sqs_query_form.result(self.action, self.response.body)
        return dict(orjson.loads(self.response.body)) if self.response.body else {}

    def bodies(self) -> list[str]:
        """The bodies of the messages that were answered."""
        return [message["Body"] for message in self.result().get("Messages", [])]


class House:
    """A broker with SQS, whose callers are root of the account that their access key says, unless a user is named."""

    def __init__(
        self, is_strict: bool = True, wire: str = "json", disk: SimDisk | None = None, is_encrypted: bool = True
    ) -> None:
        self.now = START
        self.wire = wire
        self.is_strict = is_strict
        self.is_encrypted = is_encrypted
        self.disk = disk
        self._user = ""
        self._names, self._ids, self._request_ids = count(1), count(1), count(1)
        self._build()

    def _build(self) -> None:
        self._lanes = (ManualExecutor(), ManualExecutor())
        definitions: dict[str, bytes] = {}
        entries = Kept()
        ledger = Ledger()
        if self.disk is not None:
            ledger, recovered = assemble(
                self.disk, formats_of(PROTOCOLS), True, *self._lanes, _never, _SEGMENT_BYTES, window=WINDOW
            )
            definitions, entries = recovered.definitions, recovered.entries
        self.broker = Broker(ledger, lambda: f"name{next(self._names)}")
        restore(self.broker, definitions, entries, self.now)
        self.broker.add_vhost("/")
        self.alarms = Alarms()
        accounts = Accounts(self.broker, {ACCOUNT: "/"}, makes_vhosts=True)
        self.queues = SqsQueues(self.broker, accounts, REGION, self.is_strict, self.is_encrypted)
        service = SqsService(self.broker, self.queues, self.alarms)
        self.actions = SqsActions(service, lambda: next(self._ids).to_bytes(16, "big"))
        self.actions.restore(definitions, self.now)
        self.front = Front(
            {"sqs": ServiceHandlers(_MODEL, self.actions.handlers())},
            self._identify,
            lambda: f"request-{next(self._request_ids)}",
            {},
            WebPages(Origins(()), is_open=False),
        )
        self.turn()

    def _identify(self, request: HttpRequest, service: str, now: int) -> Caller:
        root = AnyIdentity(ACCOUNT, REGION)(request, service, now)
        if not self._user:
            return root
        account, user = root.account, self._user
        names = user_id_of(account, user), arn_of(account, user)
        return Caller(account, root.region, user, root.access_key, *names, root.source_ip, root.is_secure)

    # --- calls ------------------------------------------------------------------------------------------------------

    def begin(
        self, action: str, account: str = ACCOUNT, region: str = REGION, user: str = "",
        headers: Mapping[str, str] = NO_HEADERS, host: str = HOST, peer: Peer = LOCAL, **parameters: Any,
    ) -> Pending:  # fmt: skip
        """Makes a call, which may be answered later. Names of further headers are in lower case."""
        headers = {
            "host": host,
            "authorization": f"AWS4-HMAC-SHA256 Credential={account}/20231114/{region}/sqs/aws4_request, x",
            **headers,
        }
        if self.wire == "json":
            headers |= {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{action}"}
            body = orjson.dumps(parameters)
        else:
            headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
            body = sqs_query_form.form(action, parameters)
        self._user = user
        return self.request(action, HttpRequest("POST", "/", headers, body, peer, f"http://{host}"))

    def request(self, action: str, request: HttpRequest) -> Pending:
        """Makes a request as it is."""
        pending = Pending(action)

        def answer(response: HttpResponse) -> None:
            pending.response = response

        pending.call = self.front.handle(request, answer, self.now)
        self.turn()
        return pending

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Makes a call that is answered at once. Raises Refused."""
        return self.begin(action, **parameters).result()

    def refused(self, action: str, **parameters: Any) -> tuple[str, str]:
        """Code and message of a call that must be refused."""
        try:
            answer = self.call(action, **parameters)
        except Refused as error:
            return error.code, error.message
        raise AssertionError(f"{action} was answered {answer}")

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
        given = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"], **parameters}
        found: list[dict[str, Any]] = self.call(
            "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=count, **given
        ).get("Messages", [])  # fmt: skip
        return found

    def receive_one(self, url: str, **parameters: Any) -> dict[str, Any]:
        """Receives the one message that there must be."""
        (message,) = self.receive(url, 1, **parameters)
        return message

    def bodies(self, url: str, count: int = 10, **parameters: Any) -> list[str]:
        """The bodies of what can be received."""
        return [message["Body"] for message in self.receive(url, count, **parameters)]

    def poll(self, url: str, wait_s: int = 20, **parameters: Any) -> Pending:
        """Begins a long poll."""
        return self.begin("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=wait_s, **parameters)

    def delete(self, url: str, message: dict[str, Any]) -> None:
        """Deletes a message that was received."""
        self.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def change_visibility(self, url: str, message: dict[str, Any], visibility_s: int) -> None:
        """Changes until when a message that was received is in flight."""
        self.call(
            "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=visibility_s,
        )  # fmt: skip

    def set(self, url: str, **attributes: str) -> None:
        """SetQueueAttributes."""
        self.call("SetQueueAttributes", QueueUrl=url, Attributes=attributes)

    def attributes(self, url: str, *names: str) -> dict[str, str]:
        """Attributes of a queue, all of them where none is named."""
        result = self.call("GetQueueAttributes", QueueUrl=url, AttributeNames=list(names) or ["All"])
        return dict(result.get("Attributes", {}))

    def counts(self, url: str) -> tuple[int, int, int]:
        """How many messages of a queue are visible, in flight and delayed."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                 "ApproximateNumberOfMessagesDelayed")  # fmt: skip
        found = self.attributes(url, *names)
        visible, in_flight, delayed = (int(found[name]) for name in names)
        return visible, in_flight, delayed

    def arn(self, url: str) -> str:
        """The ARN of a queue."""
        return self.attributes(url, "QueueArn")["QueueArn"]

    def queue(self, name: str) -> SqsQueue:
        """The queue itself, in the default account and region."""
        found = self.queues.get(QueueArn(REGION, ACCOUNT, name))
        assert found is not None
        return found

    # --- time -------------------------------------------------------------------------------------------------------

    def pass_time(self, duration_s: float, step_s: float = 0.1) -> None:
        """Lets time pass in steps: deadlines are met at the end of the step."""
        end = self.now + round(duration_s * 1000)
        while self.now < end:
            self.now = min(end, self.now + round(step_s * 1000))
            self.advance()

    def leap(self, duration_s: float) -> None:
        """Lets much time pass at once: what was due in it happens at its end."""
        self.now += round(duration_s * 1000)
        self.advance()

    def advance(self) -> None:
        """Does what is due now."""
        while 0 < self.broker.timers.next_deadline() <= self.now:
            self.broker.advance(self.now)
            self.broker.scheduler.finish(self.now)
        self.turn()

    def turn(self) -> None:
        """The end of a turn of the loop: work is done, batches are sealed and promises kept."""
        self.broker.scheduler.finish(self.now)
        self.broker.ledger.seal()
        while any(lane.step() for lane in self._lanes):
            self.broker.ledger.seal()

    def restart(self, pause_s: float = 1) -> None:
        """Ends the broker in order and starts it again on the same disk."""
        assert self.disk is not None, "only a house on a disk has what to start from"
        self.turn()
        self.now += round(pause_s * 1000)
        self._build()


def _never(error: DiskFailed) -> None:
    raise AssertionError("the simulated disk does not fail") from error
