"""Attributes of queues: what a new one shows, what may be set and is in force at once, and what is refused."""

import json

import pytest

from tests.support.sqs_house import ACCOUNT, START, WIRES, House

COMMON = {
    "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
    "ApproximateNumberOfMessagesDelayed": "0", "CreatedTimestamp": str(START // 1000),
    "LastModifiedTimestamp": str(START // 1000), "VisibilityTimeout": "30", "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}  # fmt: skip
FIFO = {
    "FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}  # fmt: skip
BOUNDS = {
    "VisibilityTimeout": (0, 43_200),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
ONE_ENCRYPTION = (
    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage",
                                             "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"}]}
)  # fmt: skip


def refused_setting(house: House, url: str, **attributes: str) -> tuple[str, str]:
    """What SetQueueAttributes says; CreateQueue says the same."""
    said = house.refused("SetQueueAttributes", QueueUrl=url, Attributes=attributes)
    fifo = {"FifoQueue": "true"} if url.endswith(".fifo") else {}
    name = "new.fifo" if fifo else "new"
    assert house.refused("CreateQueue", QueueName=name, Attributes={**fifo, **attributes}) == said
    return said


def unknown(name: str) -> tuple[str, str]:
    return "InvalidAttributeName", f"Unknown Attribute {name}."


# --- shown ----------------------------------------------------------------------------------------------------------


def test_a_new_standard_queue_shows_the_defaults(house: House) -> None:
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"
    assert house.attributes(house.create("orders")) == {**COMMON, "QueueArn": arn}


def test_a_new_fifo_queue_shows_four_more(house: House) -> None:
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders.fifo"
    assert house.attributes(house.create("orders.fifo")) == {**COMMON, **FIFO, "QueueArn": arn}


def test_only_what_is_asked_for_is_shown(house: House) -> None:
    url = house.create("orders", DelaySeconds="10")
    shown = house.attributes(url, "DelaySeconds", "VisibilityTimeout")
    assert shown == {"DelaySeconds": "10", "VisibilityTimeout": "30"}
    assert house.attributes(url, "Policy") == {}
    assert house.attributes(url, "FifoQueue", "RedrivePolicy") == {}
    assert house.call("GetQueueAttributes", QueueUrl=url) == {}
    assert len(house.attributes(url, "All", "DelaySeconds")) == len(COMMON) + 1


def test_an_unknown_attribute_is_not_shown_but_refused(house: House) -> None:
    url = house.create("orders")
    assert house.refused("GetQueueAttributes", QueueUrl=url, AttributeNames=["Foobar"]) == unknown("Foobar")
    assert house.refused("GetQueueAttributes", QueueUrl=url, AttributeNames=["All", "alle"]) == unknown("alle")


@pytest.mark.parametrize("word", ["ALL", "all"])
def test_all_attributes_may_be_asked_for_in_any_case(house: House, word: str) -> None:
    """The bug: kombu's fetch_message_attributes = ["ALL"] was refused, and its worker received nothing."""
    url = house.create("orders", VisibilityTimeout="0")
    assert house.attributes(url, word) == house.attributes(url, "All")
    house.send(url, MessageAttributes={"a": {"DataType": "String", "StringValue": "x"}})
    asked = {"MessageAttributeNames": [word], "AttributeNames": [word], "MessageSystemAttributeNames": [word]}
    (message,) = house.call("ReceiveMessage", QueueUrl=url, **asked)["Messages"]
    assert message["MessageAttributes"].keys() == {"a"}
    assert message["Attributes"].keys() >= {"SenderId", "SentTimestamp", "ApproximateReceiveCount"}


def test_counts_tell_where_the_messages_are(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="5")
    house.send(url)
    house.send(url)
    house.send(url, DelaySeconds=10)
    house.receive(url, 1)
    assert house.counts(url) == (1, 1, 1)
    house.pass_time(5)
    assert house.counts(url) == (2, 0, 1)
    house.pass_time(5)
    assert house.counts(url) == (3, 0, 0)


def test_messages_of_a_locked_group_are_visible_for_the_counts(house: House) -> None:
    url = house.create("orders.fifo", ContentBasedDeduplication="true", VisibilityTimeout="5")
    for number in range(6):
        house.send(url, str(number), MessageGroupId=str(number // 2))
    assert [house.bodies(url, 1), house.bodies(url, 1)] == [["0"], ["2"]]
    assert house.counts(url) == (4, 2, 0)
    house.pass_time(5)
    assert house.counts(url) == (6, 0, 0)


def test_a_change_is_noted_with_its_time(house: House) -> None:
    url = house.create("orders")
    house.pass_time(90, step_s=30)
    house.set(url, DelaySeconds="1")
    times = house.attributes(url, "CreatedTimestamp", "LastModifiedTimestamp")
    assert times == {"CreatedTimestamp": str(START // 1000), "LastModifiedTimestamp": str(START // 1000 + 90)}


# --- set ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items())
def test_a_number_may_be_set_within_its_bounds(house: House, name: str, bounds: tuple[int, int]) -> None:
    least, most = bounds
    url = house.create("orders")
    for number in bounds:
        house.set(url, **{name: str(number)})
        assert house.attributes(url, name) == {name: str(number)}
    for text in (str(least - 1), str(most + 1), "x", "1.5"):
        assert refused_setting(house, url, **{name: text}) == (
            "InvalidAttributeValue", f"Invalid value for the parameter {name}."
        )  # fmt: skip
    assert house.attributes(url, name) == {name: str(bounds[1])}


def test_several_attributes_are_set_together_or_not_at_all(house: House) -> None:
    url = house.create("orders", MessageRetentionPeriod="604800", ReceiveMessageWaitTimeSeconds="10")
    house.set(url, MaximumMessageSize="2048", VisibilityTimeout="69", DelaySeconds="420")
    before = house.attributes(url)
    assert (before["VisibilityTimeout"], before["DelaySeconds"]) == ("69", "420")
    assert before["ReceiveMessageWaitTimeSeconds"] == "10"
    house.refused("SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "1", "DelaySeconds": "901"})
    assert house.attributes(url) == before


@pytest.mark.parametrize("name", ["Foobar", "visibilitytimeout", "QueueArn", "CreatedTimestamp", "All"])
def test_what_cannot_be_set_is_unknown(house: House, name: str) -> None:
    assert refused_setting(house, house.create("orders"), **{name: "1"}) == unknown(name)


def test_the_type_of_a_queue_cannot_be_changed(house: House) -> None:
    standard, fifo = house.create("orders"), house.create("orders.fifo")
    for value in ("true", "false"):
        given = {"FifoQueue": value}
        assert house.refused("SetQueueAttributes", QueueUrl=standard, Attributes=given) == unknown("FifoQueue")
    assert house.refused("CreateQueue", QueueName="new", Attributes={"FifoQueue": "false"}) == unknown("FifoQueue")
    house.set(fifo, FifoQueue="true")
    assert house.refused("SetQueueAttributes", QueueUrl=fifo, Attributes={"FifoQueue": "false"}) == (
        "InvalidAttributeValue",
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    )


@pytest.mark.parametrize(("name", "value"), [("DeduplicationScope", "queue"), ("FifoThroughputLimit", "perQueue")])
def test_attributes_of_fifo_queues_are_not_for_standard_ones(house: House, name: str, value: str) -> None:
    text = f"You can specify the {name} only when FifoQueue is set to true."
    url = house.create("orders")
    assert refused_setting(house, url, **{name: value}) == ("InvalidAttributeName", text)
    assert refused_setting(house, url, ContentBasedDeduplication="true") == unknown("ContentBasedDeduplication")


@pytest.mark.parametrize(
    ("name", "value"),
    [("ContentBasedDeduplication", "maybe"), ("DeduplicationScope", "group"), ("FifoThroughputLimit", "max")],
)
def test_attributes_of_fifo_queues_have_their_values(house: House, name: str, value: str) -> None:
    said = refused_setting(house, house.create("orders.fifo"), **{name: value})
    assert said == ("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def test_high_throughput_needs_deduplication_by_group(house: House) -> None:
    url = house.create("orders.fifo")
    code, message = refused_setting(house, url, FifoThroughputLimit="perMessageGroupId")
    assert code == "InvalidAttributeValue"
    assert message.startswith("Invalid value for the parameter FifoThroughputLimit. Reason: ")
    house.set(url, FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup")
    shown = house.attributes(url, "FifoThroughputLimit", "DeduplicationScope")
    assert shown == {"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}
    house.set(url, FifoThroughputLimit="perQueue", DeduplicationScope="queue")
    assert house.attributes(url, "DeduplicationScope") == {"DeduplicationScope": "queue"}


# --- encryption -----------------------------------------------------------------------------------------------------


def test_a_key_turns_the_other_encryption_off(house: House) -> None:
    names = ("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")
    url = house.create("orders")
    house.set(url, KmsMasterKeyId="testKeyId", KmsDataKeyReusePeriodSeconds="6000")
    assert house.attributes(url, *names) == {
        "KmsMasterKeyId": "testKeyId", "KmsDataKeyReusePeriodSeconds": "6000", "SqsManagedSseEnabled": "false"
    }  # fmt: skip
    house.set(url, KmsMasterKeyId="", KmsDataKeyReusePeriodSeconds="300")
    assert house.attributes(url, *names) == {"SqsManagedSseEnabled": "false"}
    house.set(url, SqsManagedSseEnabled="true")
    assert house.attributes(url, *names) == {"SqsManagedSseEnabled": "true"}


def test_there_is_one_kind_of_encryption_at_one_time(house: House) -> None:
    url = house.create("orders")
    said = refused_setting(house, url, KmsMasterKeyId="testKeyId", SqsManagedSseEnabled="true")
    assert said == ("InvalidAttributeName", ONE_ENCRYPTION)
    house.set(url, KmsMasterKeyId="testKeyId", SqsManagedSseEnabled="false")
    said = house.refused("SetQueueAttributes", QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    assert said == ("InvalidAttributeName", ONE_ENCRYPTION)


# --- documents ------------------------------------------------------------------------------------------------------


def test_an_empty_policy_takes_it_away(house: House) -> None:
    url = house.create("orders")
    house.set(url, Policy="")
    assert house.attributes(url, "Policy") == {}
    house.set(url, Policy=POLICY)
    assert json.loads(house.attributes(url, "Policy")["Policy"]) == json.loads(POLICY)
    assert "Policy" in house.attributes(url)
    house.set(url, Policy="")
    assert house.attributes(url, "Policy") == {}


def test_documents_are_the_same_in_any_spelling(house: House) -> None:
    url = house.create("orders", Policy=POLICY)
    respelt = json.dumps(json.loads(POLICY), indent=2, sort_keys=True)
    assert house.create("orders", Policy=respelt) == url


@pytest.mark.parametrize("policy", ["nonsense", "[]", "{}", '{"Statement": 1}'])
def test_a_policy_that_is_none_is_refused(house: House, policy: str) -> None:
    code, message = refused_setting(house, house.create("orders"), Policy=policy)
    assert code == "InvalidAttributeValue"
    assert message.startswith("Invalid value for the parameter Policy.")


# --- in force at once -----------------------------------------------------------------------------------------------


def test_a_new_visibility_is_for_what_is_received_from_now_on(house: House) -> None:
    url = house.create("orders", VisibilityTimeout="100")
    house.send(url, "early")
    house.receive(url)
    house.set(url, VisibilityTimeout="1")
    house.send(url, "late")
    assert house.bodies(url) == ["late"]
    house.pass_time(1)
    assert house.bodies(url) == ["late"]


def test_a_new_delay_is_for_what_is_sent_from_now_on(house: House) -> None:
    url = house.create("orders", DelaySeconds="5")
    house.send(url, "early")
    house.set(url, DelaySeconds="0")
    house.send(url, "late")
    assert house.bodies(url) == ["late"]
    house.pass_time(5)
    assert house.bodies(url) == ["early"]


def test_a_new_retention_is_for_the_messages_that_are_there(house: House) -> None:
    url = house.create("orders")
    house.send(url, "early")
    house.pass_time(30, step_s=1)
    house.send(url, "late")
    house.set(url, MessageRetentionPeriod="60")
    house.pass_time(30, step_s=1)
    assert house.counts(url) == (1, 0, 0)
    assert house.bodies(url) == ["late"]
    house.pass_time(30, step_s=1)
    assert house.counts(url) == (0, 0, 0), "in flight or not"


def test_a_message_expires_in_a_fifo_queue_too(house: House) -> None:
    url = house.create("orders.fifo", MessageRetentionPeriod="60", ContentBasedDeduplication="true")
    for group in "ab":
        house.send(url, group, MessageGroupId=group)
    house.leap(60)
    assert house.bodies(url) == []
    assert house.counts(url) == (0, 0, 0)


def test_what_has_expired_in_flight_is_deleted_without_complaint(house: House) -> None:
    url = house.create("orders", MessageRetentionPeriod="60", VisibilityTimeout="600")
    house.send(url)
    message = house.receive_one(url)
    house.leap(61)
    house.delete(url, message)


# --- not strict -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=WIRES)
def lenient(request: pytest.FixtureRequest) -> House:
    """A house that is not strict."""
    return House(is_strict=False, wire=request.param)


def test_who_is_not_strict_ignores_attributes_that_nobody_knows(lenient: House) -> None:
    """The bug: an attribute that only some emulator knows, such as QueueName, was refused."""
    url = lenient.create("orders", QueueName="orders", FifoQueue="False", QueueArn="x", DelaySeconds="1")
    assert lenient.create("orders", QueueName="other", DelaySeconds="1") == url
    lenient.set(url, QueueName="orders", VisibilityTimeout="5")
    assert lenient.attributes(url, "QueueName", "DelaySeconds", "VisibilityTimeout") == {
        "DelaySeconds": "1", "VisibilityTimeout": "5"
    }  # fmt: skip
    lenient.send(url, DelaySeconds=0)
    message = lenient.receive_one(url, AttributeNames=["QueueName", "SenderId"])
    assert message["Attributes"] == {"SenderId": ACCOUNT}


def test_who_is_not_strict_still_refuses_wrong_values_and_attributes_of_another_type(lenient: House) -> None:
    for given in ({"DelaySeconds": "x"}, {"ContentBasedDeduplication": "true"}, {"FifoQueue": "x"}):
        assert lenient.refused("CreateQueue", QueueName="orders", Attributes=given)[0].startswith("InvalidAttribute")
