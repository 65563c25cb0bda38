"""Memory and disk, watched: when one runs low, publishers are held back until it has recovered.

Consumers go on, because only they make room. Disk counts as low while the free space is under the limit, or while the
journal found no space for its next segment.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from mqbroker.config.sections import LimitsConfig

log = logging.getLogger(__name__)

_DISK_FREE_MIN_BYTES = 1 << 30
_DISK_FREE_MIN_SHARE = 20  # a twentieth of the disk
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Alarms:
    """Which resources are low, in RabbitMQ's words."""

    def __init__(self, limits: LimitsConfig, data_dir: Path | None, is_journal_full: Callable[[], bool]) -> None:
        """`data_dir` None: nothing is on disk, so only memory counts."""
        self.reason = ""
        """Such as `low on memory & low on disk`; empty when all is well."""
        self._memory_limit_bytes = _memory_limit(limits.memory_high_watermark)
        self._disk_free_min_bytes = limits.disk_free_min_bytes
        self._data_dir = data_dir
        self._is_journal_full = is_journal_full

    def check(self) -> bool:
        """Looks again; True when the reason has changed."""
        low = []
        if resident_bytes() > self._memory_limit_bytes:
            low.append("low on memory")
        if self._is_disk_low():
            low.append("low on disk")
        reason = " & ".join(low)
        if reason == self.reason:
            return False
        self.reason = reason
        log.warning("publishers are blocked: %s" if reason else "publishers go on%s", reason)
        return True

    def _is_disk_low(self) -> bool:
        if self._data_dir is None:
            return False
        found = os.statvfs(self._data_dir)
        least = self._disk_free_min_bytes
        if not least:
            least = max(_DISK_FREE_MIN_BYTES, found.f_blocks * found.f_frsize // _DISK_FREE_MIN_SHARE)
        return found.f_bavail * found.f_frsize < least or self._is_journal_full()


def _memory_limit(watermark: float) -> float:
    """Bytes for a watermark: up to 1.0 it is a share of the machine's memory."""
    return watermark if watermark > 1 else watermark * os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES


def resident_bytes() -> int:
    """The memory of this process that is in use."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * _PAGE_BYTES
