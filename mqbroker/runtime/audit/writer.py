"""Writes the trail, in a thread of its own: a disk that is slow holds up no client.

What has gathered is written and synced together. With the first record of another hour, or when it has its size, the
current file is packed and a new one is begun; old ones are removed. A run that was killed leaves a torn last line at
most, which the next one cuts off, or a packed file whose records are in the current one still.
"""

import logging
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import orjson

from mqbroker.limits import AUDIT_FILE_BYTES_MAX
from mqbroker.runtime.audit.chain import CURRENT, Link, finished, finished_name, lines_of, link_of, packed, sealed

log = logging.getLogger(__name__)

Record = dict[str, Any]
_HOUR_CHARS = len("2026-11-30T08")
_BATCH = 1000  # records that are synced together


class Writer:
    """The files of one trail."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        """Raises OSError."""
        self._folder = folder
        self._keep_s = keep_days * 86_400
        self._queue: SimpleQueue[Record | None] = SimpleQueue()
        self._path = folder / CURRENT
        self.end = Link()
        self._hour = ""
        self._first: tuple[str, int] | None = None
        """Time and number of the first record of the current file."""
        self._has_failed = False
        folder.mkdir(0o700, parents=True, exist_ok=True)
        self._recover()
        self._file = self._open()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many records are not written yet."""
        return self._queue.qsize()

    def put(self, record: Record) -> None:
        """Writes a record, soon. It is the writer's from then on."""
        self._queue.put(record)

    def close(self, timeout_s: float) -> None:
        """Writes what is left."""
        self._queue.put(None)
        self._thread.join(timeout_s)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch = self._take()
            is_open = None not in batch
            try:
                self._write([record for record in batch if record is not None])
                self._has_failed = False
            except OSError as error:
                if not self._has_failed:
                    log.critical("the audit trail cannot be written, records are lost: %s", error)
                self._has_failed = True
        self._file.close()

    def _take(self) -> list[Record | None]:
        batch = [self._queue.get()]
        with suppress(Empty):
            while len(batch) < _BATCH:
                batch.append(self._queue.get_nowait())
        return batch

    def _write(self, records: list[Record]) -> None:
        for record in records:
            hour = str(record["eventTime"])[:_HOUR_CHARS]
            if self._first is not None and (hour != self._hour or self._file.tell() > AUDIT_FILE_BYTES_MAX):
                self._finish()
            self._hour = hour
            line, end = sealed(record, self.end)
            self._file.write(line + b"\n")
            self.end = end
            self._first = self._first or (str(record["eventTime"]), end.sequence)
        self._file.flush()
        os.fdatasync(self._file.fileno())

    # --- files --------------------------------------------------------------------------------------------------------

    def _open(self) -> Any:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "ab")

    def _finish(self) -> None:
        """The current file becomes a packed one."""
        assert self._first is not None
        self._file.flush()
        target = self._folder / finished_name(*self._first)
        draft = target.with_suffix(".new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(packed(lines_of(self._path)))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
        self._path.unlink()
        self._file.close()
        self._file = self._open()
        self._first = None
        self._remove_old()

    def _remove_old(self) -> None:
        newest = self._path.stat().st_mtime
        for _, path in finished(self._folder):
            if newest - path.stat().st_mtime > self._keep_s:
                path.unlink()

    def _recover(self) -> None:
        """Finds the end of the chain, after whatever has ended the last run."""
        for draft in self._folder.glob("*.new"):
            draft.unlink()
        before = finished(self._folder)
        lines = self._whole_lines()
        if lines and before and link_of(lines[0])[0].sequence == before[-1][0]:
            self._path.unlink()  # it was packed, and the process ended before this
            lines = []
        if lines:
            first: Mapping[str, Any] = orjson.loads(lines[0])
            self._first = str(first["eventTime"]), link_of(lines[0])[0].sequence
            self._hour = self._first[0][:_HOUR_CHARS]
        elif before:
            lines = lines_of(before[-1][1])
        if lines:
            self.end = link_of(lines[-1])[0]

    def _whole_lines(self) -> list[bytes]:
        """The lines of the current file, of which a torn end is cut off."""
        if not self._path.exists():
            return []
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            log.warning("the last record of the audit trail was not written to its end, and is cut off")
            os.truncate(self._path, whole)
        return data[:whole].splitlines()
