"""Other clients of SNS, unmodified: the aws command line, @aws-sdk/client-sns, and sns-validator."""

import json
import ssl
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest

from mqbroker.net import devcerts
from tests.aws.sns.receiver import Receiver
from tests.clients import node_modules
from tests.clients.node_modules import RUN_TIMEOUT_S
from tests.support.aws_clients import ENVIRONMENT, aws
from tests.support.broker_process import BrokerProcess

CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}


@pytest.mark.timeout(180)
def test_the_command_line_subscribes_publishes_and_receives(broker: BrokerProcess, name: str) -> None:
    """Its sqs takes no endpoint from the environment, its sns does."""
    url = f"http://127.0.0.1:{broker.ports['aws']}"
    topic = aws("sns", "create-topic", "--name", name, AWS_ENDPOINT_URL_SNS=url)["TopicArn"]
    queue = aws("--endpoint-url", url, "sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    endpoint = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    to_queue = ("--protocol", "sqs", "--notification-endpoint", endpoint)
    aws("sns", "subscribe", "--topic-arn", topic, *to_queue, AWS_ENDPOINT_URL=url)
    aws("sns", "publish", "--topic-arn", topic, "--message", "hello", AWS_ENDPOINT_URL=url)
    (message,) = aws("--endpoint-url", url, "sqs", "receive-message", "--queue-url", queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"


def test_one_endpoint_url_serves_both_services(
    broker: BrokerProcess, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{broker.ports['aws']}"}.items():
        monkeypatch.setenv(variable, value)
    session = boto3.Session()
    sns, sqs, sts = (session.client(service) for service in ("sns", "sqs", "sts"))
    assert sts.get_caller_identity()["Account"] == "000000000000"
    topic = sns.create_topic(Name=name)["TopicArn"]
    sqs.create_queue(QueueName=name)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}")
    sns.publish(TopicArn=topic, Message="m")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    for each in (sns, sqs, sts):
        each.close()


@pytest.mark.timeout(3 * RUN_TIMEOUT_S)
def test_the_sdk_of_node_and_its_validator(tmp_path: Path) -> None:
    """A signature that only our own code verifies is none."""
    node_modules.prepare()
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("awss",)) as broker:
        url = f"https://localhost:{broker.ports['awss']}"
        with node_modules.start("sns.test.mjs", url, broker.data_dir / "certs" / "ca.pem") as process:
            output, _ = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, output


def test_the_validator_of_pypi(
    tmp_path_factory: pytest.TempPathFactory, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint is reached by HTTPS, and so is the certificate of the signatures."""
    found = pytest.importorskip("sns_message_validator", reason="aws-sns-message-validator is not installed")
    folder = tmp_path_factory.mktemp("sns")
    certificates = devcerts.ensure(folder / "data" / "certs")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca))
    config = f'[aws.sns]\nca_file = "{certificates.ca}"\n'
    with (
        Receiver(tls=tls) as receiver,
        BrokerProcess(folder / "data", "--dev", schemes=("awss",), config=config) as broker,
    ):
        url = f"https://localhost:{broker.ports['awss']}"
        validator = found.SNSMessageValidator(cert_url_regex=f"^{url}/")
        sns = boto3.client("sns", endpoint_url=url, verify=str(certificates.ca), **CREDENTIALS)
        topic = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=receiver.url.replace("127.0.0.1", "localhost"))
        asked = receiver.take("SubscriptionConfirmation").json()
        validator.validate_message(asked)
        sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])
        texts = {"default": "d", "http": "h", "https": "hello ö"}
        sns.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json", Subject="s")
        notice = receiver.take().json()
        validator.validate_message(notice)
        assert notice["Message"] == "hello ö"
        with pytest.raises(found.SignatureVerificationFailureException):
            validator.validate_message({**notice, "Message": "hello o"})
        sns.close()
