"""Real or made: how real do results look beside real young animals that they never had to do with?"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Annotated, Any

import msgspec
import numpy as np
from PIL import Image

from engine.errors import OperatorError
from engine.images.pixels import Pixels
from engine.lab.judging.intervals import area_interval, area_under_curve
from engine.lab.judging.judges_answers import (
    begin_sheets,
    by_species,
    draw_grid,
    entry,
    read_answers,
    read_key,
    write_key,
)
from engine.lab.judging.rendered_results import FACE_SIDE, RenderedResult, results_of
from engine.lab.judging.young_faces import YoungFace
from engine.messages import Species

KIND = "real"
COLUMNS, ROWS = 5, 4  # of a sheet

_TOLD = 5  # made faces that look least real, named in the score
_RADIUS = 0.42  # of the side: the head, without the corners that photos often do not fill
_LEAST_SIDE = 12  # px, to which a face is shrunk at most


class RealAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How real one numbered face looks to a judge."""

    i: str
    real: Annotated[float, msgspec.Meta(ge=0, le=100)]  # 100 is surely a photo
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ComparedFace:
    """A face, real or made, with what it is matched by."""

    name: str
    species: Species
    coat: str
    face: Pixels
    energy: float  # `laplacian_energy`
    seen_by: tuple[str, ...]


def of_young(face: YoungFace) -> ComparedFace:
    pixels = face.face()
    return ComparedFace(face.path.name, face.species, face.coat(), pixels, laplacian_energy(pixels), face.seen_by)


def of_result(result: RenderedResult, folder: Path) -> ComparedFace:
    face = result.young_face(folder)
    coat = result.kinds.coat
    return ComparedFace(result.name, result.species, coat, face, laplacian_energy(face), result.seen_by)


def match(
    real: Sequence[ComparedFace], made: Sequence[ComparedFace], count: int
) -> list[tuple[ComparedFace, ComparedFace]]:
    """Pairs of one species, `count` at most, each face in one of them: those of one coat and like sharpness first."""
    possible = [(a, b) for a, b in product(real, made) if a.species is b.species]
    possible.sort(key=lambda pair: (pair[0].coat != pair[1].coat, _apart(*pair), pair[0].name, pair[1].name))
    pairs: list[tuple[ComparedFace, ComparedFace]] = []
    used: set[ComparedFace] = set()
    for pair in possible:
        if len(pairs) < count and used.isdisjoint(pair):
            pairs.append(pair)
            used.update(pair)
    return pairs


def equally_sharp(pair: tuple[ComparedFace, ComparedFace]) -> tuple[Pixels, Pixels]:
    """The faces of a pair, the sharper one softened to the energy of the other."""
    energy = min(one.energy for one in pair)
    first, second = (softened(one.face, energy) for one in pair)
    return first, second


def prepare_real(young: Iterable[YoungFace], results: Path, out: Path, key: Path, count: int, seed: int) -> int:
    """Draw `count` numbered faces at most on sheets, half of them real, and return their number.

    Raises `OperatorError` where no real face is of the species of a result.
    """
    made = [of_result(result, results) for result in results_of(results)]
    pairs = match([of_young(face) for face in young], made, count // 2)
    if not pairs:
        raise OperatorError("no real face has the species of a result")
    faces = []
    for number, pair in enumerate(pairs):
        for one, pixels, is_made in zip(pair, equally_sharp(pair), (False, True), strict=True):
            known = {"made": is_made, "name": one.name, "species": one.species.value, "coat": one.coat, "pair": number}
            faces.append((pixels, known | {"seen_by": one.seen_by}))
    Random(seed).shuffle(faces)
    begin_sheets(out, KIND)
    numbered = [(f"{i:02d}", Image.fromarray(pixels)) for i, (pixels, _) in enumerate(faces)]
    for start in range(0, len(numbered), COLUMNS * ROWS):
        sheet = draw_grid(numbered[start : start + COLUMNS * ROWS], FACE_SIDE, COLUMNS)
        sheet.save(out / f"sheet-{start // (COLUMNS * ROWS)}.png")
    write_key(key, KIND, seed, {f"{i:02d}": known for i, (_, known) in enumerate(faces)})
    return len(faces)


def score_real(answers: Sequence[Path], key: Path) -> dict[str, Any]:
    """The area under the curve: in what share of pairs a real face looks more real than a made one. For JSON.

    Judges use their scales differently, so of several judges the ranks are averaged.
    """
    entries = read_key(key, KIND)
    ranks: dict[str, list[float]] = {}
    judges = []
    for said in read_answers(answers, RealAnswer):
        values = {answer.i: answer.real for answer in said if entry(entries, answer.i)}
        judges.append(_area(values, entries)["auc"])
        for i, value in values.items():
            below = sum((other < value) + 0.5 * (other == value) for other in values.values())
            ranks.setdefault(i, []).append(below / len(values))
    mean = {i: sum(values) / len(values) for i, values in ranks.items()}
    made = sorted((i for i in mean if entries[i]["made"]), key=lambda i: mean[i])
    return {
        **_area(mean, entries),
        "judges": judges,
        "by_species": by_species(
            list(mean), lambda i: str(entries[i]["species"]), lambda own: _area({i: mean[i] for i in own}, entries)
        ),
        "least_real": [{"i": i, "name": entries[i]["name"]} for i in made[:_TOLD]],
        "real_seen_by": sorted({name for known in entries.values() if not known["made"] for name in known["seen_by"]}),
        "unanswered": sorted(set(entries) - set(mean)),
    }


def _area(values: Mapping[str, float], entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    real = [value for i, value in values.items() if not entries[i]["made"]]
    made = [value for i, value in values.items() if entries[i]["made"]]
    if not real or not made:
        return {"real": len(real), "made": len(made), "auc": None}
    area = area_under_curve(real, made)
    low, high = area_interval(area, len(real), len(made))
    rounded = {"auc": round(area, 3), "from": round(low, 3), "to": round(high, 3)}
    return {"real": len(real), "made": len(made), **rounded}


def _apart(one: ComparedFace, other: ComparedFace) -> float:
    """How much sharper one is than the other, as the logarithm of the ratio."""
    return abs(math.log((one.energy + 1) / (other.energy + 1)))


def laplacian_energy(face: Pixels) -> float:
    """The mean square of the Laplacian of the grey levels (0..255) in the middle of a face [S, S, 3]."""
    grey = face.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    y, x = np.indices(inner.shape) - (len(inner) - 1) / 2
    return float((laplacian[np.hypot(x, y) < _RADIUS * len(grey)] ** 2).mean())


def softened(face: Pixels, energy: float) -> Pixels:
    """The face as sharp as `energy` says at most: shrunk to the side for that and enlarged again."""
    if laplacian_energy(face) <= energy:
        return face
    low, high = _LEAST_SIDE, len(face)
    while high - low > 1:  # `high` is too sharp
        middle = (low + high) // 2
        low, high = (low, middle) if laplacian_energy(_shrunk(face, middle)) > energy else (middle, high)
    return _shrunk(face, low)


def _shrunk(face: Pixels, side: int) -> Pixels:
    small = Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS)
    return np.array(small.resize((len(face), len(face)), Image.Resampling.BICUBIC))
