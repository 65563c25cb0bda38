"""A consistent copy of a journal, also of one that a running broker writes.

Every segment but the newest one is never written to again, so a copy of it may be a second name of the same file (a
hard link), which lasts when the broker deletes its own. Of the newest one all whole batches are copied, last: older
ones that it needs were there before. When another segment has begun meanwhile, all is done again.
"""

import os
import shutil
from pathlib import Path

from mqbroker.errors import StorageError
from mqbroker.storage.log.disk import FileDisk
from mqbroker.storage.log.scan import Scan, Tail
from mqbroker.storage.log.segment import segment_names

TRIES_MAX = 20
_SOUND = (Tail.ZERO, Tail.TORN, Tail.FINISHED)


def backup(source: Path, target: Path) -> int:
    """Copies the journal in `source` to the new or empty directory `target`; how many segments it is.

    It needs no key: what is encrypted stays so. StorageError when there is nothing to copy, or it is damaged.
    """
    _prepare(target)
    disk = FileDisk(source, exclusive=False)
    try:
        for _ in range(TRIES_MAX):
            names = segment_names(disk.names())
            if not names:
                raise StorageError(f"{source} holds no journal")
            if _copy(disk, source, target, names):
                _sync(target)
                return len(names)
            for name in segment_names(os.listdir(target)):
                (target / name).unlink()
    finally:
        disk.close()
    raise StorageError(f"the journal {source} begins new files faster than they can be copied: try again later")


def _prepare(target: Path) -> None:
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise StorageError(f"{target} is not empty")
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error


def _copy(disk: FileDisk, source: Path, target: Path, names: list[str]) -> bool:
    """False when the newest segment is another one by now, or one of the others is gone."""
    try:
        for name in names[:-1]:
            _link(source / name, target / name)
        scan = Scan(names[-1], disk.read(names[-1]), opens=False)
    except FileNotFoundError:
        return False
    if segment_names(disk.names())[-1] != names[-1]:
        return False
    if scan.tail not in _SOUND:
        text = f"is damaged from byte {scan.end} on: `mqbroker journal verify` tells more"
        raise StorageError(f"{source / names[-1]} {text}")
    # One zero after the last batch shows that nothing followed it.
    (target / names[-1]).write_bytes(scan.data[: scan.end] + b"\0")
    os.chmod(target / names[-1], 0o600)
    return True


def _link(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        shutil.copy2(old, new)


def _sync(target: Path) -> None:
    for path in [*target.iterdir(), target]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
