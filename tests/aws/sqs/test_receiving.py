"""ReceiveMessage: counts, long polls, what is shown of a message, and the limit of messages in flight."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.sqs_house import START, House, Pending, Refused

ATTRIBUTES = {
    "Help.Me": {"DataType": "String", "StringValue": "Me"},
    "Hello": {"DataType": "String", "StringValue": "There"},
    "General": {"DataType": "String", "StringValue": "Kenobi"},
}


def fill(house: House, count: int, **attributes: str) -> str:
    """A queue with so many messages, whose bodies are numbers."""
    url = house.create("orders", **attributes)
    for number in range(count):
        house.send(url, str(number))
    return url


# --- how many -------------------------------------------------------------------------------------------------------


def test_a_receive_gets_one_message_unless_it_asks_for_more(house: House) -> None:
    url = fill(house, 12)
    (message,) = house.call("ReceiveMessage", QueueUrl=url)["Messages"]
    assert message["Body"] == "0"
    assert house.bodies(url, 3) == ["1", "2", "3"]
    assert house.bodies(url, 10) == ["4", "5", "6", "7", "8", "9", "10", "11"]
    assert house.call("ReceiveMessage", QueueUrl=url) == {}


@pytest.mark.parametrize("count", [0, -1, 11])
def test_a_receive_gets_one_to_ten_messages(house: House, count: int) -> None:
    assert house.refused("ReceiveMessage", QueueUrl=fill(house, 1), MaxNumberOfMessages=count) == (
        "InvalidParameterValue",
        f"Value {count} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
    )


@pytest.mark.parametrize("wait", [-1, 21])
def test_a_wait_lasts_twenty_seconds_at_most(house: House, wait: int) -> None:
    assert house.refused("ReceiveMessage", QueueUrl=fill(house, 1), WaitTimeSeconds=wait) == (
        "InvalidParameterValue",
        f"Value {wait} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
    )


@pytest.mark.parametrize("visibility", [-1, 43_201])
def test_a_message_is_kept_twelve_hours_at_most(house: House, visibility: int) -> None:
    reason = "Must be >= 0 and <= 43200, if provided."
    assert house.refused("ReceiveMessage", QueueUrl=fill(house, 1), VisibilityTimeout=visibility) == (
        "InvalidParameterValue", f"Value {visibility} for parameter VisibilityTimeout is invalid. Reason: {reason}"
    )  # fmt: skip


# --- long polls -----------------------------------------------------------------------------------------------------


def test_a_poll_is_answered_as_soon_as_a_message_comes(house: House) -> None:
    url = house.create("orders")
    poll = house.poll(url)
    house.pass_time(5)
    assert not poll.is_answered
    house.send(url, "hello")
    assert poll.bodies() == ["hello"]


def test_a_poll_does_not_wait_while_there_is_something(house: House) -> None:
    assert house.poll(fill(house, 2), MaxNumberOfMessages=3).bodies() == ["0", "1"]


@pytest.mark.parametrize("wait", [1, 20])
def test_a_poll_ends_without_a_message_when_its_time_is_up(house: House, wait: int) -> None:
    poll = house.poll(house.create("orders"), wait)
    house.pass_time(wait - 0.1)
    assert not poll.is_answered
    house.pass_time(0.2)
    assert poll.result() == {}


def test_a_wait_of_zero_is_none_whatever_the_queue_says(house: House) -> None:
    url = house.create("orders", ReceiveMessageWaitTimeSeconds="20")
    assert house.poll(url, 0).result() == {}
    poll = house.begin("ReceiveMessage", QueueUrl=url)
    house.pass_time(19.9)
    assert not poll.is_answered
    house.pass_time(0.2)
    assert poll.result() == {}


def test_a_wait_may_be_set_for_polls_to_come(house: House) -> None:
    url = house.create("orders")
    house.set(url, ReceiveMessageWaitTimeSeconds="2")
    poll = house.begin("ReceiveMessage", QueueUrl=url)
    house.send(url, "hello")
    assert poll.bodies() == ["hello"]


def test_polls_are_served_in_the_order_in_which_they_came(house: House) -> None:
    url = house.create("orders")
    polls = [house.poll(url) for _ in range(3)]
    house.send(url, "0")
    assert [poll.is_answered for poll in polls] == [True, False, False]
    house.send(url, "1")
    house.send(url, "2")
    assert [poll.bodies() for poll in polls] == [["0"], ["1"], ["2"]]


def test_a_batch_wakes_one_poll_for_each_message_or_serves_one_with_many(house: House) -> None:
    url = house.create("orders")
    polls = [house.poll(url), house.poll(url, MaxNumberOfMessages=10), house.poll(url)]
    entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(3)]
    house.call("SendMessageBatch", QueueUrl=url, Entries=entries)
    answered = sorted(body for poll in polls if poll.is_answered for body in poll.bodies())
    assert answered == ["0", "1", "2"], "every message is delivered once"
    assert polls[0].bodies() == ["0"]


def test_a_thousand_polls_are_served_in_order(house: House) -> None:
    url = house.create("orders")
    polls = [house.poll(url) for _ in range(1000)]
    for number in range(900):
        house.send(url, str(number))
    assert [poll.bodies() for poll in polls[:900]] == [[str(number)] for number in range(900)]
    assert not any(poll.is_answered for poll in polls[900:])
    house.pass_time(20.1, step_s=20.1)
    assert [poll.result() for poll in polls[900:]] == [{}] * 100
    assert not house.queue("orders").core.waiters


def test_what_becomes_visible_is_polled_too(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="3")
    house.send(url, "delayed", DelaySeconds=1)
    poll = house.poll(url)
    house.pass_time(1)
    assert poll.bodies() == ["delayed"]
    poll = house.poll(url)
    house.pass_time(3)
    assert poll.bodies() == ["delayed"], "its deadline has passed"
    house.pass_time(3)
    message = house.receive_one(url, VisibilityTimeout=600)
    poll = house.poll(url)
    house.change_visibility(url, message, 0)
    assert poll.bodies() == ["delayed"], "somebody gave it up"


def test_a_poll_whose_client_has_gone_takes_nothing(house: House) -> None:
    url = house.create("orders")
    gone, stays = house.poll(url), house.poll(url)
    assert gone.call is not None
    gone.call.abandon()
    house.send(url, "hello")
    assert not gone.is_answered
    assert stays.bodies() == ["hello"]
    house.pass_time(21)
    assert not gone.is_answered


def test_polls_are_answered_when_the_broker_stops(house: House) -> None:
    url = house.create("orders")
    poll = house.poll(url)
    assert poll.call is not None
    poll.call.hurry()
    house.turn()
    assert poll.result() == {}
    assert not house.queue("orders").core.waiters


def test_polls_of_a_queue_that_is_deleted_are_refused(house: House) -> None:
    url = house.create("orders")
    poll = house.poll(url)
    house.call("DeleteQueue", QueueUrl=url)
    with pytest.raises(Refused) as caught:
        poll.result()
    assert caught.value.code == "AWS.SimpleQueueService.NonExistentQueue"


def test_a_poll_has_the_visibility_that_it_asked_for(house: House) -> None:
    url = house.create("orders")
    poll = house.poll(url, VisibilityTimeout=2)
    house.pass_time(1)
    house.send(url, "hello")
    assert poll.bodies() == ["hello"]
    house.pass_time(1.9)
    assert house.bodies(url) == []
    house.pass_time(0.1)
    assert house.bodies(url) == ["hello"]


# --- what is shown --------------------------------------------------------------------------------------------------


def shown(house: House, url: str, **parameters: Any) -> dict[str, Any]:
    (message,) = house.call("ReceiveMessage", QueueUrl=url, **parameters)["Messages"]
    return dict(message)


def test_a_message_is_shown_without_attributes_unless_they_are_asked_for(house: House) -> None:
    url = house.create("orders")
    house.send(url, "msg", MessageAttributes=ATTRIBUTES)
    assert shown(house, url).keys() == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}


@pytest.mark.parametrize(
    ("names", "found", "digest"),
    [
        (["All"], {"General", "Hello", "Help.Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        (["*"], {"General", "Hello", "Help.Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        ([".*"], {"General", "Hello", "Help.Me"}, "4c360f3fdafd970e05fae2f149d997f5"),
        (["Hello", "General"], {"General", "Hello"}, "fca026605781cb4126a1e9044df24232"),
        (["Foo", "Hello"], {"Hello"}, "a311262e065454b75da111d535b8dacd"),
        (["Hel.*"], {"Hello", "Help.Me"}, "83fee93c1bcd8b9a5a923ffacdc636c7"),
        (["Foo", "Help"], set(), None), (["AWS."], set(), None), (["..foo"], set(), None), (["hello"], set(), None),
    ],
)  # fmt: skip
def test_attributes_are_shown_by_name_or_prefix(
    house: House, names: list[str], found: set[str], digest: str | None
) -> None:
    url = house.create("orders")
    house.send(url, "msg", MessageAttributes=ATTRIBUTES)
    message = shown(house, url, MessageAttributeNames=names)
    assert set(message.get("MessageAttributes", {})) == found
    assert message.get("MD5OfMessageAttributes") == digest, "over what is shown; as recorded from AWS"


@pytest.mark.parametrize("parameter", ["AttributeNames", "MessageSystemAttributeNames"])
def test_system_attributes_are_shown_by_name(house: House, parameter: str) -> None:
    url = house.create("orders", VisibilityTimeout="0")
    house.send(url)
    assert shown(house, url, **{parameter: ["All"]})["Attributes"].keys() == {
        "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"
    }  # fmt: skip
    assert shown(house, url, **{parameter: ["SenderId", "SequenceNumber"]})["Attributes"].keys() == {"SenderId"}
    assert "Attributes" not in shown(house, url, **{parameter: ["AWSTraceHeader"]})


def test_the_new_parameter_and_the_old_one_go_together_as_on_aws(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="0")
    house.send(url)
    both = {"AttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
    assert len(shown(house, url, **both)["Attributes"]) == 4
    different = {"AttributeNames": ["SenderId"], "MessageSystemAttributeNames": ["All"]}
    assert len(shown(house, url, **different)["Attributes"]) == (4 if house.wire == "json" else 1)


def test_an_unknown_system_attribute_is_refused(house: House) -> None:
    url = fill(house, 1)
    said = house.refused("ReceiveMessage", QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert said == ("InvalidAttributeName", "Unknown Attribute VisibilityTimeout.")
    assert house.counts(url) == (1, 0, 0)


def test_a_message_tells_how_often_and_since_when_it_was_received(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="1")
    house.send(url)
    for count in ("1", "2", "3"):
        house.pass_time(2)
        attributes = house.receive_one(url)["Attributes"]
        assert attributes["ApproximateReceiveCount"] == count
        assert attributes["ApproximateFirstReceiveTimestamp"] == str(START + 2000)
        assert attributes["SentTimestamp"] == str(START)


def test_a_receipt_handle_has_no_hyphen_and_is_new_each_time(house: House) -> None:
    url = fill(house, 1, VisibilityTimeout="0")
    handles = [house.receive_one(url)["ReceiptHandle"] for _ in range(50)]
    assert len(set(handles)) == 50
    assert not [handle for handle in handles if "-" in handle], "the extended client of Python cuts there"


# --- how many in flight ---------------------------------------------------------------------------------------------


def limited(house: House, name: str, count: int) -> str:
    """A queue of which so many messages may be in flight; AWS has 120,000."""
    url = house.create(name, **({"ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}))
    core = house.queue(name).core
    assert core.in_flight_max == 120_000
    core.apply(replace(core.settings_of_polling, in_flight_max=count), house.now)
    return url


def test_a_standard_queue_refuses_what_would_be_too_much_in_flight(house: House) -> None:
    url = limited(house, "orders", 3)
    for number in range(5):
        house.send(url, str(number))
    messages = house.receive(url)
    assert [message["Body"] for message in messages] == ["0", "1", "2"]
    with pytest.raises(Refused) as caught:
        house.receive(url)
    assert (caught.value.code, caught.value.status) == ("OverLimit", 403)
    house.delete(url, messages[0])
    assert house.bodies(url) == ["3"]


def test_a_fifo_queue_has_nothing_to_give_then(house: House) -> None:
    url = limited(house, "orders.fifo", 2)
    for number in range(3):
        house.send(url, str(number), MessageGroupId=str(number))
    messages = house.receive(url)
    assert [message["Body"] for message in messages] == ["0", "1"]
    assert house.bodies(url) == []
    poll = house.poll(url)
    house.delete(url, messages[0])
    assert poll.bodies() == ["2"]


# --- empty answers --------------------------------------------------------------------------------------------------


def test_an_empty_answer_has_no_list(house: House) -> None:
    polls: list[Pending] = [house.poll(house.create("orders"), 0)]
    assert polls[0].response is not None
    wanted = b"{}" if house.wire == "json" else b"<ReceiveMessageResult/>"
    assert wanted in polls[0].response.body
