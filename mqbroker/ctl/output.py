"""What commands print: tables for people, and for programs JSON, JSON lines, CSV, or tabs as rabbitmqctl has them."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FORMATS = ("table", "json", "jsonl", "csv", "tsv")

Row = Mapping[str, Any]


def printed(rows: Sequence[Row], columns: Sequence[str], form: str, has_header: bool = True) -> str:
    """Rows with these columns; dotted ones are members of members."""
    picked = [{column: value_of(row, column) for column in columns} for row in rows]
    if form == "json":
        return json.dumps(picked, indent=2, ensure_ascii=False)
    if form == "jsonl":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in picked)
    lines = [[text_of(row[column]) for column in columns] for row in picked]
    if form == "csv":
        return _csv(([list(columns)] if has_header else []) + lines)
    lines = [[_one_line(cell) for cell in line] for line in ([list(columns)] if has_header else []) + lines]
    if form == "tsv":
        return "\n".join("\t".join(line) for line in lines)
    return _aligned(lines)


def value_of(row: Row, column: str) -> Any:
    """A member, or a member of a member."""
    value: Any = row
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def text_of(value: Any) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _one_line(cell: str) -> str:
    """Without what would move the cursor of a terminal: names come from clients."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in cell)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)] if lines else []
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _csv(lines: Iterable[Sequence[str]]) -> str:
    found = io.StringIO()
    csv.writer(found, lineterminator="\n").writerows(lines)
    return found.getvalue().rstrip("\n")
