"""Patterns of policies against a matcher so simple that it must be right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.aws.policy.wildcards import ArnPattern, Pattern, tokenise


def is_like(pattern: str, text: str) -> bool:
    """The definition of `*` and `?`, tried in every way."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return is_like(pattern[1:], text) or (bool(text) and is_like(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and is_like(pattern[1:], text[1:])


@given(st.text("ab*?", max_size=8), st.text("abc", max_size=8))
def test_wildcards_match_what_a_naive_matcher_matches(pattern: str, text: str) -> None:
    assert Pattern(tokenise(pattern, True, False)).matches(text, {}) is is_like(pattern, text)


arns = st.lists(st.text("ab*?:", max_size=3), min_size=5, max_size=5).map(lambda parts: ":".join(["arn", *parts]))


@given(arns, arns)
def test_an_arn_matches_part_by_part(pattern: str, text: str) -> None:
    expected = all(map(is_like, pattern.split(":", 5), text.split(":", 5)))
    assert ArnPattern(tokenise(pattern, True, False)).matches(text, {}) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("arn:aws:sqs:*:111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:q", True),
        ("arn:aws:sqs:*:111122223333:q", "arn:aws:sqs:eu:444455556666:x:111122223333:q", False),
        ("arn:aws:sns:us-east-1:1:*", "arn:aws:sns:us-east-1:1:topic:subscription/x", True),
        ("arn:aws:s3:::*", "arn:aws:s3:::bucket/key", True),
        ("arn:aws:s3:::bucket", "bucket", False),
        ("*", "anything", True),
        ("arn:*:sqs:*:*:*", "", False),
    ],
)
def test_an_asterisk_does_not_reach_over_a_colon_of_an_arn(pattern: str, text: str, matches: bool) -> None:
    assert ArnPattern(tokenise(pattern, True, False)).matches(text, {}) is matches


@pytest.mark.parametrize(
    "pattern",
    ["", "queue", "arn", "arn:aws:sqs:*", "arn:aws:sqs:*:1", "*:aws:sqs:a:1:q", "*q", "'$queue_arn'", "/1/queue"],
)
def test_what_is_no_arn_is_taken_and_matches_nothing(pattern: str) -> None:
    """The bug: a policy in which a script had left a placeholder was refused, which AWS does not do."""
    made = ArnPattern(tokenise(pattern, True, False))
    for text in ("arn:aws:sqs:eu-west-1:1:queue", "queue", "", pattern):
        assert not made.matches(text, {})


@pytest.mark.parametrize("pattern", ["*", "**"])
def test_an_asterisk_alone_is_any_arn(pattern: str) -> None:
    assert ArnPattern(tokenise(pattern, True, False)).matches("arn:aws:sqs:eu-west-1:1:queue", {})


CONTEXT = {"aws:username": "ann", "aws:userid": "AIDA*", "aws:tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("user-${aws:username}", "user-ann", True),
        ("user-${AWS:UserName}-*", "user-ann-1", True),
        ("${aws:userid}", "AIDA*", True),
        ("${aws:userid}", "AIDA1", False),
        ("${aws:none}", "", False),
        ("${aws:none, 'x'}", "x", True),
        ("${aws:username, 'x'}", "x", False),
        ("${aws:none,''}", "", True),
        ("${aws:tags}", "a", False),
        ("${*}", "*", True),
        ("${*}", "a", False),
        ("${?}${$}", "?$", True),
        ("$a", "$a", True),
    ],
)
def test_variables_are_filled_in_and_bring_no_wildcards(pattern: str, text: str, matches: bool) -> None:
    assert Pattern(tokenise(pattern, True, True)).matches(text, CONTEXT) is matches


@pytest.mark.parametrize("pattern", ["${aws:username", "${a, x}", "${a,'}", "${a,}"])
def test_a_variable_in_another_form_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"substring not found|apostrophes"):
        tokenise(pattern, True, True)


def test_variables_are_text_where_there_are_none() -> None:
    assert Pattern(tokenise("${aws:username", False, False)).matches("${aws:username", CONTEXT)


def test_a_hostile_pattern_takes_a_step_for_each_character() -> None:
    pattern = Pattern(tokenise("*a" * 2000 + "b", True, False))
    assert not pattern.matches("a" * 2048, {})
    assert pattern.matches("a" * 2047 + "b", {})
