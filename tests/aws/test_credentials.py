"""Who a request is from: the user of its access key, or, for development, the root of whatever account it names."""

import re
from dataclasses import replace

import pytest

from mqbroker.aws.auth.credentials import Caller, SignedIdentity, arn_of, make_identify, user_id_of
from mqbroker.aws.config import AwsConfig
from mqbroker.core.access.access import Access
from mqbroker.errors import AwsError
from mqbroker.protocols.session import Peer
from tests.aws.signed import ACCOUNT, KEY_ID, NOW, PEER, SECRET, Request, call, sign

ANY = AwsConfig(auth="any", account="999988887777", region="eu-west-1")


def access() -> Access:
    """A user with an access key."""
    made = Access()
    made.put_user("ann", "")
    made.put_access_key("ann", KEY_ID, SECRET, ACCOUNT)
    return made


def test_a_signed_request_is_from_the_user_of_its_key() -> None:
    identify = make_identify(access(), AwsConfig())
    arn = "arn:aws:iam::111122223333:user/ann"
    expected = Caller(ACCOUNT, "eu-west-1", "ann", KEY_ID, user_id_of(ACCOUNT, "ann"), arn, PEER.host, False)
    request = sign(call(), region="eu-west-1")
    assert identify(request, "sqs", NOW) == expected
    assert identify(request, "sqs", NOW) is identify(request, "sqs", NOW)
    assert identify(sign(call()).over_tls(), "sqs", NOW).is_secure


@pytest.mark.parametrize("auth", ["any", "sigv4"])
def test_what_has_not_left_this_machine_is_secure(auth: str) -> None:
    identify = make_identify(access(), AwsConfig(auth=auth))
    for is_local in (True, False):
        request = replace(sign(call()), peer=Peer("127.0.0.1", 1, is_local))
        assert identify(request, "sqs", NOW).is_secure is is_local


def test_the_clock_may_be_as_wrong_as_the_configuration_says() -> None:
    identify = make_identify(access(), AwsConfig(clock_skew_s=60))
    identify(sign(call()), "sqs", NOW + 60_000)
    with pytest.raises(AwsError, match="1 min"):
        identify(sign(call()), "sqs", NOW + 61_000)


def test_a_key_that_moves_to_another_user_is_that_user_at_once() -> None:
    made = access()
    identify = make_identify(made, AwsConfig())
    request = sign(call())
    assert identify(request, "sqs", NOW).user == "ann"
    made.delete_user("ann")
    with pytest.raises(AwsError, match="The security token included in the request is invalid"):
        identify(request, "sqs", NOW)
    made.put_user("bob", "")
    made.put_access_key("bob", KEY_ID, SECRET, "444455556666")
    caller = identify(request, "sqs", NOW)
    assert (caller.user, caller.account, caller.arn) == ("bob", "444455556666", "arn:aws:iam::444455556666:user/bob")


def test_callers_are_kept_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqbroker.aws.auth.credentials.AWS_CALLERS_MAX", 2)
    identify = make_identify(access(), AwsConfig())
    assert isinstance(identify, SignedIdentity)
    for number in range(5):
        assert identify(sign(call(), region=f"r{number}"), "sqs", NOW).region == f"r{number}"
        assert len(identify._callers) <= 2


def test_a_user_has_the_same_unique_id_for_ever() -> None:
    assert user_id_of(ACCOUNT, "ann") == "AIDARDYRWUDKGANGD26KL"
    assert re.fullmatch("AIDA[A-Z2-7]{17}", user_id_of(ACCOUNT, "\udcff"))
    assert user_id_of(ACCOUNT, "ann") != user_id_of("444455556666", "ann")
    assert user_id_of(ACCOUNT, "") == ACCOUNT
    assert arn_of(ACCOUNT, "") == "arn:aws:iam::111122223333:root"


# --- for development --------------------------------------------------------------------------------------------------

SCOPE = "20150830/us-west-2/sqs/aws4_request"


@pytest.mark.parametrize(
    ("request_", "account", "region", "key_id"),
    [
        (Request(), ANY.account, ANY.region, ""),
        (Request(headers={"authorization": "Basic dTpw"}), ANY.account, ANY.region, ""),
        (Request(headers={"authorization": f"AWS4-HMAC-SHA256 Credential=test/{SCOPE}, a=b"}), ANY.account, "us-west-2",
         "test"),
        (Request(headers={"authorization": f"AWS4 Credential=000000000001/{SCOPE},x"}), "000000000001", "us-west-2",
         "000000000001"),
        (Request(headers={"authorization": "Credential=000000000001"}), "000000000001", ANY.region, "000000000001"),
        (Request(headers={"authorization": "Credential=0000000000012/a/B/c/d"}), ANY.account, ANY.region,
         "0000000000012"),
        (Request(headers={"authorization": "Credential=00000000000\xb2/a/b/c/d"}), ANY.account, "b",
         "00000000000\xb2"),
        (Request(target=f"/?X-Amz-Credential=000000000001%2F{SCOPE.replace('/', '%2F')}"), "000000000001", "us-west-2",
         "000000000001"),
        (Request(target="/?AWSAccessKeyId=000000000001&Signature=x"), "000000000001", ANY.region, "000000000001"),
        (Request(target="/?%&=&a"), ANY.account, ANY.region, ""),
    ],
)  # fmt: skip
def test_any_request_is_from_the_root_of_the_account_that_it_names(
    request_: Request, account: str, region: str, key_id: str
) -> None:
    caller = make_identify(Access(), ANY)(request_, "sqs", NOW)
    assert caller == Caller(account, region, "", key_id, account, f"arn:aws:iam::{account}:root", PEER.host, False)


def test_what_a_header_leaves_open_for_the_query_to_say_is_found_out_each_time() -> None:
    """The second client had been taken for the first: their headers were the same."""
    identify = make_identify(Access(), ANY)
    empty = {"authorization": "AWS4-HMAC-SHA256 Credential=, a=b"}
    for key_id in ("000000000001", "000000000002"):
        assert identify(Request(target=f"/?AWSAccessKeyId={key_id}", headers=empty), "sqs", NOW).account == key_id


def test_a_header_that_comes_again_names_the_same_caller_and_another_one_another() -> None:
    identify = make_identify(Access(), ANY)
    for key_id in ("000000000001", "000000000001", "000000000002", "000000000001"):
        request = Request(headers={"authorization": f"AWS4-HMAC-SHA256 Credential={key_id}/{SCOPE}, a=b"})
        assert identify(request, "sqs", NOW).account == key_id


def test_a_wrong_signature_does_not_matter_for_development() -> None:
    caller = make_identify(access(), ANY)(sign(call(), secret="wrong"), "sqs", 0)
    assert (caller.account, caller.access_key, caller.user) == (ANY.account, KEY_ID, "")
