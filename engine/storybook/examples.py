"""What storybook is trained on: batches of drawn pets and of real faces, each as it is and at another age."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.generator import Generator
from engine.growing import grow
from engine.storybook.pets import BREEDS, at_age, sample_pets, to_z
from engine.storybook.photobook import Photobook
from engine.storybook.renderer import render


@dataclass(frozen=True, slots=True)
class PhotoBatch:
    """N real faces; pictures are [N, 3, R, R] in -1..1."""

    faces: Tensor  # as photographed, in some light
    wanted: Tensor  # the same in the same light at `ages`
    ages: Tensor  # [N]
    cats: Tensor  # bool [N]
    index: Tensor  # [N], in the photobook
    mirrored: Tensor  # bool [N]


def drawn_batch(count: int, resolution: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """z [N, Z_DIM] and pictures [N, 3, R, R] of drawn pets of any breed and age."""
    pets = random_pets(count, random)
    return to_z(pets), render(pets, resolution)


def random_pets(count: int, random: torch.Generator) -> Tensor:
    """Parameters [N, P] of pets of any breed, a little older than adult to a little younger than eight weeks."""
    names = list(BREEDS)
    breeds = [names[i] for i in torch.randint(len(names), (count,), generator=random).tolist()]
    ages = torch.rand(count, generator=random) * 1.35 - 0.2
    return at_age(sample_pets(breeds, random), breeds, ages)


def photo_batch(book: Photobook, count: int, random: torch.Generator) -> PhotoBatch:
    """Faces of the book, mirrored or not, in a light of their own, now and at another age."""
    index = torch.randint(len(book), (count,), generator=random)
    mirrored = torch.rand(count, generator=random) < 0.5
    faces = book.faces[index].float() / 127.5 - 1
    faces = torch.where(mirrored[:, None, None, None], faces.flip(-1), faces)
    faces = _relit(faces, random)
    now = book.ages[index]
    # An adult can grow younger, a young one older; of the rest nobody knows, so they go a little either way.
    low = torch.where(now.isnan(), -0.4, torch.where(now > 0.5, -1.0, -0.3))
    high = torch.where(now.isnan(), 0.5, torch.where(now > 0.5, 0.2, 1.1))
    ages = low + (high - low) * torch.rand(count, generator=random)
    ages = torch.where(torch.rand(count, generator=random) < 0.4, torch.zeros(()), ages)
    wanted = grow(faces, book.marks[index].mirrored(mirrored), ages)
    return PhotoBatch(faces, wanted, ages, book.marks.cats[index], index, mirrored)


def _relit(faces: Tensor, random: torch.Generator) -> Tensor:
    """The same faces in another light: exposure, contrast and colour balance vary per face."""

    def jitter(channels: int, width: float) -> Tensor:
        return torch.randn(len(faces), channels, 1, 1, generator=random).clamp(-2, 2) * width

    mean = faces.mean(dim=(1, 2, 3), keepdim=True)
    return ((faces - mean) * (1 + jitter(1, 0.08)) + mean + jitter(1, 0.06) + jitter(3, 0.03)).clamp(-1, 1)


@torch.no_grad()
def age_vectors(generator: Generator, seed: int, pairs: int = 12) -> Tensor:
    """The mean of w(young) − w(adult) over drawn pairs of every breed: [2, w_dim], dogs and cats."""
    random = torch.Generator().manual_seed(seed)
    vectors = []
    for cat in (False, True):
        breeds = [name for name, breed in BREEDS.items() if breed.cat == cat] * pairs
        vectors.append(breed_vector(generator, breeds, random))
    return torch.stack(vectors)


@torch.no_grad()
def breed_vector(generator: Generator, breeds: list[str], random: torch.Generator) -> Tensor:
    """The mean of w(young) − w(adult) over one drawn pair for each name: [w_dim]."""
    pets = sample_pets(breeds, random)
    adult = generator.mapping(to_z(pets))[:, 0]
    young = generator.mapping(to_z(at_age(pets, breeds, torch.ones(len(breeds)))))[:, 0]
    difference: Tensor = (young - adult).mean(dim=0)
    return difference
