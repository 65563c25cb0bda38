"""What SNS keeps and reckons with, without a broker: properties, retry plans, and what a protection policy finds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.sns.delivery_policy import (
    CUSTOMER,
    MANAGED,
    check_subscription_policy,
    effective_subscription_policy,
    plan_of,
)
from mqbroker.aws.sns.message_attributes import encode_attributes
from mqbroker.aws.sns.properties import FORMATS, SNS, make_sns_properties
from mqbroker.aws.sns.protection import Protection
from mqbroker.aws.sqs.message_attributes import unpack
from mqbroker.errors import AwsError

TOPIC = "arn:aws:sns:us-east-1:000000000000:t"
NAMES = st.text("abcXYZ019_-", min_size=1, max_size=20)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)
GROUPS = st.text("abc019!~", max_size=20)


@given(
    st.binary(min_size=16, max_size=16), GROUPS, GROUPS, st.text("Root=1-a", max_size=30), TEXTS,
    st.dictionaries(NAMES, TEXTS, max_size=4),
)  # fmt: skip
def test_properties_come_back_from_their_octets(
    message_id: bytes, group: str, deduplication: str, trace: str, subject: str, attributes: dict[str, str]
) -> None:
    kept = encode_attributes(
        {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}, ""
    )
    notice = {"topic": TOPIC, "at": 1, "subject": subject}
    made = make_sns_properties(message_id, "SENDER", notice, group, deduplication, trace, kept)
    found = FORMATS[SNS](made.raw)
    assert found.text("group_id") == (group or None)
    assert found.text("message_id") == made.message_id
    again = made.redriven("source", 2).redriven("", 1).with_notice(hops=1)
    assert (again.notice, again.group_id, again.trace) == ({**notice, "hops": 1}, group, trace)
    assert {name: value.decode() for name, _, _, value in unpack(again.attributes)} == attributes
    headers = found.headers()
    assert (headers["SnsTopicArn"], headers["SnsSubject"]) == (TOPIC, subject)
    assert attributes.items() <= headers.items()


PLANS = [
    ({}, [20, 20, 20]),
    ({"numRetries": 5, "minDelayTarget": 10, "maxDelayTarget": 50}, [10, 20, 30, 40, 50]),
    ({"numRetries": 6, "numNoDelayRetries": 2, "numMinDelayRetries": 1, "numMaxDelayRetries": 1, "minDelayTarget": 1,
      "maxDelayTarget": 9}, [0, 0, 1, 1, 9, 9]),
    ({"numRetries": 5, "backoffFunction": "geometric", "minDelayTarget": 1, "maxDelayTarget": 17}, [1, 2, 5, 10, 17]),
    ({"numRetries": 5, "backoffFunction": "exponential", "minDelayTarget": 1, "maxDelayTarget": 16}, [1, 2, 4, 8, 16]),
    ({"numRetries": 4, "backoffFunction": "arithmetic", "minDelayTarget": 1, "maxDelayTarget": 13}, [1, 3, 7, 13]),
    ({"numRetries": 0}, []),
]  # fmt: skip


@pytest.mark.parametrize(("healthy", "delays"), PLANS)
def test_retries_come_in_their_phases(healthy: dict[str, Any], delays: list[float]) -> None:
    kept = check_subscription_policy(json.dumps({"healthyRetryPolicy": healthy} if healthy else {}), "")
    plan = plan_of(effective_subscription_policy(kept, "")["healthyRetryPolicy"])
    assert plan.delays_s == pytest.approx(delays)
    assert plan.delay_ms(len(delays) + 1) is None


@given(
    st.sampled_from(["linear", "arithmetic", "geometric", "exponential"]), st.integers(1, 3600), st.integers(0, 3600),
    st.integers(0, 100),
)  # fmt: skip
def test_backoff_goes_from_one_target_to_the_other(function: str, low: int, more: int, count: int) -> None:
    policy = {"minDelayTarget": low, "maxDelayTarget": min(low + more, 3600), "numRetries": count,
              "backoffFunction": function}  # fmt: skip
    kept = check_subscription_policy(json.dumps({"healthyRetryPolicy": policy}), "")
    delays = plan_of(effective_subscription_policy(kept, "")["healthyRetryPolicy"]).delays_s
    assert len(delays) == count
    assert list(delays) == sorted(delays)
    if count:
        assert delays[0] == pytest.approx(low)
    if count > 1:
        assert delays[-1] == pytest.approx(policy["maxDelayTarget"])


def test_other_endpoints_are_tried_for_hours_and_days() -> None:
    """AWS: 50 tries over more than six hours for those of customers, 100,015 within 23 days for its own."""
    assert (len(CUSTOMER.delays_s), sum(CUSTOMER.delays_s) // 3600) == (50, 6)
    assert (len(MANAGED.delays_s), sum(MANAGED.delays_s) // 86_400) == (100_015, 23)


def protection(identifiers: list[str], operation: dict[str, object], direction: str = "Inbound") -> Protection:
    statement = {
        "Sid": "s",
        "DataDirection": direction,
        "Principal": ["*"],
        "DataIdentifier": [f"arn:aws:dataprotection::aws:data-identifier/{each}" for each in identifiers],
        "Operation": operation,
    }
    return Protection.parse(
        json.dumps({"Name": "n", "Description": "", "Version": "2021-06-01", "Statement": [statement]})
    )


MASK: dict[str, object] = {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}}
FOUND = [
    ("EmailAddress", "write to jane.doe@example.com.", "write to ####################."),
    ("CreditCardNumber", "card 4111 1111 1111 1111!", "card ###################!"),
    ("CreditCardNumber", "order 1234567890123456", "order 1234567890123456"),  # its check digit is wrong
    ("IpAddress", "from 192.0.2.255", "from ###########"),
    ("IpAddress", "version 1.2.3.4.5 of 300.1.1.1", "version 1.2.3.4.5 of 300.1.1.1"),
    ("Ssn-US", "ssn 078-05-1120", "ssn ###########"),
    ("Ssn-US", "no ssn: 900-05-1120", "no ssn: 900-05-1120"),
    ("PhoneNumber-US", "call (555) 234-5678", "call ##############"),
]


@pytest.mark.parametrize(("identifier", "text", "shown"), FOUND)
def test_what_is_sensitive_is_masked(identifier: str, text: str, shown: str) -> None:
    assert protection([identifier], MASK).inbound(text, "someone")[0] == shown


def test_what_is_sensitive_is_taken_out_denied_or_only_counted() -> None:
    text = "from 192.0.2.1 to a@example.com"
    both = ["IpAddress", "EmailAddress"]
    assert protection(both, {"Deidentify": {"RedactConfig": {}}}).inbound(text, "")[0] == "from  to "
    assert protection(both, {"Deny": {}}).inbound(text, "")[0] is None
    assert protection(both, {"Deny": {}}).inbound("nothing", "") == ("nothing", [])
    assert protection(both, {"Deny": {}}, "Outbound").inbound(text, "")[0] == text
    assert protection(both, {"Deny": {}}, "Outbound").outbound(text, "")[0] is None
    shown, found = protection(both, {"Audit": {"SampleRate": "99"}}).inbound(text, "")
    assert (shown, sorted(found)) == (text, sorted(both))


def test_an_unknown_identifier_is_refused() -> None:
    with pytest.raises(AwsError):
        protection(["ShoeSize"], {"Deny": {}})


def test_a_mask_is_a_text() -> None:
    """Each message that had something to mask was an internal error."""
    with pytest.raises(AwsError):
        protection(["IpAddress"], {"Deidentify": {"MaskConfig": {"MaskWithCharacter": 5}}})
