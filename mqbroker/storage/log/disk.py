"""The disk as the journal sees it: a dozen calls on the files of one directory, and nothing that could hide a failure.

`Disk` is the interface, `FileDisk` the real one. No call retries, buffers or ignores an error: the caller gets every
failure as an OSError. It does not know what the files hold.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from mqbroker.errors import ConfigError


class Disk(Protocol):
    """The files of one journal, by their plain names."""

    path: str
    """Where it is, for messages."""

    def names(self) -> list[str]:
        """The names of all files, sorted."""

    def size(self, name: str) -> int:
        """How many bytes a file has."""

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        """The whole of a file; or up to `size` bytes from `offset` on, fewer at its end."""

    def prepare(self, name: str, size_bytes: int) -> None:
        """Makes a file of that many zero bytes whose space is really allocated, and opens it for `write`.

        A file of that name is replaced. When there is no space, no file is left.
        """

    def write(self, name: str, parts: list[bytes], offset: int, sync: bool) -> None:
        """Writes `parts` one after the other at `offset` of a prepared file; with `sync` it returns once they last."""

    def finish(self, name: str, size_bytes: int) -> None:
        """Cuts a file to its first `size_bytes` bytes, syncs and closes it."""

    def truncate(self, name: str, end: int, size_bytes: int) -> None:
        """Keeps the first `end` bytes of a file and makes all after them zeros, up to `size_bytes`, whose space is
        really allocated; then opens it for `write`. After a crash in between, the file may end at `end`."""

    def rename(self, old: str, new: str) -> None:
        """Renames a file, which stays open; the name lasts after `sync_names`."""

    def delete(self, name: str) -> None:
        """Deletes a file; it is no error when there is none."""

    def sync_names(self) -> None:
        """Returns once all creations, renames and deletions last."""

    def free_bytes(self) -> int:
        """How much more can be stored."""

    def close(self) -> None:
        """Closes every file and lets another process have the directory."""


class FileDisk:
    """A directory of the file system. This process has it alone, unless `exclusive` is False, which is for reading."""

    def __init__(self, directory: Path, exclusive: bool = True) -> None:
        self.path = str(directory)
        self._open: dict[str, int] = {}
        self._directory = _open_directory(directory, exclusive)

    def names(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self.path) if entry.is_file())

    def size(self, name: str) -> int:
        return os.stat(self._at(name)).st_size

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        with open(self._at(name), "rb") as file:
            file.seek(offset)
            return file.read(size)

    def prepare(self, name: str, size_bytes: int) -> None:
        self.delete(name)
        handle = os.open(self._at(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._open[name] = handle
        try:
            os.posix_fallocate(handle, 0, size_bytes)
            os.fsync(handle)
        except OSError:
            self.delete(name)
            raise

    def write(self, name: str, parts: list[bytes], offset: int, sync: bool) -> None:
        handle = self._open[name]
        flags = os.RWF_DSYNC if sync else 0
        left = sum(map(len, parts))
        written = os.pwritev(handle, parts, offset, flags)
        if written < left:
            self._write_rest(handle, memoryview(b"".join(parts))[written:], offset + written, flags)

    def _write_rest(self, handle: int, rest: memoryview, offset: int, flags: int) -> None:
        # A write may be short: the kernel moves at most 2 GiB - 4 KiB at a time.
        while rest:
            written = os.pwritev(handle, [rest], offset, flags)
            rest = rest[written:]
            offset += written

    def truncate(self, name: str, end: int, size_bytes: int) -> None:
        handle = self._open.get(name)
        if handle is None:
            handle = self._open[name] = os.open(self._at(name), os.O_RDWR)
        os.ftruncate(handle, end)
        os.posix_fallocate(handle, 0, size_bytes)
        os.fsync(handle)

    def finish(self, name: str, size_bytes: int) -> None:
        handle = self._open.pop(name, None)
        if handle is None:
            handle = os.open(self._at(name), os.O_RDWR)
        try:
            os.ftruncate(handle, size_bytes)
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, old: str, new: str) -> None:
        os.rename(self._at(old), self._at(new))
        if old in self._open:
            self._open[new] = self._open.pop(old)

    def delete(self, name: str) -> None:
        handle = self._open.pop(name, None)
        if handle is not None:
            os.close(handle)
        with suppress(FileNotFoundError):
            os.unlink(self._at(name))

    def sync_names(self) -> None:
        os.fsync(self._directory)

    def free_bytes(self) -> int:
        numbers = os.fstatvfs(self._directory)
        return numbers.f_bavail * numbers.f_frsize

    def close(self) -> None:
        for handle in self._open.values():
            os.close(handle)
        self._open.clear()
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    def _at(self, name: str) -> str:
        return os.path.join(self.path, name)


def _open_directory(directory: Path, exclusive: bool) -> int:
    """Opens the directory, with `exclusive` made if need be and locked. The handle also serves to sync its names."""
    try:
        if exclusive:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigError(f"the journal directory {directory} cannot be used: {error.strerror}") from error
    if not exclusive:
        return handle
    try:
        # flock, not fcntl locks: those are lost when any other handle of the same file is closed.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        is_taken = isinstance(error, BlockingIOError)
        trouble = "is in use by another broker" if is_taken else f"cannot be locked: {error.strerror}"
        raise ConfigError(f"the journal directory {directory} {trouble}") from error
    return handle
