"""Lets a training on a CPU keep the memory that it frees, since the next step asks for as much again.

glibc maps every large block anew and gives it back when it is freed: each step then waits for the kernel to clear the
pages of all its activations.
"""

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # as malloc.h numbers them
LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Return True if glibc's allocator was told not to give memory back (mallopt(3)); elsewhere nothing changes."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, LARGEST_INT))
