"""Other clients of SQS, unmodified: the aws command line, @aws-sdk/client-sqs of Node.js, and a Celery worker."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients import node_modules
from tests.clients.celery_app import add, finished_at, flaky, make_app
from tests.clients.celery_calls import close, send, worker_of
from tests.clients.node_modules import RUN_TIMEOUT_S
from tests.support import aws_clients
from tests.support.broker_process import BrokerProcess

TIMEOUT_S = 30


def aws(broker: BrokerProcess, *arguments: str) -> dict[str, Any]:
    """What `aws sqs` answers."""
    endpoint = f"http://127.0.0.1:{broker.ports['aws']}"
    return aws_clients.aws("--endpoint-url", endpoint, "sqs", *arguments)


def test_the_command_line_sends_receives_and_deletes(broker: BrokerProcess, name: str) -> None:
    url = aws(broker, "create-queue", "--queue-name", name)["QueueUrl"]
    aws(broker, "send-message", "--queue-url", url, "--message-body", "hello")
    (message,) = aws(broker, "receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"]
    assert message["Body"] == "hello"
    aws(broker, "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    counts = aws(broker, "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"


@pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)
def test_the_sdk_of_node_finds_everything_as_it_expects_it(broker: BrokerProcess) -> None:
    node_modules.prepare()
    url = f"http://127.0.0.1:{broker.ports['aws']}"
    with node_modules.start("sqs.test.mjs", url, broker.data_dir / "none") as process:
        output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output


@pytest.fixture(scope="module")
def celery_urls(broker: BrokerProcess, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The broker for Celery, and a folder for results: SQS has none."""
    folder = tmp_path_factory.mktemp("results")
    return f"sqs://test:test@127.0.0.1:{broker.ports['aws']}//", f"file://{folder}"


@pytest.fixture(scope="module")
def app(celery_urls: tuple[str, str]) -> Iterator[Any]:
    """The application on the test's side, while a worker runs: with one thread, for results in files have no order.

    A task's last try and the note that it was tried before would otherwise write the same file at once.
    """
    with worker_of(*celery_urls, "classic", "--pool=threads", "--concurrency=1", "--without-mingle"):
        made = make_app(*celery_urls, "classic")
        yield made
        close(made)


@pytest.mark.timeout(120)
def test_celery_runs_its_tasks_over_sqs(app: Any) -> None:
    results = [send(app, add, number, number) for number in range(10)]
    assert [result.get(timeout=TIMEOUT_S) for result in results] == [2 * number for number in range(10)]
    assert send(app, flaky, 2, 0.1).get(timeout=TIMEOUT_S) == 2
    assert send(app, finished_at, countdown=0.5).get(timeout=TIMEOUT_S) > 0
