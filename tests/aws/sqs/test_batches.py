"""Batches: how many entries, which ids, and an outcome for each. On both wires."""

from typing import Any

import pytest

from tests.support.sqs_house import House

IDS = (
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
    "It can be at most 80 letters long."
)
NAMESPACE = "AWS.SimpleQueueService."
ACTIONS: dict[str, dict[str, Any]] = {
    "SendMessageBatch": {"MessageBody": "x"},
    "DeleteMessageBatch": {"ReceiptHandle": "x"},
    "ChangeMessageVisibilityBatch": {"ReceiptHandle": "x", "VisibilityTimeout": 1},
}
actions = pytest.mark.parametrize("action", ACTIONS)


def entries(action: str, *ids: str) -> list[dict[str, Any]]:
    return [{"Id": each, **ACTIONS[action]} for each in ids]


# --- all three ------------------------------------------------------------------------------------------------------


@actions
def test_a_batch_has_an_entry(house: House, action: str) -> None:
    url = house.create("orders")
    text = f"There should be at least one {action}RequestEntry in the request."
    assert house.refused(action, QueueUrl=url, Entries=[]) == (f"{NAMESPACE}EmptyBatchRequest", text)
    assert house.refused(action, QueueUrl=url) == (f"{NAMESPACE}EmptyBatchRequest", text)


@actions
def test_a_batch_has_ten_entries_at_most(house: House, action: str) -> None:
    url = house.create("orders")
    given = entries(action, *(str(number) for number in range(20)))
    assert house.refused(action, QueueUrl=url, Entries=given) == (
        f"{NAMESPACE}TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 20."
    )  # fmt: skip
    answer = house.call(action, QueueUrl=url, Entries=given[:10])
    assert len(answer.get("Successful", []) + answer.get("Failed", [])) == 10


@actions
@pytest.mark.parametrize("entry_id", ["", "testLongId" * 10, "invalid:id", "a b", "ä", "a.b"])
def test_an_id_is_plain_and_short(house: House, action: str, entry_id: str) -> None:
    url = house.create("orders")
    said = house.refused(action, QueueUrl=url, Entries=entries(action, "good", entry_id))
    assert said == (f"{NAMESPACE}InvalidBatchEntryId", IDS)
    assert house.counts(url) == (0, 0, 0)


@actions
def test_ids_are_distinct(house: House, action: str) -> None:
    url = house.create("orders")
    said = house.refused(action, QueueUrl=url, Entries=entries(action, "a", "b", "a"))
    assert said == (f"{NAMESPACE}BatchEntryIdsNotDistinct", "Id a repeated.")


@actions
def test_an_entry_has_an_id(house: House, action: str) -> None:
    url = house.create("orders")
    given = [*entries(action, "a"), ACTIONS[action]]
    assert house.refused(action, QueueUrl=url, Entries=given) == (
        "MissingParameter", f"The request must contain the parameter {action}RequestEntry.2.Id."
    )  # fmt: skip


@actions
def test_an_id_may_have_eighty_letters(house: House, action: str) -> None:
    answer = house.call(action, QueueUrl=house.create("orders"), Entries=entries(action, "a-B_9" * 16))
    assert [each["Id"] for each in answer.get("Successful", []) + answer.get("Failed", [])] == ["a-B_9" * 16]


# --- sending --------------------------------------------------------------------------------------------------------


def test_ten_messages_are_sent_received_and_deleted(house: House) -> None:
    url = house.create("orders")
    given = [{"Id": f"m{number}", "MessageBody": f"body {number}"} for number in range(10)]
    sent = house.call("SendMessageBatch", QueueUrl=url, Entries=given)
    assert sent.keys() == {"Successful"}
    received = house.receive(url)
    assert [each["MessageId"] for each in received] == [each["MessageId"] for each in sent["Successful"]]
    assert [each["MD5OfBody"] for each in received] == [each["MD5OfMessageBody"] for each in sent["Successful"]]
    gone = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(received)]
    answer = house.call("DeleteMessageBatch", QueueUrl=url, Entries=gone)
    assert answer == {"Successful": [{"Id": str(number)} for number in range(10)]}
    assert house.counts(url) == (0, 0, 0)


def test_each_message_has_attributes_and_digests_of_its_own(house: House) -> None:
    url = house.create("orders", MaximumMessageSize="2048")
    attributes = {"k": {"DataType": "String", "StringValue": "x"}}
    answer = house.call(
        "SendMessageBatch",
        QueueUrl=url,
        Entries=[
            {"Id": "1", "MessageBody": "a" * (2048 - 8), "MessageAttributes": attributes},
            {"Id": "2", "MessageBody": "a", "DelaySeconds": 5},
        ],
    )
    first, second = answer["Successful"]
    assert first["MD5OfMessageAttributes"] == "a45daa70926828a2f0a1db3418e6feb4"  # recorded from AWS
    assert first["MD5OfMessageBody"] == "f44facf5a7ee0af446ecf3e0f854441e"
    assert second["MD5OfMessageBody"] == "0cc175b9c0f1b6a831c399e269772661"
    assert "MD5OfMessageAttributes" not in second
    assert house.counts(url) == (1, 0, 1)


def test_one_bad_entry_does_not_keep_out_the_others(house: House) -> None:
    url = house.create("orders", MaximumMessageSize="1024")
    answer = house.call(
        "SendMessageBatch",
        QueueUrl=url,
        Entries=[
            {"Id": "good", "MessageBody": "a" * 1024},
            {"Id": "long", "MessageBody": "a" * 1025},
            {"Id": "control", "MessageBody": "\u0001"},
            {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
            {"Id": "empty", "MessageBody": ""},
        ],
    )
    assert [each["Id"] for each in answer["Successful"]] == ["good"]
    failed = {each["Id"]: (each["Code"], each["Message"], each["SenderFault"]) for each in answer["Failed"]}
    assert failed["long"] == (
        "InvalidParameterValue",
        "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.",
        True,
    )
    assert failed["control"][0] == "InvalidMessageContents"
    assert failed["late"][1] == (
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
    )
    assert failed["empty"][0] == "MissingParameter"
    assert house.bodies(url) == ["a" * 1024]


def test_a_batch_of_failures_has_no_successes(house: House) -> None:
    given = [{"Id": "a", "MessageBody": "x", "DelaySeconds": 901}]
    assert house.call("SendMessageBatch", QueueUrl=house.create("orders"), Entries=given).keys() == {"Failed"}


def test_all_messages_together_have_one_mebibyte_at_most(house: House) -> None:
    url = house.create("orders")
    attributes = {"k": {"DataType": "String", "StringValue": "x"}}
    given: list[dict[str, Any]] = [
        {"Id": "1", "MessageBody": "a" * (1_048_576 - 8), "MessageAttributes": attributes},
        {"Id": "2", "MessageBody": "a"},
    ]
    assert house.refused("SendMessageBatch", QueueUrl=url, Entries=given) == (
        f"{NAMESPACE}BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    )
    given[0]["MessageBody"] = "a" * (1_048_576 - 9)
    assert len(house.call("SendMessageBatch", QueueUrl=url, Entries=given)["Successful"]) == 2


def test_a_fifo_queue_keeps_the_order_of_a_batch_and_its_duplicates_out(house: House) -> None:
    url = house.create("orders.fifo", ContentBasedDeduplication="true")
    given = [{"Id": str(number), "MessageBody": str(number % 4), "MessageGroupId": "g"} for number in range(6)]
    sent = house.call("SendMessageBatch", QueueUrl=url, Entries=given)["Successful"]
    numbers = [each["SequenceNumber"] for each in sent]
    assert numbers[:4] == sorted(set(numbers))
    assert numbers[4:] == numbers[:2]
    assert house.bodies(url) == ["0", "1", "2", "3"]


# --- deleting -------------------------------------------------------------------------------------------------------


def test_a_handle_that_is_none_fails_by_itself(house: House) -> None:
    url = house.create("orders")
    house.send(url)
    handle = house.receive_one(url)["ReceiptHandle"]
    given = [{"Id": "bad", "ReceiptHandle": "invalid"}, {"Id": "good", "ReceiptHandle": handle},
             {"Id": "again", "ReceiptHandle": handle}]  # fmt: skip
    assert house.call("DeleteMessageBatch", QueueUrl=url, Entries=given) == {
        "Successful": [{"Id": "good"}, {"Id": "again"}],
        "Failed": [{"Id": "bad", "SenderFault": True, "Code": "ReceiptHandleIsInvalid",
                    "Message": 'The input receipt handle "invalid" is not a valid receipt handle.'}],
    }  # fmt: skip
