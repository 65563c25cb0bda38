"""What was found in files of another broker: definitions that a broker imports, options, and what has no place here."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mqbroker.errors import MqbrokerError

FILE_BYTES_MAX = 64 << 20  # of one file; definitions of 100,000 queues take a third of it


class CannotImport(MqbrokerError):
    """A file is broken: nothing of it, nor of the others, is taken over."""


def read_text(path: Path) -> str:
    """The text of a file. Raises CannotImport."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise CannotImport(f"{path} is larger than {FILE_BYTES_MAX >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotImport(f"{path} cannot be read: {error}") from None


@dataclass(slots=True)
class Found:
    """Of all files together."""

    definitions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """In RabbitMQ's form."""
    options: dict[str, object] = field(default_factory=dict)
    """Of our configuration, by dotted names."""
    tables: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    """Arrays of tables of our configuration, such as `aws.queues`."""
    notes: list[str] = field(default_factory=list)
    """What could not be taken over, or not as it was."""

    def add(self, section: str, item: dict[str, Any]) -> None:
        """One more definition."""
        self.definitions.setdefault(section, []).append(item)

    def note(self, text: str) -> None:
        """Something has no place here; told once."""
        if text not in self.notes:
            self.notes.append(text)

    def toml(self) -> str:
        """The options and tables as lines of mqbroker.toml."""
        lines = [f"{name} = {_value(value)}" for name, value in sorted(self.options.items())]
        for name, table in self.tables:
            lines += ["", f"[[{name}]]"] + [f"{key} = {_value(value)}" for key, value in table.items()]
        return "\n".join(lines) + "\n" if lines else ""

    def summary(self) -> list[str]:
        """What is taken over, in sentences."""
        return [
            *(f"{len(items)} {section.replace('_', ' ')}" for section, items in self.definitions.items()),
            *([f"{len(self.options)} options"] if self.options else []),
            *(f"{count} of {name}" for name, count in self._table_counts().items()),
        ]

    def _table_counts(self) -> dict[str, int]:
        names = [name for name, _ in self.tables]
        return {name: names.count(name) for name in dict.fromkeys(names)}


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_value(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)
