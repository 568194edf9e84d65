"""Chooses the photos that storybook trains on.

They are the annotated photos of `faces.tsv`, and young animals of which only the parts of the face were marked
(`parts.jsonl`). Where the two tell different ages of one photo, its age counts as unclear.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.lab.annotations import AnnotatedPhoto, PhotoSource, read_sources, usable_faces
from engine.lab.recogniser.part_annotations import MarkedParts, photo_name, read_parts
from engine.vision.alignment import head_pose


def storybook_photos(folders: Sequence[Path]) -> list[AnnotatedPhoto]:
    """The photos in these folders that storybook trains on.

    None is held out, a copy of one that is, or without a recorded licence. A folder has `faces.tsv` and `SOURCES.tsv`,
    or only `SOURCES.tsv`; raises `OperatorError` where that is missing.
    """
    parts = read_parts(folders)
    tables = [photo for folder in folders if (folder / "faces.tsv").exists() for photo in usable_faces(folder)]
    held_out = {photo_name(photo.path) for photo in tables if photo.held_out_from_storybook}
    marked_young = {face.path.name: face.looks_young for face in parts}
    chosen = [_agreed(photo, marked_young) for photo in tables if photo_name(photo.path) not in held_out]
    known = held_out | {photo_name(photo.path) for photo in tables}
    sources = {name: source for folder in folders for name, source in read_sources(folder).items()}
    return [*chosen, *_young_ones([face for face in parts if face.photo not in known], sources)]


def _agreed(photo: AnnotatedPhoto, marked_young: Mapping[str, bool]) -> AnnotatedPhoto:
    """The photo, of unclear age where its marks tell another one."""
    agreed = marked_young.get(photo.path.name, photo.young) == photo.young
    return photo if agreed else replace(photo, young=None)


def _young_ones(faces: Iterable[MarkedParts], sources: Mapping[str, PhotoSource]) -> Iterator[AnnotatedPhoto]:
    """The young animals among marked faces that may be trained on and can be aligned."""
    for face in faces:
        head, source = face.head, sources.get(face.path.name)
        if face.looks_young and not face.held_out_from_storybook and head is not None and source is not None:
            known = head, face.species, head_pose(head), source.breed, True, source.licence
            photo = AnnotatedPhoto(face.path, *known, held_out=False)
            if photo.licence_known:
                yield photo
