"""boto3, unmodified, over a real socket: each action once as applications use it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def receive(sqs: Any, url: str, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5, AttributeNames=["All"],
        MessageAttributeNames=["All"], **parameters,
    ).get("Messages", [])  # fmt: skip
    return found


def test_a_message_is_sent_received_and_deleted(sqs: Any, url: str) -> None:
    sent = sqs.send_message(
        QueueUrl=url, MessageBody="three teapots", MessageAttributes={"n": {"DataType": "Number", "StringValue": "3"}}
    )
    (message,) = receive(sqs, url)
    assert message["Body"] == "three teapots"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == {"n": {"DataType": "Number", "StringValue": "3"}}
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_missing_queue_is_said_to_be_with_the_code_that_sdks_know(sqs: Any, name: str) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.get_queue_url(QueueName=name)
    assert error_of(caught) == ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")


def test_a_queue_is_found_listed_changed_tagged_and_deleted(sqs: Any, name: str) -> None:
    url = sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "5"}, tags={"team": "red"})["QueueUrl"]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"] == {
        "DelaySeconds": "0"
    }
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "test"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test"}
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url, MessageBody="late")


def test_batches_answer_for_each_entry(sqs: Any, url: str) -> None:
    sent = sqs.send_message_batch(
        QueueUrl=url,
        Entries=[{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "x", "DelaySeconds": 901}],
    )
    assert [entry["Id"] for entry in sent["Successful"]] == ["good"]
    assert [(entry["Id"], entry["SenderFault"]) for entry in sent["Failed"]] == [("bad", True)]
    (message,) = receive(sqs, url)
    handle = message["ReceiptHandle"]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 60}]
    )
    assert [entry["Id"] for entry in changed["Successful"]] == ["a"]
    gone = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": handle}])
    assert [entry["Id"] for entry in gone["Successful"]] == ["a"]


def test_a_fifo_queue_keeps_order_within_a_group_and_locks_it(sqs: Any, fifo: str) -> None:
    for body in ("a1", "a2", "b1"):
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=body[0])
    first = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=1)["Messages"]
    second = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in (*first, *second)] == ["a1", "b1"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first[0]["ReceiptHandle"])
    third = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in third] == ["a2"]


def test_a_fifo_queue_takes_the_same_message_once(sqs: Any, fifo: str) -> None:
    first = sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
    again = sqs.send_message(QueueUrl=fifo, MessageBody="x", MessageGroupId="g")
    assert first["SequenceNumber"] == again["SequenceNumber"]
    assert first["MessageId"] == again["MessageId"]
    assert len(receive(sqs, fifo)) == 1


def test_what_is_received_too_often_goes_to_the_dead_letter_queue_and_back(sqs: Any, name: str) -> None:
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    source = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert len(receive(sqs, url, VisibilityTimeout=0)) == 1
    assert sqs.receive_message(QueueUrl=url).get("Messages", []) == []
    (message,) = receive(sqs, dead, VisibilityTimeout=0)
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == source
    sqs.start_message_move_task(SourceArn=arn)
    (back,) = receive(sqs, url)
    assert back["MessageId"] != message["MessageId"], "it is a new message"
    assert sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]["Status"] == "COMPLETED"


def test_permissions_are_statements_of_the_policy(sqs: Any, url: str) -> None:
    sqs.add_permission(QueueUrl=url, Label="others", AWSAccountIds=["123456789012"], Actions=["SendMessage"])
    text = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    (statement,) = json.loads(text)["Statement"]
    assert statement["Sid"] == "others"
    assert statement["Action"] == "SQS:SendMessage"
    sqs.remove_permission(QueueUrl=url, Label="others")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])


def test_a_queue_is_purged_once_a_minute(owner: Any, name: str) -> None:
    url = owner.create_queue(QueueName=name)["QueueUrl"]
    owner.send_message(QueueUrl=url, MessageBody="x")
    owner.purge_queue(QueueUrl=url)
    assert owner.receive_message(QueueUrl=url).get("Messages", []) == []
    with pytest.raises(ClientError) as caught:
        owner.purge_queue(QueueUrl=url)
    assert error_of(caught) == (
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.",
    )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_development_lets_every_test_make_purge_and_delete_a_queue_of_one_name(sqs: Any, name: str) -> None:
    """The bug: PurgeQueueInProgress and QueueDeletedRecently from the second test on that used the same name."""
    for _ in range(3):
        url = sqs.create_queue(QueueName=name, Attributes={"QueueName": name, "FifoQueue": "false"})["QueueUrl"]
        for _ in range(2):
            sqs.send_message(QueueUrl=url, MessageBody="x")
            sqs.purge_queue(QueueUrl=url)
        sqs.delete_queue(QueueUrl=url)
