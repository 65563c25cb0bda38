"""Clients of AWS services for a broker process: boto3, and the aws command line."""

import json
import os
import subprocess
import sys
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

from tests.support.broker_process import BrokerProcess

TIMEOUT_S = 30
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def client(
    broker: BrokerProcess, service: str, key: str = "test", secret: str = "test", region: str = "us-east-1"
) -> Any:
    """boto3 for the broker, which tries nothing twice."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{broker.ports['aws']}",
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30),
    )


def aws(*arguments: str, **environment: str) -> dict[str, Any]:
    """What the command line answers."""
    done = subprocess.run(
        [sys.executable, "-m", "awscli", *arguments],
        env={**os.environ, **ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)) if done.stdout.strip() else {}
