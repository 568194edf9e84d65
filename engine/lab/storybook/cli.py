"""`python -m engine lab storybook …`: train the embedded network, export it, show it, compare it."""

import argparse
import statistics
import sys
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import torch
from PIL import Image

from engine import settings
from engine.images.tensors import to_pixels
from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.lab.storybook.age_classifier_training import train_classifier
from engine.lab.storybook.comparison import FaceDistances, compare
from engine.lab.storybook.export import export
from engine.lab.storybook.sheets import show
from engine.lab.storybook.training import Trainer, TrainingOptions
from engine.lab.storybook.training_photos import storybook_photos
from engine.stylegan.perceptual import EmbeddedDistance, load_extractor
from engine.stylegan.store import EMBEDDED, load_embedded


def main(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    args.act(args)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine lab storybook", description="The embedded network.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, act: object, summary: str, photos: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        command.set_defaults(act=act)
        if photos:
            command.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER", help=_PHOTOS)
        return command

    command = add("train", _train, _TRAIN)
    command.add_argument("--out", type=Path, required=True, help="where checkpoints go")
    command.add_argument("--start", type=Path, metavar="FOLDER", help=_START)
    for option in fields(TrainingOptions):
        name = f"--{option.name.replace('_', '-')}"
        command.add_argument(name, type=type(option.default), default=option.default)

    command = add("ages", _ages, "train the age classifier; prints the share of held-out pairs that it ranks right")
    command.add_argument("--out", type=Path, default=EMBEDDED, metavar="FOLDER", help="where the classifier goes")

    command = add("export", _export, "write a checkpoint as the embedded network")
    command.add_argument("checkpoint", type=Path)
    command.add_argument("--out", type=Path, default=EMBEDDED, metavar="FOLDER", help="where the network goes")

    command = add("sheet", _sheet, "draw one pair of every breed, adults above, young ones below", photos=False)
    command.add_argument("picture", type=Path)
    command.add_argument("--seed", type=int, default=0)

    command = add("show", _show, "sheets of photos never trained on, films, and the network's own pictures")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER")

    command = add("compare", _compare, "the embedded network against a checkpoint, on faces neither saw")
    command.add_argument("checkpoint", type=Path, help="such as of a training with --photos-per-step 0")
    command.add_argument("--count", type=int, default=20, help="of faces at most; each takes a minute or two")
    return parser


_TRAIN = "train on drawn pets and real faces of known licence, young ones as they are; goes on where --out stopped"
_PHOTOS = "folders of annotated photos, with faces.tsv and SOURCES.tsv; to train, also such as have parts marked"
_START = "a checkpoint, or the folder of the embedded weights, to begin from; of the same or half the resolution"


def _train(args: argparse.Namespace) -> None:
    options = TrainingOptions(**{option.name: getattr(args, option.name) for option in fields(TrainingOptions)})
    Trainer(args.photos, args.out, options, args.start).run()


def _ages(args: argparse.Namespace) -> None:
    classifier, ranked_right = train_classifier(args.photos)
    classifier.save(args.out)
    sys.stdout.write(f"{ranked_right:.3f}\n")


def _export(args: argparse.Namespace) -> None:
    export(args.checkpoint, storybook_photos(args.photos), args.out)


def _sheet(args: argparse.Namespace) -> None:
    draw_breeds(args.seed).save(args.picture)


def _show(args: argparse.Namespace) -> None:
    extractor = load_extractor(settings.from_environment().home)
    for photo in show(args.photos, args.out, load_embedded(), extractor):
        sys.stdout.write(f"{photo.path.name}\t{photo.licence}\n")


def _compare(args: argparse.Namespace) -> None:
    network, extractor = load_embedded(), EmbeddedDistance()
    report(compare(network, args.checkpoint, args.photos, extractor, args.count))


def report(found: Iterable[FaceDistances]) -> None:
    """Print mean distances, for each number of steps and each resolution."""
    groups: dict[tuple[int, int], list[FaceDistances]] = {}
    for one in found:
        groups.setdefault((one.steps, one.side), []).append(one)
    for (steps, side), faces in groups.items():
        ours, others = statistics.mean(one.ours for one in faces), statistics.mean(one.others for one in faces)
        sys.stdout.write(
            f"{steps} steps, at {side} px, {len(faces)} faces: {ours:.3f} against {others:.3f}, {ours / others:.3f}\n"
        )


def draw_breeds(seed: int, side: int = 160, columns: int = 14) -> Image.Image:
    """Draw every breed as an adult and, below, at eight weeks."""
    names = list(BREEDS)
    adults = sample_pets(names, torch.Generator().manual_seed(seed))
    young = at_age(adults, names, torch.ones(len(names)))
    rows = []
    for start in range(0, len(names), columns):
        for pets in (adults, young):
            drawn = render(pets[start : start + columns], side)
            rows.append(torch.cat(list(drawn), dim=-1))
    return Image.fromarray(to_pixels(torch.cat(rows, dim=-2)[None]))
