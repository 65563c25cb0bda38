"""How glibc's malloc is to handle large blocks: a password check's 16 MiB, and the bodies of large messages.

By itself it learns from the first block of 16 MiB that is freed that such blocks are common, and from then on keeps
them: each broker would have 16 MiB more for its first log-in. With bounds that are set it learns nothing. It owns two
settings of the C library for the whole process; other C libraries have none and are left alone.

Bodies between half a KiB and that bound lie side by side on the heap. What is free among them stays with the process
until it is asked for: a broker that was full and has been drained would look full for ever.
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


def trim() -> None:
    """Gives the pages in which nothing is allocated back to the system, from the middle of the heap too.

    Takes a while, and allocations wait meanwhile: call it from a thread of its own, and seldom. malloc_trim(3).
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
