"""Queues: made, found, listed and deleted; by name, URL, region and account. On both wires."""

from typing import Any

import pytest

from mqbroker.core.message import new_message
from mqbroker.core.queues.base import Queue
from mqbroker.core.rabbitmq.declaring import declare_exchange, declare_queue
from tests.core.messages import PlainProperties
from tests.support.sqs_house import ACCOUNT, BASE, House, Refused

OTHER = "111122223333"
ALIEN_NAME = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
ALIEN_FIFO_NAME = (
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo "
    "suffix and be 1 to 80 in length."
)


def missing(house: House) -> tuple[str, str]:
    """What is said of a queue that is not there."""
    end = "." if house.wire == "json" else " for this wsdl version."
    return "AWS.SimpleQueueService.NonExistentQueue", f"The specified queue does not exist{end}"


def taken(attribute: str) -> tuple[str, str]:
    """What is said of a queue that is there with another value."""
    text = f"A queue already exists with the same name and a different value for attribute {attribute}"
    return "QueueAlreadyExists", text


# --- creating -------------------------------------------------------------------------------------------------------


def test_a_queue_is_named_by_the_host_that_the_client_used(house: House) -> None:
    assert house.create("orders") == f"{BASE}/{ACCOUNT}/orders"
    assert house.arn(f"{BASE}/{ACCOUNT}/orders") == f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"


def test_creating_it_again_finds_it(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="69", ReceiveMessageWaitTimeSeconds="1")
    assert house.create("orders", VisibilityTimeout="69", ReceiveMessageWaitTimeSeconds="1") == url
    assert house.create("orders", VisibilityTimeout="69") == url
    assert house.create("orders") == url
    assert house.call("CreateQueue", QueueName="orders")["QueueUrl"] == url


def test_creating_it_with_another_value_names_the_attribute(house: House) -> None:
    house.create("orders", ReceiveMessageWaitTimeSeconds="1", DelaySeconds="1")
    given = {"ReceiveMessageWaitTimeSeconds": "1", "DelaySeconds": "2"}
    assert house.refused("CreateQueue", QueueName="orders", Attributes=given) == taken("DelaySeconds")


def test_the_shape_of_that_error_is_that_of_the_model() -> None:
    house = House()
    house.create("orders", DelaySeconds="1")
    with pytest.raises(Refused) as caught:
        house.create("orders", DelaySeconds="2")
    assert (caught.value.shape, caught.value.status) == ("QueueNameExists", 400)


def test_what_counts_are_the_attributes_as_they_are_now(house: House) -> None:
    url = house.create("orders", DelaySeconds="1")
    house.set(url, DelaySeconds="2")
    assert house.create("orders", DelaySeconds="2") == url
    assert house.refused("CreateQueue", QueueName="orders", Attributes={"DelaySeconds": "1"}) == taken("DelaySeconds")


def test_default_arguments_work_after_attributes_were_modified(house: House) -> None:
    url = house.create("orders")
    house.set(url, VisibilityTimeout="2", ReceiveMessageWaitTimeSeconds="2")
    assert house.create("orders") == url
    assert house.create("orders", VisibilityTimeout="2", ReceiveMessageWaitTimeSeconds="2") == url
    given = {"VisibilityTimeout": "30"}
    assert house.refused("CreateQueue", QueueName="orders", Attributes=given) == taken("VisibilityTimeout")


def test_messages_do_not_make_it_another_queue(house: House) -> None:
    url = house.create("orders")
    house.send(url)
    assert house.create("orders") == url


def test_a_fifo_queue_is_not_a_standard_one(house: House) -> None:
    house.create("orders.fifo", ContentBasedDeduplication="true")
    given = {"FifoQueue": "true", "ContentBasedDeduplication": "false"}
    assert house.refused("CreateQueue", QueueName="orders.fifo", Attributes=given) == taken("ContentBasedDeduplication")


def test_true_may_be_written_as_python_does(house: House) -> None:
    url = house.create("orders.fifo", FifoQueue="True", ContentBasedDeduplication="False")
    assert house.attributes(url, "FifoQueue", "ContentBasedDeduplication") == {
        "FifoQueue": "true", "ContentBasedDeduplication": "false"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a/b", "a b", "ä", "a" * 81, "a.b", "orders.fifo", "queue/1/"])
def test_a_standard_queue_has_a_plain_name(house: House, name: str) -> None:
    assert house.refused("CreateQueue", QueueName=name) == ("InvalidParameterValue", ALIEN_NAME)


@pytest.mark.parametrize("name", ["orders", "a/b.fifo", "a" * 76 + ".fifo", ".fifo.fifo"])
def test_a_fifo_queue_has_a_plain_name_that_says_so(house: House, name: str) -> None:
    given = {"FifoQueue": "true"}
    assert house.refused("CreateQueue", QueueName=name, Attributes=given) == ("InvalidParameterValue", ALIEN_FIFO_NAME)


@pytest.mark.parametrize("name", ["a" * 80, "a-b_C9", "1"])
def test_names_may_be_long_and_have_hyphens_and_underscores(house: House, name: str) -> None:
    assert house.create(name).endswith(f"/{name}")


def test_the_suffix_counts_as_part_of_the_name(house: House) -> None:
    assert house.create("a" * 75 + ".fifo").endswith("a.fifo")


# --- queues of other protocols --------------------------------------------------------------------------------------


def declare(house: House, name: str = "orders", **changes: Any) -> Queue:
    """A queue as AMQP declares it."""
    given = {"durable": True, "exclusive": False, "auto_delete": False, "arguments": {}, **changes}
    return declare_queue(house.broker.vhost("/"), name, now=house.now, **given)


@pytest.mark.parametrize("name", ["orders", "orders.fifo"])
def test_a_plain_empty_queue_of_amqp_is_taken_over(house: House, name: str) -> None:
    """The bug: README's own commands ended with QueueAlreadyExists, after AMQP had declared the queue."""
    declare(house, name)
    assert house.refused("GetQueueUrl", QueueName=name) == missing(house)
    url = house.create(name, VisibilityTimeout="7")
    assert house.attributes(url, "VisibilityTimeout") == {"VisibilityTimeout": "7"}
    declare(house, name)  # as AMQP goes on doing
    assert house.create(name, VisibilityTimeout="7") == url


def test_a_queue_that_is_taken_over_keeps_its_bindings(house: House) -> None:
    vhost = house.broker.vhost("/")
    last = declare_exchange(vhost, "last", "fanout", True, True, False, {})
    queue = declare(house)
    vhost.bind(vhost.exchange("amq.topic"), queue, "orders.#", {})
    vhost.bind(last, queue, "", {"a": 1})
    url = house.create("orders")
    for exchange, key in (("amq.topic", "orders.new"), ("last", "")):
        message = new_message(exchange, key, PlainProperties(), exchange.encode(), house.now)
        vhost.publish_by_content(exchange, [key], message, house.now)
    assert house.bodies(url) == ["amq.topic", "last"]
    house.call("DeleteQueue", QueueUrl=url)
    assert "last" not in vhost.exchanges, "it goes with its last binding"


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [({"durable": False}, "is not durable"), ({"exclusive": True, "connection": object()}, "is exclusive"),
     ({"auto_delete": True}, "is deleted with its last consumer"),
     ({"arguments": {"x-message-ttl": 60_000}}, "was declared with arguments"),
     ({"arguments": {"x-queue-type": "quorum"}}, "has another kind")],
)  # fmt: skip
def test_another_queue_of_amqp_keeps_its_name_and_the_text_says_why(
    house: House, changes: dict[str, Any], obstacle: str
) -> None:
    """The bug: the text named an attribute that the client had not sent, and nothing of AMQP."""
    declare(house, **changes)
    code, text = house.refused("CreateQueue", QueueName="orders")
    assert code == "QueueAlreadyExists"
    assert text == (
        f"A queue named orders already exists in the vhost /: it was not created by SQS, and it {obstacle}. "
        "CreateQueue takes over a queue of AMQP that is durable and has no arguments, messages or consumers."
    )


def test_a_queue_of_amqp_with_messages_keeps_them(house: House) -> None:
    queue = declare(house)
    queue.publish(new_message("", "orders", PlainProperties(), b"x", house.now), house.now)
    assert "and it has messages." in house.refused("CreateQueue", QueueName="orders")[1]
    assert queue.waiting_count() == 1


# --- deleting -------------------------------------------------------------------------------------------------------


def test_a_deleted_queue_is_gone_with_its_messages(house: House) -> None:
    url = house.create("orders")
    house.send(url)
    house.call("DeleteQueue", QueueUrl=url)
    for action, given in (
        ("GetQueueAttributes", {}), ("SendMessage", {"MessageBody": "x"}), ("ReceiveMessage", {}), ("PurgeQueue", {}),
        ("DeleteQueue", {}), ("ListQueueTags", {}), ("ListDeadLetterSourceQueues", {}),
    ):  # fmt: skip
        assert house.refused(action, QueueUrl=url, **given) == missing(house)
    assert house.refused("GetQueueUrl", QueueName="orders") == missing(house)


def test_a_deleted_name_rests_for_a_minute(house: House) -> None:
    url = house.create("orders")
    house.send(url)
    house.call("DeleteQueue", QueueUrl=url)
    house.pass_time(59.9, step_s=1)
    assert house.refused("CreateQueue", QueueName="orders") == (
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    )
    house.create("others")
    house.pass_time(0.1)
    assert house.bodies(house.create("orders")) == []


def test_one_option_lifts_that_rule() -> None:
    house = House(is_strict=False)
    house.call("DeleteQueue", QueueUrl=house.create("orders"))
    assert house.create("orders")


def test_a_name_that_the_vhost_keeps_for_itself_is_refused(house: House) -> None:
    """`amq.fifo` is a name for SQS and a reserved one for the vhost: the refusal ended in an internal failure."""
    with pytest.raises(Refused) as caught:
        house.create("amq.fifo")
    assert caught.value.status == 400
    assert "reserved prefix" in caught.value.message


def test_a_vhost_with_as_many_queues_as_it_may_have_gets_no_more(house: House) -> None:
    house.broker.set_vhost_limits("/", {"max-queues": 1})
    house.create("one")
    with pytest.raises(Refused) as caught:
        house.create("two")
    assert caught.value.status == 400


def test_a_queue_that_amqp_deletes_is_gone(house: House) -> None:
    url = house.create("orders")
    house.broker.vhost("/").delete_queue("orders")
    assert house.refused("SendMessage", QueueUrl=url, MessageBody="x") == missing(house)
    assert house.create("orders") == url


# --- purging --------------------------------------------------------------------------------------------------------


def test_a_purge_takes_visible_messages_those_in_flight_and_delayed_ones(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="3")
    for number in range(3):
        house.send(url, f"message {number}", DelaySeconds=2 if number == 2 else 0)
    message = house.receive_one(url)
    house.call("PurgeQueue", QueueUrl=url)
    assert house.counts(url) == (0, 0, 0)
    house.pass_time(5)
    assert house.bodies(url) == []
    house.delete(url, message)
    house.send(url, "later")
    assert house.bodies(url) == ["later"]


def test_a_queue_is_purged_once_a_minute(house: House) -> None:
    url = house.create("orders")
    house.call("PurgeQueue", QueueUrl=url)
    house.pass_time(59.9, step_s=1)
    with pytest.raises(Refused) as caught:
        house.call("PurgeQueue", QueueUrl=url)
    assert caught.value.status == 403
    assert caught.value.code == "AWS.SimpleQueueService.PurgeQueueInProgress"
    assert caught.value.message == "Only one PurgeQueue operation on orders is allowed every 60 seconds."
    house.call("PurgeQueue", QueueUrl=house.create("others"))
    house.pass_time(0.1)
    house.call("PurgeQueue", QueueUrl=url)


def test_one_option_lets_it_be_purged_at_any_time() -> None:
    house = House(is_strict=False)
    url = house.create("orders")
    house.call("PurgeQueue", QueueUrl=url)
    house.call("PurgeQueue", QueueUrl=url)


# --- finding --------------------------------------------------------------------------------------------------------


def test_a_queue_is_found_by_its_name(house: House) -> None:
    url = house.create("orders")
    assert house.call("GetQueueUrl", QueueName="orders") == {"QueueUrl": url}
    assert house.call("GetQueueUrl", QueueName="orders", QueueOwnerAWSAccountId=ACCOUNT) == {"QueueUrl": url}
    assert house.refused("GetQueueUrl", QueueName="other") == missing(house)
    assert house.refused("GetQueueUrl", QueueName="orders", QueueOwnerAWSAccountId=OTHER) == missing(house)


def test_a_bare_name_does_for_its_url(house: House) -> None:
    house.create("orders")
    assert house.send("orders", "Using name instead of URL")["MD5OfMessageBody"] == "86a83f96652a1bfad3891e7d523750cb"


@pytest.mark.parametrize(
    "url",
    [f"http://elsewhere:1/{ACCOUNT}/orders", f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/orders",
     f"{BASE}/queue/us-east-1/{ACCOUNT}/orders", f"http://us-east-1.queue.localhost/{ACCOUNT}/orders",
     f"/{ACCOUNT}/orders", f"http://sqs.example.com/{ACCOUNT}/orders", f"{BASE}/queue/orders"],
)  # fmt: skip
def test_any_host_will_do_in_a_queue_url(house: House, url: str) -> None:
    house.create("orders")
    assert house.send(url)["MessageId"]


@pytest.mark.parametrize(
    "url",
    ["nonsense", f"{BASE}/{ACCOUNT}/", f"{BASE}/{ACCOUNT}/orders/x", BASE, "http://[::1", f"{BASE}/x/orders",
     f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/orders", "\u0000"],
)  # fmt: skip
def test_what_is_no_url_of_a_queue_is_none(house: House, url: str) -> None:
    house.create("orders")
    assert house.refused("PurgeQueue", QueueUrl=url) == missing(house)


# --- regions and accounts -------------------------------------------------------------------------------------------


def test_the_same_name_is_another_queue_in_another_region(house: House) -> None:
    here = house.create("orders")
    there = house.call("CreateQueue", QueueName="orders", region="eu-west-1")["QueueUrl"]
    house.call("SendMessage", QueueUrl=there, MessageBody="there", region="eu-west-1")
    assert house.bodies(here) == []
    assert house.bodies(there, region="eu-west-1") == ["there"], "what the request is signed for chooses the region"
    found = house.call("GetQueueAttributes", QueueUrl=there, AttributeNames=["QueueArn"], region="eu-west-1")
    assert found["Attributes"]["QueueArn"] == f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"
    assert house.call("GetQueueUrl", QueueName="orders", region="eu-west-1")["QueueUrl"] == there
    house.call("CreateQueue", QueueName="only-here")
    assert house.call("ListQueues", region="eu-west-1")["QueueUrls"] == [there]
    assert house.call("ListQueues")["QueueUrls"] == [f"{BASE}/{ACCOUNT}/only-here", here]
    assert "QueueUrls" not in house.call("ListQueues", region="us-west-1")


def test_a_url_has_two_parts_in_every_region(house: House) -> None:
    """The bug: Terraform takes a URL of four parts for one of an incorrect format."""
    assert house.call("CreateQueue", QueueName="orders", region="eu-west-1") == {"QueueUrl": f"{BASE}/{ACCOUNT}/orders"}


def test_urls_that_an_earlier_version_gave_out_still_name_their_region(house: House) -> None:
    house.call("CreateQueue", QueueName="orders", region="eu-west-1")
    house.send(f"{BASE}/queue/eu-west-1/{ACCOUNT}/orders", "there")
    assert house.bodies(f"{BASE}/{ACCOUNT}/orders", region="eu-west-1") == ["there"]


@pytest.mark.parametrize("host", ["sqs.{}.localhost:9324", "{}.queue.localhost"])
def test_a_host_that_names_a_region_names_that_of_the_queue(house: House, host: str) -> None:
    """The bug: a queue of another region than the host's had a URL by which it was not found."""
    url = house.call("CreateQueue", QueueName="orders", region="eu-west-1", host=host.format("us-east-1"))["QueueUrl"]
    assert url == f"http://{host.format('eu-west-1')}/{ACCOUNT}/orders"
    house.send(url, "there")
    assert house.bodies(f"{BASE}/{ACCOUNT}/orders", region="eu-west-1") == ["there"]


def test_each_account_has_queues_of_its_own(house: House) -> None:
    here = house.create("orders")
    there = house.call("CreateQueue", QueueName="orders", account=OTHER)["QueueUrl"]
    assert there == f"{BASE}/{OTHER}/orders"
    house.call("SendMessage", QueueUrl=there, MessageBody="there", account=OTHER)
    assert house.bodies(here) == []
    assert house.call("ListQueues", account=OTHER)["QueueUrls"] == [there]
    assert house.call("ListQueues")["QueueUrls"] == [here]
    assert house.bodies(there, account=OTHER) == ["there"]
    assert "orders" in house.broker.vhost(OTHER).queues


# --- listing --------------------------------------------------------------------------------------------------------


def urls(*names: str) -> list[str]:
    return [f"{BASE}/{ACCOUNT}/{name}" for name in names]


def test_no_queues_are_no_list(house: House) -> None:
    assert house.call("ListQueues") == {}


def test_queues_are_listed_by_name_and_by_prefix(house: House) -> None:
    for name in ("b", "a2", "a1", "c"):
        house.create(name)
    assert house.call("ListQueues") == {"QueueUrls": urls("a1", "a2", "b", "c")}
    assert house.call("ListQueues", QueueNamePrefix="a") == {"QueueUrls": urls("a1", "a2")}
    assert house.call("ListQueues", QueueNamePrefix="x") == {}


def test_lists_come_in_pages(house: House) -> None:
    for name in ("a", "b", "c", "d", "e"):
        house.create(name)
    first = house.call("ListQueues", MaxResults=2)
    assert first["QueueUrls"] == urls("a", "b")
    house.call("DeleteQueue", QueueUrl=urls("b")[0])
    second = house.call("ListQueues", MaxResults=2, NextToken=first["NextToken"])
    assert second["QueueUrls"] == urls("c", "d")
    assert house.call("ListQueues", MaxResults=2, NextToken=second["NextToken"]) == {"QueueUrls": urls("e")}


def test_a_full_last_page_has_no_token(house: House) -> None:
    house.create("a")
    house.create("b")
    assert "NextToken" not in house.call("ListQueues", MaxResults=2)
    assert house.call("ListQueues", MaxResults=1, QueueNamePrefix="b") == {"QueueUrls": urls("b")}


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_a_page_has_one_to_a_thousand_queues(house: House, count: int) -> None:
    assert house.refused("ListQueues", MaxResults=count) == (
        "InvalidParameterValue",
        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.",
    )


def test_a_token_that_nobody_gave_is_refused(house: House) -> None:
    code, _ = house.refused("ListQueues", MaxResults=1, NextToken="\u00e4")
    assert code == "InvalidParameterValue"
