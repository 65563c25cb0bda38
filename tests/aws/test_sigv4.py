"""Signatures made by botocore are right, and not right any more when any part of the request is another."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.auth.signing_keys import SigningKey, SigningKeys
from mqbroker.aws.auth.sigv4 import Verifier
from mqbroker.aws.limits import AWS_HEAD_KEPT_BYTES, AWS_HEADS_MAX
from mqbroker.core.access.credentials import access_key
from mqbroker.errors import AwsError
from tests.aws.signed import (
    ACCOUNT,
    KEY_ID,
    KEYS,
    NOW,
    QUEUE,
    SECRET,
    Request,
    answer,
    call,
    does_not_match,
    incomplete,
    refusal_of,
    sign,
    verify,
)

TOKEN = "The security token included in the request is invalid."
FORM = b"Action=SendMessage&MessageBody=hello+you%21&Version=2012-11-05"


# --- what is right ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        call(),
        call(b""),
        Request("GET", f"{QUEUE}?Action=SendMessage&MessageBody=a%20b%2Bc%26d%C3%A9&Version=2012-11-05"),
        Request("GET", "/?Action=ListQueues&a=&B=1&a=0"),
        Request("GET", "/a/../b//c/./d%20e/"),
        Request("POST", "/", {"x-twice": "one  two,three"}),
    ],
)
@pytest.mark.parametrize("expires_s", [None, 60])
def test_what_botocore_signs_is_right(request_: Request, expires_s: int | None) -> None:
    claim = verify(sign(request_, expires_s=expires_s))
    assert claim.key == KEYS[KEY_ID]
    assert (claim.region, claim.service) == ("us-east-1", "sqs")


def test_a_form_that_botocore_signs_is_right() -> None:
    verify(sign(Request("POST", QUEUE, {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, FORM)))


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "elasticmq", "local"])
def test_any_region_will_do(region: str) -> None:
    assert verify(sign(call(), region=region)).region == region


def test_a_client_that_is_known_is_verified_again_each_time() -> None:
    verifier = Verifier(KEYS, 300)
    for number in range(3):
        verifier.verify(sign(call(b"%d" % number)), "sqs", NOW)
    good = sign(call())
    with pytest.raises(AwsError, match="The request signature we calculated"):
        verifier.verify(replace(good, body=good.body + b" "), "sqs", NOW)
    verifier.verify(good, "sqs", NOW)


def test_parameters_of_the_header_may_come_in_any_order() -> None:
    verifier = Verifier(KEYS, 300)
    for first, second in ((call(), call(b"another")), (call(), call().having(x_more="1"))):
        for request in (first, second):
            good = sign(request)
            algorithm, _, rest = good.headers["authorization"].partition(" ")
            turned = ",".join(reversed([part.strip() for part in rest.split(",")]))
            verifier.verify(good.having(authorization=f"{algorithm} {turned}"), "sqs", NOW)


def test_what_stands_behind_a_signature_is_not_forgotten() -> None:
    verifier = Verifier(KEYS, 300)
    good = sign(call())
    algorithm, _, rest = good.headers["authorization"].partition(" ")
    others, _, signature = rest.rpartition(", ")
    verifier.verify(good.having(authorization=f"{algorithm} {signature}, {others}"), "sqs", NOW)
    with pytest.raises(AwsError, match="requires 'Credential' parameter"):
        verifier.verify(good.having(authorization=f"{algorithm} {signature}"), "sqs", NOW)


def test_the_date_header_serves_where_there_is_no_x_amz_date() -> None:
    headers = {"host": "h", "date": "20150830T123600Z"}
    scope = "20150830/us-east-1/sqs/aws4_request"
    signature = "b4b8d8cf4e3ee9a2e4d4ad6d9d1d0b61"
    authorization = f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={{}}, Signature={signature}"
    # A wrong signature, so that the check gets as far as that.
    signed = Request("POST", "/", headers).having(authorization=authorization.format("date;host"))
    assert answer(refusal_of(signed)) == does_not_match()
    unsigned = signed.having(authorization=authorization.format("host"))
    assert answer(refusal_of(unsigned)) == does_not_match("'date' must be a 'SignedHeader' in the AWS Authorization.")


# --- tampering --------------------------------------------------------------------------------------------------------

TAMPERED: dict[str, Callable[[Request], Request]] = {
    "method": lambda good: replace(good, method="PUT"),
    "path": lambda good: replace(good, target="/x" + good.target),
    "case of the path": lambda good: replace(good, target=good.target.replace("orders", "Orders")),
    "escape in the path": lambda good: replace(good, target=good.target.replace("orders", "%6Frders")),
    "query added": lambda good: replace(good, target=good.target + ("&" if "?" in good.target else "?") + "a=1"),
    "body": lambda good: replace(good, body=good.body + b"&"),
    "host": lambda good: good.having(host="localhost:9325"),
    "host gone": lambda good: good.without("host"),
}


@pytest.mark.parametrize("expires_s", [None, 60])
@pytest.mark.parametrize("part", TAMPERED)
def test_a_request_that_was_changed_is_refused(part: str, expires_s: int | None) -> None:
    good = sign(Request("POST", QUEUE), expires_s=expires_s)
    verify(good)
    assert answer(refusal_of(TAMPERED[part](good))) == does_not_match()


def test_a_body_of_which_a_bit_was_changed_is_refused() -> None:
    good = sign(call())
    for place in range(len(good.body)):
        body = bytearray(good.body)
        body[place] ^= 1
        with pytest.raises(AwsError):
            verify(replace(good, body=bytes(body)))
    assert answer(refusal_of(replace(good, body=b""))) == does_not_match()


@pytest.mark.parametrize("expires_s", [None, 60])
def test_a_query_whose_parameter_was_changed_is_refused(expires_s: int | None) -> None:
    plain = Request("GET", f"{QUEUE}?Action=DeleteMessage&ReceiptHandle=abc&Version=2012-11-05")
    good = sign(plain, expires_s=expires_s)
    verify(good)
    path, _, query = good.target.partition("?")
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        for other in (f"{name}=", f"{name}={value}0", f"{name}x={value}", f"{pair}&{pair}", f"{name.lower()}={value}"):
            with pytest.raises(AwsError):
                verify(replace(good, target=f"{path}?{query.replace(pair, other, 1)}"))


def test_a_query_may_be_written_another_way() -> None:
    good = sign(Request("GET", "/?b=x%20y&a=%2F"))
    for same in ("/?a=%2f&b=x+y", "/?&a=/&&b=x%20y", "/?%61=%2F&b=x y"):
        verify(replace(good, target=same))


@pytest.mark.parametrize("name", ["x-amz-target", "x-amz-date", "content-type", "content-length", "host"])
@pytest.mark.parametrize("change", ["0{}", "{}0", "", None])
def test_a_signed_header_that_was_changed_is_refused(name: str, change: str | None) -> None:
    good = sign(call())
    assert name in good.headers
    other = good.without(name) if change is None else good.having(**{name: change.format(good.headers[name])})
    assert refusal_of(other).code in ("SignatureDoesNotMatch", "IncompleteSignature")


def test_what_is_not_signed_may_change_but_for_headers_of_amazon() -> None:
    good = sign(call())
    verify(good.having(user_agent="another", accept_encoding="gzip", x_amzn_trace_id="Root=1", x_forwarded_for="1"))
    expected = does_not_match("'x-amz-more' must be a 'SignedHeader' in the AWS Authorization.")
    assert answer(refusal_of(good.having(x_amz_more="1"))) == expected
    for expires_s in (None, 60):
        plain = sign(Request("POST", "/"), expires_s=expires_s)
        assert refusal_of(plain.having(x_amz_target="AmazonSQS.DeleteQueue")).code == "SignatureDoesNotMatch"


@given(st.integers(0, 63), st.sampled_from("0123456789abcdefABCDEF ,;=\x00\xe9\xff"))
def test_a_signature_with_another_character_is_refused(place: int, character: str) -> None:
    good = sign(call())
    head, _, signature = good.headers["authorization"].rpartition("=")
    other = signature[:place] + character + signature[place + 1 :]
    if other != signature:
        with pytest.raises(AwsError):
            verify(good.having(authorization=f"{head}={other}"))


@pytest.mark.parametrize("other", ["", "0", "{}0", "0{}", "{} 0", "{},", '"{}"'])
def test_a_signature_of_another_length_is_refused(other: str) -> None:
    good = sign(call())
    head, _, signature = good.headers["authorization"].rpartition("=")
    assert signature != signature.upper()
    for text in (other.format(signature), signature[:-1], signature.upper()):
        assert refusal_of(good.having(authorization=f"{head}={text}")).status in (400, 403)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SignedHeaders=content-length;", "SignedHeaders="),
        ("SignedHeaders=", "SignedHeaders=x-none;"),
        ("content-length;content-type", "content-type;content-length"),
        ("SignedHeaders=content", "SignedHeaders=Content"),
        ("content-length;", "content-length;content-length;"),
        ("content-length;", "content-length;;"),
        ("/us-east-1/", "/eu-west-1/"),
    ],
)
def test_an_authorization_that_was_changed_is_refused(old: str, new: str) -> None:
    good = sign(call())
    assert old in good.headers["authorization"]
    authorization = good.headers["authorization"].replace(old, new)
    assert answer(refusal_of(good.having(authorization=authorization))) == does_not_match()


def test_a_request_signed_with_another_secret_is_refused() -> None:
    assert answer(refusal_of(sign(call(), secret=SECRET[:-1]))) == does_not_match()


# --- keys -------------------------------------------------------------------------------------------------------------


def test_an_unknown_key_is_refused() -> None:
    expected = ("UnrecognizedClientException", "InvalidClientTokenId", 403, TOKEN)
    assert answer(refusal_of(sign(call()), keys={})) == expected


@pytest.mark.parametrize("expires_s", [None, 60])
def test_a_session_token_is_refused_as_nobody_gave_one_out(expires_s: int | None) -> None:
    expected = ("UnrecognizedClientException", "InvalidClientTokenId", 403, TOKEN)
    assert answer(refusal_of(sign(call(), token="token", expires_s=expires_s))) == expected
    assert answer(refusal_of(sign(call(), token="token", secret="wrong", expires_s=expires_s))) == does_not_match()


def test_a_key_that_changes_or_goes_counts_at_once() -> None:
    keys = dict(KEYS)
    verifier = Verifier(keys, 300)
    verifier.verify(sign(call()), "sqs", NOW)
    keys[KEY_ID] = access_key(KEY_ID, "bob", "another", ACCOUNT)
    with pytest.raises(AwsError, match="signature we calculated"):
        verifier.verify(sign(call()), "sqs", NOW)
    assert verifier.verify(sign(call(), secret="another"), "sqs", NOW).key is keys[KEY_ID]
    del keys[KEY_ID]
    with pytest.raises(AwsError, match=TOKEN):
        verifier.verify(sign(call(), secret="another"), "sqs", NOW)


def test_signing_keys_are_kept_until_others_are_of_more_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqbroker.aws.auth.signing_keys.AWS_SIGNING_KEYS_MAX", 2)
    kept, key = SigningKeys(), KEYS[KEY_ID]
    made = {region: kept.get(key, "20150830", region, "sqs") for region in ("a", "b", "c")}
    for region in ("a", "b"):
        kept.keep(key, "20150830", region, "sqs", made[region])
    assert kept.get(key, "20150830", "a", "sqs") is made["a"]
    kept.keep(key, "20150830", "c", "sqs", made["c"])
    assert len(kept) == 2
    assert kept.get(key, "20150830", "a", "sqs") is made["a"]
    assert kept.get(key, "20150830", "b", "sqs") is not made["b"]
    assert kept.get(replace(key), "20150830", "a", "sqs") is not made["a"]


def test_strangers_leave_nothing_behind_and_clients_no_more_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqbroker.aws.auth.sigv4.AWS_CLAIMS_MAX", 3)
    verifier = Verifier(KEYS, 300)
    with pytest.raises(AwsError):
        verifier.verify(sign(call(), secret="wrong"), "sqs", NOW)
    assert (len(verifier._claims), len(verifier._signing_keys)) == (0, 0)
    for number in range(10):
        verifier.verify(sign(call(), region=f"region-{number}"), "sqs", NOW)
        assert len(verifier._claims) <= 3
    assert len(verifier._signing_keys) == 10


def test_what_signatures_began_with_is_kept_within_a_bound() -> None:
    verifier = Verifier(KEYS, 300)
    claims = {id(verifier.verify(sign(call().having(x_amz_target=f"A.{number}")), "sqs", NOW)) for number in range(40)}
    (claim,) = verifier._claims.values()
    assert id(claim) in claims
    assert 0 < len(claim.heads) <= AWS_HEADS_MAX
    kept = set(claim.heads)
    verifier.verify(sign(call().having(x_amz_target="a" * AWS_HEAD_KEPT_BYTES)), "sqs", NOW)
    assert set(claim.heads) == kept


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("away_ms", [-300_000, -300_001 + 1000, 0, 300_000, 300_999])
def test_a_clock_may_be_five_minutes_off(away_ms: int) -> None:
    verify(sign(call()), NOW + away_ms)


def test_an_old_signature_is_refused_with_the_bounds() -> None:
    text = "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
    assert answer(refusal_of(sign(call()), NOW + 301_000)) == does_not_match(text)


def test_a_signature_of_the_future_is_refused_with_the_bounds() -> None:
    bounds = "20150830T123559Z (20150830T123059Z + 5 min.)"
    text = f"Signature not yet current: 20150830T123600Z is still later than {bounds}"
    assert answer(refusal_of(sign(call()), NOW - 301_000)) == does_not_match(text)
    assert answer(refusal_of(sign(call()), NOW - 300_001)) == does_not_match(text)


def test_a_skew_that_is_no_whole_minutes_is_told_in_seconds() -> None:
    with pytest.raises(AwsError) as refusal:
        Verifier(KEYS, 90).verify(sign(call()), "sqs", NOW + 91_000)
    assert refusal.value.message.endswith("is now earlier than 20150830T123601Z (20150830T123731Z - 90 sec.)")


def test_a_signature_of_just_before_midnight_is_right_just_after() -> None:
    midnight = 1_440_979_200_000
    verifier = Verifier(KEYS, 300)
    for signed_at, now in ((-1000, 0), (-1000, 1000), (1000, 1000), (1000, -1000)):
        verifier.verify(sign(call(), now=midnight + signed_at), "sqs", midnight + now)


@pytest.mark.parametrize(
    "date",
    [
        "20150830", "20150830T123600", "20150830T1236000Z", "20150830 123600Z", "20151330T123600Z", "00000830T123600Z",
        "20150830T246000Z", "2015083+T123600Z", "2015-08-30T12:36Z", "\xb20150830T12360Z", "20150830T123600z",
        "Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z,20150830T123600Z",
    ],
)  # fmt: skip
def test_a_date_in_another_form_is_refused(date: str) -> None:
    text = f"Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
    assert answer(refusal_of(sign(call()).having(x_amz_date=date))) == incomplete(text)


# --- the scope and the form -------------------------------------------------------------------------------------------


def with_credential(text: str) -> Request:
    """A request with another credential."""
    good = sign(call())
    return good.having(authorization=good.headers["authorization"].replace(f"{KEY_ID}/20150830/us-east-1/sqs/", text))


@pytest.mark.parametrize(
    ("credential", "text"),
    [
        (f"{KEY_ID}/20150830/US/sqs/", "Credential should be scoped to a valid region, not 'US'."),
        (f"{KEY_ID}/20150830/a.b/sqs/", "Credential should be scoped to a valid region, not 'a.b'."),
        (f"{KEY_ID}/20150830//sqs/", "Credential should be scoped to a valid region, not ''."),
        (f"{KEY_ID}/20150830/{'a' * 33}/sqs/", f"Credential should be scoped to a valid region, not '{'a' * 33}'."),
        (f"{KEY_ID}/20150830/us-east-1/sns/", "Credential should be scoped to correct service: 'sqs'."),
        (
            f"{KEY_ID}/20150830/us-east-1/sqs/x",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'xaws4_request'.",
        ),
        (
            f"{KEY_ID}/20150829/us-east-1/sqs/",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            "'20150829' != '20150830', from '20150830T123600Z'.",
        ),
        (
            f"{KEY_ID}/x/9/s/t",
            "Credential should be scoped to a valid region, not '9'. "
            "Credential should be scoped to correct service: 'sqs'. "
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'taws4_request'. "
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            "'x' != '20150830', from '20150830T123600Z'.",
        ),
    ],
)
def test_another_scope_is_refused_with_everything_that_is_wrong(credential: str, text: str) -> None:
    assert answer(refusal_of(with_credential(credential))) == does_not_match(text)


def test_a_signature_for_one_service_is_none_for_another() -> None:
    text = "Credential should be scoped to correct service: 'sns'."
    assert answer(refusal_of(sign(call()), service="sns")) == does_not_match(text)


@pytest.mark.parametrize("credential", ["a/b/c/", f"{KEY_ID}/20150830/us-east-1/sqs/a/", ""])
def test_a_credential_of_other_than_five_parts_is_refused(credential: str) -> None:
    text = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
    assert answer(refusal_of(with_credential(credential))) == incomplete(f"{text}'{credential}aws4_request'")


AUTHORIZATION = "Authorization header requires '{}' parameter."
CREDENTIAL = f"Credential={KEY_ID}/20150830/us-east-1/sqs/aws4_request"
HASHED = "(Hashed with SHA-256 and encoded with Base64) Authorization="


@pytest.mark.parametrize(
    ("authorization", "missing"),
    [
        ("AWS4-HMAC-SHA256 a=b", ["Credential", "Signature", "SignedHeaders"]),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}", ["Signature", "SignedHeaders"]),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, Signature=a", ["SignedHeaders"]),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=, Signature=a", ["SignedHeaders"]),
        ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=a", ["Credential"]),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature=", ["Signature"]),
    ],
)
def test_missing_parameters_are_named(authorization: str, missing: list[str]) -> None:
    error = refusal_of(sign(call()).having(authorization=authorization))
    assert (error.code, error.status) == ("IncompleteSignature", 400)
    assert error.message.startswith(f"{' '.join(AUTHORIZATION.format(name) for name in missing)} {HASHED}")
    assert "AWS4" not in error.message


def test_a_missing_date_is_named() -> None:
    text = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " + HASHED
    assert refusal_of(sign(call()).without("x-amz-date")).message.startswith(text)


@pytest.mark.parametrize("authorization", ["AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Foo, a=b"])
def test_a_parameter_without_an_equal_sign_is_refused(authorization: str) -> None:
    error = refusal_of(sign(call()).having(authorization=authorization))
    text = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with "
    assert error.message.startswith(text + "Base64): '")
    assert error.code == "IncompleteSignature"


def test_a_parameter_that_comes_twice_is_refused() -> None:
    good = sign(call())
    authorization = good.headers["authorization"]
    for text in (f"{authorization},{authorization}", f"{authorization}, Credential=x", f"{authorization}, Signature=x"):
        assert answer(refusal_of(good.having(authorization=text))) == does_not_match()


@pytest.mark.parametrize("algorithm", ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256,", "AWS4-"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    good = sign(call())
    authorization = good.headers["authorization"].replace("AWS4-HMAC-SHA256", algorithm)
    expected = incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    assert answer(refusal_of(good.having(authorization=authorization))) == expected


def test_a_host_that_is_not_signed_is_refused() -> None:
    good = sign(call())
    authorization = good.headers["authorization"].replace("host;", "")
    text = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    assert answer(refusal_of(good.having(authorization=authorization))) == does_not_match(text)


@pytest.mark.parametrize("authorization", [None, "Basic dTpw", "Bearer x", "AWS key:signature", "aws4-hmac-sha256 a=b"])
def test_a_request_that_is_not_signed_is_refused(authorization: str | None) -> None:
    request = call() if authorization is None else call().having(authorization=authorization)
    denied = "Access to the resource {}://localhost:9324/q is denied."
    for each, scheme in ((request, "http"), (request.over_tls(), "https")):
        expected = ("AccessDeniedException", "AccessDenied", 403, denied.format(scheme))
        assert answer(refusal_of(replace(each, target="/q?Action=ListQueues"))) == expected
    text = "Request is missing Authentication Token"
    expected = ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403, text)
    assert answer(refusal_of(request, service="sns")) == expected


# --- the payload ------------------------------------------------------------------------------------------------------

HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_hash_that_is_sent_has_to_be_the_hash_of_the_body() -> None:
    verify(sign(call(b"").having(x_amz_content_sha256=HASH_OF_NOTHING)))
    wrong = sign(call(b"x").having(x_amz_content_sha256=HASH_OF_NOTHING))
    assert answer(refusal_of(wrong)) == does_not_match()
    assert answer(refusal_of(wrong.over_tls())) == does_not_match()


def test_a_hash_that_is_sent_is_not_just_passed_over() -> None:
    """The canonical form has the right hash, while the header that goes with it says another."""
    headers = {"host": "h", "x-amz-content-sha256": "0" * 64, "x-amz-date": "20150830T123600Z"}
    names, scope = ";".join(headers), "20150830/us-east-1/sqs/aws4_request"
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n\n{lines}\n{names}\n{HASH_OF_NOTHING}"
    text = f"AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = SigningKey(SECRET, "20150830", "us-east-1", "sqs")
    signature = key.finish(key.begin(text.encode()))
    authorization = f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={names}, Signature={signature}"
    assert answer(refusal_of(Request("POST", "/", {**headers, "authorization": authorization}))) == does_not_match()


@pytest.mark.parametrize("word", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_a_body_is_not_signed_only_where_tls_protects_it(word: str) -> None:
    request = sign(call().having(x_amz_content_sha256=word))
    verify(request.over_tls())
    verify(replace(request, body=b"another").over_tls())
    assert answer(refusal_of(request)) == does_not_match()
    signed = sign(call())
    assert refusal_of(signed.having(x_amz_content_sha256=word).over_tls()).code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "word",
    [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "unsigned-payload",
        "",
    ],
)
def test_chunks_with_signatures_are_refused(word: str) -> None:
    request = sign(call().having(x_amz_content_sha256=word))
    for each in (request, request.over_tls()):
        assert answer(refusal_of(each)) == does_not_match()


@given(st.text(st.characters(max_codepoint=255), max_size=80), st.text(st.characters(max_codepoint=255), max_size=80))
def test_nothing_but_refusals_comes_of_nonsense(header: str, query: str) -> None:
    for request in (
        Request("POST", "/", {"authorization": f"AWS4-HMAC-SHA256 {header}", "host": "h", "x-amz-date": query}),
        Request("GET", f"/?X-Amz-Algorithm={query}&{header}", {"host": "h"}),
    ):
        with pytest.raises(AwsError):
            verify(request)
