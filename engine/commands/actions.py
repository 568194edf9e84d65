"""Runs the actions of a command: words for people on stderr; with --json, one JSON object on stdout's last line."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from engine.errors import EngineFault, OperatorError
from engine.settings import from_environment


def run_action(parser: argparse.ArgumentParser, arguments: Sequence[str], error_code: str) -> int:
    """Call the `act` that `arguments` choose, with them and the settings; return the exit status.

    `act` returns what --json shows; with an ``error`` in it, the status is 1. Its `OperatorError` or `EngineFault`
    becomes a line for people and ``{"error": error_code, "message": …}``.
    """
    args = parser.parse_args(arguments)
    settings = from_environment()
    try:
        result: dict[str, Any] = args.act(args, settings)
    except (OperatorError, EngineFault) as error:
        say(f"throwback: {error}")
        result = {"error": error_code, "message": str(error)}
    if args.json:
        sys.stdout.write(json.dumps(result) + "\n")
    return 1 if "error" in result else 0


def add_json_option(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Give every action the option --json."""
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="the result as one JSON object on standard output")


def say(text: str) -> None:
    """One line for people."""
    sys.stderr.write(f"{text}\n")
