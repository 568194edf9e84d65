"""Freed memory kept for the next tensors, and given back when there is nothing to do. With glibc; elsewhere as ever.

To hand the memory of large tensors back and fetch it anew, as glibc does, costs several portraits at once a tenth of
their time, and a training on a CPU a third.
"""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_MOST = 2**31 - 1


def keep_freed_memory() -> None:
    """Keep freed memory from now on."""
    set_option = _of_the_library("mallopt")
    # What is set at all is no longer adapted, so nothing is where the first is refused (glibc 2.35 on, by 32 MB).
    if set_option is not None and any(set_option(_MMAP_THRESHOLD, most) for most in (_MOST, 32 << 20)):
        set_option(_TRIM_THRESHOLD, _MOST)


def give_back_memory() -> None:
    """Give back what is kept now (malloc_trim(3))."""
    trim = _of_the_library("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


def _of_the_library(name: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
