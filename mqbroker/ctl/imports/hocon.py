"""The part of HOCON that configurations of ElasticMQ are written in: objects, lists, texts, numbers, durations.

Not done: includes and substitutions, which are told as notes and leave their values out; and pieces of text that are
put together of several values.
"""

import re
from typing import Any

from mqbroker.ctl.imports.found import CannotImport, Found

_DEPTH_MAX = 64
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\f\ufeff]+|(?://|\#)[^\n]*)
  | (?P<end>[\n,])
  | (?P<mark>\+=|[{}\[\]:=])
  | (?P<long>\"\"\".*?\"\"\"+)
  | (?P<quoted>"(?:[^"\\\n]|\\.)*")
  | (?P<reference>\$\{[^}\n]*\})
  | (?P<plain>[^\s"{}\[\]:=,+\#$`^?!@*&\\]+)
    """,
    re.VERBOSE | re.DOTALL,
)

Token = tuple[str, str, int]
_DURATION = re.compile(r"(\d+)\s*([a-zA-Z]*)")
_SECONDS = {
    "": 0.001, "ms": 0.001, "milli": 0.001, "millis": 0.001, "millisecond": 0.001, "milliseconds": 0.001,
    "s": 1, "second": 1, "seconds": 1, "m": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86_400, "day": 86_400, "days": 86_400,
}  # fmt: skip


def seconds(value: object) -> float:
    """A duration, such as `10 seconds`; a number alone is milliseconds. Raises ValueError."""
    match = _DURATION.fullmatch(str(value).strip())
    if match is None or match[2] not in _SECONDS:
        raise ValueError(f"{value!r} is no duration")
    return int(match[1]) * _SECONDS[match[2]]


def parse(text: str, name: str, found: Found) -> dict[str, Any]:
    """The object that a file is. Raises CannotImport."""
    return _Parser(_tokens(text, name), name, found).document()


def _tokens(text: str, name: str) -> list[Token]:
    tokens, at, line = [], 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CannotImport(f"{name}:{line}: {text[at : at + 20]!r} is not understood")
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append((kind, match[0], line))
        line += match[0].count("\n")
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[Token], name: str, found: Found) -> None:
        self._tokens = tokens
        self._at = 0
        self._name = name
        self._found = found

    def document(self) -> dict[str, Any]:
        self._skip()
        if self._peek()[1] == "{":
            self._at += 1
            result = self._members("}", 0)
        else:
            result = self._members("", 0)
        self._skip()
        if self._at < len(self._tokens):
            raise self._fault("comes after the end")
        return result

    def _peek(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "", 0)

    def _skip(self) -> None:
        while self._peek()[0] == "end":
            self._at += 1

    def _fault(self, what: str) -> CannotImport:
        _, text, line = self._peek()
        if not line:
            return CannotImport(f"{self._name}: the file ends too early")
        return CannotImport(f"{self._name}:{line}: {text!r} {what}")

    def _members(self, closing: str, depth: int) -> dict[str, Any]:
        if depth > _DEPTH_MAX:
            raise self._fault("is nested too deeply")
        result: dict[str, Any] = {}
        while True:
            self._skip()
            kind, text, line = self._peek()
            if text == closing and (kind == "mark" or not closing):
                self._at += bool(closing)
                return result
            if text == "include":
                self._found.note(f"{self._name}:{line}: what is included is not read: import that file too")
                self._rest_of_line()
                continue
            self._member(result, depth)

    def _rest_of_line(self) -> None:
        while self._peek()[0] not in ("", "end"):
            self._at += 1

    def _member(self, result: dict[str, Any], depth: int) -> None:
        path = self._key()
        if self._peek()[1] in ("=", ":"):
            self._at += 1
            while self._peek()[1] == "\n":
                self._at += 1
        elif self._peek()[1] != "{":
            raise self._fault("is no value")
        value = self._value(depth + 1)
        for part in path[:-1]:
            inner = result.get(part)
            if not isinstance(inner, dict):
                inner = result[part] = {}
            result = inner
        _merge(result, path[-1], value)

    def _key(self) -> list[str]:
        kind, text, _ = self._peek()
        if kind not in ("plain", "quoted"):
            raise self._fault("is no name")
        self._at += 1
        if kind == "quoted":
            return [_unquoted(text)]
        parts = text.strip(".").split(".")
        while self._peek()[0] == "quoted" and text.endswith("."):  # a."b.c"
            parts.append(_unquoted(self._peek()[1]))
            self._at += 1
        return parts

    def _value(self, depth: int) -> Any:
        kind, text, line = self._peek()
        if text == "{":
            self._at += 1
            return self._members("}", depth)
        if text == "[":
            self._at += 1
            return self._items(depth)
        if kind in ("", "end", "mark"):
            raise self._fault("is no value")
        return self._scalar(line)

    def _items(self, depth: int) -> list[Any]:
        if depth > _DEPTH_MAX:
            raise self._fault("is nested too deeply")
        items: list[Any] = []
        while True:
            self._skip()
            if self._peek()[1] == "]" and self._peek()[0] == "mark":
                self._at += 1
                return items
            items.append(self._value(depth + 1))

    def _scalar(self, line: int) -> Any:
        parts: list[str] = []
        is_plain = True
        while self._peek()[0] in ("plain", "quoted", "long", "reference"):
            kind, text, _ = self._peek()
            self._at += 1
            is_plain = is_plain and kind == "plain"
            if kind == "reference":
                self._found.note(f"{self._name}:{line}: {text} is not filled in")
            else:
                parts.append(text if kind == "plain" else _unquoted(text))
        return _plain(" ".join(parts)) if is_plain else "".join(parts)


def _merge(result: dict[str, Any], name: str, value: Any) -> None:
    before = result.get(name)
    if isinstance(before, dict) and isinstance(value, dict):
        for key, part in value.items():
            _merge(before, key, part)
    else:
        result[name] = value


def _unquoted(text: str) -> str:
    if text.startswith('"""'):
        return text[3:-3]
    plain = re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _escape, text[1:-1])
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs of \u are one character


def _escape(match: re.Match[str]) -> str:
    if match[1][0] == "u" and len(match[1]) == 5:
        return chr(int(match[1][1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(match[1], match[1])


def _plain(text: str) -> Any:
    if text in ("true", "on", "yes"):
        return True
    if text in ("false", "off", "no"):
        return False
    if text == "null":
        return None
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text
