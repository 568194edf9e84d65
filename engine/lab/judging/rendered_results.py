"""A folder of results: pictures of every photo that was made young, and `results.jsonl`, which has a line for each.

Of the photo `beagle_7.jpg`, `beagle_7.jpg` is the still, `beagle_7-whole.jpg` the whole photo with the young face,
`beagle_7-today.jpg` the still's part of today's photo. So two engines name their results alike.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from PIL import Image

from engine.errors import OperatorError
from engine.images import decoding
from engine.images.pixels import Pixels
from engine.messages import Head, Species
from engine.vision.alignment import FaceTemplate, align
from engine.vision.head_parsing import COATS, EARS, MUZZLES, parse_head

_Record = TypeVar("_Record")

INDEX = "results.jsonl"
FACE_SIDE = 256  # px, of the aligned faces that are shown or compared


class Kinds(msgspec.Struct, frozen=True):
    """What kind of head it is, as the head parser sees it."""

    ears: str
    muzzle: str
    coat: str


class RenderedResult(msgspec.Struct, frozen=True):
    """One photo made young."""

    name: str  # of the pictures
    photo: str  # its path
    species: Species
    breed: str  # slug, "" where unknown
    kinds: Kinds
    head: Head  # in pixels of the whole photo as it came out
    seen_by: tuple[str, ...]  # the trainings that saw the photo

    def still(self, folder: Path) -> Image.Image:
        return read_picture(folder / f"{self.name}.jpg")

    def today(self, folder: Path) -> Image.Image:
        return read_picture(folder / f"{self.name}-today.jpg")

    def young_face(self, folder: Path) -> Pixels:
        """The young face in the whole photo, aligned: [FACE_SIDE, FACE_SIDE, 3]."""
        return aligned_face(read_picture(folder / f"{self.name}-whole.jpg"), self.head)

    def adult_face(self, folder: Path) -> Pixels:
        """The same part of today's photo: [FACE_SIDE, FACE_SIDE, 3]."""
        photo, whole = (read_picture(path) for path in (Path(self.photo), folder / f"{self.name}-whole.jpg"))
        return aligned_face(photo.resize(whole.size, Image.Resampling.LANCZOS), self.head)


def read_results(folder: Path) -> list[RenderedResult]:
    """The results in a folder, in the order in which they were made, as `read_index` reads them."""
    return read_index(folder / INDEX, RenderedResult)


def read_index(index: Path, kind: type[_Record]) -> list[_Record]:
    """The records of an index, one a line; none where there is no index yet.

    Raises `OperatorError` where a line makes no sense.
    """
    if not index.exists():
        return []
    try:
        return [msgspec.json.decode(line, type=kind) for line in index.read_bytes().splitlines()]
    except msgspec.MsgspecError as error:
        raise OperatorError(f"{index} cannot be read: {error}") from error


def results_of(folder: Path) -> list[RenderedResult]:
    """The results in a folder. Raises `OperatorError` where there are none."""
    results = read_results(folder)
    if not results:
        raise OperatorError(f"there are no results in {folder}; `judge render` makes them")
    return results


def kinds_of(image: Image.Image, head: Head) -> Kinds:
    """The likeliest ears, muzzle and coat of a head in an RGB photo."""
    chances = parse_head(image, head).kinds.reshape(3, 3).argmax(1)
    return Kinds(*(names[i] for names, i in zip((EARS, MUZZLES, COATS), chances.tolist(), strict=True)))


def aligned_face(image: Image.Image, head: Head) -> Pixels:
    """A face of an RGB photo, eyes level: [FACE_SIDE, FACE_SIDE, 3]."""
    return align(image, head, FaceTemplate.STORYBOOK, FACE_SIDE).crop


def read_picture(path: Path) -> Image.Image:
    """An upright RGB picture. Raises `OperatorError` where the file is missing."""
    try:
        return decoding.decode(path.read_bytes())
    except FileNotFoundError as error:
        raise OperatorError(f"there is no {path.name} in {path.parent}") from error


def common_results(old: Path, new: Path) -> Sequence[RenderedResult]:
    """The results in `new` whose still is in `old` too. Raises `OperatorError` where there are none."""
    common = [result for result in results_of(new) if (old / f"{result.name}.jpg").exists()]
    if not common:
        raise OperatorError(f"{old} and {new} have no result in common")
    return common
