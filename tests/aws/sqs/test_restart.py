"""An orderly restart: everything that a queue of SQS is and has comes back from the journal. On both wires."""

import json
from typing import Any

import pytest

from mqbroker.core.message import new_message
from mqbroker.core.rabbitmq.declaring import declare_queue
from mqbroker.protocols.amqp.properties import BasicProperties, build
from tests.storage.simdisk import SimDisk
from tests.support.sqs_house import ACCOUNT, WIRES, House

OTHER = "111122223333"


@pytest.fixture(params=WIRES)
def house(request: pytest.FixtureRequest) -> House:
    """SQS on a simulated disk."""
    return House(wire=request.param, disk=SimDisk())


def test_attributes_tags_and_policies_come_back(house: House) -> None:
    dead = house.create("dead")
    redrive = json.dumps({"deadLetterTargetArn": house.arn(dead), "maxReceiveCount": 3})
    url = house.create(
        "orders", VisibilityTimeout="7", MaximumMessageSize="2048", MessageRetentionPeriod="600", DelaySeconds="1",
        ReceiveMessageWaitTimeSeconds="2", RedrivePolicy=redrive, KmsMasterKeyId="key",
    )  # fmt: skip
    house.call("TagQueue", QueueUrl=url, Tags={"team": "red"})
    house.pass_time(5)
    house.call("AddPermission", QueueUrl=url, Label="l", AWSAccountIds=[OTHER], Actions=["SendMessage"])
    before = house.attributes(url)
    house.restart()
    assert house.attributes(url) == before
    assert house.call("ListQueueTags", QueueUrl=url) == {"Tags": {"team": "red"}}
    assert house.call("ListDeadLetterSourceQueues", QueueUrl=dead)["queueUrls"] == [url]
    house.call("SendMessage", QueueUrl=url, MessageBody="x", account=OTHER)
    assert house.refused("PurgeQueue", QueueUrl=url, account=OTHER)[0] == "AccessDenied"


def test_a_queue_that_was_taken_over_from_amqp_is_what_it_was_with_its_bindings(house: House) -> None:
    vhost = house.broker.vhost("/")
    queue = declare_queue(vhost, "orders", True, False, False, {}, house.now)
    vhost.bind(vhost.exchange("amq.topic"), queue, "orders.#", {})
    house.turn()
    url = house.create("orders", VisibilityTimeout="0")
    house.send(url, "before")
    house.restart()
    vhost = house.broker.vhost("/")
    message = new_message("amq.topic", "orders.new", BasicProperties(b"\x00\x00"), b"after", house.now)
    vhost.publish_by_content("amq.topic", ["orders.new"], message, house.now)
    assert house.bodies(url) == ["before", "after"]


def test_a_fifo_queue_is_one_still(house: House) -> None:
    url = house.create("orders.fifo", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    before = house.attributes(url)
    house.restart()
    assert house.attributes(url) == before
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x")[0] == "MissingParameter"


def test_queues_of_other_accounts_and_regions_come_back(house: House) -> None:
    places: list[dict[str, Any]] = [
        {"account": account, "region": region}
        for account, region in ((ACCOUNT, "us-east-1"), (ACCOUNT, "eu-west-1"), (OTHER, "us-east-1"))
    ]
    for place in places:
        house.call("CreateQueue", QueueName="orders", **place)
        house.call("SendMessage", QueueUrl="orders", MessageBody=str(place), **place)
    house.restart()
    assert [house.bodies("orders", **place) for place in places] == [[str(place)] for place in places]


def test_a_message_is_the_same_as_before(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="0")
    attributes = {"n": {"DataType": "Number", "StringValue": "3"}}
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
    house.send(url, "grün", MessageAttributes=attributes, MessageSystemAttributes=trace, MessageGroupId="g")
    first = house.receive_one(url)
    house.restart()
    second = house.receive_one(url)
    assert second["Attributes"].pop("ApproximateReceiveCount") == "2"
    assert first["Attributes"].pop("ApproximateReceiveCount") == "1"
    for message in (first, second):
        del message["ReceiptHandle"]
    assert second == first


def test_delays_go_on(house: House) -> None:
    url = house.create("orders")
    house.send(url, "late", DelaySeconds=10)
    house.pass_time(5)
    house.restart(pause_s=1)
    assert house.counts(url) == (0, 0, 1)
    house.pass_time(3.9)
    assert house.bodies(url) == []
    house.pass_time(0.1)
    assert house.bodies(url) == ["late"]


def test_what_is_in_flight_stays_there_with_its_handle(house: House) -> None:
    url = house.create("orders")
    for body in ("deleted", "kept"):
        house.send(url, body)
    deleted, _ = house.receive(url, 2, VisibilityTimeout=20)
    house.pass_time(5)
    house.restart(pause_s=5)
    assert house.counts(url) == (0, 2, 0)
    house.delete(url, deleted)
    house.pass_time(10)
    assert house.bodies(url) == ["kept"]


def test_a_changed_visibility_is_kept(house: House) -> None:
    url = house.create("orders")
    house.send(url)
    house.change_visibility(url, house.receive_one(url), 600)
    house.restart(pause_s=60)
    assert house.bodies(url) == []
    house.leap(540)
    assert house.bodies(url) == ["x"]


def test_what_became_due_meanwhile_is_done(house: House) -> None:
    url = house.create("orders", MessageRetentionPeriod="60")
    house.send(url, "old")
    house.pass_time(30, step_s=1)
    house.send(url, "in flight")
    house.send(url, "delayed", DelaySeconds=20)
    house.receive(url, 2)
    house.restart(pause_s=40)
    assert sorted(house.bodies(url)) == ["delayed", "in flight"]


def test_deleted_messages_stay_deleted(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="1")
    for number in range(20):
        house.send(url, str(number))
    for message in house.receive(url, 10):
        house.delete(url, message)
    for _ in range(2):
        house.restart(pause_s=5)
        assert house.counts(url) == (10, 0, 0)
    assert house.bodies(url) == [str(number) for number in range(10, 20)]


def test_purged_messages_and_deleted_queues_stay_away(house: House) -> None:
    url, gone = house.create("orders"), house.create("gone")
    for each in (url, gone):
        house.send(each)
    house.call("PurgeQueue", QueueUrl=url)
    house.call("DeleteQueue", QueueUrl=gone)
    house.restart()
    assert house.counts(url) == (0, 0, 0)
    assert house.call("ListQueues")["QueueUrls"] == [url]


def test_a_change_of_the_scope_of_ids_is_in_force_after_a_restart(house: House) -> None:
    url = house.create("orders.fifo")
    send = {"MessageDeduplicationId": "once"}
    house.send(url, "1", MessageGroupId="a", **send)
    house.set(url, DeduplicationScope="messageGroup")
    house.restart()
    house.send(url, "2", MessageGroupId="b", **send)
    assert house.bodies(url) == ["1", "2"]


def test_ids_that_a_purge_has_cleared_stay_away_and_later_ones_do_not(house: House) -> None:
    """The bug: a purge left the deduplication ids in the journal."""
    url = house.create("orders.fifo")
    send = {"MessageGroupId": "g", "MessageDeduplicationId": "once"}
    house.send(url, "before", **send)
    house.call("PurgeQueue", QueueUrl=url)
    house.restart()
    house.send(url, "after", **send)
    house.restart()
    house.send(url, "too late", **send)
    assert house.bodies(url) == ["after"]


def test_locks_of_groups_and_deduplication_go_on(house: House) -> None:
    url = house.create("orders.fifo", ContentBasedDeduplication="true", VisibilityTimeout="600")
    sent = [house.send(url, body, MessageGroupId=body[0]) for body in ("a1", "a2", "b1")]
    first = house.receive_one(url)
    house.restart()
    again = house.send(url, "a2", MessageGroupId="a")
    assert (again["MessageId"], again["SequenceNumber"]) == (sent[1]["MessageId"], sent[1]["SequenceNumber"])
    assert house.bodies(url) == ["b1"]
    house.delete(url, first)
    assert house.bodies(url) == ["a2"]
    later = house.send(url, "c1", MessageGroupId="c")
    assert later["SequenceNumber"] > sent[2]["SequenceNumber"]
    house.leap(300)
    assert house.send(url, "a2", MessageGroupId="a")["MessageId"] != sent[1]["MessageId"]


def test_a_message_that_was_delivered_before_one_in_flight_comes_first_after_a_restart_too(house: House) -> None:
    url = house.create("orders.fifo", ContentBasedDeduplication="true", VisibilityTimeout="600")
    for body in ("a1", "a2", "a3"):
        house.send(url, body, MessageGroupId="a")
    first, _ = house.receive(url, 2)
    house.change_visibility(url, first, 0)
    house.restart()
    assert house.bodies(url) == ["a1"]


def test_receive_counts_go_on_to_the_dead_letter_queue(house: House) -> None:
    dead = house.create("dead")
    redrive = json.dumps({"deadLetterTargetArn": house.arn(dead), "maxReceiveCount": 2})
    url = house.create("orders", RedrivePolicy=redrive, VisibilityTimeout="0")
    house.send(url, "poison")
    house.receive(url)
    house.restart()
    house.receive(url)
    assert house.bodies(url) == []
    house.restart()
    attributes = house.receive_one(dead)["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "3"
    assert attributes["DeadLetterQueueSourceArn"] == house.arn(url)


def test_a_handle_of_a_deleted_message_never_means_a_later_one(house: House) -> None:
    url = house.create("orders")
    house.send(url)
    message = house.receive_one(url)
    house.delete(url, message)
    house.restart()
    house.send(url, "later")
    house.delete(url, message)
    assert house.bodies(url) == ["later"]


def test_a_dead_letter_of_amqp_still_says_where_it_comes_from(house: House) -> None:
    dead = house.create("dead")
    redrive = json.dumps({"deadLetterTargetArn": house.arn(dead), "maxReceiveCount": 1})
    url = house.create("orders", RedrivePolicy=redrive, VisibilityTimeout="0")
    properties = build(delivery_mode=2, headers={"k": "v"})
    properties.mark_dead_letter()  # it had died elsewhere before
    message = new_message("", "orders", properties, b"x", house.now)
    house.broker.vhost("/").publish_by_content("", ["orders"], message, house.now)
    house.turn()
    assert len(house.receive(url)) == 1
    assert house.receive(url) == []
    house.restart()
    (found,) = house.receive(dead, AttributeNames=["All"], MessageAttributeNames=["k"])
    assert found["Attributes"]["DeadLetterQueueSourceArn"] == house.arn(url)
    assert found["Attributes"]["ApproximateReceiveCount"] == "2"
    assert found["MessageAttributes"]["k"]["StringValue"] == "v"


def test_a_body_that_is_kept_decoded_is_the_base64_that_was_sent(house: House) -> None:
    url = house.create("orders")
    attributes = {"mqbroker.encoding": {"DataType": "String", "StringValue": "base64"}}
    house.send(url, "aGVsbG8=", MessageAttributes=attributes)
    house.restart()
    assert house.bodies(url) == ["aGVsbG8="]
