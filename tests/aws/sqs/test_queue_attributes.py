"""Attributes of queues: what may be set, and what is said to the rest."""

import pytest

from mqbroker.aws.sqs import queue_attributes as attributes
from mqbroker.aws.sqs.redrive import QueueArn, RedriveAllowPolicy, RedrivePolicy
from mqbroker.errors import AwsError

ARN = "arn:aws:sqs:us-east-1:000000000000:dead"
LIMITS = {
    "VisibilityTimeout": (0, 43_200),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}


def refused(given: dict[str, str], is_fifo: bool = False) -> AwsError:
    with pytest.raises(AwsError) as error:
        attributes.merged({}, attributes.check_attributes(given, is_fifo))
    return error.value


@pytest.mark.parametrize(("name", "bounds"), LIMITS.items())
def test_numbers_have_their_bounds(name: str, bounds: tuple[int, int]) -> None:
    least, most = bounds
    for number in bounds:
        assert attributes.check_attributes({name: str(number)}, False) == {name: str(number)}
    for text in (str(least - 1), str(most + 1), "", "x", "1.5", "\u0661"):
        error = refused({name: text})
        assert (error.code, error.message) == ("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


@pytest.mark.parametrize("name", ["Unknown", "QueueArn", "ContentBasedDeduplication", "FifoQueue"])
def test_what_a_standard_queue_does_not_have_is_unknown(name: str) -> None:
    error = refused({name: "true"})
    assert (error.code, error.message) == ("InvalidAttributeName", f"Unknown Attribute {name}.")


@pytest.mark.parametrize("name", ["DeduplicationScope", "FifoThroughputLimit"])
def test_what_needs_a_fifo_queue_says_so(name: str) -> None:
    error = refused({name: "queue"})
    assert error.code == "InvalidAttributeName"
    assert error.message == f"You can specify the {name} only when FifoQueue is set to true."


def test_one_kind_of_encryption_at_one_time() -> None:
    error = refused({"KmsMasterKeyId": "key", "SqsManagedSseEnabled": "true"})
    assert error.code == "InvalidAttributeName"
    assert error.message == (
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
    )
    assert attributes.merged({}, {"KmsMasterKeyId": "key"})["SqsManagedSseEnabled"] == "false"
    with pytest.raises(AwsError):
        attributes.merged({"KmsMasterKeyId": "key"}, {"SqsManagedSseEnabled": "true"})


def test_the_default_reuse_period_is_not_kept() -> None:
    assert "KmsDataKeyReusePeriodSeconds" not in attributes.merged({}, {"KmsDataKeyReusePeriodSeconds": "300"})


def test_throughput_per_group_needs_deduplication_per_group() -> None:
    assert refused({"FifoThroughputLimit": "perMessageGroupId"}, is_fifo=True).code == "InvalidAttributeValue"
    both = {"FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": "messageGroup"}
    assert attributes.merged({}, attributes.check_attributes(both, True)) == both


def test_an_empty_document_takes_it_away() -> None:
    assert attributes.merged({"RedrivePolicy": "x"}, {"RedrivePolicy": ""}) == {}


def test_documents_are_compared_as_json() -> None:
    arn = "arn:aws:sqs:us-east-1:1:dead"
    redrive = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3}}'
    have = {"RedrivePolicy": redrive, "DelaySeconds": "5", "Policy": "{}"}
    same = {"RedrivePolicy": f'{{"maxReceiveCount": "3", "deadLetterTargetArn": "{arn}"}}', "Policy": "{ }"}
    assert attributes.first_difference(same, have) is None
    assert attributes.first_difference({"DelaySeconds": "6"}, have) == "DelaySeconds"
    other = {"RedrivePolicy": f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":4}}'}
    assert attributes.first_difference(other, have) == "RedrivePolicy"


@pytest.mark.parametrize(
    ("name", "is_fifo", "is_allowed"),
    [("a" * 80, False, True), ("a" * 81, False, False), ("", False, False), ("a/b", False, False), ("ä", False, False),
     ("a.fifo", False, False), ("a.fifo", True, True), ("a", True, False), ("a" * 75 + ".fifo", True, True),
     ("a" * 76 + ".fifo", True, False)],
)  # fmt: skip
def test_names(name: str, is_fifo: bool, is_allowed: bool) -> None:
    if is_allowed:
        attributes.check_name(name, is_fifo)
        return
    with pytest.raises(AwsError) as error:
        attributes.check_name(name, is_fifo)
    assert error.value.code == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "Redrive policy is not a valid JSON map."),
        ("[]", "Redrive policy is not a valid JSON map."),
        ("{}", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
        (f'{{"deadLetterTargetArn":"{ARN}"}}', "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        ('{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}', "Invalid value for deadLetterTargetArn."),
        (
            f'{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":0}}',
            "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            f'{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":1,"x":1}}',
            "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].",
        ),
    ],
)
def test_a_redrive_policy_that_cannot_be(text: str, reason: str) -> None:
    error = refused({"RedrivePolicy": text})
    assert error.code == "InvalidParameterValue"
    assert error.message == f"Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"


def test_a_redrive_policy_takes_its_count_as_text_too() -> None:
    policy = RedrivePolicy.parse(f'{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":"1000"}}')
    assert (policy.target, policy.receive_max) == (QueueArn("us-east-1", "000000000000", "dead"), 1000)


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ('{"redrivePermission":"allowAll"}', True),
        ('{"redrivePermission":"denyAll"}', False),
        (f'{{"redrivePermission":"byQueue","sourceQueueArns":["{ARN}"]}}', True),
        ('{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:other"]}', False),
    ],
)
def test_a_redrive_allow_policy_allows_some(text: str, is_allowed: bool) -> None:
    source = QueueArn.parse(ARN)
    assert source is not None
    assert RedriveAllowPolicy.parse(text).allows(source) is is_allowed


@pytest.mark.parametrize(
    "text",
    [
        "x", "[]", "{}", '{"redrivePermission":"some"}', '{"redrivePermission":"byQueue"}',
        f'{{"redrivePermission":"allowAll","sourceQueueArns":["{ARN}"]}}',
        '{"redrivePermission":"byQueue","sourceQueueArns":["x"]}',
        '{"redrivePermission":"byQueue","sourceQueueArns":1}',
        '{"redrivePermission":"byQueue","sourceQueueArns":[' + ",".join([f'"{ARN}"'] * 11) + "]}",
    ],
)  # fmt: skip
def test_a_redrive_allow_policy_that_cannot_be(text: str) -> None:
    assert refused({"RedriveAllowPolicy": text}).code == "InvalidParameterValue"
