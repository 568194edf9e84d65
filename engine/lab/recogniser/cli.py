"""`python -m engine lab recogniser …`: train the face networks and the breed rows, measure them, draw a sheet."""

import argparse
import json
import sys
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import save_file

from engine.lab.annotations import AnnotatedPhoto, read_annotations
from engine.lab.recogniser.breed_training import BreedTrainingOptions, gather, save_rows, train_rows
from engine.lab.recogniser.drawn_faces import draw_marked_pets
from engine.lab.recogniser.face_sheet import choose_photos, draw_sheet
from engine.lab.recogniser.face_training import FaceTrainingOptions, train_faces
from engine.lab.recogniser.growth_fitting import fit_growth, save_growth
from engine.lab.recogniser.measure import measure
from engine.lab.recogniser.parser_training import halfway, measure_parser, train_parser
from engine.lab.recogniser.part_annotations import read_parts
from engine.vision.head_parsing import HeadParser, load_head_parser

_WEIGHTS = Path("engine/weights")  # of a checkout
_DRAWN_PETS = 504  # that the head parser learns from, eighteen of each breed
_RATE, _FURTHER_RATE = 2e-3, 5e-4  # learning rates of the head parser, from the beginning and further
_QUALITY = 88  # of the sheet's JPEG


def main(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    args.act(args)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine lab recogniser", description="Heads, landmarks and breeds.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, act: object, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        command.set_defaults(act=act)
        command.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER", help=_PHOTOS)
        return command

    command = add("faces", _faces, "train the networks that find heads, eyes and noses")
    command.add_argument("--out", type=Path, default=_WEIGHTS / "faces.safetensors", metavar="FILE")
    command.add_argument("--pictures", type=float, default=1.0, help="as many times the usual number of pictures")

    command = add(
        "parts", _parts, "train the head parser on faces whose parts were marked and on drawn pets, and measure it"
    )
    command.add_argument("--out", type=Path, default=_WEIGHTS / "parts.safetensors", metavar="FILE")
    command.add_argument("--pictures", type=int, default=16_000, help="training pictures; 0 only measures")
    command.add_argument("--further", action="store_true", help=_FURTHER)

    command = add("growth", _growth, "fit the model of growth to faces whose parts were marked")
    command.add_argument("--out", type=Path, default=_WEIGHTS / "growth-model.safetensors", metavar="FILE")

    command = add("breeds", _breeds, "train the classifier rows for breeds")
    command.add_argument("--petless", type=Path, required=True, metavar="FOLDER", help="pictures without pets")
    command.add_argument("--out", type=Path, default=_WEIGHTS / "breeds.safetensors", metavar="FILE")

    command = add("measure", _measure, "measure both on photos never trained on; prints one JSON object")
    command.add_argument("--petless", type=Path, nargs="*", default=[], metavar="FILE", help="pictures without pets")

    command = add("sheet", _sheet, "draw a sheet of faces found and aligned; prints the photos' licences")
    command.add_argument("--out", type=Path, required=True, metavar="FILE")
    command.add_argument("--free", action="store_true", help="only photos that may be shown anywhere")
    return parser


_FURTHER = "train the package's weights further, at a lower rate, and go half the way from the old to the new ones"
_PHOTOS = "folders of annotated photos, with faces.tsv and SOURCES.tsv"


def _annotated(args: argparse.Namespace) -> list[AnnotatedPhoto]:
    return [photo for folder in args.photos for photo in read_annotations(folder)]


def _faces(args: argparse.Namespace) -> None:
    photos = _annotated(args)
    usual = FaceTrainingOptions()
    options = FaceTrainingOptions(
        int(usual.detector_pictures * args.pictures), int(usual.landmark_pictures * args.pictures)
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(train_faces([photo for photo in photos if not photo.held_out], options), args.out)


def _parts(args: argparse.Namespace) -> None:
    faces = read_parts(args.photos)
    if args.pictures:
        with TemporaryDirectory() as folder:
            drawn = draw_marked_pets(Path(folder), _DRAWN_PETS, seed=0)
            options = FaceTrainingOptions(rounds=3, batch=16, learning_rate=_FURTHER_RATE if args.further else _RATE)
            parser = deepcopy(load_head_parser()).requires_grad_(True) if args.further else HeadParser()
            weights = train_parser(parser, faces, drawn, options, args.pictures)
            save_file(halfway(load_head_parser(), weights) if args.further else weights, args.out)
        load_head_parser.cache_clear()  # what is measured is what was saved
    sys.stdout.write(json.dumps(measure_parser(faces)) + "\n")


def _growth(args: argparse.Namespace) -> None:
    model, counts = fit_growth(read_parts(args.photos))
    save_growth(model, args.out)
    sys.stdout.write(json.dumps({species: dict(count) for species, count in counts.items()}) + "\n")


def _breeds(args: argparse.Namespace) -> None:
    photos = _annotated(args)
    options = BreedTrainingOptions()
    examples = gather([photo for photo in photos if not photo.held_out], sorted(args.petless.iterdir()), options)
    save_rows(train_rows(examples, options), args.out)


def _measure(args: argparse.Namespace) -> None:
    photos = _annotated(args)
    report = measure([photo for photo in photos if photo.held_out], args.petless)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def _sheet(args: argparse.Namespace) -> None:
    photos = _annotated(args)
    chosen = choose_photos(photos, args.free)
    draw_sheet(chosen).save(args.out, quality=_QUALITY)
    for photo in chosen:
        kept = "kept" if photo.held_out else "trained on"
        sys.stdout.write(f"{photo.path.name}\t{photo.licence}\t{kept}\n")
