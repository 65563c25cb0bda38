"""How glibc's malloc is to handle large blocks: a password check's 16 MiB, and the bodies of large messages.

By itself it learns from the first block of 16 MiB that is freed that such blocks are common, and from then on keeps
them: each broker would have 16 MiB more for its first log-in. With bounds that are set it learns nothing. It owns two
settings of the C library for the whole process; other C libraries have none and are left alone.
"""

import ctypes

from mqbroker.limits import ALLOCATOR_KEPT_BYTES, ALLOCATOR_MAPPED_BYTES

_TRIM_THRESHOLD = -1  # mallopt(3): M_TRIM_THRESHOLD
_MMAP_THRESHOLD = -3  # mallopt(3): M_MMAP_THRESHOLD


def settle() -> bool:
    """Sets the bounds; False where there is nothing to set."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, ALLOCATOR_MAPPED_BYTES) and mallopt(_TRIM_THRESHOLD, ALLOCATOR_KEPT_BYTES))
