"""URLs that are signed in advance: how long they are good, and what is said of their parameters."""

from dataclasses import replace

import pytest

from mqbroker.aws.limits import AWS_PRESIGNED_EXPIRY_S_MAX
from tests.aws.signed import NOW, QUEUE, Request, answer, call, does_not_match, incomplete, refusal_of, sign, verify

ADVANCE = Request("GET", f"{QUEUE}?Action=ReceiveMessage&Version=2012-11-05")


@pytest.mark.parametrize("expires_s", [1, 60, AWS_PRESIGNED_EXPIRY_S_MAX])
def test_a_url_is_good_until_it_expires(expires_s: int) -> None:
    good = sign(ADVANCE, expires_s=expires_s)
    for now in (NOW - 300_000, NOW, NOW + 1000 * expires_s):
        verify(good, now)
    assert refusal_of(good, NOW + 1000 * (expires_s + 1)).message.startswith("Signature expired: 20150830T123600Z is ")
    assert refusal_of(good, NOW - 301_000).message.startswith("Signature not yet current: 20150830T123600Z is ")


def with_query(old: str, new: str) -> Request:
    """A URL signed in advance with something else in its query."""
    good = sign(ADVANCE, expires_s=60)
    assert old in good.target
    return replace(good, target=good.target.replace(old, new))


TOO_LONG = (
    "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 "
    "seconds"
)


@pytest.mark.parametrize(
    ("expires", "text"),
    [
        ("604801", TOO_LONG),
        ("9" * 1000, TOO_LONG),
        ("0", "X-Amz-Expires must be greater than 0"),
        ("-1", "X-Amz-Expires should be a number"),
        ("1e3", "X-Amz-Expires should be a number"),
        ("", "X-Amz-Expires should be a number"),
        ("%C2%B2", "X-Amz-Expires should be a number"),
    ],
)
def test_an_expiry_of_more_than_a_week_or_none_at_all_is_refused(expires: str, text: str) -> None:
    assert answer(refusal_of(with_query("X-Amz-Expires=60", f"X-Amz-Expires={expires}"))) == incomplete(text)


@pytest.mark.parametrize("name", ["Algorithm", "Credential", "Date", "SignedHeaders", "Signature"])
def test_a_parameter_that_is_missing_in_the_query_is_named(name: str) -> None:
    text = f"AWS query-string parameters must include 'X-Amz-{name}'. Re-examine the query-string parameters."
    assert answer(refusal_of(with_query(f"X-Amz-{name}=", f"X-Amz-No{name}="))) == incomplete(text)


def test_all_parameters_that_are_missing_in_the_query_are_named() -> None:
    names = ("Algorithm", "Credential", "Signature", "SignedHeaders", "Date")
    text = " ".join(f"AWS query-string parameters must include 'X-Amz-{name}'." for name in names)
    expected = incomplete(f"{text} Re-examine the query-string parameters.")
    assert answer(refusal_of(Request("GET", "/?X-Amz-Foo=1"))) == expected


def test_a_url_of_another_algorithm_is_refused() -> None:
    expected = incomplete("Unsupported AWS 'algorithm': 'AWS4-X'.")
    assert answer(refusal_of(with_query("AWS4-HMAC-SHA256", "AWS4-X"))) == expected


def test_a_request_signed_in_both_ways_is_refused() -> None:
    headers = sign(call()).headers
    text = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    both = replace(sign(ADVANCE, expires_s=60), headers=headers)
    assert answer(refusal_of(both)) == does_not_match(text)
