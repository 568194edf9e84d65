"""Commands that need torch, in a process of their own: `python -m engine …`."""

import os
import subprocess
import sys
from collections.abc import Sequence

from engine import child_environment


def run_engine(arguments: Sequence[str]) -> int:
    """Run `python -m engine …` with this process's terminal, and return its exit status."""
    command = [sys.executable, "-m", "engine", *arguments]
    status = subprocess.run(command, check=False, env=child_environment(os.environ)).returncode  # noqa: S603 - our own module, no shell
    return status if status >= 0 else 1
