"""Commands that need torch, in a process of their own: `python -m engine …`."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run_engine(arguments: Sequence[str]) -> int:
    """Run `python -m engine …` with this process's terminal, and return its exit status."""
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
    environment.pop("THROWBACK_TOKEN", None)
    command = [sys.executable, "-m", "engine", *arguments]
    status = subprocess.run(command, check=False, env=environment).returncode  # noqa: S603 - our own module, no shell
    return status if status >= 0 else 1
