"""`python -m engine.lab.methods`: train one of the methods, or compare all that have been trained."""

import argparse
import logging
from pathlib import Path

import torch

from engine.device import choose_device
from engine.lab.methods.catalogue import METHODS, training_of
from engine.lab.methods.datasets import HeldOutPets, held_out_pets, training_pictures
from engine.lab.methods.training_loop import MethodOptions

_SHOWN_DRAWN, _SHOWN_REAL = 6, 2  # faces of a sample sheet
_RESOLUTION = 64


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    logging.getLogger("engine.lab.methods").setLevel(logging.INFO)
    if options.command == "train":
        _train(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.lab.methods", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train one method")
    train.add_argument("method", choices=METHODS)
    train.add_argument("--out", type=Path, required=True, help="where the model, its log and its samples go")
    train.add_argument("--minutes", type=float, default=6.0, help="of a core's own time; of wall time on a GPU")
    train.add_argument("--steps", type=int, help="instead of minutes: the same steps give the same weights")
    train.add_argument("--pairs", type=int, default=1000, help="drawn pets to learn from")
    train.add_argument("--unaligned", action="store_true", help="leave faces where the photo has them")
    train.add_argument("--width", type=int, default=32, help="channels of the first layer")
    train.add_argument("--batch", type=int, help="pictures a step")
    train.add_argument("--variant", default="", help="gan: minimax or non-saturating")
    train.add_argument("--start", default="", help="a folder to go on from, such as of a training on other animals")
    train.add_argument("--seed", type=int, default=0)
    for command in (train,):
        command.add_argument("--photos", type=Path, nargs="*", default=[], help="folders with faces.tsv, SOURCES.tsv")
        command.add_argument("--only", choices=("", "dog", "cat", "rabbit"), default="")
        command.add_argument("--cache", type=Path, default=Path("out/methods/drawn"), help="where drawn pets are kept")
        command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    return parser


def _train(options: argparse.Namespace) -> None:
    chosen = MethodOptions(
        method=options.method,
        resolution=_RESOLUTION,
        width=options.width,
        batch=options.batch or METHODS[options.method][1],
        minutes=options.minutes,
        steps=options.steps,
        seed=options.seed,
        variant=options.variant,
        start=options.start,
    )
    aligned = not options.unaligned
    pets = training_pictures(
        options.pairs,
        options.photos,
        _RESOLUTION,
        aligned=aligned,
        only=options.only,
        seed=options.seed,
        device=choose_device(options.device),
        cache=options.cache,
    )
    pets.shown = _shown(
        held_out_pets(100, options.photos, _RESOLUTION, aligned=aligned, only=options.only, cache=options.cache)
    )
    training_of(options.method)(pets, chosen, options.out)


def _shown(held_out: HeldOutPets) -> torch.Tensor:
    """Faces for the sample sheets: only such as may be shown anywhere."""
    drawn = held_out.adults[:: max(1, len(held_out.adults) // _SHOWN_DRAWN)][:_SHOWN_DRAWN]
    return torch.cat([drawn, held_out.real[held_out.showable][:_SHOWN_REAL]])
