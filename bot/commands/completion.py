"""`throwback completion SHELL`: prints a script that makes a shell complete commands, options and files."""

import argparse
import sys
from pathlib import Path

import shtab

from bot.cli import COMMANDS, ENGINE_COMMANDS, parser_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)
    parser.epilog = (
        "bash: throwback completion bash > ~/.local/share/bash-completion/completions/throwback; zsh: into a file "
        "_throwback in a folder of $fpath; fish: > ~/.config/fish/completions/throwback.fish"
    )


def run(args: argparse.Namespace) -> int:
    parser = parser_of(*COMMANDS, *ENGINE_COMMANDS)
    _complete_files(parser)
    sys.stdout.write(shtab.complete(parser, shell=args.shell) + "\n")
    return 0


def _complete_files(parser: argparse.ArgumentParser) -> None:
    """Offer files where an argument is a path."""
    for action in parser._actions:  # argparse has no public list of them; shtab uses this one, too
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command)
        elif action.type is Path or (action.metavar or "") in {"PHOTO", "FILE", "FOLDER"}:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
