"""Real young animals to compare results with, and which trainings have seen them.

A face counts as seen by `growth` where the model of growth was fitted to its marks, which are all of `parts.jsonl`; by
`recogniser` where the head detector, the landmark network or the head parser was trained on it; by `storybook` where
that network was, also on marked photos that are in no annotated table.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from engine.errors import OperatorError
from engine.images.pixels import Pixels
from engine.lab.annotations import AnnotatedPhoto, usable_faces
from engine.lab.evaluation.real_photos import photo_files
from engine.lab.judging.rendered_results import aligned_face, kinds_of, read_picture
from engine.lab.recogniser.part_annotations import read_parts
from engine.messages import Head, Species
from engine.vision.alignment import HeadPose, head_pose
from engine.vision.recognition import recognise

TRAININGS = ("growth", "recogniser", "storybook")


@dataclass(frozen=True, slots=True)
class YoungFace:
    """The face of a real young animal in a photo."""

    path: Path
    species: Species
    head: Head
    seen_by: tuple[str, ...]  # of TRAININGS

    def face(self) -> Pixels:
        """The face, aligned: [FACE_SIDE, FACE_SIDE, 3]."""
        return aligned_face(read_picture(self.path), self.head)

    def coat(self) -> str:
        return kinds_of(read_picture(self.path), self.head).coat


def young_faces(folders: Sequence[Path], allowed: Collection[str], unseen: Sequence[Path] = ()) -> list[YoungFace]:
    """Young animals of annotated folders that no training saw but those `allowed`, and all in the folders `unseen`.

    `unseen` are folders of photos of young animals that nobody marked: their heads are found. Raises `OperatorError`
    that tells how many faces each training saw, where nothing is left.
    """
    known = list(_annotated(folders))
    kept = [face for face in known if set(face.seen_by) <= set(allowed)] + list(_found(unseen))
    if not kept:
        counts = Counter(" and ".join(face.seen_by) for face in known)
        told = ", ".join(f"{count} by {names}" for names, count in counts.most_common()) or "there are none"
        raise OperatorError(f"no young face is left; seen were {told}. --allow takes such, --unseen adds new photos")
    return kept


def trainings_that_saw(photo: AnnotatedPhoto) -> tuple[str, ...]:
    """The trainings that saw an annotated photo, of TRAININGS."""
    seen = (photo.path.name in _marked_names(), not photo.held_out, not photo.held_out_from_storybook)
    return tuple(name for name, one in zip(TRAININGS, seen, strict=True) if one)


@cache
def _marked_names() -> frozenset[str]:
    lines = files("engine.lab.recogniser").joinpath("parts.jsonl").read_bytes().splitlines()
    return frozenset(Path(msgspec.json.decode(line)["file"]).name for line in lines)


def _annotated(folders: Sequence[Path]) -> Iterator[YoungFace]:
    tables = [photo for folder in folders if (folder / "faces.tsv").exists() for photo in usable_faces(folder)]
    for photo in tables:
        if photo.young:
            yield YoungFace(photo.path, photo.species, photo.head, trainings_that_saw(photo))
    listed = {photo.path.name for photo in tables}
    for face in read_parts(folders):
        head = face.head
        if face.looks_young and face.path.name not in listed and head is not None:
            seen = (True, not face.held_out, not face.held_out_from_storybook)
            names = tuple(name for name, one in zip(TRAININGS, seen, strict=True) if one)
            yield YoungFace(face.path, face.species, head, names)


def _found(folders: Sequence[Path]) -> Iterator[YoungFace]:
    for path in photo_files(folders):
        seen = recognise(read_picture(path))
        if seen.species is not None and seen.heads and head_pose(seen.heads[0]) is not HeadPose.PROFILE:
            yield YoungFace(path, seen.species, seen.heads[0], ())
