"""The audit trail of a running broker: who has called what, with nothing in it that must not be kept."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from tests.management.api import Api
from tests.support.broker_process import BrokerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)

CONFIG = "[audit]\ndata_events = true\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker that records everything."""
    data = tmp_path_factory.mktemp("audit") / "data"
    with BrokerProcess(data, "--dev", schemes=("management", "aws"), config=CONFIG) as process:
        yield process
        assert "Traceback" not in process.log()


@pytest.fixture
def api(broker: BrokerProcess) -> Api:
    """The user guest."""
    return Api(broker.ports["management"])


def recorded(
    api: Api, event: str, is_wanted: Callable[[dict[str, Any]], bool] = lambda _record: True
) -> dict[str, Any]:  # fmt: skip
    """The newest record of an event that is wanted, once it is written."""
    found: list[dict[str, Any]] = []

    def is_written() -> bool:
        found[:] = filter(is_wanted, api.get(f"mqbroker/audit?event={event}"))
        return bool(found)

    eventually(is_written)
    return found[0]


def test_changes_are_recorded_with_who_made_them_and_without_secrets(api: Api, broker: BrokerProcess) -> None:
    """Nobody could tell afterwards who had changed something, or the trail gave passwords away."""
    api.put("users/joe", {"password": "s3cret-word", "tags": "management"})
    api.put("queues/%2F/orders", {"durable": True})
    api.publish("orders", "the-payload")
    user = recorded(api, "PutUser")
    assert user["userIdentity"]["userName"] == "guest"
    assert user["requestParameters"] == {"user": "joe", "password": "***", "tags": "management"}
    assert (user["eventSource"], user["readOnly"], user["eventVersion"]) == ("management.mqbroker", False, "1.09")
    queue = recorded(api, "PutQueue")
    assert queue["requestParameters"]["queue"] == "orders"
    assert recorded(api, "PublishMessage")["requestParameters"]["payload"].startswith("HIDDEN")
    assert [each["eventName"] for each in api.get("mqbroker/audit?object=joe")] == ["PutUser"]
    trail = (broker.data_dir / "audit" / "current.jsonl").read_bytes()
    assert b"s3cret-word" not in trail
    assert b"the-payload" not in trail


@pytest.mark.parametrize("depth", [300, 900])
def test_a_body_that_is_nested_deeply_hides_nothing(api: Api, depth: int) -> None:
    """Beside a member with hundreds of lists in one another a call was made unrecorded; the trail ended with it."""
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    api.put(f"users/deep{depth}", {"password": "s3cret-word", "tags": "", "more": nested})
    user = recorded(api, "PutUser", lambda record: record["requestParameters"]["user"] == f"deep{depth}")
    assert user["requestParameters"]["password"] == "***"
    api.delete(f"users/deep{depth}")
    recorded(api, "DeleteUser", lambda record: record["requestParameters"]["user"] == f"deep{depth}")


def test_refusals_and_wrong_passwords_are_recorded(api: Api) -> None:
    """Who tried what they may not left no trace; and a password typed as a name was written down."""
    api.add_user("low", tags="management")
    assert api.of("low").call("PUT", "users/other", {"password": "x", "tags": ""}).status == 401
    refused = recorded(api, "PutUser", lambda each: "errorCode" in each)
    assert (refused["userIdentity"]["userName"], refused["errorCode"]) == ("low", "not_authorised")
    assert api.of("my-secret-password", "x").call("GET", "nodes").status == 401
    unknown = recorded(api, "GetNodes")
    assert unknown["userIdentity"]["userName"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert unknown["errorMessage"] == "Login failed"


def test_log_ins_of_the_console_are_recorded(api: Api) -> None:
    """CloudTrail's readers find who has logged in by the event ConsoleLogin."""
    form = {"username": "guest", "password": "guest"}
    assert Api(api.port, "").call("POST", "login", form).status == 200
    assert recorded(api, "ConsoleLogin")["responseElements"] == {"ConsoleLogin": "Success"}


def test_calls_of_aws_are_recorded(api: Api, broker: BrokerProcess) -> None:
    """Calls that a boto3 client makes, as CloudTrail would record them."""
    sqs: Any = boto3.client(
        "sqs", endpoint_url=f"http://127.0.0.1:{broker.ports['aws']}", region_name="us-east-1",
        aws_access_key_id="000000000000", aws_secret_access_key="x", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="the body")
    with pytest.raises(ClientError):
        sqs.purge_queue(QueueUrl=url + "-missing")
    created = recorded(api, "CreateQueue")
    assert created["requestParameters"] == {"queueName": "jobs"}
    assert created["responseElements"] == {"queueUrl": url}
    assert (created["eventSource"], created["awsRegion"]) == ("sqs.amazonaws.com", "us-east-1")
    assert created["userIdentity"]["type"] == "Root"
    sent = recorded(api, "SendMessage")
    assert sent["requestParameters"]["messageBody"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert sent["resources"][0] == {
        "accountId": "000000000000", "type": "AWS::SQS::Queue", "ARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
    }  # fmt: skip
    assert (sent["eventCategory"], sent["managementEvent"]) == ("Data", False)
    assert recorded(api, "PurgeQueue")["errorCode"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_the_command_verifies_the_trail_of_a_running_broker(api: Api, broker: BrokerProcess) -> None:
    """`mqbroker audit verify` said that a trail is broken which is being written."""
    assert recorded(api, "StartBroker")
    command = [sys.executable, "-m", "mqbroker", "audit", "verify", str(broker.data_dir / "audit")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "the chain is whole" in done.stdout
    wrong = subprocess.run([*command, "--hash", "0123"], capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 1


def test_bad_questions_are_refused(api: Api) -> None:
    """A count that is no number was an internal error."""
    for count in ("x", "0", "-1", "100000000", "9" * 5000):
        assert api.refused("GET", f"mqbroker/audit?count={count}")[0] == 400
