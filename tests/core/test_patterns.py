"""Regular expressions written for RabbitMQ."""

import pytest

from mqbroker.core.rabbitmq.patterns import compile_pattern, compile_permission
from mqbroker.errors import PreconditionFailed


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^[[:alnum:]_]+$", "abc_9", True),
        ("^[[:alnum:]]+$", "abc_9", False),
        ("^[^[:space:]]+$", "a b", False),
        ("^[[:punct:]]$", "]", True),
        ("^[[:punct:]]$", "a", False),
        (r"^a\z", "a", True),
        (r"^a\z", "a\n", False),
        (r"^a\Z", "a\n", True),
        (r"^\w+$", "é", False),
        (r"^\\z$", r"\z", True),
        ("(?i)^abc$", "ABC", True),
        (r"^\[:alpha:\]$", "[:alpha:]", True),
    ],
)
def test_a_pattern_means_what_it_means_to_rabbitmq(pattern: str, text: str, expected: bool) -> None:
    assert (compile_pattern(pattern).search(text) is not None) is expected


@pytest.mark.parametrize("pattern", ["(", "[", "*", "a{99999999999999999999}", "(" * 10_000])
def test_a_bad_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PreconditionFailed, match="pattern should be regular expression but is invalid"):
        compile_pattern(pattern)


def test_an_empty_permission_allows_only_the_empty_name() -> None:
    assert compile_permission("").search("")
    assert not compile_permission("").search("q")
