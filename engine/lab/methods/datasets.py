"""Pictures to learn from and to measure on: drawn pets, whose truth at every age is known, and marked real faces.

Every picture has an age group (an index into `AGES`) and a breed (an index into `BREED_NAMES`). Drawn pets come at
every age of `AGES`; a method that may not see pairs simply never asks for them.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.lab.annotations import AnnotatedPhoto, held_out_faces, training_faces
from engine.lab.drawn_pets.parameters import BREEDS, INDEX, at_age, sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.lab.evaluation.drawn_pairs import PAIRS_SEED
from engine.lab.methods.drawn_rabbits import rabbits_at_age, sample_rabbits
from engine.lab.storybook.face_dataset import open_dataset
from engine.messages import Species
from engine.vision.alignment import Alignment, crop_face
from engine.vision.geometry import centre, head_size, similarity

AGES = (0.0, 0.5, 1.0)  # 0 an adult, 1 eight weeks old
ADULT, HALF, YOUNG = range(len(AGES))
WAYS = ((ADULT, HALF), (ADULT, YOUNG), (HALF, YOUNG))  # from older to younger

_OF_UNKNOWN_BREED = ("dog", "cat")
BREED_NAMES = (*BREEDS, *_OF_UNKNOWN_BREED)
IS_CAT = torch.tensor([BREEDS[name].cat for name in BREEDS] + [False, True])

HELD_OUT_SEED = PAIRS_SEED  # the pets that the product is measured on, too
_RENDERED_AT_ONCE = 64
_CPU = torch.device("cpu")
_OVERSAMPLING = 2  # pets are drawn larger and reduced: single hairs would flicker from age to age
_REAL_SHARE = 0.4  # of the pictures of a batch, where there are real ones; drawn pets are more, and easier

# How photos that nobody aligned differ from aligned ones.
_TURN = math.radians(30)
_SHIFT = 0.15  # of the picture's side
_ZOOM = (0.95, 1.5)
_LOOSE_CROP = 1.5  # side of an unaligned photo's crop over the head's size


@dataclass(frozen=True, slots=True, eq=False)
class PetBatch:
    """N pictures on the device that trains."""

    pictures: Tensor  # [N, 3, R, R] in -1..1
    groups: Tensor  # int64 [N], into AGES
    breeds: Tensor  # int64 [N], into BREED_NAMES

    @property
    def cats(self) -> Tensor:
        return IS_CAT.to(self.breeds.device)[self.breeds]


@dataclass(eq=False)
class PetPictures:
    """All pictures of a training. Drawn ones come first: pet i at age AGES[k] is picture len(AGES) · i + k."""

    pictures: Tensor  # uint8 [M, 3, R, R]
    groups: Tensor  # int64 [M]; -1 where nobody could tell the age
    breeds: Tensor  # int64 [M]
    drawn: int  # how many of the pictures are drawn
    seed: int = 0
    device: torch.device = _CPU
    shown: Tensor | None = None  # [K, 3, R, R] in -1..1: faces for the sample sheets, none of them learned from

    def __post_init__(self) -> None:
        self._random = torch.Generator().manual_seed(self.seed)
        self._of_group = [(self.groups == group).nonzero().flatten() for group in range(len(AGES))]

    @property
    def resolution(self) -> int:
        return self.pictures.shape[-1]

    def of_age(self, group: int, count: int) -> PetBatch:
        """Pictures of this age group, each drawn by chance: those of two groups are no pairs."""
        return self._batch(self._chosen(group, count))

    def of_any_age(self, count: int) -> PetBatch:
        """Pictures of any known age."""
        groups = torch.randint(len(AGES), (count,), generator=self._random)
        return self._batch(torch.cat([self._chosen(group, 1) for group in groups.tolist()]))

    def pairs(self, count: int) -> tuple[PetBatch, PetBatch]:
        """The same drawn pets as adults and at eight weeks. Only methods that learn from pairs may ask for this."""
        pets = torch.randint(self.drawn // len(AGES), (count,), generator=self._random)
        mirrored = self._coins(count)
        adult, young = (self._batch(pets * len(AGES) + group, mirrored) for group in (ADULT, YOUNG))
        return adult, young

    def _chosen(self, group: int, count: int) -> Tensor:
        """Indices of `count` pictures of this age group, real ones among them where there are any."""
        candidates = self._of_group[group]
        drawn = self.drawn // len(AGES)  # of this group; they come first
        real = len(candidates) - drawn
        share = float(bool(real)) if not (drawn and real) else _REAL_SHARE
        which, place = torch.rand(2, count, generator=self._random)
        return candidates[torch.where(which < share, drawn + place * real, place * drawn).long()]

    def _coins(self, count: int) -> Tensor:
        return torch.rand(count, generator=self._random) < 0.5

    def _batch(self, index: Tensor, mirrored: Tensor | None = None) -> PetBatch:
        mirrored = self._coins(len(index)) if mirrored is None else mirrored
        pictures = as_floats(self.pictures[index])
        pictures = torch.where(mirrored[:, None, None, None], pictures.flip(-1), pictures)
        parts = (pictures.contiguous(memory_format=torch.channels_last), self.groups[index], self.breeds[index])
        return PetBatch(*(part.to(self.device) for part in parts))


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutPets:
    """What no training has seen: drawn pets with their truth, and real adults, whose truth nobody knows."""

    adults: Tensor  # [N, 3, R, R] in -1..1, drawn
    young: Tensor  # [N, 3, R, R], the same pets at eight weeks
    real: Tensor  # [L, 3, R, R], adults
    real_young: Tensor  # [K, 3, R, R], other animals, some of them trained on: the distribution, for KID
    showable: Tensor  # bool [L]: the licence lets everybody see the photo
    cats: Tensor  # bool [N]


def as_floats(pictures: Tensor) -> Tensor:
    """uint8 to -1..1."""
    return pictures.float() / 127.5 - 1


def training_pictures(
    count: int,
    photos: Sequence[Path] = (),
    resolution: int = 64,
    *,
    aligned: bool = True,
    only: str = "",
    seed: int = 0,
    device: torch.device | str = "cpu",
    cache: Path | None = None,
) -> PetPictures:
    """`count` drawn pets at every age and the training faces of folders of marked photos.

    `only` is "dog", "cat", "rabbit", "coat", "shape" (see `draw_pets`), or "" for dogs and cats.
    Pictures that are not `aligned` lie as a photo happens to
    be taken. They are kept in `cache` for the next training.
    """
    drawn, breeds = draw_pets(count, resolution, seed=seed, aligned=aligned, only=only, cache=cache)
    groups = torch.arange(len(AGES)).repeat(count)
    pictures, breeds = drawn.flatten(0, 1), breeds.repeat_interleave(len(AGES))
    marks = [mark for folder in photos for mark in training_faces(folder) if only in ("", mark.species.value)]
    if marks:
        real = real_pictures(marks, resolution, aligned=aligned, cache=cache)
        pictures = torch.cat([pictures, real])
        groups = torch.cat([groups, torch.tensor([_group(mark) for mark in marks])])
        breeds = torch.cat([breeds, torch.tensor([_breed(mark) for mark in marks])])
    return PetPictures(pictures, groups, breeds, count * len(AGES), seed, torch.device(device))


def held_out_pets(
    count: int,
    photos: Sequence[Path] = (),
    resolution: int = 64,
    *,
    aligned: bool = True,
    only: str = "",
    cache: Path | None = None,
) -> HeldOutPets:
    """`count` drawn pets that no training draws, and the held-out faces of marked photos."""
    drawn, breeds = draw_pets(count, resolution, seed=HELD_OUT_SEED, aligned=aligned, only=only, cache=cache)
    unseen = [mark for folder in photos for mark in held_out_faces(folder) if mark.licence_known]
    unseen = [mark for mark in unseen if mark.young is False and only in ("", mark.species.value)]
    puppies = [mark for folder in photos for mark in training_faces(folder) if mark.young]
    real, young = (
        as_floats(real_pictures(marks, resolution, aligned=aligned, cache=cache))
        if marks
        else torch.empty(0, 3, resolution, resolution)
        for marks in (unseen, puppies)
    )
    showable = torch.tensor([mark.may_be_shown for mark in unseen], dtype=torch.bool)
    return HeldOutPets(as_floats(drawn[:, ADULT]), as_floats(drawn[:, YOUNG]), real, young, showable, IS_CAT[breeds])


def draw_pets(
    count: int, resolution: int, *, seed: int, aligned: bool = True, only: str = "", cache: Path | None = None
) -> tuple[Tensor, Tensor]:
    """uint8 [count, len(AGES), 3, R, R], each pet at every age, and their breeds [count]; breeds take turns.

    `only` may also be "coat" or "shape": breeds that are born with another coat, of which age changes one alone.
    """
    if not count:
        return torch.empty(0, len(AGES), 3, resolution, resolution, dtype=torch.uint8), torch.empty(0).long()

    def draw() -> dict[str, Tensor]:
        random = torch.Generator().manual_seed(seed)
        names, ages = _sampled(count, only, random)
        rows = torch.stack(ages, dim=1).flatten(0, 1)
        parts = (render(part, resolution * _OVERSAMPLING) for part in torch.split(rows, _RENDERED_AT_ONCE))
        drawn = torch.cat([_reduced(part, resolution) for part in parts] if aligned else list(parts))
        if not aligned:
            drawn = _as_taken(drawn, resolution, random)
        pictures = ((drawn.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).view(count, len(AGES), *drawn.shape[1:])
        return {"pictures": pictures, "breeds": torch.tensor([BREED_NAMES.index(name) for name in names])}

    kept = _kept(cache, f"{only or 'pets'}-{count}-{resolution}-{seed}", aligned, draw)
    return kept["pictures"], kept["breeds"]


def _sampled(count: int, only: str, random: torch.Generator) -> tuple[list[str], list[Tensor]]:
    """Breeds, and the parameters [count, P] of the pets at every age."""
    if only == "rabbit":
        pets = sample_rabbits(count, random)  # for growth, a rabbit's face is nearest to a cat's
        return ["cat"] * count, [rabbits_at_age(pets, age) for age in AGES]
    one_part = only in ("coat", "shape")
    known = [
        name
        for name, breed in BREEDS.items()
        if only in ("", "cat" if breed.cat else "dog") or (one_part and breed.young_coat)
    ]
    names = [known[i % len(known)] for i in range(count)]
    pets = sample_pets(names, random)
    ages = [at_age(pets, names, torch.full((count,), age)) for age in AGES]
    geometry = torch.arange(pets.shape[1]) == INDEX["age"]
    if only == "coat":  # all the rest stays the adult's
        ages = [torch.where(geometry, pets, row) for row in ages]
    elif only == "shape":
        ages = [torch.where(geometry, row, pets) for row in ages]
    return names, ages


def _kept(cache: Path | None, name: str, aligned: bool, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What `make` makes, or made the last time."""
    file = cache and cache / f"{name}{'' if aligned else '-unaligned'}.safetensors"
    if file and file.exists():
        return load_file(file)
    made = {key: value.contiguous() for key, value in make().items()}
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(made, file)
    return made


def _reduced(pictures: Tensor, resolution: int) -> Tensor:
    return F.interpolate(pictures, (resolution, resolution), mode="area")


def real_pictures(
    marks: Sequence[AnnotatedPhoto], resolution: int, *, aligned: bool = True, cache: Path | None = None
) -> Tensor:
    """uint8 [N, 3, R, R] of marked faces: aligned by their eyes, or loosely around the head as the photo was taken."""

    def crop() -> dict[str, Tensor]:
        return {"pictures": open_dataset(list(marks), resolution).faces if aligned else _loose_crops(marks, resolution)}

    which = hashlib.sha256("\n".join(mark.path.name for mark in marks).encode()).hexdigest()[:12]
    return _kept(cache, f"real-{which}-{resolution}", aligned, crop)["pictures"]


def _loose_crops(marks: Sequence[AnnotatedPhoto], resolution: int) -> Tensor:
    random = torch.Generator().manual_seed(0)
    crops = []
    for mark, shift in zip(marks, torch.rand(len(marks), 2, generator=random).tolist(), strict=True):
        scale = resolution / (_LOOSE_CROP * head_size(mark.head))
        x, y = (resolution * (0.5 + _SHIFT * (2 * part - 1)) for part in shift)
        matrix = similarity(centre(mark.head), 0.0, scale, (x, y))
        with Image.open(mark.path) as photo:
            crop = crop_face(photo.convert("RGB"), Alignment(matrix, resolution))
        crops.append(torch.from_numpy(crop.copy()).permute(2, 0, 1))
    return torch.stack(crops)


def _as_taken(pictures: Tensor, resolution: int, random: torch.Generator) -> Tensor:
    """Each pet turned, shifted and enlarged by chance, at all of its ages in the same way."""
    pets = len(pictures) // len(AGES)
    turn, across, down, zoom = torch.rand(4, pets, generator=random)
    angle = _TURN * (2 * turn - 1)
    scale = 1 / (_ZOOM[0] + (_ZOOM[1] - _ZOOM[0]) * zoom)
    across, down = (2 * _SHIFT * (2 * part - 1) for part in (across, down))  # the picture is 2 wide
    rows = [scale * angle.cos(), -scale * angle.sin(), across, scale * angle.sin(), scale * angle.cos(), down]
    matrices = torch.stack(rows, dim=1).view(pets, 2, 3).repeat_interleave(len(AGES), dim=0)
    grid = F.affine_grid(matrices, [len(pictures), *pictures.shape[1:]], align_corners=False)
    return _reduced(F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False), resolution)


def _group(mark: AnnotatedPhoto) -> int:
    return {True: YOUNG, False: ADULT, None: -1}[mark.young]


def _breed(mark: AnnotatedPhoto) -> int:
    known = mark.breed in BREEDS and BREEDS[mark.breed].cat == (mark.species is Species.CAT)
    return BREED_NAMES.index(mark.breed if known else mark.species.value)
