"""What SNS keeps and reckons with, without a broker: properties, retry plans, and what a protection policy finds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.sns.delivery_policy import (
    CUSTOMER,
    MANAGED,
    RetryPlan,
    check_subscription_policy,
    check_topic_policy,
    effective_subscription_policy,
    plan_of,
)
from mqbroker.aws.sns.email_target import EmailTarget
from mqbroker.aws.sns.firehose_target import FirehoseTarget
from mqbroker.aws.sns.gateway_targets import LambdaTarget, SmsTarget
from mqbroker.aws.sns.identifiers import IDENTIFIERS
from mqbroker.aws.sns.message_attributes import check_attributes, packed
from mqbroker.aws.sns.properties import FORMATS, SNS, make_sns_properties
from mqbroker.aws.sns.protection import Protection
from mqbroker.aws.sns.push import ApplicationTarget
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
    given = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    kept = packed(check_attributes(given))
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


PLANS: list[tuple[dict[str, object], list[float]]] = [
    ({}, [20, 20, 20]),
    ({"numRetries": 5, "minDelayTarget": 10, "maxDelayTarget": 50}, [10, 20, 30, 40, 50]),
    ({"numRetries": 6, "numNoDelayRetries": 2, "numMinDelayRetries": 1, "numMaxDelayRetries": 1, "minDelayTarget": 1,
      "maxDelayTarget": 9}, [0, 0, 1, 1, 9, 9]),
    ({"numRetries": 5, "backoffFunction": "geometric", "minDelayTarget": 1, "maxDelayTarget": 17}, [1, 2, 5, 10, 17]),
    ({"numRetries": 5, "backoffFunction": "exponential", "minDelayTarget": 1, "maxDelayTarget": 16}, [1, 2, 4, 8, 16]),
    ({"numRetries": 4, "backoffFunction": "arithmetic", "minDelayTarget": 1, "maxDelayTarget": 13}, [1, 3, 7, 13]),
    ({"numRetries": 0, "minDelayTarget": 1, "maxDelayTarget": 1}, []),
]  # fmt: skip


def delays_of(plan: RetryPlan) -> list[float]:
    """Every delay of a plan, in seconds; there is none after the last retry."""
    found = [plan.delay_ms(failures) for failures in range(1, plan.count + 2)]
    assert found.pop() is None
    return [delay_ms / 1000 for delay_ms in found if delay_ms is not None]


@pytest.mark.parametrize(("healthy", "delays"), PLANS)
def test_retries_come_in_their_phases(healthy: dict[str, Any], delays: list[float]) -> None:
    kept = check_subscription_policy(json.dumps({"healthyRetryPolicy": healthy} if healthy else {}), "")
    plan = plan_of(effective_subscription_policy(kept, "")["healthyRetryPolicy"])
    assert delays_of(plan) == pytest.approx(delays, abs=0.001)
    assert plan.total_s == pytest.approx(sum(delays))


@given(
    st.sampled_from(["linear", "arithmetic", "geometric", "exponential"]), st.integers(1, 18), st.integers(0, 18),
    st.integers(0, 100),
)  # fmt: skip
def test_backoff_goes_from_one_target_to_the_other(function: str, low: int, more: int, count: int) -> None:
    policy = {"minDelayTarget": low, "maxDelayTarget": low + more, "numRetries": count,
              "backoffFunction": function}  # fmt: skip
    kept = check_subscription_policy(json.dumps({"healthyRetryPolicy": policy}), "")
    delays = delays_of(plan_of(effective_subscription_policy(kept, "")["healthyRetryPolicy"]))
    assert len(delays) == count
    assert delays == sorted(delays)
    if count:
        assert delays[0] == pytest.approx(low)
    if count > 1:
        assert delays[-1] == pytest.approx(policy["maxDelayTarget"])


def test_other_endpoints_are_tried_for_hours_and_days() -> None:
    """AWS: 50 tries over more than six hours for those of customers, 100,015 within 23 days for its own."""
    customer, managed = delays_of(CUSTOMER), delays_of(MANAGED)
    assert (len(customer), len(managed)) == (50, 100_015)
    assert (CUSTOMER.total_s // 3600, MANAGED.total_s // 86_400) == (6, 23)
    assert (customer[:2], customer[2], customer[11], set(customer[12:])) == ([10, 10], 10, 600, {600})
    assert (managed[:5], managed[5], managed[14], set(managed[15:])) == ([0, 0, 0, 1, 1], 1, 20, {20})
    for growing in (customer[2:12], managed[5:15]):
        assert growing == sorted(set(growing))


def test_which_endpoints_are_whose() -> None:
    """A function that was away for a day got nothing of it if it was taken for a mailbox."""
    assert {target.plan for target in (LambdaTarget, FirehoseTarget)} == {MANAGED}
    assert {target.plan for target in (EmailTarget, SmsTarget, ApplicationTarget)} == {CUSTOMER}


def healthy(**changes: object) -> dict[str, object]:
    return {"minDelayTarget": 1, "maxDelayTarget": 2, "numRetries": 3, **changes}


WRONG_POLICIES: list[tuple[dict[str, object], str]] = [
    (healthy(numRetries=101), "healthyRetryPolicy.numRetries must be less than or equal to 100"),
    (healthy(numRetries=-1), "healthyRetryPolicy.numRetries must be greater than or equal to 0"),
    (healthy(numRetries=None), "healthyRetryPolicy.numRetries must be specified"),
    (healthy(minDelayTarget=0), "healthyRetryPolicy.minDelayTarget must be greater than or equal to 1"),
    (healthy(maxDelayTarget=3601), "healthyRetryPolicy.maxDelayTarget must be less than or equal to 3600"),
    ({"minDelayTarget": 1, "numRetries": 3}, "healthyRetryPolicy.maxDelayTarget must be specified"),
    (healthy(minDelayTarget=3), "healthyRetryPolicy.maxDelayTarget must be greater than or equal to minDelayTarget"),
    (
        healthy(numNoDelayRetries=2, numMaxDelayRetries=2),
        "healthyRetryPolicy.numRetries must be greater than or equal to total of numMinDelayRetries, "
        "numNoDelayRetries and numMaxDelayRetries",
    ),
    (
        healthy(minDelayTarget=1200, maxDelayTarget=1201),
        "healthyRetryPolicy: Total policy retry time cannot be greater than 3600 seconds",
    ),
    (
        healthy(backoffFunction="cubic"),
        "healthyRetryPolicy.backoffFunction must be one of linear, arithmetic, geometric, exponential",
    ),
    (
        healthy(backoffFunction=["linear"]),
        "healthyRetryPolicy.backoffFunction must be one of linear, arithmetic, geometric, exponential",
    ),
    (healthy(often=True), "Unexpected JSON member"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG_POLICIES)
def test_what_is_wrong_with_a_delivery_policy_is_said(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(AwsError) as refused:
        check_subscription_policy(json.dumps({"healthyRetryPolicy": wrong}), "Attributes Reason: ")
    assert refused.value.message == f"Invalid parameter: Attributes Reason: DeliveryPolicy: {said}"
    with pytest.raises(AwsError) as refused:
        check_topic_policy(json.dumps({"http": {"defaultHealthyRetryPolicy": wrong}}), "")
    of_topic = said.replace("healthyRetryPolicy", "http.defaultHealthyRetryPolicy")
    assert refused.value.message == f"Invalid parameter: DeliveryPolicy: {of_topic}"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ('{"throttlePolicy": {"maxReceivesPerSecond": 0}}',
         "throttlePolicy.maxReceivesPerSecond must be greater than or equal to 1"),
        ('{"throttlePolicy": {"perHour": 1}}', "Unexpected JSON member"),
        ('{"throttlePolicy": 5}', "Unexpected JSON member"),
        ('{"requestPolicy": {"headerContentType": "a\\nb"}}', "headerContentType is not a valid content type"),
        ('{"http": {}}', "Unexpected JSON member"),
        ("[]", "failed to parse JSON."),
    ],
)  # fmt: skip
def test_the_other_members_of_a_delivery_policy_are_checked(document: str, said: str) -> None:
    with pytest.raises(AwsError) as refused:
        check_subscription_policy(document, "")
    assert refused.value.message == f"Invalid parameter: DeliveryPolicy: {said}"


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


GENUINE = {
    "BankAccountNumber-DE": "DE89 3704 0044 0532 0130 00",
    "BankAccountNumber-ES": "ES9121000418450200051332",
    "BankAccountNumber-FR": "FR1420041010050500013M02606",
    "BankAccountNumber-GB": "GB29 NWBK 6016 1331 9268 19",
    "BankAccountNumber-IT": "IT60X0542811101000000123456",
    "Cnpj-BR": "11.222.333/0001-81",
    "CpfCode-BR": "529.982.247-25",
    "DrugEnforcementAgencyNumber-US": "AB1234563",
    "InseeCode-FR": "2 55 08 14 168 025 38",
    "NationalProviderId-US": "1234567893",
    "NhsNumber-GB": "943 476 5919",
    "NieNumber-ES": "X1234567L",
    "NifNumber-ES": "12345678Z",
    "SocialInsuranceNumber-CA": "046 454 286",
    "TaxId-DE": "86095742719",
    "VehicleIdentificationNumber": "1M8GDM9AXKP042788",
}
"""Examples of their issuers, each of which has a check digit."""
FORMS = {
    "IndividualTaxIdentificationNumber-US": "912-70-1234",
    "NationalIdentificationNumber-IT": "RSSMRA85T10A562S",
    "NationalInsuranceNumber-GB": "AB 12 34 56 C",
    "PhoneNumber-ES": "+34 612 345 678",
    "PhoneNumber-FR": "01 23 45 67 89",
    "PuttyPrivateKey": "PuTTY-User-Key-File-3: ssh-ed25519\nComment: k\nPrivate-MAC: 0a1b",
}


@pytest.mark.parametrize(("identifier", "text"), [*GENUINE.items(), *FORMS.items()])
def test_a_genuine_number_is_found_in_a_sentence(identifier: str, text: str) -> None:
    assert protection([identifier], MASK).inbound(f"it is {text}, yes", "")[0] == f"it is {'#' * len(text)}, yes"
    assert protection([identifier], MASK).inbound(f"x9{text}9x", "")[0] == f"x9{text}9x" or identifier in FORMS


@pytest.mark.parametrize(("identifier", "text"), GENUINE.items())
def test_a_number_with_another_digit_is_none(identifier: str, text: str) -> None:
    for place, character in enumerate(text):
        if character.isdigit():
            other = text[:place] + str((int(character) + 1) % 10) + text[place + 1 :]
            assert protection([identifier], MASK).inbound(other, "")[0] == other


@given(st.sampled_from(sorted(IDENTIFIERS)), st.text(max_size=80) | st.text("0123456789ABXYZ +-./", max_size=80))
def test_any_text_is_looked_through(identifier: str, text: str) -> None:
    shown, _ = protection([identifier], MASK).inbound(text, "")
    assert shown is not None
    assert len(shown) == len(text)


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


@pytest.mark.parametrize("mask", [5, "", "#" * 20_000])
def test_a_mask_is_a_character(mask: object) -> None:
    """Another value was an internal error for each message with something to mask, and a long text made gigabytes."""
    with pytest.raises(AwsError):
        protection(["IpAddress"], {"Deidentify": {"MaskConfig": {"MaskWithCharacter": mask}}})
