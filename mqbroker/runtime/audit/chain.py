"""What the files of the trail look like, and how their records hang together.

    audit/current.jsonl                                                          a record a line
    audit/000000000000_CloudTrail_mqbroker_20261130T0800Z_0000000000000001.json.gz    {"Records":[
                                                                                 record,
                                                                                 record
                                                                                 ]}

A finished file has the same octets for each record as the current one had, so the chain goes on through both. Its name
has the time and the number of its first record. A record ends with its place in the chain:

    {..., "chain": {"sequence": 17, "previous": "<SHA-256 of the octets of record 16, hexadecimal>"}}

Who changes a record has to change every later one, and shows by the last hash, which belongs elsewhere.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from mqbroker.protocols.plain_json import dump

CURRENT = "current.jsonl"
FOLDER = "audit"
FIRST_HASH = "0" * 64
_PREFIX, _SUFFIX = b'{"Records":[\n', b"\n]}\n"
_NAME = re.compile(r"\d{12}_CloudTrail_mqbroker_\d{8}T\d{4}Z_(\d{16})\.json\.gz")


class Link(NamedTuple):
    """The end of the chain so far."""

    sequence: int = 0
    digest: str = FIRST_HASH


def sealed(record: dict[str, Any], end: Link) -> tuple[bytes, Link]:
    """The line for a record that comes after `end`, and the new end. The record is the callee's from then on."""
    record["chain"] = {"sequence": end.sequence + 1, "previous": end.digest}
    line = dump(record, _asked)
    return line, Link(end.sequence + 1, digest(line))


def _asked(text: str) -> str:
    """The same with question marks in the places of octets that are no UTF-8, such as of a path."""
    return text.encode("utf-8", "replace").decode()


def digest(line: bytes) -> str:
    """What the next record says of this one."""
    return sha256(line).hexdigest()


def finished_name(event_time: str, sequence: int) -> str:
    """The name of a file whose first record is this one; `event_time` as in a record."""
    minute = event_time.replace("-", "").replace(":", "")[:13]
    return f"000000000000_CloudTrail_mqbroker_{minute}Z_{sequence:016d}.json.gz"


def finished(folder: Path) -> list[tuple[int, Path]]:
    """The finished files with the numbers of their first records, oldest first."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match is not None)


def packed(lines: list[bytes]) -> bytes:
    """The octets of a finished file."""
    return gzip.compress(_PREFIX + b",\n".join(lines) + _SUFFIX, 6)


def lines_of(path: Path) -> list[bytes]:
    """The lines of the records in a file; the last one of the current file may be torn. Raises OSError."""
    octets = path.read_bytes()
    if path.name == CURRENT:
        return octets.splitlines()
    try:
        text = gzip.decompress(octets).removeprefix(_PREFIX).removesuffix(_SUFFIX)
    except (EOFError, zlib.error) as error:
        raise gzip.BadGzipFile(str(error)) from None
    return [line.removesuffix(b",") for line in text.splitlines()]


def link_of(line: bytes) -> tuple[Link, str]:
    """The place of a record in the chain, and what it says of the one before. Raises ValueError."""
    record = orjson.loads(line)
    place = record.get("chain") if isinstance(record, dict) else None
    sequence, previous = (place.get("sequence"), place.get("previous")) if isinstance(place, dict) else (None, None)
    if not isinstance(sequence, int) or not isinstance(previous, str):
        raise ValueError("it has no place in the chain")
    return Link(sequence, digest(line)), previous


def newest_first(folder: Path) -> Iterator[dict[str, Any]]:
    """The records, the newest first; files and lines that cannot be read are left out."""
    paths = [path for _, path in finished(folder)]
    for path in [folder / CURRENT, *reversed(paths)]:
        try:
            lines = lines_of(path)
        except OSError:
            continue
        for line in reversed(lines):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
