"""How large the disk is that a folder is on, and how much of it is free."""

import os


def size_and_free(folder: str) -> tuple[int, int]:
    """Both in octets; 0 where that cannot be known."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0, 0
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
