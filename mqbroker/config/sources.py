"""Where the values of options come from: flags, the environment, a TOML file. Each can say where exactly, for errors.

The line of a key in a TOML file is found by reading the text again, line by line: tomllib does not keep it. That is
exact for files written one key per line; for a value deep in an inline table it is the line where the table begins.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mqbroker.config.option import Option
from mqbroker.errors import ConfigError

KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[\w.-])(?:\s*\.\s*|"[^"]*"|'[^']*'|[\w-])*)\s*=""")
_SYNTAX_ERROR_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


class FlagSource:
    """Values given on the command line, by option path joined with dots. A missing or None value is not given."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def value(self, option: Option) -> Any:
        """The value, or None if the flag was not given."""
        return self._values.get(".".join(option.path))

    def place(self, option: Option) -> str:
        """How an error about this option opens."""
        return option.rules.flag.partition(" ")[0]


class EnvironmentSource:
    """Values given by environment variables, as text; lists are separated by commas."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def value(self, option: Option) -> Any:
        """The value, of the type that a TOML file would hold where the text allows it; None if not set."""
        text = self._environment.get(option.environment_variable)
        if text is None:
            return None
        if option.is_list:
            return [item.strip() for item in text.split(",") if item.strip()]
        return _from_text(text, option.kind)

    def place(self, option: Option) -> str:
        """How an error about this option opens."""
        return option.environment_variable


class FileSource:
    """A TOML file that was read and parsed. `name` is its path as the operator gave it."""

    def __init__(self, name: str, text: str) -> None:
        """Raises ConfigError for text that is not TOML."""
        self.name = name
        try:
            self.tree = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(_syntax_error(name, text, str(error))) from None
        self._lines = key_lines(text)

    def place(self, path: KeyPath) -> str:
        """How an error about the key at `path` opens: the file, and the line of the key or of what encloses it."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return f"{self.name}, line {line}"
        return self.name


def read_file(path: Path) -> FileSource:
    """Raises ConfigError for a file that cannot be read, that others may write, or that is not TOML."""
    try:
        if path.stat().st_mode & 0o022:
            raise ConfigError(f"{path}: others than its owner may write to it; run: chmod go-w {path}")
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    return FileSource(str(path), text)


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of every key and table header; elements of arrays of tables are counted from 0."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            table = _table_path(header[2], header[1] == "[[", counts)
            lines[table] = number
            continue
        key = _KEY.match(line)
        if key is not None:
            lines.setdefault(table + _split_key(key[1]), number)
    return lines


def _table_path(name: str, is_array: bool, counts: dict[KeyPath, int]) -> KeyPath:
    """The path of a header; a name on the way that is an array of tables means its latest element."""
    path: KeyPath = ()
    keys = _split_key(name)
    for depth, key in enumerate(keys, 1):
        path = (*path, key)
        if is_array and depth == len(keys):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _split_key(text: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def _syntax_error(name: str, text: str, message: str) -> str:
    place = _SYNTAX_ERROR_PLACE.search(message)
    if place is None:
        return f"{name}: is not TOML: {message}"
    line = place[1] or str(max(1, len(text.splitlines())))
    return f"{name}, line {line}: is not TOML: {message[: place.start()]}"


def _from_text(text: str, kind: type) -> Any:
    if kind is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return text
