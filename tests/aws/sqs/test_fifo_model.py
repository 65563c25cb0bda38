"""A FIFO queue through the API of SQS against the simplest model of one: any history of a few clients.

What the model says is AWS's promise: within a group nothing is delivered while something before it is in flight, a
deduplication id counts for five minutes whatever became of its message, and a message is visible again when its time is
up. Which group comes first is left open, as AWS leaves it.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.storage.simdisk import SimDisk
from tests.support.sqs_house import House, Refused

GROUPS = ("a", "b", "c")
COUNTS_MS = 300_000


@dataclass
class Sent:
    """A message that is in the queue."""

    number: int
    group: str
    hidden_until: int = 0
    receives: int = 0
    handle: str = ""


class FifoMachine(RuleBasedStateMachine):
    """One history, over restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(disk=SimDisk())
        self.url = self.house.create("orders.fifo")
        self.numbers = 0
        self.messages: list[Sent] = []
        self.ids: dict[str, tuple[int, str]] = {}
        """Until when a deduplication id counts, and the answer to its first message."""
        self.old_handles: list[str] = []
        self.last_sequence = ""

    def is_visible(self, message: Sent) -> bool:
        return message.hidden_until <= self.house.now

    def of_group(self, group: str) -> list[Sent]:
        return [each for each in self.messages if each.group == group]

    def deliverable(self, group: str) -> list[Sent]:
        """What of a group one receive may take: everything up to the first that is in flight."""
        found: list[Sent] = []
        for message in self.of_group(group):
            if not self.is_visible(message):
                break
            found.append(message)
        return found

    # --- what clients do --------------------------------------------------------------------------------------------

    @rule(group=st.sampled_from(GROUPS), name=st.sampled_from(["", "d1", "d2", "d3"]))
    def send(self, group: str, name: str) -> None:
        self.numbers += 1
        identity = name or f"own-{self.numbers}"
        answer = self.house.send(
            self.url, str(self.numbers), MessageGroupId=group, MessageDeduplicationId=identity
        )  # fmt: skip
        until, first = self.ids.get(identity, (0, ""))
        if until > self.house.now:
            assert answer["SequenceNumber"] == first, "a duplicate is answered as the first one"
            return
        assert answer["SequenceNumber"] > self.last_sequence
        self.last_sequence = answer["SequenceNumber"]
        self.ids[identity] = (self.house.now + COUNTS_MS, answer["SequenceNumber"])
        self.messages.append(Sent(self.numbers, group))

    @rule(count=st.integers(1, 10), visibility_s=st.sampled_from([0, 1, 5, 30]))
    def receive(self, count: int, visibility_s: int) -> None:
        expected = {group: self.deliverable(group) for group in GROUPS}
        found = self.house.receive(self.url, count, VisibilityTimeout=visibility_s)
        assert len(found) == min(count, sum(map(len, expected.values()))), "nothing that may be delivered is held back"
        for group in GROUPS:
            numbers = [int(each["Body"]) for each in found if each["Attributes"]["MessageGroupId"] == group]
            assert numbers == [each.number for each in expected[group][: len(numbers)]], "in order, without a gap"
        for each in found:
            self._received(each, visibility_s)

    def _received(self, shown: dict[str, Any], visibility_s: int) -> None:
        (message,) = (each for each in self.messages if each.number == int(shown["Body"]))
        message.receives += 1
        assert shown["Attributes"]["ApproximateReceiveCount"] == str(message.receives)
        if message.handle:
            self.old_handles.append(message.handle)
        message.handle = shown["ReceiptHandle"]
        message.hidden_until = self.house.now + visibility_s * 1000

    @precondition(lambda self: any(each.handle for each in self.messages))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from([each for each in self.messages if each.handle]))
        if self.is_visible(message):
            assert self._is_refused("DeleteMessage", message.handle)
        else:
            self.house.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=message.handle)
            self.messages.remove(message)

    @precondition(lambda self: any(each.handle for each in self.messages))
    @rule(data=st.data(), visibility_s=st.sampled_from([0, 2, 60]))
    def change_visibility(self, data: st.DataObject, visibility_s: int) -> None:
        message = data.draw(st.sampled_from([each for each in self.messages if each.handle]))
        given = {"VisibilityTimeout": visibility_s}
        if self.is_visible(message):
            assert self._is_refused("ChangeMessageVisibility", message.handle, **given)
        else:
            self.house.call("ChangeMessageVisibility", QueueUrl=self.url, ReceiptHandle=message.handle, **given)
            message.hidden_until = self.house.now + visibility_s * 1000

    @precondition(lambda self: bool(self.old_handles))
    @rule(data=st.data())
    def use_an_old_handle(self, data: st.DataObject) -> None:
        handle = data.draw(st.sampled_from(self.old_handles))
        self._is_refused("DeleteMessage", handle)  # what it meant may be gone, which is no error; it deletes nothing

    def _is_refused(self, action: str, handle: str, **given: Any) -> bool:
        try:
            self.house.call(action, QueueUrl=self.url, ReceiptHandle=handle, **given)
        except Refused as error:
            return error.code == "InvalidParameterValue"
        return False

    # --- time -------------------------------------------------------------------------------------------------------

    @rule(duration_s=st.sampled_from([0.5, 1, 5, 31, 299, 300]))
    def wait(self, duration_s: float) -> None:
        self.house.leap(duration_s)

    @rule()
    def restart(self) -> None:
        self.house.restart()

    # --- what must be true at any time ------------------------------------------------------------------------------

    @invariant()
    def the_counts_are_right(self) -> None:
        visible = sum(map(self.is_visible, self.messages))
        assert self.house.counts(self.url) == (visible, len(self.messages) - visible, 0)


FifoMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_a_fifo_queue_is_what_the_model_says_through_any_history = FifoMachine.TestCase
