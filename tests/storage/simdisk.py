"""A disk in memory that fails and crashes on demand. It shows the journal what a real one would show after a power cut.

What was not synced is lost, kept, or torn at sector borders, as a seed decides. Names last in the order in which they
were changed, as on a journalling file system. Call number `fail_at` raises `failure` in the midst of its work.
"""

import errno
from random import Random


class PowerCut(BaseException):
    """The machine stopped. Not an Exception, so that nothing in the journal can handle it."""


class SimFile:
    """One file: what a reader sees now, and what lasts."""

    def __init__(self, size_bytes: int) -> None:
        self.now = bytearray(size_bytes)
        self.lasting = bytearray(size_bytes)
        self.unsynced: list[tuple[int, bytes]] = []


class SimDisk:
    """Implements `storage.disk.Disk`."""

    def __init__(self, capacity_bytes: int = 1 << 30) -> None:
        self.path = "sim"
        self.capacity_bytes = capacity_bytes
        self.calls = 0
        self.fail_at = 0
        self.failure: BaseException = OSError(errno.EIO, "Input/output error")
        self.files: dict[str, SimFile] = {}
        self.history: list[dict[str, SimFile]] = [{}]
        """The directory as it lasts, and after each change since."""
        self.deleted: list[str] = []
        self.is_closed = False

    def names(self) -> list[str]:
        return sorted(self.files)

    def size(self, name: str) -> int:
        return len(self._file(name).now)

    def read(self, name: str, offset: int = 0, size: int = -1) -> bytes:
        now = self._file(name).now
        return bytes(now[offset:] if size < 0 else now[offset : offset + size])

    def _file(self, name: str) -> SimFile:
        if name not in self.files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", name)
        return self.files[name]

    def prepare(self, name: str, size_bytes: int) -> None:
        self._call()
        self.files.pop(name, None)
        self._renamed()
        if size_bytes > self.free_bytes():
            raise OSError(errno.ENOSPC, "No space left on device")
        self.files[name] = SimFile(size_bytes)
        self._renamed()

    def write(self, name: str, parts: list[bytes], offset: int, sync: bool) -> None:
        file = self.files[name]
        data = b"".join(parts)
        assert offset + len(data) <= len(file.now), "a segment must never outgrow what was prepared"
        file.now[offset : offset + len(data)] = data
        file.unsynced.append((offset, data))
        self._call()
        if sync:
            file.unsynced.pop()
            file.lasting[offset : offset + len(data)] = data

    def truncate(self, name: str, end: int, size_bytes: int) -> None:
        file = self._file(name)
        del file.now[end:]
        self._call()
        file.now.extend(bytes(size_bytes - end))
        file.lasting[:] = file.now
        file.unsynced.clear()

    def finish(self, name: str, size_bytes: int) -> None:
        self._call()
        file = self.files[name]
        del file.now[size_bytes:]
        file.lasting[:] = file.now
        file.unsynced.clear()

    def rename(self, old: str, new: str) -> None:
        self._call()
        self.files[new] = self.files.pop(old)
        self._renamed()

    def delete(self, name: str) -> None:
        self._call()
        self.deleted.append(name)
        self.files.pop(name, None)
        self._renamed()

    def sync_names(self) -> None:
        self._call()
        del self.history[:-1]

    def free_bytes(self) -> int:
        return self.capacity_bytes - sum(len(file.now) for file in self.files.values())

    def close(self) -> None:
        self.is_closed = True

    def _renamed(self) -> None:
        self.history.append(dict(self.files))

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise self.failure

    def after_kill(self) -> "SimDisk":
        """What a new process finds when only the old one died."""
        return self._image({name: bytes(file.now) for name, file in self.files.items()})

    def after_power_cut(self, chance: Random) -> "SimDisk":
        """What is found when the machine stopped."""
        names = chance.choice(self.history)
        return self._image({name: _torn(file, chance) for name, file in names.items()})

    def _image(self, contents: dict[str, bytes]) -> "SimDisk":
        disk = SimDisk(self.capacity_bytes)
        for name, content in contents.items():
            disk.put(name, content)
        return disk

    def put(self, name: str, content: bytes) -> None:
        """Makes a file with this content, which lasts."""
        file = self.files[name] = SimFile(0)
        file.now[:] = file.lasting[:] = content
        self.history = [dict(self.files)]


def _torn(file: SimFile, chance: Random) -> bytes:
    sector = chance.choice((512, 4096))
    content = bytearray(file.lasting)
    for offset, data in file.unsynced:
        at = offset
        while at < offset + len(data):
            end = min((at // sector + 1) * sector, offset + len(data))
            if chance.random() < 0.5:
                content[at:end] = data[at - offset : end - offset]
            at = end
    return bytes(content)
