"""Delivery streams into a bucket: of moto's S3, and signed as botocore signs."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from mqbroker.aws.sns.s3 import Bucket
from mqbroker.delivery.guard import EVERYWHERE, AddressGuard
from mqbroker.delivery.http import HttpClient
from tests.aws.sns.conftest import Queues
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess
from tests.support.ports import free_port

WAIT_S = 30
STREAM = "arn:aws:firehose:us-east-1:000000000000:deliverystream"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """boto3 for the S3 of a moto server."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        made = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
        )
        yield made
        made.close()
    finally:
        process.kill()
        process.wait()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, s3: Any) -> Iterator[BrokerProcess]:
    """A broker whose streams go to a bucket."""
    host = s3.meta.endpoint_url.removeprefix("http://")
    config = f'[aws.sns]\nfirehose_url = "http://key:secret@{host}/archive"\n'
    data_dir = tmp_path_factory.mktemp("sns") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=("aws",), config=config) as running:
        yield running


def records(s3: Any, stream: str, bucket: str) -> dict[str, list[str]]:
    """The lines of each object of a stream."""
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{stream}/").get("Contents", [])
    return {
        each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().decode().splitlines()
        for each in found
    }


def wait_for_records(s3: Any, stream: str, count: int, bucket: str = "archive") -> dict[str, list[str]]:
    deadline = time.monotonic() + WAIT_S
    while sum(map(len, (found := records(s3, stream, bucket)).values())) < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_records_are_written_together_and_those_that_cannot_be_are_tried_again(
    sns: Any, topic: str, queues: Queues, broker: BrokerProcess, s3: Any
) -> None:
    """The bucket is made when some are there already, and the broker is killed before that."""
    sns.subscribe(TopicArn=topic, Protocol="firehose", Endpoint=f"{STREAM}/{queues.name}")
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="firehose", Endpoint=f"{STREAM}/{queues.name}-raw", Attributes=raw)
    for number in range(50):
        sns.publish(TopicArn=topic, Message=f"{number}\n" if number == 0 else f"{number}")
    broker.kill()
    s3.create_bucket(Bucket="archive")
    broker.start()
    shown = wait_for_records(s3, queues.name, 50)
    texts = {json.loads(line)["Message"].strip() for lines in shown.values() for line in lines}
    assert texts == {str(number) for number in range(50)}
    assert len(shown) < 25
    hour = datetime.now(UTC).strftime("%Y/%m/%d")
    assert all(key.startswith(f"{queues.name}/{hour}/") for key in shown)
    plain = wait_for_records(s3, f"{queues.name}-raw", 50)
    assert {line for lines in plain.values() for line in lines if line} == {str(number) for number in range(50)}


@pytest.mark.timeout(120)
def test_an_object_is_written_with_as_much_or_after_as_long_as_the_hints_say(
    s3: Any, tmp_path: Path, name: str
) -> None:
    """Every second had an object of its own, however few records there were."""
    bucket, host = f"hints-{name}".lower(), s3.meta.endpoint_url.removeprefix("http://")
    s3.create_bucket(Bucket=bucket)

    def config(interval_s: int) -> str:
        url = f"http://key:secret@{host}/{bucket}"
        return f'[aws.sns]\nfirehose_url = "{url}"\nfirehose_interval_s = {interval_s}\nfirehose_size_mb = 1\n'

    raw = {"RawMessageDelivery": "true"}
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=config(900)) as broker:
        sns = client(broker, "sns")
        topic = sns.create_topic(Name="t")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="firehose", Endpoint=f"{STREAM}/logs", Attributes=raw)
        for number in range(30):
            sns.publish(TopicArn=topic, Message=str(number))
        for _ in range(5):
            sns.publish(TopicArn=topic, Message="x" * 250_000)
        (lines,) = wait_for_records(s3, "logs", 35, bucket).values()
        assert sorted(map(len, lines)) == [1] * 10 + [2] * 20 + [250_000] * 5
        sns.publish(TopicArn=topic, Message="later")
        sns.close()
        assert broker.stop() == 0
    with BrokerProcess(tmp_path / "data", "--dev", schemes=("aws",), config=config(2)):
        found = wait_for_records(s3, "logs", 36, bucket)
    assert sorted(map(len, found.values())) == [1, 35]


def test_a_request_is_signed_as_botocore_signs_it() -> None:
    path = "/archive/logs/2026/01/02/03/logs-2026-01-02-03-04-05-00000000-0000-4000-8000-000000000000"
    data = b"record\n"
    request = AWSRequest("PUT", f"https://s3.example:9000{path}", data=data)
    request.headers["X-Amz-Content-SHA256"] = sha256(data).hexdigest()
    S3SigV4Auth(Credentials("k+", "s/x"), "s3", "eu-west-1").add_auth(request)
    at = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    bucket = Bucket("https://k%2B:s%2Fx@s3.example:9000/archive", "eu-west-1", HttpClient(AddressGuard(EVERYWHERE), 1))
    headers = bucket.headers(path, data, at)
    assert headers["x-amz-date"] == request.headers["X-Amz-Date"]
    assert headers["Authorization"] == request.headers["Authorization"]
