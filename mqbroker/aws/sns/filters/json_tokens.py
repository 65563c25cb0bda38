"""JSON text as tokens with their places, for errors that say where: as Jackson says it, which AWS reads policies with.

Jackson reads a text no further than it has to: after the token of a string it stands after the first quotation mark,
and after the name of a member after the beginning of its value. Clients match on the columns that follow from that.
"""

import json
import re
from typing import NamedTuple

_DEPTH_MAX = 100
_SOURCE_CHARS_MAX = 500
_BLANK = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z0-9_$]+")
_LITERALS = {"true": True, "false": False, "null": None}
_REDACTED = "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"


class Token(NamedTuple):
    """One token. `at` is where the reader stands after it, `end` where it ends. `kind` is a bracket, "name", "string",
    "number" (whose value is a float) or "literal"."""

    kind: str
    value: object
    text: str
    at: int
    end: int


class JsonFault(ValueError):
    """A text that is no JSON. `str` is what AWS says of it."""

    def __init__(self, reason: str, text: str, offset: int) -> None:
        super().__init__(f"{reason}\n at [Source: {_REDACTED}; {place_text(text, offset)}]")


def place_text(text: str, offset: int) -> str:
    """Line and column of an offset."""
    line = text.count("\n", 0, offset) + 1
    return f"line: {line}, column: {offset - (text.rfind(chr(10), 0, offset) + 1) + 1}"


def source_text(text: str, offset: int) -> str:
    """Where something is wrong in a policy that is JSON, as AWS says it."""
    shown = f'(String)"{text[:_SOURCE_CHARS_MAX]}"'
    if len(text) > _SOURCE_CHARS_MAX:
        shown += f"[truncated {len(text) - _SOURCE_CHARS_MAX} chars]"
    return f"\n at [Source: {shown}; {place_text(text, offset)}]"


def check_json(text: str) -> None:
    """Raises JsonFault for what is no JSON."""
    tokens_of(text)


def tokens_of(text: str) -> list[Token]:
    """All tokens of a text. Raises JsonFault."""
    return _Reader(text).run()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self.tokens: list[Token] = []
        self.open: list[str] = []

    def run(self) -> list[Token]:
        self._value()
        while self.open:
            self._blank()
            if self.open[-1] == "{":
                self._member()
            else:
                self._element()
        self._blank()
        if self.offset < len(self.text):
            raise self._unexpected("expected end-of-input")
        return self.tokens

    def _blank(self) -> None:
        found = _BLANK.match(self.text, self.offset)
        assert found is not None
        self.offset = found.end()

    def _peek(self) -> str:
        return self.text[self.offset : self.offset + 1]

    def _member(self) -> None:
        if not self._follows("}"):
            return
        found = _STRING.match(self.text, self.offset)
        if found is None:
            raise self._unexpected("was expecting double-quote to start field name")
        self.offset = found.end()
        self._blank()
        if self._peek() != ":":
            raise self._unexpected("was expecting a colon to separate field name and value")
        self.offset += 1
        place = len(self.tokens)
        self.tokens.append(Token("name", json.loads(found[0]), found[0], 0, found.end()))
        self._value()
        self.tokens[place] = self.tokens[place]._replace(at=self.tokens[place + 1].at)

    def _element(self) -> None:
        if self._follows("]"):
            self._value()

    def _follows(self, closing: str) -> bool:
        """Whether another member or element follows; takes the comma before it, or the bracket that ends them."""
        is_first = self.tokens[-1].kind in ("{", "[") and self.tokens[-1].end == self._opened_at
        if self._peek() == closing:
            self._bracket()
            self.open.pop()
            self._opened_at = -1
            return False
        if not is_first:
            if self._peek() != ",":
                kind = "Object" if closing == "}" else "Array"
                raise self._unexpected(f"was expecting comma to separate {kind} entries")
            self.offset += 1
            self._blank()
        self._opened_at = -1
        return True

    _opened_at = -1

    def _bracket(self) -> None:
        character = self._peek()
        self.offset += 1
        self.tokens.append(Token(character, character, character, self.offset, self.offset))

    def _value(self) -> None:
        self._blank()
        character = self._peek()
        if character in ("{", "["):
            if len(self.open) >= _DEPTH_MAX:
                raise JsonFault("Document nesting depth exceeds the maximum allowed", self.text, self.offset)
            self._bracket()
            self.open.append(character)
            self._opened_at = self.offset
        elif character == '"':
            self._string()
        elif character == "-" or character.isdigit():
            self._number()
        else:
            self._literal()

    def _string(self) -> None:
        found = _STRING.match(self.text, self.offset)
        if found is None:
            raise JsonFault("Unexpected end-of-input in VALUE_STRING", self.text, len(self.text))
        self.tokens.append(Token("string", json.loads(found[0]), found[0], self.offset + 1, found.end()))
        self.offset = found.end()

    def _number(self) -> None:
        found = _NUMBER.match(self.text, self.offset)
        if found is None:
            raise self._unexpected("Expected digit (0-9) to follow minus sign, for valid numeric value")
        self.offset = found.end()
        self.tokens.append(Token("number", float(found[0]), found[0], self.offset, self.offset))

    def _literal(self) -> None:
        found = _WORD.match(self.text, self.offset)
        if found is not None and found[0] in _LITERALS:
            self.offset = found.end()
            self.tokens.append(Token("literal", _LITERALS[found[0]], found[0], self.offset, self.offset))
            return
        expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        if found is not None:
            raise JsonFault(f"Unrecognized token '{found[0]}': was expecting {expected}", self.text, found.end())
        raise self._unexpected(f"expected a valid value {expected}")

    def _unexpected(self, expected: str) -> JsonFault:
        character = self._peek()
        if not character:
            return JsonFault("Unexpected end-of-input", self.text, len(self.text))
        text = f"Unexpected character ('{character}' (code {ord(character)})): {expected}"
        return JsonFault(text, self.text, self.offset)
