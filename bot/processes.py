"""Starts processes of this program, and tells when this one is to stop."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from engine import child_environment


def run_engine(arguments: Sequence[str]) -> int:
    """Run `python -m engine …`, which may load torch, with this process's terminal; return its exit status."""
    command = [sys.executable, "-m", "engine", *arguments]
    status = subprocess.run(command, check=False, env=child_environment(os.environ)).returncode  # noqa: S603 - our own module, no shell
    return status if status >= 0 else 1


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set; the process itself goes on."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
