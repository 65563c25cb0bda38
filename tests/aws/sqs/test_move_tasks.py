"""Message move tasks: dead letters on their way back, at a rate, cancelled, failed, and over a restart."""

import json
from base64 import b64decode, b64encode
from typing import Any
from uuid import UUID

import pytest

from tests.storage.simdisk import SimDisk
from tests.support.sqs_house import ACCOUNT, START, WIRES, House, Refused

NO_SOURCE = "The resource that you specified for the SourceArn parameter doesn't exist."
NO_DESTINATION = "The resource that you specified for the DestinationArn parameter doesn't exist."


class Ward:
    """A queue, its dead-letter queue with some messages, and another queue."""

    def __init__(self, house: House, count: int = 3, suffix: str = "") -> None:
        self.house = house
        fifo = {"ContentBasedDeduplication": "true"} if suffix else {}
        self.dead = house.create(f"dead{suffix}", **fifo)
        self.dead_arn = house.arn(self.dead)
        redrive = json.dumps({"deadLetterTargetArn": self.dead_arn, "maxReceiveCount": 1})
        self.url = house.create(f"orders{suffix}", RedrivePolicy=redrive, VisibilityTimeout="0", **fifo)
        self.other = house.create(f"other{suffix}", **fifo)
        group = {"MessageGroupId": "g"} if suffix else {}
        for number in range(count):
            house.send(self.url, str(number), **group)
        while house.receive(self.url):
            pass
        house.set(self.url, VisibilityTimeout="30")
        assert house.counts(self.dead) == (count, 0, 0)

    def start(self, **parameters: Any) -> str:
        """Starts a task; its handle."""
        answer = self.house.call("StartMessageMoveTask", SourceArn=self.dead_arn, **parameters)
        return str(answer["TaskHandle"])

    def tasks(self, count: int = 10) -> list[dict[str, Any]]:
        """The tasks, newest first."""
        answer = self.house.call("ListMessageMoveTasks", SourceArn=self.dead_arn, MaxResults=count)
        found: list[dict[str, Any]] = answer.get("Results", [])
        return found


def refused(house: House, action: str, **parameters: Any) -> tuple[int, str, str]:
    """Status, code and message."""
    with pytest.raises(Refused) as caught:
        house.call(action, **parameters)
    return caught.value.status, caught.value.code, caught.value.message


# --- moving ---------------------------------------------------------------------------------------------------------


def test_messages_go_back_to_where_they_came_from(house: House) -> None:
    ward = Ward(house)
    handle = json.loads(b64decode(ward.start()))
    assert handle == {"taskId": str(UUID(handle["taskId"])), "sourceArn": ward.dead_arn}
    house.pass_time(0.1)
    messages = house.receive(ward.url)
    assert [message["Body"] for message in messages] == ["0", "1", "2"]
    assert "DeadLetterQueueSourceArn" not in messages[0]["Attributes"]
    assert messages[0]["Attributes"]["ApproximateReceiveCount"] == "1", "it is a new message"
    assert ward.tasks() == [
        {"SourceArn": ward.dead_arn, "Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 3,
         "ApproximateNumberOfMessagesToMove": 3, "StartedTimestamp": ward.tasks()[0]["StartedTimestamp"]}
    ]  # fmt: skip


def test_messages_go_to_one_queue_if_that_is_named(house: House) -> None:
    ward = Ward(house)
    ward.start(DestinationArn=house.arn(ward.other))
    house.pass_time(0.1)
    assert house.bodies(ward.other) == ["0", "1", "2"]
    assert ward.tasks()[0]["DestinationArn"] == house.arn(ward.other)


def test_each_message_goes_to_its_own_source(house: House) -> None:
    ward = Ward(house, 1)
    redrive = json.dumps({"deadLetterTargetArn": ward.dead_arn, "maxReceiveCount": 1})
    second = house.create("second", RedrivePolicy=redrive)
    house.send(second, "from second")
    house.receive(second, VisibilityTimeout=0)
    house.receive(second)
    ward.start()
    house.pass_time(0.1)
    assert (house.bodies(ward.url), house.bodies(second)) == (["0"], ["from second"])
    assert ward.tasks()[0]["ApproximateNumberOfMessagesMoved"] == 2


def test_messages_of_a_fifo_queue_keep_their_order(house: House) -> None:
    ward = Ward(house, 5, ".fifo")
    ward.start()
    house.pass_time(0.1)
    assert house.bodies(ward.url) == ["0", "1", "2", "3", "4"]


def test_what_is_in_flight_stays(house: House) -> None:
    ward = Ward(house)
    assert house.bodies(ward.dead, 1) == ["0"]
    ward.start()
    house.pass_time(0.1)
    assert house.counts(ward.dead) == (0, 1, 0)
    assert house.bodies(ward.url) == ["1", "2"]


def test_many_messages_are_moved(house: House) -> None:
    ward = Ward(house, 450)
    ward.start()
    house.pass_time(1)
    assert house.counts(ward.url) == (450, 0, 0)
    assert ward.tasks()[0]["Status"] == "COMPLETED"


def test_a_poll_is_woken_by_what_comes_back(house: House) -> None:
    ward = Ward(house, 1)
    poll = house.poll(ward.url)
    ward.start()
    house.pass_time(0.2)
    assert poll.bodies() == ["0"]


# --- rates and ends -------------------------------------------------------------------------------------------------


def test_a_task_moves_at_its_rate(house: House) -> None:
    ward = Ward(house, 10)
    ward.start(MaxNumberOfMessagesPerSecond=2)
    house.pass_time(2.05, step_s=0.01)
    assert house.counts(ward.url)[0] in (4, 5)
    (task,) = ward.tasks()
    assert (task["Status"], task["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", 2)
    assert task["ApproximateNumberOfMessagesToMove"] == 10
    assert b64decode(task["TaskHandle"])
    house.pass_time(4, step_s=0.01)
    assert house.counts(ward.url) == (10, 0, 0)
    (task,) = ward.tasks()
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 10)
    assert "TaskHandle" not in task


@pytest.mark.parametrize("rate", [0, -1, 501])
def test_a_rate_is_one_to_five_hundred(house: House, rate: int) -> None:
    ward = Ward(house, 1)
    code, _ = house.refused(
        "StartMessageMoveTask", SourceArn=ward.dead_arn, MaxNumberOfMessagesPerSecond=rate
    )  # fmt: skip
    assert code == "InvalidParameterValue"


def test_a_task_may_be_cancelled(house: House) -> None:
    ward = Ward(house, 10)
    handle = ward.start(MaxNumberOfMessagesPerSecond=1)
    house.pass_time(3.5)
    answer = house.call("CancelMessageMoveTask", TaskHandle=handle)
    moved = answer["ApproximateNumberOfMessagesMoved"]
    assert moved == 3
    house.pass_time(5)
    assert house.counts(ward.url) == (moved, 0, 0)
    (task,) = ward.tasks()
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("CANCELLED", moved)
    assert "TaskHandle" not in task
    code, _ = house.refused("CancelMessageMoveTask", TaskHandle=handle)
    assert code == "InvalidParameterValue"


def test_a_task_fails_when_its_destination_goes(house: House) -> None:
    ward = Ward(house, 10)
    ward.start(MaxNumberOfMessagesPerSecond=1, DestinationArn=house.arn(ward.other))
    house.pass_time(3.05)
    house.call("DeleteQueue", QueueUrl=ward.other)
    house.pass_time(2)
    (task,) = ward.tasks()
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert house.counts(ward.dead)[0] == 10 - task["ApproximateNumberOfMessagesMoved"]


def test_one_task_runs_at_a_time(house: House) -> None:
    ward = Ward(house, 10)
    handle = ward.start(MaxNumberOfMessagesPerSecond=1)
    assert refused(house, "StartMessageMoveTask", SourceArn=ward.dead_arn) == (
        400, "InvalidParameterValue",
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    )  # fmt: skip
    house.call("CancelMessageMoveTask", TaskHandle=handle)
    house.pass_time(1)
    ward.start()


def test_the_newest_task_is_listed_unless_more_are_asked_for(house: House) -> None:
    ward = Ward(house, 1)
    for _ in range(12):
        ward.start(DestinationArn=house.arn(ward.other))
        house.pass_time(1)
    answer = house.call("ListMessageMoveTasks", SourceArn=ward.dead_arn)
    assert len(answer["Results"]) == 1
    times = [task["StartedTimestamp"] for task in ward.tasks()]
    assert times == sorted(times, reverse=True)
    assert len(times) == 10
    if house.wire == "json":
        assert times[0] == START + 11_000


@pytest.mark.parametrize("count", [0, 11])
def test_a_list_has_ten_tasks_at_most(house: House, count: int) -> None:
    ward = Ward(house, 1)
    assert house.refused("ListMessageMoveTasks", SourceArn=ward.dead_arn, MaxResults=count)[0] == (
        "InvalidParameterValue"
    )


# --- what is refused ------------------------------------------------------------------------------------------------


def test_the_source_is_a_dead_letter_queue(house: House) -> None:
    ward = Ward(house, 1)
    assert refused(house, "StartMessageMoveTask", SourceArn=house.arn(ward.other)) == (
        400, "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."
    )  # fmt: skip


@pytest.mark.parametrize("action", ["StartMessageMoveTask", "ListMessageMoveTasks"])
def test_the_source_is_a_queue(house: House, action: str) -> None:
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:none"
    assert refused(house, action, SourceArn=arn) == (404, "ResourceNotFoundException", NO_SOURCE)
    status, code, message = refused(house, action, SourceArn="nonsense")
    assert (status, code) == (400, "InvalidParameterValue")
    assert message.startswith("You must use this format to specify the SourceArn: arn:")


def test_the_destination_is_a_queue(house: House) -> None:
    ward = Ward(house, 1)
    given = {"SourceArn": ward.dead_arn, "DestinationArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:none"}
    said = refused(house, "StartMessageMoveTask", **given)
    assert said == (404, "ResourceNotFoundException", NO_DESTINATION)


def handle_of(house: House, task: str, source: str) -> str:
    return b64encode(json.dumps({"taskId": task, "sourceArn": source}).encode()).decode()


@pytest.mark.parametrize("handle", ["foobar", "e30=", "", "W10=", "bnVsbA==", "ä"])
def test_a_handle_that_is_none(house: House, handle: str) -> None:
    assert refused(house, "CancelMessageMoveTask", TaskHandle=handle) == (
        400, "InvalidParameterValue", "Value for parameter TaskHandle is invalid."
    )  # fmt: skip


def test_a_handle_of_no_queue_or_no_task(house: House) -> None:
    ward = Ward(house, 1)
    none = f"arn:aws:sqs:us-east-1:{ACCOUNT}:none"
    assert refused(house, "CancelMessageMoveTask", TaskHandle=handle_of(house, "x", none)) == (
        404, "ResourceNotFoundException", NO_SOURCE
    )  # fmt: skip
    assert refused(house, "CancelMessageMoveTask", TaskHandle=handle_of(house, "x", ward.dead_arn)) == (
        404, "ResourceNotFoundException", "Task does not exist."
    )  # fmt: skip


# --- restart --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", WIRES)
def test_a_task_goes_on_after_a_restart_and_ended_ones_are_remembered(wire: str) -> None:
    house = House(wire=wire, disk=SimDisk())
    ward = Ward(house, 10)
    handle = ward.start(MaxNumberOfMessagesPerSecond=1)
    house.pass_time(2.05)
    house.call("CancelMessageMoveTask", TaskHandle=handle)
    house.pass_time(1)
    handle = ward.start(MaxNumberOfMessagesPerSecond=2)
    house.pass_time(1.05)
    house.restart()
    assert [task["Status"] for task in ward.tasks()] == ["RUNNING", "CANCELLED"]
    assert ward.tasks()[0]["TaskHandle"] == handle
    house.pass_time(10)
    assert [task["Status"] for task in ward.tasks()] == ["COMPLETED", "CANCELLED"]
    assert house.counts(ward.url) == (10, 0, 0)
    assert sorted(house.bodies(ward.url, 10)) == [str(number) for number in range(10)]
