"""FIFO queues: order and locking of groups, deduplication, sequence numbers, and the retry of a receive."""

from typing import Any

import pytest

from tests.support.sqs_house import House

EXPLICIT = (
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
)
OTHER_TYPE = "The request include parameter that is not valid for this queue type."


def queue(house: House, *bodies: str, **attributes: str) -> str:
    """A queue that deduplicates by content, with messages whose groups are the first letters of their bodies."""
    url = house.create("orders.fifo", ContentBasedDeduplication="true", **attributes)
    for body in bodies:
        house.send(url, body, MessageGroupId=body[0])
    return url


def drain(house: House, url: str) -> list[str]:
    """Receives and deletes everything, a message at a time."""
    found: list[str] = []
    while messages := house.receive(url, 1):
        house.delete(url, messages[0])
        found.append(messages[0]["Body"])
    return found


# --- groups ---------------------------------------------------------------------------------------------------------


def test_messages_of_a_group_come_in_order(house: House) -> None:
    bodies = [f"a{number}" for number in range(12)]
    assert drain(house, queue(house, *bodies)) == bodies


def test_one_receive_may_take_several_messages_of_a_group_and_goes_on_with_others(house: House) -> None:
    url = queue(house, "a1", "b1", "a2", "a3")
    assert house.bodies(url, 10) == ["a1", "a2", "a3", "b1"]


def test_a_group_with_a_message_in_flight_is_locked(house: House) -> None:
    url = queue(house, "a1", "a2", "a3", "a4", "b1", "c1", VisibilityTimeout="1")
    assert house.bodies(url, 2) == ["a1", "a2"]
    assert house.bodies(url, 1) == ["b1"]
    assert house.bodies(url, 10) == ["c1"]
    assert house.bodies(url, 10) == []
    house.pass_time(1)
    assert sorted(house.bodies(url, 10)) == ["a1", "a2", "a3", "a4", "b1", "c1"]


def test_messages_come_in_order_again_after_their_timeout(house: House) -> None:
    url = queue(house, "a0", "a1", "a2", VisibilityTimeout="1")
    for _ in range(3):
        assert house.bodies(url) == ["a0", "a1", "a2"]
        house.pass_time(1)


def test_a_group_is_free_when_all_that_was_received_is_deleted(house: House) -> None:
    url = queue(house, "a1", "b1", "a2", "b2", "a3", "a4", "c1")
    first, second = house.receive(url, 2)
    assert [first["Body"], second["Body"]] == ["a1", "a2"]
    house.delete(url, first)
    assert house.bodies(url) == ["b1", "b2", "c1"]
    house.delete(url, second)
    assert house.bodies(url) == ["a3", "a4"]


@pytest.mark.parametrize(("kept", "again"), [(0, []), (1, ["a0"]), (2, ["a0", "a1"])])
def test_what_is_after_a_message_in_flight_waits_and_what_is_before_it_does_not(
    house: House, kept: int, again: list[str]
) -> None:
    url = queue(house, "a0", "a1", "a2", VisibilityTimeout="1")
    messages = house.receive(url)
    house.change_visibility(url, messages[kept], 4)
    house.pass_time(2.5)
    assert house.bodies(url) == again


def test_a_message_that_is_given_up_is_delivered_alone_while_later_ones_are_in_flight(house: House) -> None:
    url = queue(house, "a1", "a2", "b1")
    first, _ = house.receive(url, 2)
    house.change_visibility(url, first, 0)
    assert house.bodies(url, 3) == ["b1", "a1"]


def test_a_poll_is_woken_by_a_message_that_is_given_up(house: House) -> None:
    url = queue(house, "a1", "a2", "a3")
    first, _ = house.receive(url, 2)
    poll = house.poll(url)
    house.change_visibility(url, first, 0)
    assert poll.bodies() == ["a1"]


def test_a_group_whose_messages_came_back_lets_others_go_first(house: House) -> None:
    url = queue(house, "a1", "b1", "b2", "c1", "a2")
    assert house.bodies(url, 3, VisibilityTimeout=0) == ["a1", "a2", "b1"]
    assert house.bodies(url, 10, VisibilityTimeout=0) == ["c1", "a1", "a2", "b1", "b2"]


def test_a_message_that_always_fails_does_not_keep_out_other_groups(house: House) -> None:
    url = queue(house, "a1", "b1", "c1")
    assert [house.bodies(url, 1, VisibilityTimeout=0)[0] for _ in range(6)] == ["a1", "b1", "c1", "a1", "b1", "c1"]


def test_a_message_sent_to_a_locked_group_wakes_nobody(house: House) -> None:
    url = queue(house)
    polls = [house.poll(url) for _ in range(3)]
    house.send(url, "a1", MessageGroupId="a")
    (message,) = polls[0].result()["Messages"]
    house.send(url, "a2", MessageGroupId="a")
    house.pass_time(2)
    assert [poll.is_answered for poll in polls] == [True, False, False]
    house.delete(url, message)
    assert polls[1].bodies() == ["a2"]


def test_a_group_that_was_empty_works_on(house: House) -> None:
    url = queue(house, "a1")
    assert drain(house, url) == ["a1"]
    assert house.bodies(url) == []
    house.send(url, "a2", MessageGroupId="a")
    assert house.bodies(url) == ["a2"]


def test_a_timeout_of_zero_locks_nothing(house: House) -> None:
    url = queue(house, "a1", "a2")
    assert house.bodies(url, 1, VisibilityTimeout=0) == ["a1"]
    assert house.bodies(url, 2, VisibilityTimeout=0) == ["a1", "a2"]


# --- what is needed -------------------------------------------------------------------------------------------------


def test_a_message_needs_a_group(house: House) -> None:
    url = queue(house)
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", MessageDeduplicationId="d") == (
        "MissingParameter", "The request must contain the parameter MessageGroupId."
    )  # fmt: skip


def test_a_message_needs_a_deduplication_id_or_its_content_counts(house: House) -> None:
    url = house.create("orders.fifo")
    given = {"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g"}
    assert house.refused("SendMessage", **given) == ("InvalidParameterValue", EXPLICIT)
    house.set(url, ContentBasedDeduplication="true")
    house.call("SendMessage", **given)
    house.set(url, ContentBasedDeduplication="false")
    assert house.refused("SendMessage", **given) == ("InvalidParameterValue", EXPLICIT)


@pytest.mark.parametrize("entry", [{"MessageDeduplicationId": "d"}, {"MessageGroupId": "g"}])
def test_a_batch_in_which_one_lacks_that_is_refused_as_a_whole(house: House, entry: dict[str, str]) -> None:
    url = house.create("orders.fifo")
    whole = {"Id": "a", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "c"}
    entries = [whole, {"Id": "b", "MessageBody": "x", **entry}]
    text = EXPLICIT if "MessageGroupId" in entry else "The request must contain the parameter MessageGroupId."
    assert house.refused("SendMessageBatch", QueueUrl=url, Entries=entries) == ("InvalidParameterValue", text)
    assert house.counts(url) == (0, 0, 0)


# --- deduplication --------------------------------------------------------------------------------------------------


def same(house: House, url: str, body: str, group: str = "g", **parameters: Any) -> dict[str, Any]:
    """Sends a message with a deduplication id that all of them share."""
    return house.send(url, body, MessageGroupId=group, MessageDeduplicationId="once", **parameters)


def test_a_message_with_the_same_id_is_answered_as_the_first_one_and_not_taken(house: House) -> None:
    url = house.create("orders.fifo")
    first, second = same(house, url, "first"), same(house, url, "second")
    assert (first["MessageId"], first["SequenceNumber"]) == (second["MessageId"], second["SequenceNumber"])
    assert house.bodies(url) == ["first"]


def test_an_id_counts_for_five_minutes_from_the_first_message(house: House) -> None:
    url = house.create("orders.fifo", VisibilityTimeout="43200")
    same(house, url, "first")
    house.pass_time(299.9, step_s=1)
    same(house, url, "second")
    assert house.bodies(url) == ["first"]
    house.pass_time(0.1)
    third = same(house, url, "third", "other")
    assert house.bodies(url) == ["third"]
    house.pass_time(299, step_s=1)
    assert same(house, url, "fourth")["MessageId"] == third["MessageId"]


def test_the_id_of_a_deleted_message_still_counts(house: House) -> None:
    url = house.create("orders.fifo")
    same(house, url, "first")
    assert drain(house, url) == ["first"]
    same(house, url, "second")
    assert house.bodies(url) == []


def test_a_purge_clears_the_ids(house: House) -> None:
    """The bug: what was sent again after a purge was dropped for five minutes."""
    url = house.create("orders.fifo")
    same(house, url, "first")
    house.call("PurgeQueue", QueueUrl=url)
    same(house, url, "second")
    same(house, url, "third")
    assert house.bodies(url) == ["second"]


def test_the_content_counts_where_there_is_no_id(house: House) -> None:
    url = queue(house)
    house.send(url, "hello", MessageGroupId="g")
    attributes = {"n": {"DataType": "String", "StringValue": "x"}}
    house.send(url, "hello", MessageGroupId="g", MessageAttributes=attributes)
    house.send(url, "hello", MessageGroupId="g", MessageDeduplicationId="other")
    messages = house.receive(url)
    assert [message["Body"] for message in messages] == ["hello", "hello"]
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    ids = [message["Attributes"]["MessageDeduplicationId"] for message in messages]
    assert ids == [digest, "other"]


@pytest.mark.parametrize(("scope", "bodies"), [("queue", ["1"]), ("messageGroup", ["1", "2"])])
def test_an_id_counts_in_the_queue_or_in_its_group(house: House, scope: str, bodies: list[str]) -> None:
    url = house.create("orders.fifo", DeduplicationScope=scope)
    for number in ("1", "2", "3"):
        same(house, url, number, group="a" if number == "1" else "b")
    assert house.bodies(url) == bodies


def test_the_scope_of_content_is_the_group_too(house: House) -> None:
    url = queue(house, DeduplicationScope="messageGroup")
    for group in ("a", "b", "b"):
        house.send(url, "hello", MessageGroupId=group)
    assert house.bodies(url) == ["hello", "hello"]


def test_the_scope_may_be_changed_later(house: House) -> None:
    url = house.create("orders.fifo")
    same(house, url, "1", "a")
    same(house, url, "2", "b")
    house.set(url, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    house.pass_time(60)
    same(house, url, "3", "a")
    same(house, url, "4", "b")
    assert drain(house, url) == ["1", "4"]
    house.set(url, DeduplicationScope="queue", FifoThroughputLimit="perQueue")
    house.pass_time(60)
    same(house, url, "5", "c")
    assert drain(house, url) == []


@pytest.mark.parametrize("meanwhile", [False, True])
def test_the_old_scope_holds_for_a_minute_whatever_else_is_changed(house: House, meanwhile: bool) -> None:
    """The bug: a change of the scope was in force at once, which on AWS takes up to a minute."""
    url = house.create("orders.fifo")
    same(house, url, "1", "a")
    house.set(url, DeduplicationScope="messageGroup")
    assert house.attributes(url, "DeduplicationScope") == {"DeduplicationScope": "messageGroup"}
    house.pass_time(30)
    if meanwhile:
        house.set(url, DelaySeconds="0")
    house.pass_time(29.9)
    same(house, url, "2", "b")
    assert drain(house, url) == ["1"]
    house.pass_time(0.1)
    same(house, url, "3", "b")
    assert drain(house, url) == ["3"]


def test_a_change_of_the_scope_that_is_taken_back_never_comes_in_force(house: House) -> None:
    url = house.create("orders.fifo")
    same(house, url, "1", "a")
    house.set(url, DeduplicationScope="messageGroup")
    house.pass_time(30)
    house.set(url, DeduplicationScope="queue")
    house.pass_time(60)
    same(house, url, "2", "b")
    assert drain(house, url) == ["1"]


def test_who_is_not_strict_changes_the_scope_at_once_and_a_deleted_queue_is_left_alone() -> None:
    house = House(is_strict=False)
    url = house.create("orders.fifo")
    same(house, url, "1", "a")
    house.set(url, DeduplicationScope="messageGroup")
    same(house, url, "2", "b")
    assert drain(house, url) == ["1", "2"]
    strict = House()
    url = strict.create("orders.fifo")
    strict.set(url, DeduplicationScope="messageGroup")
    strict.call("DeleteQueue", QueueUrl=url)
    strict.pass_time(61)


def test_a_message_that_is_sent_again_is_counted(house: House) -> None:
    url = house.create("orders.fifo")
    for _ in range(3):
        same(house, url, "x")
    core = house.queue("orders.fifo").core
    assert (core.sent_count, core.deduplicated_count) == (1, 2)


# --- sequence numbers -----------------------------------------------------------------------------------------------


def test_sequence_numbers_have_twenty_digits_and_grow(house: House) -> None:
    url = queue(house)
    sent = [house.send(url, str(number), MessageGroupId=str(number % 3)) for number in range(20)]
    numbers = [each["SequenceNumber"] for each in sent]
    assert {len(number) for number in numbers} == {20}
    assert numbers == sorted(set(numbers))
    received = {each["MessageId"]: each["Attributes"]["SequenceNumber"] for each in house.receive(url)}
    assert received.items() <= {each["MessageId"]: each["SequenceNumber"] for each in sent}.items()


def test_a_message_shows_its_group_and_ids_each_time(house: House) -> None:
    url = house.create("orders.fifo", VisibilityTimeout="0")
    sent = house.send(url, "x", MessageGroupId="group-1", MessageDeduplicationId="dedup-1")
    for count in ("1", "2"):
        attributes = house.receive_one(url)["Attributes"]
        assert attributes["ApproximateReceiveCount"] == count
        assert attributes["MessageGroupId"] == "group-1"
        assert attributes["MessageDeduplicationId"] == "dedup-1"
        assert attributes["SequenceNumber"] == sent["SequenceNumber"]


# --- delays ---------------------------------------------------------------------------------------------------------


def test_a_message_has_no_delay_of_its_own(house: House) -> None:
    url = queue(house)
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g", DelaySeconds=2) == (
        "InvalidParameterValue", f"Value 2 for parameter DelaySeconds is invalid. Reason: {OTHER_TYPE}"
    )  # fmt: skip


def test_the_delay_of_the_queue_is_for_all_and_zero_does_not_change_it(house: House) -> None:
    url = queue(house, "a1", "a2", DelaySeconds="2")
    house.send(url, "a3", MessageGroupId="a", DelaySeconds=0)
    assert house.counts(url) == (0, 0, 3)
    house.pass_time(1.9)
    assert house.bodies(url) == []
    house.pass_time(0.1)
    assert house.bodies(url) == ["a1", "a2", "a3"]


def test_a_shorter_delay_does_not_let_a_message_overtake_its_group(house: House) -> None:
    url = queue(house, "a1", DelaySeconds="10")
    house.set(url, DelaySeconds="0")
    house.send(url, "a2", MessageGroupId="a")
    house.send(url, "b1", MessageGroupId="b")
    assert house.bodies(url) == ["b1"]
    house.pass_time(10)
    assert house.bodies(url) == ["a1", "a2"]


# --- the retry of a receive -----------------------------------------------------------------------------------------


def test_a_receive_that_is_tried_again_gets_the_same_messages(house: House) -> None:
    url = queue(house, "a1", "a2", "b1", VisibilityTimeout="10")
    first = house.receive(url, 2, ReceiveRequestAttemptId="try")
    house.pass_time(5)
    second = house.receive(url, 2, ReceiveRequestAttemptId="try")
    assert [message["Body"] for message in second] == [message["Body"] for message in first] == ["a1", "a2"]
    assert house.bodies(url, 2, ReceiveRequestAttemptId="next") == ["b1"]
    house.pass_time(9)
    assert house.bodies(url) == [], "their time begins anew"
    for message in second:
        house.delete(url, message)


def test_an_attempt_is_forgotten_when_something_was_done_with_its_messages(house: House) -> None:
    url = queue(house, "a1", "a2", "b1")
    first = house.receive_one(url, ReceiveRequestAttemptId="try")
    house.delete(url, first)
    assert house.bodies(url, 1, ReceiveRequestAttemptId="try") == ["a2"]


def test_an_attempt_is_forgotten_when_the_messages_are_visible_again(house: House) -> None:
    url = queue(house, "a1", VisibilityTimeout="1")
    house.receive(url, ReceiveRequestAttemptId="try")
    house.pass_time(1)
    assert house.receive_one(url, ReceiveRequestAttemptId="try")["Attributes"]["ApproximateReceiveCount"] == "2"


def test_an_attempt_is_remembered_for_five_minutes(house: House) -> None:
    url = queue(house, "a1", "b1", VisibilityTimeout="600")
    house.receive(url, 1, ReceiveRequestAttemptId="try")
    house.pass_time(299, step_s=1)
    assert house.bodies(url, 1, ReceiveRequestAttemptId="try") == ["a1"]
    house.pass_time(301, step_s=1)
    assert house.bodies(url, 1, ReceiveRequestAttemptId="try") == ["b1"]


def test_standard_queues_do_not_know_attempts(house: House) -> None:
    url = house.create("orders")
    house.send(url)
    assert house.bodies(url, 1, ReceiveRequestAttemptId="try") == ["x"]
    assert house.bodies(url, 1, ReceiveRequestAttemptId="try") == []
