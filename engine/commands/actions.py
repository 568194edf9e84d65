"""Runs the actions of a command: words for people on stderr; with --json, one JSON object on stdout's last line."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.commands.command_lines import COMMAND_LINES
from engine.errors import EngineFault, OperatorError
from engine.settings import EngineSettings, from_environment

Act = Callable[[argparse.Namespace, EngineSettings], dict[str, Any]]


def run_action(command: str, acts: Mapping[str, Act], arguments: Sequence[str], error_code: str) -> int:
    """Call the one of `acts` that `arguments` of `command` choose, with them and the settings; return the exit status.

    It returns what --json shows; with an ``error`` in it, the status is 1. Its `OperatorError` or `EngineFault`
    becomes a line for people and ``{"error": error_code, "message": …}``.
    """
    parser = argparse.ArgumentParser(prog=f"throwback {command}")
    COMMAND_LINES[command](parser)
    args = parser.parse_args(arguments)
    settings = from_environment()
    try:
        result = acts[args.action](args, settings)
    except (OperatorError, EngineFault) as error:
        say(f"throwback: {error}")
        result = {"error": error_code, "message": str(error)}
    if args.json:
        sys.stdout.write(json.dumps(result) + "\n")
    return 1 if "error" in result else 0


def say(text: str) -> None:
    """One line for people."""
    sys.stderr.write(f"{text}\n")
