"""Dead-letter queues: redrive policies and who may use them, what moves when, and what a dead letter tells."""

import json
from typing import Any

import pytest

from tests.support.sqs_house import ACCOUNT, BASE, START, House

OTHER = "111122223333"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def policy(arn: str, count: object = 1) -> str:
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})


def pair(house: House, count: int = 1, suffix: str = "", **attributes: str) -> tuple[str, str]:
    """A queue and its dead-letter queue."""
    fifo = {"ContentBasedDeduplication": "true"} if suffix else {}
    dead = house.create(f"dead{suffix}", **fifo)
    redrive = policy(house.arn(dead), count)
    return house.create(f"orders{suffix}", RedrivePolicy=redrive, VisibilityTimeout="0", **fifo, **attributes), dead


def invalid(text: str, reason: str) -> tuple[str, str]:
    return "InvalidParameterValue", f"Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"


# --- moving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_a_message_that_was_received_too_often_goes_to_the_dead_letter_queue(house: House, count: int) -> None:
    url, dead = pair(house, count)
    sent = house.send(url, "poison")
    for _ in range(count):
        assert house.bodies(url) == ["poison"]
    assert house.bodies(url) == []
    message = house.receive_one(dead)
    assert (message["Body"], message["MessageId"]) == ("poison", sent["MessageId"])
    assert house.counts(url) == (0, 0, 0)


def test_a_dead_letter_keeps_what_it_had_and_tells_where_it_comes_from(house: House) -> None:
    url, dead = pair(house)
    attributes = {"MyAttribute": {"StringValue": "foobar", "DataType": "String"}}
    trace = {"AWSTraceHeader": {"StringValue": TRACE, "DataType": "String"}}
    house.send(url, "message-1", MessageAttributes=attributes, MessageSystemAttributes=trace, MessageGroupId="g")
    house.pass_time(1)
    first = house.receive_one(url)
    assert "DeadLetterQueueSourceArn" not in first["Attributes"]
    house.receive(url)
    house.pass_time(1)
    message = house.receive_one(dead)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == "adb59cd4678ea5a855436b949cd07ab6"  # recorded from AWS
    assert message["Attributes"] == {
        "SenderId": ACCOUNT, "SentTimestamp": str(START), "ApproximateReceiveCount": "2",
        "ApproximateFirstReceiveTimestamp": str(START + 2000), "AWSTraceHeader": TRACE, "MessageGroupId": "g",
        "DeadLetterQueueSourceArn": house.arn(url),
    }  # fmt: skip


def test_the_timeout_counts_too(house: House) -> None:
    url, dead = pair(house)
    house.set(url, VisibilityTimeout="5")
    house.send(url, "slow")
    house.receive(url)
    house.pass_time(5)
    assert house.bodies(dead) == [], "it is moved when somebody asks for it"
    assert house.bodies(url) == []
    assert house.bodies(dead) == ["slow"]


def test_others_are_received_while_the_poisonous_one_moves(house: House) -> None:
    url, dead = pair(house)
    house.send(url, "poison")
    house.receive(url)
    house.send(url, "food")
    assert house.bodies(url) == ["food"]
    assert house.bodies(dead) == ["poison"]


def test_a_poll_of_the_dead_letter_queue_is_woken(house: House) -> None:
    url, dead = pair(house)
    house.send(url, "poison")
    house.receive(url)
    poll = house.poll(dead)
    house.receive(url)
    house.pass_time(0.1)
    assert poll.bodies() == ["poison"]


def test_a_policy_is_for_the_messages_that_are_there(house: House) -> None:
    url, dead = pair(house, 5)
    house.send(url, "poison")
    for _ in range(3):
        house.receive(url)
    house.set(url, RedrivePolicy=policy(house.arn(dead), 2))
    assert house.bodies(url) == []
    assert house.bodies(dead) == ["poison"]
    house.set(url, RedrivePolicy="")
    house.send(url, "more")
    assert [house.bodies(url) for _ in range(4)] == [["more"]] * 4


def test_a_chain_of_queues_counts_anew_in_each(house: House) -> None:
    last = house.create("last")
    middle = house.create("middle", RedrivePolicy=policy(house.arn(last), 2), VisibilityTimeout="0")
    first = house.create("first", RedrivePolicy=policy(house.arn(middle), 1), VisibilityTimeout="0")
    house.send(first, "poison")
    assert [house.bodies(first), house.bodies(first)] == [["poison"], []]
    assert [house.bodies(middle), house.bodies(middle), house.bodies(middle)] == [["poison"], ["poison"], []]
    attributes = house.receive_one(last)["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "4"
    assert attributes["DeadLetterQueueSourceArn"] == house.arn(middle)


def test_a_message_stays_when_the_dead_letter_queue_has_gone(house: House) -> None:
    url, dead = pair(house)
    house.send(url, "poison")
    house.call("DeleteQueue", QueueUrl=dead)
    assert [house.bodies(url) for _ in range(3)] == [["poison"]] * 3


def test_moving_is_not_sending(house: House) -> None:
    url, dead = pair(house)
    house.send(url, "poison")
    house.receive(url)
    house.receive(url)
    assert house.queue("dead").core.sent_count == 0
    assert house.queue("orders").core.deleted_count == 0
    assert house.counts(dead) == (1, 0, 0)


# --- time -----------------------------------------------------------------------------------------------------------


def test_the_retention_of_a_standard_dead_letter_goes_on_from_its_sending(house: House) -> None:
    url, dead = pair(house)
    house.set(dead, MessageRetentionPeriod="100")
    house.send(url, "poison")
    house.pass_time(60, step_s=1)
    house.receive(url)
    house.receive(url)
    house.pass_time(39, step_s=1)
    assert house.counts(dead) == (1, 0, 0)
    house.pass_time(1)
    assert house.counts(dead) == (0, 0, 0)


def test_that_of_a_fifo_dead_letter_begins_anew(house: House) -> None:
    url, dead = pair(house, suffix=".fifo")
    house.set(dead, MessageRetentionPeriod="100")
    house.send(url, "poison", MessageGroupId="g")
    house.pass_time(60, step_s=1)
    house.receive(url)
    house.receive(url)
    house.pass_time(99, step_s=1)
    assert house.counts(dead) == (1, 0, 0)
    house.pass_time(1)
    assert house.counts(dead) == (0, 0, 0)


# --- FIFO -----------------------------------------------------------------------------------------------------------


def test_a_fifo_queue_works_on_after_a_dead_letter(house: House) -> None:
    url, dead = pair(house, 2, ".fifo")
    sent = house.send(url, "poison", MessageGroupId="g")
    house.send(url, "food", MessageGroupId="g")
    assert [house.bodies(url, 1), house.bodies(url, 1)] == [["poison"], ["poison"]]
    assert house.bodies(url, 1) == ["food"]
    message = house.receive_one(dead)
    assert (message["Body"], message["MessageId"]) == ("poison", sent["MessageId"])
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == house.arn(url)


def test_dead_letters_of_a_group_keep_their_order(house: House) -> None:
    url, dead = pair(house, 1, ".fifo")
    for body in ("1", "2", "3"):
        house.send(url, body, MessageGroupId="g")
    while house.receive(url):
        pass
    assert house.bodies(dead) == ["1", "2", "3"]


# --- the policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [10, "10"])
def test_the_policy_is_shown_without_white_space_and_with_a_number(house: House, count: object) -> None:
    """The bug: it was shown as it was given, so who compared it with AWS's form saw a change each time."""
    dead = house.create("dead")
    given = json.dumps({"maxReceiveCount": count, "deadLetterTargetArn": house.arn(dead)}, indent=1)
    url = house.create("orders", RedrivePolicy=given, MessageRetentionPeriod="604800")
    shown = house.attributes(url, "RedrivePolicy", "MessageRetentionPeriod")
    assert shown["MessageRetentionPeriod"] == "604800"
    assert shown["RedrivePolicy"] == f'{{"deadLetterTargetArn":"{house.arn(dead)}","maxReceiveCount":10}}'
    for same in (10, "10"):
        assert house.create("orders", RedrivePolicy=policy(house.arn(dead), same)) == url
    other = {"RedrivePolicy": policy(house.arn(dead), 11)}
    assert house.refused("CreateQueue", QueueName="orders", Attributes=other)[0] == "QueueAlreadyExists"
    house.set(url, RedrivePolicy="")
    assert house.attributes(url, "RedrivePolicy") == {}
    house.set(url, RedrivePolicy="")


@pytest.mark.parametrize("count", [1, "1", 1000, "1000"])
def test_counts_may_be_text(house: House, count: object) -> None:
    dead = house.create("dead")
    house.set(house.create("orders"), RedrivePolicy=policy(house.arn(dead), count))


@pytest.mark.parametrize("count", [0, 1001, -1, "invalid", "", 1.5, None])
def test_a_count_is_one_to_a_thousand(house: House, count: object) -> None:
    text = policy(house.arn(house.create("dead")), count)
    said = house.refused("SetQueueAttributes", QueueUrl=house.create("orders"), Attributes={"RedrivePolicy": text})
    reason = f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive."
    assert said == invalid(text, reason)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("nonsense", "Redrive policy is not a valid JSON map."),
        ("[]", "Redrive policy is not a valid JSON map."),
        ({"maxReceiveCount": 1}, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
        ({"deadLetterTargetArn": "x"}, "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        ({"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}, "Invalid value for deadLetterTargetArn."),
        ({"deadLetterTargetArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:x", "maxReceiveCount": 1},
         "Invalid value for deadLetterTargetArn."),
        ({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:none", "maxReceiveCount": 1},
         "Dead letter target does not exist."),
        ({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead.fifo", "maxReceiveCount": 1},
         "Dead-letter queue must be same type of queue as the source."),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be(house: House, given: object, reason: str) -> None:
    house.create("dead.fifo")
    text = given if isinstance(given, str) else json.dumps(given)
    assert house.refused("CreateQueue", QueueName="orders", Attributes={"RedrivePolicy": text}) == invalid(text, reason)


@pytest.mark.parametrize(("account", "region"), [(OTHER, "us-east-1"), (ACCOUNT, "eu-west-1")])
def test_the_dead_letter_queue_is_of_the_same_account_and_region(house: House, account: str, region: str) -> None:
    house.call("CreateQueue", QueueName="dead", account=account, region=region)
    text = policy(f"arn:aws:sqs:{region}:{account}:dead")
    code, message = house.refused("CreateQueue", QueueName="orders", Attributes={"RedrivePolicy": text})
    assert (code, message.startswith(f"Value {text} for parameter RedrivePolicy is invalid.")) == (
        "InvalidParameterValue", True
    )  # fmt: skip


def test_dead_letters_move_in_another_region_too(house: House) -> None:
    there: dict[str, Any] = {"region": "eu-west-1"}
    dead = house.call("CreateQueue", QueueName="dead", **there)["QueueUrl"]
    redrive = {"RedrivePolicy": policy(f"arn:aws:sqs:eu-west-1:{ACCOUNT}:dead"), "VisibilityTimeout": "0"}
    url = house.call("CreateQueue", QueueName="orders", Attributes=redrive, **there)["QueueUrl"]
    house.send(url, "poison", **there)
    house.receive(url, **there)
    house.receive(url, **there)
    source = house.receive_one(dead, **there)["Attributes"]["DeadLetterQueueSourceArn"]
    assert source == f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"


# --- sources --------------------------------------------------------------------------------------------------------


def test_the_sources_of_a_dead_letter_queue_are_listed(house: House) -> None:
    dead = house.create("dead")
    assert house.call("ListDeadLetterSourceQueues", QueueUrl=dead).get("queueUrls", []) == []
    for name in ("c", "a", "b"):
        house.create(name, RedrivePolicy=policy(house.arn(dead)))
    urls = [f"{BASE}/{ACCOUNT}/{name}" for name in ("a", "b", "c")]
    assert house.call("ListDeadLetterSourceQueues", QueueUrl=dead) == {"queueUrls": urls}
    page = house.call("ListDeadLetterSourceQueues", QueueUrl=dead, MaxResults=2)
    assert page["queueUrls"] == urls[:2]
    rest = house.call("ListDeadLetterSourceQueues", QueueUrl=dead, MaxResults=2, NextToken=page["NextToken"])
    assert rest == {"queueUrls": urls[2:]}
    house.set(urls[0], RedrivePolicy="")
    house.call("DeleteQueue", QueueUrl=urls[1])
    assert house.call("ListDeadLetterSourceQueues", QueueUrl=dead) == {"queueUrls": urls[2:]}


@pytest.mark.parametrize("count", [0, 1001])
def test_a_page_of_sources_has_one_to_a_thousand(house: House, count: int) -> None:
    code, _ = house.refused("ListDeadLetterSourceQueues", QueueUrl=house.create("dead"), MaxResults=count)
    assert code == "InvalidParameterValue"


# --- who may be a source --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allow", "is_allowed"),
    [
        ({"redrivePermission": "allowAll"}, True), ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"]}, True),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:us-east-1:{ACCOUNT}:other"]}, False),
    ],
)  # fmt: skip
def test_a_dead_letter_queue_says_who_may_use_it(house: House, allow: dict[str, Any], is_allowed: bool) -> None:
    dead = house.create("dead", RedriveAllowPolicy=json.dumps(allow))
    assert json.loads(house.attributes(dead, "RedriveAllowPolicy")["RedriveAllowPolicy"]) == allow
    url, text = house.create("orders"), policy(house.arn(dead))
    if is_allowed:
        house.set(url, RedrivePolicy=text)
        return
    said = house.refused("SetQueueAttributes", QueueUrl=url, Attributes={"RedrivePolicy": text})
    assert said == invalid(text, "Dead letter target does not allow the source queue.")


@pytest.mark.parametrize(
    "allow",
    ["nonsense", "[]", {}, {"redrivePermission": "some"}, {"redrivePermission": "byQueue"},
     {"redrivePermission": "byQueue", "sourceQueueArns": []},
     {"redrivePermission": "denyAll", "sourceQueueArns": ["x"]},
     {"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:us-east-1:{ACCOUNT}:q{n}" for n in range(11)]}],
)  # fmt: skip
def test_an_allow_policy_that_cannot_be(house: House, allow: object) -> None:
    text = allow if isinstance(allow, str) else json.dumps(allow)
    said = house.refused("CreateQueue", QueueName="dead", Attributes={"RedriveAllowPolicy": text})
    assert said[0] == "InvalidParameterValue"
    assert said[1].startswith(f"Value {text} for parameter RedriveAllowPolicy is invalid. Reason: ")
