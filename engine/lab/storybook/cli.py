"""`python -m engine storybook`: draw pets, train the embedded network, export it, show it."""

import argparse
import logging
import statistics
import sys
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import torch
from PIL import Image

from engine.images.tensors import to_pixels
from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.lab.storybook.comparison import Nearness, compare
from engine.lab.storybook.export import export
from engine.lab.storybook.face_dataset import training_faces
from engine.lab.storybook.growth_correction import correct, save_correction
from engine.lab.storybook.sheets import show
from engine.lab.storybook.training import Trainer, TrainingOptions
from engine.process.malloc import keep_freed_memory
from engine.stylegan.perceptual import EmbeddedDistance, load_extractor
from engine.stylegan.store import STORYBOOK, load_network
from engine.stylegan.store.network_store import EMBEDDED


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine storybook", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    train = commands.add_parser("train", help="train on drawn pets and marked photos; goes on where --out stopped")
    train.add_argument("--photos", type=Path, nargs="+", required=True, help="folders with faces.tsv and SOURCES.tsv")
    train.add_argument("--out", type=Path, required=True, help="where checkpoints go")
    train.add_argument(
        "--start",
        type=Path,
        help="a checkpoint, or the folder of the embedded weights, to begin from; of the same or half the resolution",
    )
    for option in fields(TrainingOptions):
        kind = type(option.default)
        train.add_argument(f"--{option.name.replace('_', '-')}", type=kind, default=option.default)

    grown = commands.add_parser("correct", help="learn from photos of known age what growth lacks, and a reader of age")
    grown.add_argument("--photos", type=Path, nargs="+", required=True)
    grown.add_argument("--growth", type=Path, default=Path("engine/weights"), help="where the correction goes")
    grown.add_argument("--reader", type=Path, default=EMBEDDED, help="where the reader goes")

    publish = commands.add_parser("export", help="write a checkpoint as the embedded network")
    publish.add_argument("checkpoint", type=Path)
    publish.add_argument("--photos", type=Path, nargs="+", required=True)

    sheet = commands.add_parser("sheet", help="draw one pair of every breed, adults above, young ones below")
    sheet.add_argument("picture", type=Path)
    sheet.add_argument("--seed", type=int, default=0)

    shown = commands.add_parser("show", help="sheets of photos never trained on, films, and the network's own pictures")
    shown.add_argument("--photos", type=Path, nargs="+", required=True)
    shown.add_argument("--out", type=Path, required=True)

    compared = commands.add_parser("compare", help="the embedded network against a checkpoint, on faces neither saw")
    compared.add_argument("checkpoint", type=Path, help="such as of a training with --photos-per-step 0")
    compared.add_argument("--photos", type=Path, nargs="+", required=True)
    compared.add_argument("--count", type=int, default=20, help="of faces at most; each takes a minute or two")

    options = parser.parse_args(arguments)
    logging.getLogger("engine.lab.storybook").setLevel(logging.INFO)
    keep_freed_memory()
    if options.command == "train":
        chosen = {option.name: getattr(options, option.name) for option in fields(TrainingOptions)}
        Trainer(options.photos, options.out, TrainingOptions(**chosen), options.start).run()
    elif options.command == "export":
        marks = [mark for folder in options.photos for mark in training_faces(folder)]
        export(options.checkpoint, marks)
    elif options.command == "correct":
        corrected = correct(options.photos)
        save_correction(corrected.correction, options.growth)
        corrected.judge.save(options.classifier)
        for name, verdict in (("judge", corrected.judged), ("stranger", corrected.by_stranger)):
            sys.stdout.write(f"{name}\t{verdict}\n")
    elif options.command == "show":
        for mark in show(options.photos, options.out, load_network(STORYBOOK), load_extractor()):
            sys.stdout.write(f"{mark.path.name}\t{mark.licence}\n")
    elif options.command == "compare":
        network, extractor = load_network(STORYBOOK), load_extractor(EmbeddedDistance.name)
        report(compare(network, options.checkpoint, options.photos, extractor, options.count))
    else:
        draw_sheet(options.seed).save(options.picture)
    return 0


def report(found: Iterable[Nearness]) -> None:
    """Mean distances, after so many steps and at each resolution."""
    groups: dict[tuple[int, int], list[Nearness]] = {}
    for one in found:
        groups.setdefault((one.steps, one.side), []).append(one)
    for (steps, side), rows in groups.items():
        ours, others = (
            statistics.mean(column) for column in zip(*((one.ours, one.others) for one in rows), strict=True)
        )
        sys.stdout.write(
            f"{steps} steps, at {side} px, {len(rows)} faces: {ours:.3f} against {others:.3f}, {ours / others:.3f}\n"
        )


def draw_sheet(seed: int, side: int = 160, columns: int = 14) -> Image.Image:
    """Every drawn breed as an adult and, below, at eight weeks."""
    names = list(BREEDS)
    adults = sample_pets(names, torch.Generator().manual_seed(seed))
    young = at_age(adults, names, torch.ones(len(names)))
    rows = []
    for start in range(0, len(names), columns):
        for pets in (adults, young):
            drawn = render(pets[start : start + columns], side)
            rows.append(torch.cat(list(drawn), dim=-1))
    return Image.fromarray(to_pixels(torch.cat(rows, dim=-2)[None]))
