"""Keeps temporary files in a folder by process, so that nothing of a photo outlives a process that was killed."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Make a folder below `parent` for this process's temporary files (`tempfile` uses it too); remove it on leaving.

    The folders of processes that no longer run are removed first, and one that an earlier process with this id left.
    When `parent` cannot be made, the system's own temporary folder is used.
    """
    folder = parent / str(os.getpid())
    before = tempfile.tempdir
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        for other in parent.iterdir():
            if other.name.isdecimal() and not _runs(int(other.name)):
                shutil.rmtree(other, ignore_errors=True)
    except OSError:
        yield Path(tempfile.gettempdir())
        return
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it does, and belongs to somebody else
        return True
    return True
