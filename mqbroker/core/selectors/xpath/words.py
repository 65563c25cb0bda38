"""The words of an expression (XPath 1.0 §3.7), and which of them are operators: that depends on what stands before."""

import re
from typing import NamedTuple

from mqbroker.errors import InvalidSelector

NAME, FUNCTION, AXIS, OPERATOR, NUMBER, TEXT, SIGN, END = (
    "name", "function", "axis", "operator", "number", "text", "sign", "end",
)  # fmt: skip

_LETTER = r"[^\W\d]"
_NCNAME = rf"{_LETTER}[\w.\-·]*"
_WORD = re.compile(
    rf"""[ \t\r\n]*(?:
        (?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<name>{_NCNAME}(?::(?!:)(?:{_NCNAME}|\*))?|\*)
      | (?P<sign>\.\.|::|//|!=|<=|>=|[()\[\].@,/|+\-=<>$])
      | (?P<end>$)
    )""",
    re.VERBOSE,
)
_NAMED_OPERATORS = ("and", "or", "mod", "div")
_OPERATORS = ("/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">=")


class Word(NamedTuple):
    """One word."""

    kind: str
    text: str


def words_of(text: str) -> list[Word]:
    """The words of an expression, and an end. Raises InvalidSelector."""
    found: list[Word] = []
    at = 0
    while not found or found[-1].kind != END:
        matched = _WORD.match(text, at)
        if matched is None:
            raise InvalidSelector(f"XPATH: {text[at : at + 20].strip()!r} was not expected", 0)
        at = matched.end()
        kind = str(matched.lastgroup)
        found.append(_word(kind, matched[kind], found, text[at:].lstrip(" \t\r\n")))
    return found


def _word(kind: str, text: str, before: list[Word], rest: str) -> Word:
    if kind == "text":
        return Word(TEXT, text[1:-1])
    if kind == "sign":
        return Word(OPERATOR if text in _OPERATORS else SIGN, text)
    if kind != "name":
        return Word(kind, text)
    if before and _is_operand(before[-1]) and (text == "*" or text in _NAMED_OPERATORS):
        return Word(OPERATOR, text)
    if rest.startswith("::"):
        return Word(AXIS, text)
    if rest.startswith("(") and text != "*":
        return Word(FUNCTION, text)
    return Word(NAME, text)


def _is_operand(word: Word) -> bool:
    """Whether an operand ends with a word."""
    return word.kind in (NAME, NUMBER, TEXT) or word.text in (")", "]", ".", "..")
