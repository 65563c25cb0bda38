"""Whole SQS runs with real worker processes against a small SQS in this process: a sound one, and damaged ones."""

import pytest

from bench.driver.jobs import Endpoint, Limit
from bench.driver.sqs_client import SqsClient
from bench.driver.sqs_crew import CallCrew, CallOutcome
from bench.driver.sqs_jobs import CycleJob, SendJob
from bench.errors import DriverError, ProtocolError
from tests.bench.sqs_fake import Answer, FakeSqs, Tamper, fake_sqs

SIZE = 100
MESSAGES = 60
QUEUE = ("http://fake/queue",)


def untouched(action: str, answer: Answer) -> Answer:
    return answer


def send(endpoint: Endpoint, batch: int = 1, stamped: bool = False, rate: float = 0.0) -> SendJob:
    limit = Limit(messages=MESSAGES)
    return SendJob(endpoint, QUEUE, SIZE, limit, batch, connections=2, stamped=stamped, rate=rate)


def cycle(endpoint: Endpoint, batch: int = 1, sends: bool = False, groups: int = 0) -> CycleJob:
    limit = Limit(messages=MESSAGES)
    wait = 1 if sends else 0
    connections = 1 if groups else 2  # no group is locked here, so two answers may pass each other
    return CycleJob(
        endpoint, QUEUE, SIZE, limit, batch, groups, connections, sends=sends, wait_seconds=wait, settle_seconds=2.5
    )


def run(*jobs: SendJob | CycleJob) -> CallOutcome:
    with CallCrew(jobs) as crew:
        return crew.run()


def left(endpoint: Endpoint) -> int:
    with SqsClient(endpoint) as client:
        return client.message_count(QUEUE[0])


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("stamped", [False, True])
def test_all_is_sent_and_counted(batch: int, stamped: bool) -> None:
    with fake_sqs(FakeSqs(untouched)) as endpoint:
        outcome = run(send(endpoint, batch, stamped))
        assert left(endpoint) == MESSAGES
    assert outcome.sent == MESSAGES
    assert outcome.call_count == MESSAGES // batch
    assert not outcome.faults
    assert outcome.calls["p100"] >= outcome.calls["p50"] > 0


@pytest.mark.parametrize("batch", [1, 10])
def test_what_was_sent_is_received_and_deleted(batch: int) -> None:
    with fake_sqs(FakeSqs(untouched)) as endpoint:
        run(send(endpoint, 10, stamped=True))
        outcome = run(cycle(endpoint, batch))
        assert left(endpoint) == 0
    assert (outcome.received, outcome.deleted) == (MESSAGES, MESSAGES)
    assert not outcome.faults


@pytest.mark.parametrize("groups", [0, 1, 3])
def test_cycles_end_with_as_many_messages_as_they_began_with(groups: int) -> None:
    with fake_sqs(FakeSqs(untouched)) as endpoint:
        outcome = run(cycle(endpoint, sends=True, groups=groups))
        assert left(endpoint) == 0
    assert (outcome.sent, outcome.deleted) == (MESSAGES, MESSAGES)
    assert not outcome.faults


def test_a_paced_run_measures_from_when_messages_were_due() -> None:
    with fake_sqs(FakeSqs(untouched)) as endpoint:
        limit = Limit(0.2)
        sends = SendJob(endpoint, QUEUE, SIZE, limit, connections=2, stamped=True, rate=100.0)
        receives = CycleJob(endpoint, QUEUE, SIZE, Limit(), connections=5, wait_seconds=20, until_told=True, rate=100.0)
        outcome = run(receives, sends)
    assert outcome.sent == outcome.deleted == 20
    assert not outcome.faults
    assert 0 < outcome.wakes["p50"] <= outcome.wakes["p100"]
    assert outcome.late


def damaged(tamper: Tamper) -> CallOutcome:
    with fake_sqs(FakeSqs(tamper)) as endpoint:
        run(send(endpoint, 10, stamped=True))
        return run(cycle(endpoint, batch=10))


def on_receive(change: Tamper) -> Tamper:
    return lambda action, answer: change(action, answer) if action == "ReceiveMessage" else answer


def test_a_message_that_is_delivered_twice_fails_the_run() -> None:
    outcome = damaged(on_receive(lambda action, answer: {"Messages": answer["Messages"][:9] + answer["Messages"][:1]}))
    assert outcome.faults.surplus


def test_a_text_that_is_changed_fails_the_run() -> None:
    def change(action: str, answer: Answer) -> Answer:
        return {"Messages": [message | {"Body": message["Body"][:-1] + "?"} for message in answer["Messages"]]}

    assert damaged(on_receive(change)).faults.corrupt == MESSAGES


def test_more_messages_than_were_asked_for_fail_the_run() -> None:
    with fake_sqs(FakeSqs(on_receive(lambda action, answer: {"Messages": answer["Messages"] * 2}))) as endpoint:
        run(send(endpoint, 10, stamped=True))
        assert run(cycle(endpoint)).faults.corrupt


def test_a_deletion_that_fails_fails_the_run() -> None:
    def change(action: str, answer: Answer) -> Answer:
        return answer | {"Successful": answer["Successful"][1:]} if action == "DeleteMessageBatch" else answer

    assert damaged(change).faults.missing


def test_a_group_out_of_order_fails_the_run() -> None:
    with fake_sqs(FakeSqs(on_receive(lambda action, answer: {"Messages": answer["Messages"][::-1]}))) as endpoint:
        run(SendJob(endpoint, QUEUE, SIZE, Limit(messages=20), 10, groups=1, connections=1, stamped=True))
        assert run(cycle(endpoint, batch=10, groups=1)).faults.out_of_order


def test_a_message_that_is_lost_is_missed() -> None:
    """Nothing moves any more, and somebody still waits for the message."""
    with fake_sqs(FakeSqs(untouched, lost=MESSAGES)) as endpoint:
        outcome = run(cycle(endpoint, sends=True))
    assert outcome.sent == MESSAGES
    assert outcome.deleted == MESSAGES - 1
    assert outcome.faults.missing == 1


def test_a_refusal_ends_the_run_in_the_brokers_words() -> None:
    with fake_sqs(FakeSqs(lambda action, answer: {"__type": "AccessDenied"}, status=403)) as endpoint:
        with pytest.raises(DriverError, match=r"403.*AccessDenied"):
            run(send(endpoint))
        with SqsClient(endpoint) as client, pytest.raises(ProtocolError, match=r"403.*AccessDenied"):
            client.create_queue("q", {})
