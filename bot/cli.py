"""`throwback COMMAND`: reads the command line and runs the command's module.

A command in `bot.commands` is a module with `add_arguments(parser)` and `run(args) -> int`, imported only when it is
asked for. What needs torch runs as `python -m engine COMMAND` in a process of its own.

Exit status: 0; 2 for a bad command line; 3 for a photo that cannot be used; 78 where `run` needs a person before it
starts again; 1 otherwise. It prints no traceback, unless THROWBACK_LOG is debug.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from bot.commands.output import FAULT_STATUS, CommandError, abandon_stdout, complain, explain
from bot.operations.logs import level_from_environment, quiet_libraries
from bot.operations.processes import run_engine
from bot.settings import misspelt_variables
from engine import COMMAND_LINES, EngineError, SettingsError

_logger = logging.getLogger(__name__)

COMMANDS = {
    "playground": "chat with the real bot in a browser",
    "run": "the bot on Telegram",
    "render": "make the pets of photos younger, without a chat",
    "recognise": "what is in these photos: species, breeds, heads",
    "doctor": "what works here, and what to do about the rest",
    "bench": "measure speed and quality",
    "completion": "what makes your shell complete these commands",
}
ENGINE_COMMANDS = {
    "networks": "list, pull, import, verify and remove networks, train their encoders",
    "ages": "list, learn and remove age vectors",
}

_INTERRUPTED_STATUS = 130  # as shells count: 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, without the program's name, and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _hold_standard_streams()
    logging.basicConfig(
        level=level_from_environment(logging.WARNING),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    quiet_libraries()
    for sentence in misspelt_variables():
        complain(sentence)
    try:
        return _dispatch(arguments)
    except SystemExit as end:  # argparse has printed what is wrong
        return end.code if isinstance(end.code, int) else FAULT_STATUS
    except KeyboardInterrupt:
        return _INTERRUPTED_STATUS
    except CommandError as error:
        complain(error)
        return error.status
    except BrokenPipeError:
        abandon_stdout()
    except SettingsError as error:
        for line in str(error).splitlines():
            complain(line)
    except EngineError as error:
        complain(explain(error))
    except Exception as error:
        _logger.debug("unforeseen", exc_info=True)
        complain(f"something went wrong ({type(error).__name__}); THROWBACK_LOG=debug tells more")
    return FAULT_STATUS


def _hold_standard_streams() -> None:
    """Open what was closed of the standard streams, so that no file of ours gets their numbers, and others' words."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _dispatch(arguments: Sequence[str]) -> int:
    parser = parser_of(*arguments[:1])
    if not arguments:
        parser.print_help()
        return 0
    args = parser.parse_args(arguments)  # those of the engine, too: help and mistakes need no torch
    if arguments[0] in ENGINE_COMMANDS:
        return run_engine(arguments)
    status: int = args.run(args)
    return status


def parser_of(*whole: str) -> argparse.ArgumentParser:
    """Return the parser of the whole command line, with the arguments of these commands alone; all would load more."""
    parser = argparse.ArgumentParser(
        prog="throwback",
        description="Throwback to when your pets were babies: a photo of a dog or cat in, the puppy or kitten and a "
        "film of the way out.",
        epilog="`throwback COMMAND --help` says more of each.",
    )
    parser.add_argument("--version", action="version", version=f"throwback {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in (COMMANDS | ENGINE_COMMANDS).items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name in whole and name in ENGINE_COMMANDS:
            COMMAND_LINES[name](command)
        elif name in whole:
            module = import_module(f"bot.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _version() -> str:
    try:
        return version("throwback")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
