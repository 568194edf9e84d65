"""`python -m engine lab methods`: train one of the methods, or compare all that have been trained."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from engine.device import choose_device
from engine.lab.drawn_pets.parameters import BREEDS
from engine.lab.methods.catalogue import METHODS, training_of
from engine.lab.methods.datasets import HeldOutPets, held_out_pets, training_pictures
from engine.lab.methods.figures import training_figure
from engine.lab.methods.method_table import as_markdown, compare
from engine.lab.methods.studies import STUDIES, STUDY_HEADINGS, run_study, study_row
from engine.lab.methods.training_loop import MethodOptions
from engine.settings import from_environment
from engine.stylegan.perceptual import load_extractor

_SHOWN_DRAWN, _SHOWN_REAL = 6, 2  # faces of a sample sheet
_ONE_OF_EACH = len(BREEDS)
_RESOLUTION = 64
_JPEG_QUALITY = 85
_CACHE = Path("out/methods/drawn")


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "train":
        _train(options)
    elif options.command == "study":
        _study(options)
    else:
        _compare(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine lab methods", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train one method")
    train.add_argument("method", choices=METHODS)
    train.add_argument("--out", type=Path, required=True, help="where the model, its log and its samples go")
    train.add_argument("--minutes", type=float, default=6.0, help="of one core's own time; on a GPU, of wall time")
    train.add_argument("--steps", type=int, help="instead of minutes: the same steps give the same weights")
    train.add_argument("--pairs", type=int, default=1000, help="drawn pets to learn from")
    train.add_argument("--unaligned", action="store_true", help="leave faces where the photo has them")
    train.add_argument("--width", type=int, default=32, help="channels of the first layer")
    train.add_argument("--batch", type=int, help="pictures a step")
    train.add_argument("--variant", default="", help="gan: minimax or non-saturating")
    train.add_argument("--start", default="", help="a folder to go on from, such as of a training on other animals")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    compared = commands.add_parser("compare", help="all that was trained, in one table and on one sheet")
    compared.add_argument("folder", type=Path, help="where the trainings' folders are")
    compared.add_argument("--count", type=int, default=100, help="drawn pets to measure on")
    study = commands.add_parser("study", help="change one thing at a time, and measure what it does")
    study.add_argument("name", choices=STUDIES)
    study.add_argument("folder", type=Path, help="where its trainings go")
    study.add_argument("--steps", type=int, default=1000, help="of every training")
    study.add_argument("--width", type=int, default=32, help="channels of the first layer")
    study.add_argument("--count", type=int, default=100, help="drawn pets to measure on")
    study.add_argument("--cache", type=Path, default=_CACHE)
    for command in (train, compared):
        command.add_argument("--photos", type=Path, nargs="*", default=[], help="folders with faces.tsv, SOURCES.tsv")
        command.add_argument("--only", choices=("", "dog", "cat", "rabbit"), default="")
        command.add_argument("--cache", type=Path, default=_CACHE, help="where drawn pets are kept")
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
        held_out_pets(
            _ONE_OF_EACH, options.photos, _RESOLUTION, aligned=aligned, only=options.only, cache=options.cache
        )
    )
    training_of(options.method)(pets, chosen, options.out)


def _compare(options: argparse.Namespace) -> None:
    """Write ``table.md`` and ``sheet.jpg`` beside the trainings, and of each of them a figure, ``METHOD.jpg``."""
    pets = held_out_pets(options.count, options.photos, _RESOLUTION, only=options.only, cache=options.cache)
    folders = [file.parent for file in options.folder.glob("*/training.json")]
    rows, sheet = compare(folders, pets, load_extractor(from_environment().home))
    sheet.save(options.folder / "sheet.jpg", quality=_JPEG_QUALITY)
    for folder in folders:
        training_figure(folder).save(options.folder / f"{folder.name}.jpg", quality=_JPEG_QUALITY)
    _write(rows, options.folder / "table.md")


def _study(options: argparse.Namespace) -> None:
    """Write ``NAME.md`` beside the trainings."""
    trials = STUDIES[options.name]
    extractor = load_extractor(from_environment().home)
    found = run_study(
        trials, options.folder, options.count, extractor, options.cache, steps=options.steps, width=options.width
    )
    _write(
        [STUDY_HEADINGS, *(study_row(trial, score) for trial, score in found)], options.folder / f"{options.name}.md"
    )


def _write(rows: Sequence[Sequence[str]], file: Path) -> None:
    table = as_markdown(rows)
    file.write_text(table, encoding="utf-8")
    sys.stdout.write(table)


def _shown(held_out: HeldOutPets) -> torch.Tensor:
    """Faces for the sample sheets: only such as may be shown anywhere."""
    drawn = held_out.adults[:: max(1, len(held_out.adults) // _SHOWN_DRAWN)][:_SHOWN_DRAWN]
    return torch.cat([drawn, held_out.real[held_out.showable][:_SHOWN_REAL]])
