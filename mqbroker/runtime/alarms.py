"""Memory and disk, watched: when one runs low, publishers are held back until it has recovered.

Consumers go on, because only they make room. Disk counts as low while the free space is under the limit, or while the
journal found no space for its next segment.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from mqbroker.config.sections import LimitsConfig
from mqbroker.core.events import Events
from mqbroker.limits import MEMORY_TRIM_INTERVAL_MS, MEMORY_TRIM_SHARE
from mqbroker.runtime import memory

log = logging.getLogger(__name__)

_DISK_FREE_MIN_BYTES = 1 << 30
_DISK_FREE_MIN_SHARE = 20  # a twentieth of the disk
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Alarms:
    """Which resources are low, in RabbitMQ's words."""

    def __init__(
        self,
        limits: LimitsConfig,
        data_dir: Path | None,
        is_journal_full: Callable[[], bool],
        trim: Callable[[], object] = lambda: None,
        events: Events | None = None,
    ) -> None:
        """`data_dir` None: nothing is on disk, so only memory counts. `trim` gives free memory back to the system."""
        self.reason = ""
        """Such as `low on memory & low on disk`; empty when all is well."""
        self.memory_limit_bytes = _memory_limit(limits.memory_high_watermark)
        """With more memory than that in use, publishers are held back."""
        self.page_limit_bytes = limits.memory_limit.of(memory.usable_bytes())
        """With more than that, queues keep less of their messages in memory."""
        self.is_pressed = False
        """Whether that was so when it was looked at last."""
        self._disk_free_min_bytes = limits.disk_free_min_bytes
        self._is_journal_full = is_journal_full
        self._trim = trim
        self._events = events or Events()
        self._next_trim_at = 0
        self._is_data_dir_gone = False
        # Both are opened once: when descriptors run out, memory and disk must still be looked at.
        self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        self._directory = -1
        if data_dir is not None:
            self._directory = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Lets go of the files that are looked at."""
        os.close(self._statm)
        if self._directory >= 0:
            os.close(self._directory)

    def check(self, now: int) -> bool:
        """Looks again; True when the reason has changed."""
        low = []
        resident = self.resident_bytes()
        self.is_pressed = resident > self.page_limit_bytes
        if (self.is_pressed or resident > self.memory_limit_bytes * MEMORY_TRIM_SHARE) and now >= self._next_trim_at:
            self._next_trim_at = now + MEMORY_TRIM_INTERVAL_MS
            self._trim()
        if resident > self.memory_limit_bytes:
            low.append("low on memory")
        if self._is_disk_low():
            low.append("low on disk")
        reason = " & ".join(low)
        if reason == self.reason:
            return False
        self.reason = reason
        if reason:
            text = "publishers are blocked: %s (%d MiB of memory in use of at most %d, consumers go on)"
            log.warning(text, reason, resident >> 20, int(self.memory_limit_bytes) >> 20)
            self._events.tell("alarm.set", reason=reason)
        else:
            log.warning("publishers go on: %d MiB of memory in use", resident >> 20)
            self._events.tell("alarm.cleared")
        return True

    def _is_disk_low(self) -> bool:
        if self._directory < 0:
            return False
        if os.fstat(self._directory).st_nlink == 0:
            if not self._is_data_dir_gone:
                self._is_data_dir_gone = True
                log.critical("the data directory was removed: a restart will find nothing: drain this broker first")
            return True
        found = os.fstatvfs(self._directory)
        return found.f_bavail * found.f_frsize < self._least(found) or self._is_journal_full()

    @property
    def disk_free_min_bytes(self) -> int:
        """With less room than that on the disk, publishers are held back; 0 where nothing is on disk."""
        return self._least(os.fstatvfs(self._directory)) if self._directory >= 0 else 0

    def _least(self, found: os.statvfs_result) -> int:
        share = found.f_blocks * found.f_frsize // _DISK_FREE_MIN_SHARE
        return self._disk_free_min_bytes or max(_DISK_FREE_MIN_BYTES, share)

    def resident_bytes(self) -> int:
        """The memory of this process that is in use."""
        return int(os.pread(self._statm, 256, 0).split()[1]) * _PAGE_BYTES


def _memory_limit(watermark: float) -> float:
    """Bytes for a watermark: up to 1.0 it is a share of the memory that this process may use."""
    return watermark if watermark > 1 else watermark * memory.usable_bytes()
