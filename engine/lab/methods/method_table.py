"""All trained methods in one table and on one sheet."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from engine.images.tensors import to_pixels
from engine.lab.methods.catalogue import METHODS, load_model_of
from engine.lab.methods.datasets import HeldOutPets
from engine.lab.methods.scoring import Score, score, score_results
from engine.lab.methods.training_loop import TrainingRecord, read_record
from engine.stylegan.perceptual import PerceptualDistance

HEADINGS = (
    "method", "gap closed", "worst", "distance", "right change", "other change", "identity", "identity, real",
    "KID", "KID, real", "PPL z full/end", "PPL w full/end", "parameters", "minutes", "pictures seen", "results/s",
)  # fmt: skip
_SHOWN_DRAWN, _SHOWN_REAL = 6, 5
_SIDE, _HEADER = 64, 16
_FONT_SIZE = 9


def compare(
    folders: Iterable[Path], pets: HeldOutPets, extractor: PerceptualDistance
) -> tuple[list[list[str]], Image.Image]:
    """The table's rows, headings first, and the sheet of every training in these folders, in the order of the page."""
    trained = sorted(folders, key=lambda folder: (_place(folder), folder.name))
    rows, columns = [list(HEADINGS)], [("photo", _picked(pets.adults, pets.real, pets))]
    columns.append(("truth", _picked(pets.young, torch.ones_like(pets.real), pets)))
    rows.append(_row("unchanged", score_results(lambda faces: faces, pets, extractor), None))
    for folder in trained:
        found = score(load_model_of(folder), pets, extractor)
        rows.append(_row(folder.name, found, read_record(folder)))
        columns.append((folder.name, _picked(found.drawn, found.real, pets)))
    return rows, sheet(columns)


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table, its first row the headings."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


def sheet(columns: Sequence[tuple[str, Tensor]]) -> Image.Image:
    """Columns of pictures [K, 3, R, R], each under its name."""
    height = _HEADER + max(len(pictures) for _, pictures in columns) * _SIDE
    drawn = Image.new("RGB", (len(columns) * _SIDE, height), "white")
    writing, font = ImageDraw.Draw(drawn), ImageFont.load_default(_FONT_SIZE)
    for x, (name, pictures) in enumerate(columns):
        writing.text((x * _SIDE + 2, 2), name.replace("conditional", "cond").replace("_", " "), "black", font)
        strip = Image.fromarray(to_pixels(torch.cat(list(pictures), dim=1)[None]))
        drawn.paste(strip, (x * _SIDE, _HEADER))
    return drawn


def _place(folder: Path) -> int:
    return list(METHODS).index(read_record(folder).options.method)


def _picked(drawn: Tensor, real: Tensor, pets: HeldOutPets) -> Tensor:
    """Some drawn pets of many breeds, and real ones that may be shown anywhere."""
    every = max(1, len(drawn) // _SHOWN_DRAWN)
    return torch.cat([drawn[::every][:_SHOWN_DRAWN], real[pets.showable][:_SHOWN_REAL]])


def _row(name: str, found: Score, record: TrainingRecord | None) -> list[str]:
    def pair(space: str) -> str:
        values = [found.path_lengths.get(f"{space} {sampling}") for sampling in ("full", "end")]
        return " / ".join(f"{value:.3g}" for value in values if value is not None)

    numbers: tuple[float, ...] = (found.gap_mean, found.gap_worst, found.distance, found.right_change)
    numbers += (found.other_change, found.identity, found.identity_real, found.kid, found.kid_real)
    cells = [name, *("" if math.isnan(number) else f"{number:.2f}" for number in numbers)]
    cells += [pair("z"), pair("w")]
    if record is None:
        return [*cells, "", "", "", ""]
    seen = record.steps * record.options.batch
    return [
        *cells,
        f"{record.parameters:,}",
        f"{record.seconds / 60:.1f}",
        f"{seen:,}",
        f"{found.results_a_second:,.1f}",
    ]
