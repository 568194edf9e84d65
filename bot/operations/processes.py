"""Starts processes of this program, and tells when this one is to stop."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine import child_environment


def run_engine(arguments: Sequence[str]) -> int:
    """Run `python -m engine …`, which may load torch, with this process's terminal; return its exit status."""
    command = [sys.executable, "-m", "engine", *arguments]
    status = subprocess.run(command, check=False, env=child_environment(os.environ)).returncode  # noqa: S603 - our own module, no shell
    return status if status >= 0 else 1


def descendants(pid: int | None) -> dict[int, bytes]:
    """Return the command lines of all processes below this one, by process, as Linux tells; none elsewhere."""
    found: dict[int, bytes] = {}
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # it has ended
            for child in map(int, (thread / "children").read_text("ascii").split()):
                found[child] = Path(f"/proc/{child}/cmdline").read_bytes()
                found |= descendants(child)
    return found


def stop_event(limit_s: float | None = None) -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set; the process itself goes on.

    After `limit_s` seconds more it ends all the same, whatever hangs: use it where a killed process loses nothing.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin_to_stop() -> None:
        if limit_s is not None and not stop.is_set():
            deadline = threading.Timer(limit_s, os._exit, (0,))
            deadline.daemon = True
            deadline.start()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin_to_stop)
    return stop
