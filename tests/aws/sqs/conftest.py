"""One broker process for each module of SQS tests, boto3 for it, and names that no other test uses."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import aws_clients
from tests.support.broker_process import BrokerProcess
from tests.support.sqs_house import WIRES, House


def client(broker: BrokerProcess, key: str = "test", secret: str = "test", region: str = "us-east-1") -> Any:
    """boto3's SQS for the broker, which tries nothing twice."""
    return aws_clients.client(broker, "sqs", key, secret, region)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker for development: any access key will do."""
    data_dir = tmp_path_factory.mktemp("sqs") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=("aws", "amqp", "mqtt")) as running:
        yield running


@pytest.fixture
def url(sqs: Any, name: str) -> str:
    """A standard queue of this test's own, by its URL."""
    return str(sqs.create_queue(QueueName=name)["QueueUrl"])


@pytest.fixture
def fifo(sqs: Any, name: str) -> str:
    """A FIFO queue of this test's own, by its URL."""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return str(sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"])


@pytest.fixture(params=WIRES)
def house(request: pytest.FixtureRequest) -> House:
    """SQS in this process, on both wires in turn."""
    return House(wire=request.param)


OWNER_KEY, OWNER_SECRET = "AKIAOWNER0000000", "owner/secret+of=40"
READER_KEY, READER_SECRET = "AKIAREADER000000", "reader-secret"
OTHER_KEY, OTHER_SECRET, OTHER_ACCOUNT = "AKIAOTHER0000000", "other-secret", "111122223333"
SIGNED = f"""
[aws]
auth = "sigv4"

[[vhosts]]
name = "other"

[[aws.accounts]]
id = "{OTHER_ACCOUNT}"
vhost = "other"

[[users]]
name = "owner"
[[users.permissions]]
vhost = "/"
configure = ".*"
write = ".*"
read = ".*"
[[users.access_keys]]
id = "{OWNER_KEY}"
secret = "{OWNER_SECRET}"

[[users]]
name = "reader"
[[users.permissions]]
vhost = "/"
configure = "^$"
write = "^$"
read = ".*"
[[users.access_keys]]
id = "{READER_KEY}"
secret = "{READER_SECRET}"

[[users]]
name = "other"
[[users.permissions]]
vhost = "other"
configure = ".*"
write = ".*"
read = ".*"
[[users.access_keys]]
id = "{OTHER_KEY}"
secret = "{OTHER_SECRET}"
account = "{OTHER_ACCOUNT}"
"""


@pytest.fixture(scope="module")
def signed_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker that verifies signatures, with users of two accounts."""
    data_dir = tmp_path_factory.mktemp("sqs") / "data"
    with BrokerProcess(data_dir, schemes=("aws",), config=SIGNED) as running:
        yield running


@pytest.fixture
def owner(signed_broker: BrokerProcess) -> Iterator[Any]:
    """boto3's client of the user who may do everything in the default account."""
    made = client(signed_broker, OWNER_KEY, OWNER_SECRET)
    yield made
    made.close()
