"""Tells a disk that takes no writes now from a defect of ours: what it refused is done later."""

import errno
import sqlite3

_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_SQLITE_WORDS = ("disk is full", "disk i/o error", "readonly database", "unable to open database file")


class DiskTrouble(Exception):
    """The disk takes no writes now; the text is the type of the error."""


def is_disk_trouble(error: BaseException) -> bool:
    """Return whether a write failed because of the disk."""
    if isinstance(error, sqlite3.OperationalError):
        return any(words in str(error).lower() for words in _SQLITE_WORDS)
    return isinstance(error, OSError) and error.errno in _ERRNOS
