"""Who asks for encryption at rest and does not get it reads so in the log, once for each queue."""

import logging
from pathlib import Path

import pytest

from mqbroker.aws.limits import SQS_CLEAR_TEXT_WARNINGS_MAX
from tests.support.broker_process import BrokerProcess
from tests.support.sqs_house import House

SAID = (
    "SqsManagedSseEnabled is asked for arn:aws:sqs:us-east-1:000000000000:{}, but its messages are in the journal in "
    "clear text; journal.encryption_keys would encrypt them"
)
ASKING = {"SqsManagedSseEnabled": "True"}


@pytest.fixture
def house(caplog: pytest.LogCaptureFixture) -> House:
    caplog.set_level(logging.WARNING, "mqbroker.aws.sqs.clear_text")
    return House(is_encrypted=False)


def test_a_queue_that_is_to_be_encrypted_is_named_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    url = house.create("orders", **ASKING)
    house.create("orders", **ASKING)
    house.call("SetQueueAttributes", QueueUrl=url, Attributes=ASKING)
    assert caplog.messages == [SAID.format("orders")]


def test_a_queue_that_gets_the_attribute_later_is_named(house: House, caplog: pytest.LogCaptureFixture) -> None:
    url = house.create("orders")
    house.call("SetQueueAttributes", QueueUrl=url, Attributes={"SqsManagedSseEnabled": "false"})
    assert caplog.messages == []
    house.call("SetQueueAttributes", QueueUrl=url, Attributes=ASKING)
    assert caplog.messages == [SAID.format("orders")]


def test_a_queue_that_is_there_already_is_named_when_it_is_asked_for(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.create("orders")
    house.create("orders", **ASKING)
    assert caplog.messages == [SAID.format("orders")]


def test_the_lines_are_bounded(house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SQS_CLEAR_TEXT_WARNINGS_MAX == 1000
    monkeypatch.setattr("mqbroker.aws.sqs.clear_text.SQS_CLEAR_TEXT_WARNINGS_MAX", 2)
    for name in ("a", "b", "c"):
        house.create(name, **ASKING)
    assert caplog.messages == [SAID.format("a"), SAID.format("b")]


def test_nothing_is_said_when_the_journal_is_encrypted(caplog: pytest.LogCaptureFixture) -> None:
    House(is_encrypted=True).create("orders", **ASKING)
    assert caplog.messages == []


CONFIG = """
[[aws.queues]]
name = "orders"
attributes = { SqsManagedSseEnabled = "true" }

[journal]
encryption_keys = [%s]
"""


@pytest.mark.parametrize(("keys", "durability", "is_said"), [("", "write", True), ('"env:KEY"', "write", False),
                                                             ("", "memory", False)])  # fmt: skip
def test_a_broker_knows_whether_its_journal_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, durability: str, is_said: bool
) -> None:
    monkeypatch.setenv("KEY", "1f" * 32)
    options = ("--dev", "--durability", durability)
    with BrokerProcess(tmp_path / "data", *options, schemes=("aws",), config=CONFIG % keys) as broker:
        assert broker.stop() == 0
    assert (SAID.format("orders") in broker.log()) == is_said
