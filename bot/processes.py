"""Starts processes of this program, and tells when this one is to stop."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[1]  # the folder that `bot` and `engine` are imported from


def child_environment(inherited: Mapping[str, str], without: tuple[str, ...]) -> dict[str, str]:
    """Return the environment of a Python process that imports this very program, wherever it was started.

    `without` are beginnings of the variables that it does not inherit.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith(without)}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), inherited.get("PYTHONPATH"))))}


def run_engine(arguments: Sequence[str]) -> int:
    """Run `python -m engine …`, which may load torch, with this process's terminal; return its exit status."""
    environment = child_environment(os.environ, without=("THROWBACK_TOKEN",))
    command = [sys.executable, "-m", "engine", *arguments]
    status = subprocess.run(command, check=False, env=environment).returncode  # noqa: S603 - our own module, no shell
    return status if status >= 0 else 1


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set; the process itself goes on."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
