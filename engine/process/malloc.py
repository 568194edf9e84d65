"""Keeps freed memory for the next tensors, and gives it back on request. Does nothing without glibc.

By default glibc gives the memory of large tensors back to the system at once and fetches it anew, which costs several
portraits at once a tenth of their time, and a training on a CPU a third.
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGEST = 2**31 - 1  # bytes; the largest value that mallopt takes
_LARGEST_MMAP = 32 << 20  # bytes; the largest that glibc 2.35 and later take for this option


def keep_freed_memory() -> None:
    """Keep freed memory from now on."""
    set_option = _glibc_function("mallopt")
    # Setting any option ends glibc's own adaptation, so the second is set only when the first was accepted.
    if set_option is not None and any(set_option(_MMAP_THRESHOLD, most) for most in (_LARGEST, _LARGEST_MMAP)):
        set_option(_TRIM_THRESHOLD, _LARGEST)


def give_back_memory() -> None:
    """Give the memory that is kept now back to the system (malloc_trim(3))."""
    trim = _glibc_function("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


def _glibc_function(name: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
