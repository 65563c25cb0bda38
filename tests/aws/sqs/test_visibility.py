"""Visibility: how long a message that was received is kept from others, and what receipt handles are good for."""

import pytest

from tests.support.sqs_house import House, Refused

GONE = "Message does not exist or is not available for visibility timeout change."


def sent(house: House, **attributes: str) -> str:
    """A queue with one message."""
    url = house.create("orders", **attributes)
    house.send(url, "hello")
    return url


def about_handle(handle: str, reason: str) -> tuple[str, str]:
    return "InvalidParameterValue", f"Value {handle} for parameter ReceiptHandle is invalid. Reason: {reason}"


# --- timeouts -------------------------------------------------------------------------------------------------------


def test_a_message_is_visible_again_after_thirty_seconds(house: House) -> None:
    url = sent(house)
    first = house.receive_one(url)
    house.pass_time(29.9)
    assert house.bodies(url) == []
    house.pass_time(0.1)
    second = house.receive_one(url)
    assert second["MessageId"] == first["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]


def test_the_queue_says_how_long_unless_the_receiver_does(house: House) -> None:
    url = sent(house, VisibilityTimeout="5")
    house.receive(url)
    house.pass_time(5)
    house.receive(url, VisibilityTimeout=10)
    house.pass_time(9.9)
    assert house.bodies(url) == []
    house.pass_time(0.1)
    assert house.bodies(url) == ["hello"]


def test_a_timeout_of_zero_leaves_the_message_visible(house: House) -> None:
    url = sent(house)
    first, second = house.receive_one(url, VisibilityTimeout=0), house.receive_one(url, VisibilityTimeout=0)
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert house.receive(url)
    assert house.receive(url) == []


def test_a_message_comes_back_to_its_place(house: House) -> None:
    url = sent(house, VisibilityTimeout="3")
    house.receive(url)
    house.pass_time(1)
    house.send(url, "later")
    house.pass_time(2)
    assert house.bodies(url) == ["hello", "later"]


def test_what_was_received_three_times_lets_others_go_first(house: House) -> None:
    url = sent(house, VisibilityTimeout="0")
    house.send(url, "other")
    assert [house.bodies(url, 1) for _ in range(3)] == [["hello"]] * 3
    assert house.bodies(url, 2) == ["other", "hello"]


def test_it_does_not_count_for_the_age_of_the_queue_any_more(house: House) -> None:
    url = sent(house, VisibilityTimeout="0")
    core = house.queue("orders").core
    house.pass_time(5)
    house.send(url, "other")
    house.receive(url, 1)
    assert core.lines.oldest_sent_at() == house.now - 5000
    house.receive(url, 1)
    house.receive(url, 1)
    assert core.lines.oldest_sent_at() == house.now


# --- changing -------------------------------------------------------------------------------------------------------


def test_a_receiver_may_give_a_message_up(house: House) -> None:
    url = sent(house)
    message = house.receive_one(url)
    assert house.bodies(url) == []
    house.change_visibility(url, message, 0)
    assert house.bodies(url) == ["hello"]
    assert house.bodies(url) == [], "that was for once"


def test_a_receiver_may_keep_a_message_again_and_again(house: House) -> None:
    url = sent(house, VisibilityTimeout="2")
    message = house.receive_one(url)
    for _ in range(4):
        house.pass_time(1)
        house.change_visibility(url, message, 2)
        assert house.bodies(url) == []
    house.pass_time(1.9)
    assert house.bodies(url) == []
    house.pass_time(0.1)
    assert house.bodies(url) == ["hello"]


def test_a_receiver_may_keep_it_for_less_than_it_had(house: House) -> None:
    url = sent(house, VisibilityTimeout="600")
    message = house.receive_one(url)
    house.change_visibility(url, message, 5)
    house.pass_time(5)
    assert house.bodies(url) == ["hello"]


@pytest.mark.parametrize("visibility", [-1, 43_201])
def test_a_timeout_is_twelve_hours_at_most(house: House, visibility: int) -> None:
    url = sent(house)
    handle = house.receive_one(url)["ReceiptHandle"]
    given = {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": visibility}
    reason = "Must be between 0 and 43200, if provided."
    assert house.refused("ChangeMessageVisibility", **given) == (
        "InvalidParameterValue", f"Value {visibility} for parameter VisibilityTimeout is invalid. Reason: {reason}"
    )  # fmt: skip


def test_a_message_is_kept_twelve_hours_in_total(house: House) -> None:
    url = sent(house)
    message = house.receive_one(url)
    house.change_visibility(url, message, 43_200)
    house.leap(3600)
    given = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 39_601}
    reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."
    assert house.refused("ChangeMessageVisibility", **given) == (
        "InvalidParameterValue", f"Value 39601 for parameter VisibilityTimeout is invalid. Reason: {reason}"
    )  # fmt: skip
    house.change_visibility(url, message, 39_600)
    house.leap(39_599)
    assert house.bodies(url) == []
    house.leap(1)
    again = house.receive_one(url)
    house.change_visibility(url, again, 43_200)


@pytest.mark.parametrize("name", ["ReceiptHandle", "VisibilityTimeout", "QueueUrl"])
def test_every_parameter_is_needed(house: House, name: str) -> None:
    url = sent(house)
    given = {"QueueUrl": url, "ReceiptHandle": house.receive_one(url)["ReceiptHandle"], "VisibilityTimeout": 1}
    del given[name]
    said = house.refused("ChangeMessageVisibility", **given)
    assert said == ("MissingParameter", f"The request must contain the parameter {name}.")


# --- handles of standard queues -------------------------------------------------------------------------------------


def test_any_handle_that_a_message_ever_had_deletes_it(house: House) -> None:
    url = sent(house, VisibilityTimeout="1")
    first = house.receive_one(url)
    house.pass_time(1)
    house.receive(url)
    house.delete(url, first)
    assert house.counts(url) == (0, 0, 0)


def test_a_message_that_is_visible_again_can_be_deleted(house: House) -> None:
    url = sent(house, VisibilityTimeout="1")
    message = house.receive_one(url)
    house.pass_time(1)
    house.delete(url, message)
    assert house.counts(url) == (0, 0, 0)
    assert house.bodies(url) == []


def test_any_handle_changes_the_visibility(house: House) -> None:
    url = sent(house)
    first = house.receive_one(url, VisibilityTimeout=0)
    house.receive(url, VisibilityTimeout=300)
    house.change_visibility(url, first, 0)
    assert house.bodies(url) == ["hello"]


def test_a_timeout_that_has_passed_can_be_changed_in_vain(house: House) -> None:
    url = sent(house, VisibilityTimeout="1")
    message = house.receive_one(url)
    house.pass_time(2)
    house.change_visibility(url, message, 2)
    assert house.bodies(url) == ["hello"]


def test_a_message_is_deleted_again_without_complaint(house: House) -> None:
    url = sent(house)
    message = house.receive_one(url)
    for _ in range(3):
        house.delete(url, message)


def test_a_deleted_message_has_no_visibility_to_change(house: House) -> None:
    url = sent(house)
    message = house.receive_one(url)
    house.change_visibility(url, message, 42)
    house.delete(url, message)
    given = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 42}
    assert house.refused("ChangeMessageVisibility", **given) == about_handle(message["ReceiptHandle"], GONE)


@pytest.mark.parametrize("handle", ["garbage", "", "AAAA", "a" * 40, "ä", "INVALID"])
def test_a_handle_that_nobody_gave_is_none(house: House, handle: str) -> None:
    url = sent(house)
    said = ("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.')
    assert house.refused("DeleteMessage", QueueUrl=url, ReceiptHandle=handle) == said
    given = {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 1}
    assert house.refused("ChangeMessageVisibility", **given) == said


def test_a_handle_is_good_for_its_queue_only(house: House) -> None:
    url, other = sent(house), house.create("other")
    handle = house.receive_one(url)["ReceiptHandle"]
    assert house.refused("DeleteMessage", QueueUrl=other, ReceiptHandle=handle) == (
        "ReceiptHandleIsInvalid", f'The receipt handle "{handle}" is not valid for this queue.'
    )  # fmt: skip


def test_a_handle_means_nothing_to_a_later_queue_of_the_same_name(house: House) -> None:
    url = sent(house)
    message = house.receive_one(url)
    house.call("DeleteQueue", QueueUrl=url)
    house.pass_time(61, step_s=1)
    sent(house)
    with pytest.raises(Refused, match="ReceiptHandleIsInvalid"):
        house.delete(url, message)
    assert house.bodies(url) == ["hello"]


# --- handles of FIFO queues -----------------------------------------------------------------------------------------


def sent_in_order(house: House, **attributes: str) -> str:
    """A FIFO queue with one message."""
    url = house.create("orders.fifo", ContentBasedDeduplication="true", **attributes)
    house.send(url, "hello", MessageGroupId="g")
    return url


def test_a_fifo_queue_takes_no_handle_that_has_expired(house: House) -> None:
    url = sent_in_order(house, VisibilityTimeout="1")
    first = house.receive_one(url)
    house.pass_time(1)
    expired = about_handle(first["ReceiptHandle"], "The receipt handle has expired.")
    assert house.refused("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"]) == expired
    second = house.receive_one(url)
    assert house.refused("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"]) == expired
    given = {"QueueUrl": url, "ReceiptHandle": first["ReceiptHandle"], "VisibilityTimeout": 5}
    assert house.refused("ChangeMessageVisibility", **given) == about_handle(first["ReceiptHandle"], GONE)
    house.delete(url, second)
    assert house.counts(url) == (0, 0, 0)
    house.delete(url, first)


def test_a_handle_does_not_expire_while_its_time_is_prolonged(house: House) -> None:
    url = sent_in_order(house, VisibilityTimeout="1")
    message = house.receive_one(url)
    house.change_visibility(url, message, 5)
    house.pass_time(1.5)
    house.delete(url, message)
    assert house.bodies(url) == []


def test_a_batch_says_it_in_other_words(house: House) -> None:
    url = sent_in_order(house, VisibilityTimeout="1")
    handle = house.receive_one(url)["ReceiptHandle"]
    house.pass_time(1)
    answer = house.call("DeleteMessageBatch", QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": handle}])
    assert answer == {
        "Failed": [{"Id": "a", "SenderFault": True, "Code": "ReceiptHandleIsInvalid",
                    "Message": "The receipt handle has expired"}]
    }  # fmt: skip


# --- batches --------------------------------------------------------------------------------------------------------


def test_a_batch_changes_each_message_by_itself(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="600")
    for number in range(3):
        house.send(url, str(number))
    handles = [message["ReceiptHandle"] for message in house.receive(url)]
    house.call("DeleteMessage", QueueUrl=url, ReceiptHandle=handles[2])
    answer = house.call(
        "ChangeMessageVisibilityBatch",
        QueueUrl=url,
        Entries=[
            {"Id": "up", "ReceiptHandle": handles[0], "VisibilityTimeout": 0},
            {"Id": "soon", "ReceiptHandle": handles[1], "VisibilityTimeout": 5},
            {"Id": "gone", "ReceiptHandle": handles[2], "VisibilityTimeout": 5},
            {"Id": "none", "ReceiptHandle": "garbage", "VisibilityTimeout": 5},
            {"Id": "wrong", "ReceiptHandle": handles[1], "VisibilityTimeout": 43_201},
            {"Id": "missing", "ReceiptHandle": handles[1]},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["up", "soon"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [
        ("gone", "InvalidParameterValue"), ("none", "ReceiptHandleIsInvalid"), ("wrong", "InvalidParameterValue"),
        ("missing", "MissingParameter"),
    ]  # fmt: skip
    assert answer["Failed"][0]["Message"] == about_handle(handles[2], GONE)[1]
    assert house.bodies(url) == ["0"]
    house.pass_time(5)
    assert house.bodies(url) == ["1"]
