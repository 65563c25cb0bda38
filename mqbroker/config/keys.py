"""The keys that the journal is encrypted with: where each of them is kept, and how it is read from there.

A source is written `file:PATH`, `env:NAME` or `command:PROGRAM ARGUMENTS`. No sentence of this module contains what
was found at a source, nor an entry that it does not understand: that could be the key itself.
"""

import binascii
import os
import select
import shlex
import stat
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mqbroker.errors import ConfigError
from mqbroker.limits import KEY_COMMAND_TIMEOUT_S, KEY_TEXT_BYTES_MAX

KEY_BYTES = 32  # AES-256
_KINDS = ("file", "env", "command")


@dataclass(frozen=True, slots=True)
class KeySource:
    """One place that holds a key: the kind, and the path, name or command line after it."""

    kind: str
    place: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError with the reason."""
        kind, _, place = text.partition(":")
        if kind not in _KINDS or not place.strip():
            raise ValueError("has an entry that is not file:PATH, env:NAME or command:PROGRAM ARGUMENTS")
        if kind == "command":
            try:
                shlex.split(place)
            except ValueError as error:
                raise ValueError(f"has a command with a mistake in its quotes: {error}") from None
        return cls(kind, place)


def read_keys(sources: Iterable[KeySource], environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """The keys, 32 bytes each. Raises ConfigError for a source that gives none. Blocks while a command runs."""
    return tuple(_key(source, environment) for source in sources)


def _key(source: KeySource, environment: Mapping[str, str]) -> bytes:
    if source.kind == "file":
        return _decoded(_read_file(Path(source.place)), source.place, is_raw_allowed=True)
    if source.kind == "env":
        text = environment.get(source.place)
        if text is None:
            raise _error(source.place, "is not set in the environment")
        return _decoded(text.encode("utf-8", "surrogateescape"), source.place)
    program = shlex.split(source.place)
    return _decoded(_run(program), f"the command {program[0]}")


def _error(place: str, reason: str) -> ConfigError:
    return ConfigError(f"journal.encryption_keys: {place} {reason}")


def _decoded(content: bytes, place: str, is_raw_allowed: bool = False) -> bytes:
    """A key from its written form."""
    if is_raw_allowed and len(content) == KEY_BYTES:
        return content
    text = content.strip()
    try:
        key = bytes.fromhex(text.decode()) if len(text) == 2 * KEY_BYTES else b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raw = ", or 32 bytes as they are" if is_raw_allowed else ""
        raise _error(place, f"does not hold a key of 32 bytes: 64 hexadecimal digits, or the same in Base64{raw}")
    return key


def _read_file(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise _error(str(path), "is not a file")
            if mode & 0o077:
                raise _error(str(path), f"can be read or written by others than its owner; run: chmod 600 {path}")
            return file.read(KEY_TEXT_BYTES_MAX)
    except OSError as error:
        raise _error(str(path), f"cannot be read: {error.strerror}") from None


def _open_at_once(path: str, flags: int) -> int:
    # The path may be that of a pipe, which is refused: nobody has to write to it first.
    return os.open(path, flags | os.O_NONBLOCK)


def _run(program: list[str]) -> bytes:
    """What a command writes to its standard output. Its standard error is not shown: the key could be in it."""
    name = f"the command {program[0]}"
    try:
        process = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise _error(name, f"cannot be run: {error.strerror}") from None
    with process:
        try:
            output = _read_output(process, time.monotonic() + KEY_COMMAND_TIMEOUT_S)
        except TimeoutError:
            raise _error(name, f"gave no key within {KEY_COMMAND_TIMEOUT_S} seconds") from None
        finally:
            process.kill()
    if process.returncode:
        raise _error(name, f"failed with exit status {process.returncode}")
    return output


def _read_output(process: "subprocess.Popen[bytes]", deadline: float) -> bytes:
    """The output of a process that has ended by then; raises TimeoutError for another one."""
    assert process.stdout is not None
    handle = process.stdout.fileno()
    output = b""
    while len(output) <= KEY_TEXT_BYTES_MAX:
        if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError
        piece = os.read(handle, KEY_TEXT_BYTES_MAX)
        if not piece:
            break
        output += piece
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return output
