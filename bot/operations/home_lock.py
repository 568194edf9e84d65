"""One bot for one data folder.

A second one would take the first one's unfinished portraits for those of a bot that was killed, and remove the files it
is just writing.
"""

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

_PATIENCE_S = 10.0  # for one that is just stopping
_LOOK_EVERY_S = 0.1  # a lock does not tell when it is free


class HomeInUse(Exception):
    """Another bot works with this data folder."""


@asynccontextmanager
async def exclusive_home(home: Path) -> AsyncIterator[None]:
    """Be the only bot of this data folder while the context lasts, or until the process is killed.

    Raises `HomeInUse` when another one does not leave, and OSError when the folder cannot be written to.
    """
    with _lock_file(home) as file:
        deadline = time.monotonic() + _PATIENCE_S
        while not _taken(file.fileno()):
            if time.monotonic() >= deadline:
                raise HomeInUse
            await asyncio.sleep(_LOOK_EVERY_S)
        yield


def _lock_file(home: Path) -> BinaryIO:
    home.mkdir(parents=True, exist_ok=True)
    return (home / "lock").open("ab")


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
