"""AWS's published examples of Signature Version 4, and the canonical form against botocore's."""

import re

import botocore.auth  # type: ignore[import-untyped]
import pytest
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.utils import percent_encode  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.auth.canonical import canonical_lines, canonical_path, canonical_query, query_pairs
from mqbroker.aws.auth.signing_keys import SigningKey
from mqbroker.aws.auth.sigv4 import Verifier
from mqbroker.core.access.credentials import access_key
from mqbroker.errors import AwsError
from tests.aws.signed import NOW, SECRET, Request

UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
POST_VANILLA = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
PARAM1 = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"
KEYS = {"AKIDEXAMPLE": access_key("AKIDEXAMPLE", "ann", SECRET, "111122223333")}

# The name of AWS's test, method, target, headers beside host and x-amz-date, body, signature. Octets beyond ASCII are
# written as they travel. The lines that a value was folded over are joined by a comma: we take none that are folded.
VECTORS: list[tuple[str, str, str, dict[str, str], bytes, str]] = [
    ("get-vanilla", "GET", "/", {}, b"", VANILLA),
    ("get-vanilla-query", "GET", "/?", {}, b"", VANILLA),
    (
        "get-header-key-duplicate", "GET", "/", {"my-header1": "value2,value2,value1"}, b"",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    (
        "get-header-value-multiline", "GET", "/", {"my-header1": "value1,value2,value3"}, b"",
        "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790",
    ),
    (
        "get-header-value-order", "GET", "/", {"my-header1": "value4,value1,value3,value2"}, b"",
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    (
        "get-header-value-trim", "GET", "/", {"my-header1": " value1", "my-header2": ' "a   b   c"'}, b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "get-unreserved", "GET", f"/{UNRESERVED}", {}, b"",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "get-utf8", "GET", "/\xe1\x88\xb4", {}, b"",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    (
        "get-vanilla-empty-query-key", "GET", "/?Param1=value1", {}, b"",
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    (
        "get-vanilla-query-order-key", "GET", "/?Param1=value2&Param1=Value1", {}, b"",
        "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
    ),
    (
        "get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", {}, b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1", {}, b"",
        "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
    ),
    (
        "get-vanilla-query-unreserved", "GET", f"/?{UNRESERVED}={UNRESERVED}", {}, b"",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    (
        "get-vanilla-utf8-query", "GET", "/?\xe1\x88\xb4=bar", {}, b"",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    ("post-header-key-case", "POST", "/", {}, b"", POST_VANILLA),
    (
        "post-header-key-sort", "POST", "/", {"my-header1": "value1"}, b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    (
        "post-header-value-case", "POST", "/", {"my-header1": "VALUE1"}, b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    ("post-vanilla", "POST", "/", {}, b"", POST_VANILLA),
    ("post-vanilla-empty-query-value", "POST", "/?Param1=value1", {}, b"", PARAM1),
    ("post-vanilla-query", "POST", "/?Param1=value1", {}, b"", PARAM1),
    (
        "post-x-www-form-urlencoded", "POST", "/", {"content-type": "application/x-www-form-urlencoded"},
        b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    (
        "post-x-www-form-urlencoded-parameters", "POST", "/",
        {"content-type": "application/x-www-form-urlencoded; charset=utf8"}, b"Param1=value1",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
    ("get-relative", "GET", "/example/..", {}, b"", VANILLA),
    ("get-relative-relative", "GET", "/example1/example2/../..", {}, b"", VANILLA),
    ("get-slash", "GET", "//", {}, b"", VANILLA),
    ("get-slash-dot-slash", "GET", "/./", {}, b"", VANILLA),
    (
        "get-slash-pointless-dot", "GET", "/./example", {}, b"",
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    ),
    (
        "get-slashes", "GET", "//example//", {}, b"",
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    (
        "get-space", "GET", "/example space/", {}, b"",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
]  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS, ids=[vector[0] for vector in VECTORS])
def test_the_published_examples_are_right(vector: tuple[str, str, str, dict[str, str], bytes, str]) -> None:
    _, method, target, more, body, signature = vector
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z", **more}
    headers["authorization"] = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"
    )
    request = Request(method, target, headers, body)
    claim = Verifier(KEYS, 300).verify(request, "service", NOW)
    assert claim.key == KEYS["AKIDEXAMPLE"]


def test_a_signing_key_is_as_in_the_documentation() -> None:
    key = SigningKey(SECRET, "20150830", "us-east-1", "iam")
    hashed = "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    text = f"AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n{hashed}"
    assert key.finish(key.begin(text.encode())) == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"


paths = st.lists(st.sampled_from(["/", ".", "..", "a", "b.c", "~", "%2F", "%", " ", "é", "+", "=", "*", "0"])).map(
    lambda parts: "/" + "".join(parts)
)


@given(paths)
def test_paths_become_what_botocore_makes_of_them(path: str) -> None:
    auth = botocore.auth.SigV4Auth(None, "sqs", "us-east-1")
    request = AWSRequest("GET", f"https://host{path}", data=b"")
    assert canonical_path(path.encode().decode("latin-1")) == auth.canonical_request(request).split("\n")[1]


words = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.lists(st.tuples(words.filter(bool), words), max_size=5))
def test_queries_are_decoded_sorted_and_encoded_anew(pairs: list[tuple[str, str]]) -> None:
    escaped = [(percent_encode(name, "-_.~"), percent_encode(value, "-_.~")) for name, value in pairs]
    query = "&".join(f"{name}={value}" for name, value in escaped)
    expected = "&".join(f"{name}={value}" for name, value in sorted(escaped))
    assert canonical_query(query_pairs(query)) == expected
    lower = re.sub("%..", lambda escape: escape[0].lower(), query)
    assert canonical_query(query_pairs(lower)) == expected


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("a", "a="),
        ("a=", "a="),
        ("&&a=1&", "a=1"),
        ("a=b=c", "a=b%3Dc"),
        ("a=1+2", "a=1%202"),
        ("a=1%2B2", "a=1%2B2"),
        ("%41=%61", "A=a"),
        ("a-b=2&a=1", "a=1&a-b=2"),
        ("a=*!'()", "a=%2A%21%27%28%29"),
        ("a=\xc3\xa9", "a=%C3%A9"),
    ],
)
def test_a_query_has_one_canonical_form(query: str, canonical: str) -> None:
    assert canonical_query(query_pairs(query)) == canonical


@pytest.mark.parametrize(
    ("query", "quoted"), [("a=%", "%"), ("a=%4", "%4"), ("%yy", "%yy"), ("a=%2&b", "%2&"), ("%%41", "%%4")]
)
def test_an_escape_that_is_none_is_refused(query: str, quoted: str) -> None:
    with pytest.raises(AwsError) as refusal:
        query_pairs(query)
    assert (refusal.value.code, refusal.value.status) == ("MalformedQueryString", 400)
    assert refusal.value.message == f"Illegal hex character in escape % pattern: {quoted}"


@pytest.mark.parametrize(
    ("value", "line"),
    [("a", "a"), (" a\t", "a"), ("a  b", "a b"), ("a \t b", "a b"), ("a\xa0 \xa0b\xa0", "a\xa0 \xa0b\xa0"), ("", "")],
)
def test_only_white_space_of_ascii_is_folded(value: str, line: str) -> None:
    assert canonical_lines(["x"], [value]) == f"x:{line}\n"
