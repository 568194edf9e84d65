"""The command lines of `throwback networks` and `throwback ages`, read without loading torch."""

import argparse
from collections.abc import Callable
from pathlib import Path

from engine.breeds import BREEDS
from engine.messages import Species

PUBLISHED_NAMES = ("afhqdog", "afhqcat", "afhqwild", "vgg16")  # what can be pulled
TEMPLATE_NAMES = ("storybook", "afhq")  # how faces may lie in a network's pictures


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of `throwback networks`; the chosen one's name becomes `action`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    actions.add_parser("list", help="networks that are here, and that can be pulled")

    action = actions.add_parser("pull", help="fetch a published network, after its licence has been shown")
    action.add_argument("name", choices=PUBLISHED_NAMES, help="; ".join(PUBLISHED_NAMES))
    action.add_argument("--accept-licence", action="store_true", help="do not ask: the licence is known and accepted")
    action.add_argument("--from", dest="address", default="", metavar="URL", help="fetch from this folder instead")

    action = actions.add_parser("import", help="convert and store an official StyleGAN2-ADA network file")
    action.add_argument("file", type=Path, metavar="FILE.pkl")
    action.add_argument("--name", help="what to call it (default: the file's name)")
    action.add_argument("--species", action="append", choices=[*Species], default=[], help="use it for these animals")
    action.add_argument("--convention", choices=TEMPLATE_NAMES, default="afhq", help="how faces lie in its pictures")

    action = actions.add_parser("train-encoder", help="teach a network to guess a pet at a glance, on its own pictures")
    action.add_argument("name")
    action.add_argument("--pictures", type=int, default=100_000, help="number to learn from (default %(default)s)")
    action.add_argument("--minutes", type=float, default=60.0, help="stop then at the latest (default %(default)s)")
    action.add_argument("--seed", type=int, default=0, help="the same one gives the same encoder (default 0)")

    action = actions.add_parser("verify", help="compare stored networks with their checksums")
    action.add_argument("names", nargs="*", metavar="NAME", help="default: all")

    action = actions.add_parser("remove", help="delete a stored network")
    action.add_argument("name")
    _add_json_option(actions)


def add_age_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of `throwback ages`; the chosen one's name becomes `action`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    actions.add_parser("list", help="the breeds whose age vector is known, by network")

    action = actions.add_parser("learn", help="learn a breed's age vector from photos of adults and of puppies")
    action.add_argument("--breed", required=True, type=_breed, help="such as samoyed")
    action.add_argument("--adult", required=True, nargs="+", type=Path, metavar="FILE", help="photos of adults")
    action.add_argument(
        "--puppy", required=True, nargs="+", type=Path, metavar="FILE", help="photos of puppies, or of kittens"
    )
    action.add_argument("--network", default="", help="for this network (default: the one chosen for the species)")
    action.add_argument("--few", action="store_true", help="learn from fewer than five photos of each")

    action = actions.add_parser("remove", help="forget what was learned for a breed")
    action.add_argument("breed", type=_breed)
    action.add_argument("--network", default="", help="of this network (default: of all)")
    _add_json_option(actions)


COMMAND_LINES: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "networks": add_network_arguments,
    "ages": add_age_arguments,
}


def _add_json_option(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="the result as one JSON object on standard output")


def _breed(typed: str) -> str:
    wanted = typed.strip().lower()
    for slug, breed in BREEDS.items():
        if wanted in (slug, breed.name.lower(), slug.replace("_", " ")):
            return slug
    raise argparse.ArgumentTypeError(f"no breed is called {typed!r}")
