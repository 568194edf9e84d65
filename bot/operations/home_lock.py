"""Keeps a data folder to one bot.

A second bot would take the first one's unfinished portraits for those of a bot that was killed, and remove the files
that the first is just writing.
"""

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

_TRY_EVERY_S = 0.1  # s; a lock does not tell when it is free


class HomeInUse(Exception):
    """Another bot works with this data folder."""


@asynccontextmanager
async def exclusive_home(home: Path, wait_s: float) -> AsyncIterator[None]:
    """Be the only bot of this data folder while the context lasts, or until the process is killed.

    Raises `HomeInUse` when another bot still has it after `wait_s` seconds, OSError when it cannot be written to.
    """
    with _lock_file(home) as file:
        deadline = time.monotonic() + wait_s
        while not _locked(file.fileno()):
            if time.monotonic() >= deadline:
                raise HomeInUse
            await asyncio.sleep(_TRY_EVERY_S)
        yield


def _lock_file(home: Path) -> BinaryIO:
    home.mkdir(parents=True, exist_ok=True)
    return (home / "lock").open("ab")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
