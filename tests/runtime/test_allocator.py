"""The allocator's bounds: what a password check took is given back, whatever else is in memory."""

import os
import subprocess
import sys

import pytest

_LIBRARY = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None

# How much resident memory grows, in KiB, when blocks as large as those of scrypt have been used and freed.
_PROGRAM = """
import ctypes
from mqbroker.runtime import allocator

assert allocator.settle()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

before = resident()
for _ in range(3):
    block = library.malloc(16 << 20)
    ctypes.memset(block, 1, 16 << 20)
    keeper = library.malloc(100)
    library.free(block)
print(resident() - before)
"""


@pytest.mark.skipif(_LIBRARY is None, reason="only glibc has these settings")
def test_large_blocks_are_given_back() -> None:
    shown = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True).stdout
    assert int(shown) < 8 << 10
