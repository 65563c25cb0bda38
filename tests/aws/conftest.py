"""Every test of the front that has a loop runs on both: asyncio's own and uvloop. Those of services have boto3 for the
broker of their folder, and names that no other test uses."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop

from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

_numbers = itertools.count(1)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops by the name that appears in the test's id."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def sns(broker: BrokerProcess) -> Iterator[Any]:
    """boto3's client of SNS."""
    made = client(broker, "sns")
    yield made
    made.close()


@pytest.fixture
def sqs(broker: BrokerProcess) -> Iterator[Any]:
    """boto3's client of SQS."""
    made = client(broker, "sqs")
    yield made
    made.close()


@pytest.fixture
def name() -> str:
    """A name of this test's own."""
    return f"test-{next(_numbers)}"
