"""ActiveMQ's functions in selectors, and random ones against an evaluator that is naive."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqbroker.core.selectors.selector import parse
from mqbroker.errors import InvalidSelector

pytest.importorskip("re2", reason="google-re2 is not installed")

VALUES: dict[str, Any] = {"s": "a-b", "n": 5, "f": 2.5, "t": True, "word": "-b", "lower": "REGEX"}

SELECTED = (
    "REGEX('a.b', s)", "REGEX('^a', s)", "REGEX('b$', s)", "REGEX('-', s) AND n = 5", "REGEX(word, s)", "REGEX('5', n)",
    "REGEX('^2.5$', f)", "REGEX('true', t)", "NOT REGEX('x', s)", "NOT REGEX('a', nope)", "NOT REGEX(nope, s)",
    "REGEX('(?i)A-B', s)", "REGEX('it''s', 'it''s')", "INLIST(SPLIT('x,a-b', ','), s)",
    "INLIST(SPLIT('1,2,3', ',') , '2')", "NOT INLIST(SPLIT('1,2', ','), s)", "INLIST(MAKELIST(1, 5, 'x'), n)",
    "INLIST(MAKELIST(TRUE), t)", "NOT INLIST(MAKELIST(1), t)", "NOT INLIST(MAKELIST(s), nope)",
    "NOT INLIST(MAKELIST(), n)",
    "INLIST(SPLIT(s, '-'), 'b')", "INLIST(SPLIT('a1b22c', '[0-9]+'), 'c')", "NOT INLIST(SPLIT('a,b,c', ',', 2), 'c')",
    "INLIST(SPLIT('a,b,c', ',', 2), 'b,c')", "NOT INLIST(SPLIT('a,,', ','), '')", "INLIST(SPLIT(',a', ','), '')",
    "INLIST(SPLIT('ab', ''), 'b')", "REPLACE('1,2/3', '[,/]', ';') = '1;2;3'", "REPLACE(s, '(a)-(b)', '$2$1') = 'ba'",
    "REPLACE(s, '-', '\\$1') = 'a$1b'", "REPLACE(nope, 'a', 'b') IS NULL", "REPLACE(s, 'a', '$9') IS NULL",
    "REGEX (REPLACE(s, 'a', 'x'), 'x-b')", "(REGEX('a', s)) = TRUE", "NOT XQUERY '//a'", "xquery IS NULL",
)  # fmt: skip

LEFT = (
    "REGEX('^b', s)", "REGEX(lower, s)", "REGEX(broken, s)", "INLIST(SPLIT(nope, ','), s)", "XQUERY '//a'",
    "NOT INLIST(SPLIT(nope, ','), s)", "SPLIT(s, '-') = 'a'", "INLIST(SPLIT('a', 'b'), n)",
)  # fmt: skip

WRONG = {
    "REGEX('(', s)": 6, "REGEX('(a)\\1', s)": 6, "REGEX('(?=a)b', s)": 6, "REGEX('a')": 0, "regex('a', s)": 0,
    "INLIST(s, 'a')": 7, "SPLIT(s, 'a')": 0, "REPLACE(s, 'a', 'b')": 0, "SPLIT(s) = 1": 0, "UNKNOWN(s)": 0,
    "REGEX('a', s": 12, "XQUERY s": 7, "MAKELIST(1, )": 12,
}  # fmt: skip


@pytest.mark.parametrize("text", SELECTED)
def test_it_selects(text: str) -> None:
    """ActiveMQ's functions were refused."""
    assert parse(text).matches({**VALUES, "broken": "("}.get)


@pytest.mark.parametrize("text", LEFT)
def test_it_does_not_select(text: str) -> None:
    assert not parse(text).matches({**VALUES, "broken": "("}.get)


@pytest.mark.parametrize(("text", "position"), WRONG.items())
def test_what_is_no_call_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(InvalidSelector) as refused:
        parse(text)
    assert refused.value.position == position


def test_an_expression_takes_no_longer_than_its_text() -> None:
    """With Python's own expressions the first of these takes hours, and the others minutes."""
    text = "a" * 60_000
    for expression in ("(a+)+$b", "(a|a)*b", "a*a*a*a*a*a*b", "(.*)*x", "(a?){500}a{500}b"):
        assert not parse(f"REGEX('{expression}', s)").matches({"s": text}.get)
    for expression in ("a{1000}{1000}", "a" * 2000, "(" * 300 + "a" + "){300}" * 300):
        with pytest.raises(InvalidSelector):
            parse(f"REGEX('{expression}', s)")


def test_lists_and_replacements_are_bounded() -> None:
    """A selector of a few calls could make texts of any size."""
    grown = "REPLACE(" * 60 + "s" + ", 'a', 'aaaaaaaaaa')" * 60
    assert parse(f"{grown} IS NULL").matches({"s": "a"}.get)
    assert parse("NOT INLIST(SPLIT(s, ','), 'x') IS NULL").matches({"s": "a,b"}.get)
    assert parse("INLIST(SPLIT(s, ','), 'x') IS NULL").matches({"s": "," * 5000 + "x"}.get)


def test_an_expression_in_odd_characters_is_no_error() -> None:
    assert parse("REGEX('é', s)").matches({"s": "caf\u00e9"}.get)
    assert not parse("REGEX('a', s)").matches({"s": "\udcff"}.get)


def test_without_its_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback is no answer to SUBSCRIBE."""
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    for text in ("REGEX('only here', s)", "REGEX(word, s)"):
        with pytest.raises(InvalidSelector, match=re.escape("mqbroker[selectors]")):
            parse(text)


# --- random calls against a naive evaluator ---------------------------------------------------------------------------

_texts = st.text("ab,", max_size=5)
_expressions = st.sampled_from(("a", "a|b", "^a", "b$", "a*", "[ab]", ",", "(a)(b)?", ".", "ab+", "", "(,|$)"))


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def naive_split(text: str, expression: str, limit: int) -> list[str]:
    """As java.lang.String splits."""
    parts: list[str] = []
    start = 0
    for found in re.finditer(expression, text):
        if 0 < limit <= len(parts) + 1:
            break
        if found.end() == 0 or (found.start() == found.end() == len(text)):
            continue
        parts.append(text[start : found.start()])
        start = found.end()
    parts.append(text[start:])
    if limit == 0:
        while len(parts) > 1 and parts[-1] == "":
            parts.pop()
    return parts


@given(_expressions, _texts)
def test_random_expressions_are_found_where_pythons_are(expression: str, text: str) -> None:
    assert parse(f"REGEX({quoted(expression)}, s)").matches({"s": text}.get) is bool(re.search(expression, text))


@given(_texts, _expressions, st.integers(-1, 3), _texts)
def test_random_lists_have_what_java_puts_into_them(text: str, expression: str, limit: int, wanted: str) -> None:
    selector = parse(f"INLIST(SPLIT(s, {quoted(expression)}, {limit}), {quoted(wanted)})")
    assert selector.matches({"s": text}.get) is (wanted in naive_split(text, expression, limit))


@given(_texts, st.sampled_from(("a", "a|b", "[ab]", ",", "(a)(b)?", "ab+")), _texts)
def test_random_replacements_are_those_of_python(text: str, expression: str, by: str) -> None:
    selector = parse(f"REPLACE(s, {quoted(expression)}, {quoted(by)}) = wanted")
    assert selector.matches({"s": text, "wanted": re.sub(expression, by, text)}.get)
