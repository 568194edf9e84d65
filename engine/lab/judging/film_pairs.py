"""Pairs of photos, a young animal and a grown one that could be the same, of which a film from a baby photo is made."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

from engine.lab.annotations import read_sources, series_of, usable_faces
from engine.lab.judging.rendered_results import Kinds, kinds_of, read_picture
from engine.lab.judging.young_faces import TRAININGS, trainings_that_saw, young_faces
from engine.messages import Head, Species


@dataclass(frozen=True, eq=False)
class PairedPhoto:
    """One photo of a pair."""

    path: Path
    species: Species
    breed: str  # slug, "" where unknown
    head: Head  # in px of the photo
    seen_by: tuple[str, ...]  # the trainings that saw the photo

    @property
    def animal(self) -> str:
        """What all photos of one animal, and copies of one photo in several folders, have in common."""
        return series_of(self.path.stem.rsplit("__", 1)[-1].removeprefix("ox_")).lower()

    @cached_property
    def kinds(self) -> Kinds:
        return kinds_of(read_picture(self.path), self.head)


@dataclass(frozen=True, slots=True, eq=False)
class FilmPair:
    """The photos that a film leads from and to."""

    young: PairedPhoto
    adult: PairedPhoto

    @property
    def name(self) -> str:
        return f"{self.young.path.stem}--{self.adult.path.stem}"


def choose_pairs(folders: Sequence[Path], seed: int) -> Iterator[FilmPair]:
    """Pairs over as many breeds as possible, no animal twice, as long as there are young ones.

    First come those of one breed, a pair for each breed in turn. A grown animal whose breed has no young one left gets
    one of the same species with like ears and coat, rather one of unknown breed; of unknown breed it gets none.
    `folders` have annotated photos, or marked ones. Raises `OperatorError` where there are no young animals.
    """
    random = Random(seed)
    young, adults = (_shuffled(photos, random) for photos in (_young(folders), _adults(folders)))
    waiting: dict[str, list[PairedPhoto]] = defaultdict(list)
    for adult in adults:
        waiting[adult.breed].append(adult)
    own = {photo.breed for photo in young}
    breeds = sorted(breed for breed in waiting if breed)
    random.shuffle(breeds)
    breeds.sort(key=lambda breed: breed not in own)
    used: set[str] = set()
    while young and any(waiting[breed] for breed in breeds):
        for breed in breeds:
            waiting[breed] = [one for one in waiting[breed] if one.animal not in used]
            if not waiting[breed]:
                continue
            adult = waiting[breed].pop(0)
            match = _match(adult, [one for one in young if one.animal != adult.animal])
            if match is not None:
                young = [one for one in young if one.animal not in (adult.animal, match.animal)]
                used |= {adult.animal, match.animal}
                yield FilmPair(match, adult)


def _match(adult: PairedPhoto, young: Sequence[PairedPhoto]) -> PairedPhoto | None:
    same = next((one for one in young if one.breed == adult.breed and one.species is adult.species), None)
    if same is not None:
        return same
    others = sorted((one for one in young if one.species is adult.species), key=lambda one: one.breed != "")
    return next((one for one in others if _alike(one.kinds, adult.kinds)), None)


def _alike(one: Kinds, other: Kinds) -> bool:
    return (one.ears, one.coat) == (other.ears, other.coat)


def _young(folders: Sequence[Path]) -> list[PairedPhoto]:
    sources = {
        name: source
        for folder in folders
        if (folder / "SOURCES.tsv").exists()
        for name, source in read_sources(folder).items()
    }
    found = []
    for face in young_faces(folders, TRAININGS):
        source = sources.get(face.path.name)
        found.append(PairedPhoto(face.path, face.species, source.breed if source else "", face.head, face.seen_by))
    return found


def _adults(folders: Sequence[Path]) -> list[PairedPhoto]:
    return [
        PairedPhoto(photo.path, photo.species, photo.breed, photo.head, trainings_that_saw(photo))
        for folder in folders
        if (folder / "faces.tsv").exists()
        for photo in usable_faces(folder)
        if photo.young is False
    ]


def _shuffled(photos: Sequence[PairedPhoto], random: Random) -> list[PairedPhoto]:
    """One photo of each animal, in an order that the seed chooses."""
    by_animal = {photo.animal: photo for photo in reversed(photos)}
    mixed = [by_animal[animal] for animal in sorted(by_animal)]
    random.shuffle(mixed)
    return mixed
