"""Turns raw values into the dataclasses of `sections`: types, bounds, choices, unknown keys. One sentence per mistake.

Precedence: flag, environment, file, default. Arrays of tables come from the file alone.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, TypeVar

from mqbroker.config.option import Option, has_place, options_of, section_kind, table_kind
from mqbroker.config.sources import EnvironmentSource, FileSource, FlagSource, KeyPath
from mqbroker.errors import ConfigError

T = TypeVar("T")
Tree = Mapping[str, Any]

_KIND_NAMES = {int: "a whole number", float: "a number", bool: "true or false"}


class Reader:
    """Reads one configuration out of its three sources."""

    def __init__(self, flags: FlagSource, environment: EnvironmentSource, file: FileSource) -> None:
        self._flags = flags
        self._environment = environment
        self._file = file
        self.given: set[tuple[str, ...]] = set()
        """The options that have a value of their own, even if it is the default."""

    def read(self, kind: type[T]) -> T:
        """The dataclass with every value that was given. Raises ConfigError."""
        return self._read_section(kind, self._file.tree, ())

    def _read_section(self, kind: type[T], tree: Tree, path: tuple[str, ...]) -> T:
        self._check_keys(kind, tree, path)
        values: dict[str, Any] = {}
        for option in options_of(kind, path):
            self._read_option(option, tree, values)
        for declared in _nested(kind):
            values[declared.name] = self._read_nested(declared, tree.get(declared.name), (*path, declared.name))
        return kind(**values)

    def _read_option(self, option: Option, tree: Tree, values: dict[str, Any]) -> None:
        for source in (self._flags, self._environment):
            raw = source.value(option)
            if raw is not None:
                values[option.path[-1]] = checked(option, raw, source.place(option))
                break
        else:
            self._read_key(option, tree, option.path, values)
        if option.path[-1] in values:
            self.given.add(option.path)

    def _read_key(self, option: Option, tree: Tree, path: KeyPath, values: dict[str, Any]) -> None:
        key = option.path[-1]
        if key in tree:
            values[key] = checked(option, tree[key], f"{self._file.place(path)}: {'.'.join(option.path)}")

    def _read_nested(self, declared: "Field[Any]", raw: Any, path: tuple[str, ...]) -> Any:
        inner = section_kind(declared)
        if inner is None:
            return self._read_tables(declared, raw, path)
        if raw is not None and not isinstance(raw, dict):
            raise ConfigError(f"{self._file.place(path)}: {path[-1]} is a table, written [{'.'.join(path)}]")
        return self._read_section(inner, raw or {}, path)

    def _read_tables(self, declared: "Field[Any]", raw: Any, path: KeyPath) -> tuple[Any, ...]:
        kind = table_kind(declared)
        assert kind is not None
        if raw is None:
            return ()
        if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
            raise ConfigError(f"{self._file.place(path)}: {path[-1]} is a list of tables, each written {_header(path)}")
        return tuple(self._read_table(kind, item, (*path, number)) for number, item in enumerate(raw))

    def _read_table(self, kind: type[T], tree: Tree, path: KeyPath) -> T:
        self._check_keys(kind, tree, path)
        values: dict[str, Any] = {}
        for option in options_of(kind, _names(path)):
            self._read_key(option, tree, (*path, option.path[-1]), values)
        for declared in _nested(kind):
            values[declared.name] = self._read_tables(declared, tree.get(declared.name), (*path, declared.name))
        if has_place(kind):
            values["place"] = self._file.place(path)
        return kind(**values)

    def _check_keys(self, kind: type, tree: Tree, path: KeyPath) -> None:
        known = [declared.name for declared in fields(kind) if "place" not in declared.metadata]
        for key in tree:
            if key not in known:
                place, name = self._file.place((*path, key)), ".".join((*_names(path), key))
                raise ConfigError(f"{place}: there is no option {name}{_suggestion(key, known)}")


def checked(option: Option, raw: Any, place: str) -> Any:
    """The value for an option out of what was given. Raises ConfigError with `place` in front of the reason."""
    if not option.is_list:
        return _checked_item(option, raw, place)
    if option.is_table:
        return _checked_table(option, raw, place)
    if isinstance(raw, str) or not isinstance(raw, (list, tuple)):
        raise ConfigError(f"{place} must be a list, not {raw!r}")
    return tuple(_checked_item(option, item, place) for item in raw)


def _checked_table(option: Option, raw: Any, place: str) -> tuple[tuple[str, Any], ...]:
    if not isinstance(raw, dict):
        raise ConfigError(f"{place} must be a table, not {raw!r}")
    return tuple((name, _checked_item(option, value, f"{place}.{name}")) for name, value in raw.items())


def _checked_item(option: Option, raw: Any, place: str) -> Any:
    rules = option.rules
    value = _typed(option, raw, place)
    if rules.choices and value not in rules.choices:
        raise ConfigError(f"{place} must be {_one_of(rules.choices)}, not {raw!r}")
    if rules.minimum is not None and not value >= rules.minimum:
        raise ConfigError(f"{place} must be at least {rules.minimum}, not {raw!r}")
    if rules.maximum is not None and not value <= rules.maximum:
        raise ConfigError(f"{place} must be at most {rules.maximum}, not {raw!r}")
    return value


def _typed(option: Option, raw: Any, place: str) -> Any:
    parse: Callable[[str], Any] | None = option.rules.parse
    if option.kind in _KIND_NAMES:
        return _number_or_truth(option.kind, raw, place)
    if not isinstance(raw, (str, Path)):
        raise ConfigError(f"{place} must be text, not {raw!r}")
    if option.kind is Path:
        return Path(raw)
    try:
        return raw if parse is None else parse(str(raw))
    except ValueError as error:
        raise ConfigError(f"{place} {error}") from None


def _number_or_truth(kind: type, raw: Any, place: str) -> Any:
    # bool is an int to Python, but `true` is no number to an operator.
    is_right = isinstance(raw, bool) if kind is bool else isinstance(raw, (int, kind)) and not isinstance(raw, bool)
    if not is_right:
        raise ConfigError(f"{place} must be {_KIND_NAMES[kind]}, not {raw!r}")
    return kind(raw)


def _nested(kind: type) -> list["Field[Any]"]:
    return [field for field in fields(kind) if section_kind(field) or table_kind(field)]


def _names(path: KeyPath) -> tuple[str, ...]:
    return tuple(part for part in path if isinstance(part, str))


def _header(path: KeyPath) -> str:
    return f"[[{'.'.join(_names(path))}]]"


def _one_of(choices: tuple[str, ...]) -> str:
    return " or ".join(repr(choice) for choice in choices)


def _suggestion(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
