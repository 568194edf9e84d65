"""`throwback bench SUBJECT`: measures speed and quality on this machine.

`projection` and `pictures` run in a process with torch (`engine.lab.evaluation.benchmarks`); the others measure from
outside, as owners wait.
"""

import argparse
import asyncio
import sys
import tempfile
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bot.chaos import experiment
from bot.commands.numbers import minutes, whole_number
from bot.commands.output import FAULT_STATUS, CommandError, emit, say
from bot.operations import cluster_benchmarks, service_benchmarks
from bot.operations.processes import run_engine

_SERVICE_SUBJECTS: dict[str, str] = {
    "latency": "seconds from a photo to the keyboard, the first preview, the picture and film, another age",
    "throughput": "several people's portraits at once against one by one",
    "cluster": "engines on Ray against the one here: portraits a minute, overhead, and how soon a kill is healed",
    "bot": "updates a second and waiting times with many chats and an engine that answers at once",
    "chaos": "people, faults and kills at random; then whether anything was lost, came twice or was left over",
}
_ENGINE_SUBJECTS: dict[str, str] = {
    "projection": "the published projection algorithm against ours",
    "pictures": "how young drawn adults become, against the same pets drawn young; and how young photos look",
}
_DEFAULT_COUNTS = {"latency": 10, "cluster": 16, "projection": 1, "pictures": 100}  # photos or pets; more take longer
_NUMBERS = {
    "cluster": ("--replicas", [1, 2, 4], "numbers of engines"),
    "throughput": ("--people", [1, 4, 8, 16], "numbers of people at once"),
}
_KILLS_PER_MINUTE = 3
_DRAWN_PETS = 8  # for the real engine in chaos, and as often a photo of a dog; each is sent by several people
_REAL_PEOPLE, _REAL_PAUSE_S = 5, 10.0  # what it can keep up with on two cores
_COUNT_HELP = {
    "cluster": "number of photos or drawn pets, of which each engine makes so many portraits (default 16)",
    "pictures": "number of pairs, and of photos at most (default 100)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subjects = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    for name, summary in (_SERVICE_SUBJECTS | _ENGINE_SUBJECTS).items():
        subject = subjects.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        subject.add_argument("--json", action="store_true", help="the figures as a JSON object on standard output")
        if name == "bot":
            subject.add_argument(
                "--chats", type=whole_number(1), default=1000, help="number of chats that write at once (default 1000)"
            )
            continue
        if name == "chaos":
            _add_chaos_arguments(subject)
            continue
        if name == "pictures":
            _add_picture_arguments(subject)
        else:
            subject.add_argument("--photos", type=Path, metavar="FOLDER", help="photos to use (default: drawn pets)")
        if name in _NUMBERS:
            option, numbers, what = _NUMBERS[name]
            what += f" (default {' '.join(map(str, numbers))})"
            subject.add_argument(option, type=whole_number(1), nargs="+", default=numbers, help=what)
        if name in _DEFAULT_COUNTS:
            count_help = _COUNT_HELP.get(name, "number of photos or drawn pets")
            subject.add_argument("--count", type=whole_number(1), default=_DEFAULT_COUNTS[name], help=count_help)


def _add_chaos_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "The exit status is 1 when an invariant is broken; the bot's data and log are kept then."
    parser.add_argument("--minutes", type=minutes, default=1.0, help="how long (default 1)")
    parser.add_argument(
        "--kills", type=whole_number(0), help="how often bot or engine are killed (default: three times a minute)"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, help="of everything that is random (default 0)")
    parser.add_argument(
        "--real-engine",
        action="store_true",
        help="five people and the real engine, not twenty and one that answers at once",
    )


def _add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--photos", type=Path, nargs="+", metavar="FOLDER", help="photos of adults to make young, besides"
    )
    parser.add_argument(
        "--held-out",
        action="store_true",
        help="of these, only those in their folders' faces.tsv that the embedded network was never trained on",
    )
    parser.add_argument(
        "--among",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="the nearest photo to a result is sought among adults' photos in these folders too, not in --photos alone",
    )
    parser.add_argument(
        "--among-count",
        type=whole_number(1),
        default=300,
        help="photos that it is sought among, in all, at most (default 300)",
    )


def _to_command_line(args: argparse.Namespace) -> list[str]:
    """Return the options as the command line of the engine's own `bench`."""
    options: list[str] = []
    for name, value in vars(args).items():
        if name in ("subject", "run") or value is None or value is False:
            continue
        values = value if isinstance(value, list) else [] if value is True else [value]
        options += [f"--{name.replace('_', '-')}", *map(str, values)]
    return options


def run(args: argparse.Namespace) -> int:
    if args.subject in _ENGINE_SUBJECTS:
        return run_engine(["bench", args.subject, *_to_command_line(args)])
    figures = asyncio.run(_measured(args))
    plain = (f"{name}: {value}" for name, value in figures.items())
    for line in experiment.summary(figures) if args.subject == "chaos" else plain:
        say(line)
    if args.json:
        emit(figures)
    return FAULT_STATUS if figures.get("broken") else 0


async def _measured(args: argparse.Namespace) -> dict[str, Any]:
    if args.subject == "chaos":
        return await _chaos(args)
    if args.subject == "bot":
        return await service_benchmarks.chats(args.chats)
    if args.subject == "cluster" and find_spec("ray") is None:
        raise CommandError("Ray is not installed: pip install 'throwback[ray]'")
    with tempfile.TemporaryDirectory() as folder:
        photos = _photos(args.photos, max(args.people) if args.subject == "throughput" else args.count, Path(folder))
        if args.subject == "throughput":
            return await service_benchmarks.throughput(photos, args.people)
        if args.subject == "cluster":
            return await cluster_benchmarks.cluster(photos, args.replicas)
        return await service_benchmarks.latency(photos)


async def _chaos(args: argparse.Namespace) -> dict[str, Any]:
    if sys.platform != "linux":
        raise CommandError("chaos needs Linux: it looks for the engine's process in /proc")
    kills = round(_KILLS_PER_MINUTE * args.minutes) if args.kills is None else args.kills
    storm = experiment.Storm(60 * args.minutes, kills, args.seed)
    if args.real_engine:
        with tempfile.TemporaryDirectory() as folder:
            drawn = _photos(None, _DRAWN_PETS, Path(folder))
        dog = files("bot").joinpath("pictures/start.jpg").read_bytes()
        storm = replace(storm, pictures=[*drawn, *[dog] * _DRAWN_PETS], people=_REAL_PEOPLE, pause_s=_REAL_PAUSE_S)
    return await experiment.run(storm)


def _photos(folder: Path | None, count: int, drawn: Path) -> list[bytes]:
    """Return `count` photos from `folder`, or as many pets drawn into the folder `drawn`."""
    if folder is None:
        if run_engine(["bench", "draw", "--count", str(count), "--out", str(drawn)]):
            raise CommandError("no pets could be drawn; `throwback doctor` may know why")
        folder = drawn
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if len(files) < count:
        raise CommandError(f"{folder} has {len(files)} photos, and {count} are needed")
    return [file.read_bytes() for file in files[:count]]
