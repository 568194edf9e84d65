"""`python -m engine lab GROUP …`: train the networks that come along, look at them, measure them.

Each group is a module with `main(arguments) -> int`, loaded when it is asked for.
"""

import argparse
import logging
from importlib import import_module

from engine.errors import OperatorError
from engine.process.malloc import keep_freed_memory

_ABOUT = "Train the networks that come along, look at what they do, measure it. Each group has --help of its own."

GROUPS = {
    "storybook": ("engine.lab.storybook.cli", "the embedded network and the age classifier"),
    "recogniser": ("engine.lab.recogniser.cli", "heads, landmarks, parts, growth and breeds"),
    "methods": ("engine.lab.methods.cli", "methods from GAN to StyleGAN2-ADA, trained and compared"),
    "plan": ("engine.lab.planning", "how many engines so many portraits a day need, and what breaks first"),
    "judge": ("engine.lab.judging.cli", "results judged blind by eye, and by their distribution"),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine lab", description=_ABOUT, add_help=False)
    about = "; ".join(f"{name}: {summary}" for name, (_, summary) in GROUPS.items())
    parser.add_argument("group", choices=GROUPS, help=about)
    if arguments[:1] in (["-h"], ["--help"]):
        parser.print_help()
        return 0
    group = parser.parse_args(arguments[:1]).group
    try:
        module = import_module(GROUPS[group][0])
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("engine.lab"):
            raise
        raise OperatorError("what trains is not installed; run this in a checkout of the repository") from error
    logging.getLogger("engine.lab").setLevel(logging.INFO)
    keep_freed_memory()
    status: int = module.main(arguments[1:])
    return status
