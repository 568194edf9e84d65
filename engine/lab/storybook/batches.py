"""What storybook is trained on: batches of drawn pets and of real faces, each as it is and at another age."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.drawn_pets.drawn_growth import grow
from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets, to_z
from engine.lab.drawn_pets.renderer import render
from engine.lab.storybook.face_dataset import FaceDataset
from engine.stylegan.generator import Generator


@dataclass(frozen=True, slots=True)
class PhotoBatch:
    """N real faces; pictures are [N, 3, R, R] in -1..1."""

    faces: Tensor  # as photographed, in some light
    wanted: Tensor  # the same in the same light at `ages`
    ages: Tensor  # [N]
    cats: Tensor  # bool [N]
    index: Tensor  # [N], in the photobook
    mirrored: Tensor  # bool [N]


def drawn_batch(count: int, resolution: int, random: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """z [N, Z_DIM] and pictures [N, 3, R, R] of drawn pets of any breed and age."""
    pets = random_pets(count, random).to(device)
    return to_z(pets), render(pets, resolution)


def random_pets(count: int, random: torch.Generator) -> Tensor:
    """Parameters [N, P] of pets of any breed, a little older than adult to a little younger than eight weeks."""
    names = list(BREEDS)
    breeds = [names[i] for i in torch.randint(len(names), (count,), generator=random).tolist()]
    ages = torch.rand(count, generator=random) * 1.35 - 0.2
    return at_age(sample_pets(breeds, random), breeds, ages)


def photo_batch(book: FaceDataset, count: int, random: torch.Generator, device: torch.device) -> PhotoBatch:
    """Faces of the book, mirrored or not, framed and lit a little differently each time, now and at another age."""
    index = torch.randint(len(book), (count,), generator=random)
    mirrored = torch.rand(count, generator=random) < 0.5
    faces = book.faces[index].to(device).float() / 127.5 - 1
    faces = torch.where(mirrored[:, None, None, None].to(device), faces.flip(-1), faces)
    faces = relit(faces, random)
    now = book.ages[index]
    # An adult can grow younger, a young one older; of the rest nobody knows, so they go a little either way.
    low = torch.where(now.isnan(), -0.4, torch.where(now > 0.5, -1.0, -0.3))
    high = torch.where(now.isnan(), 0.5, torch.where(now > 0.5, 0.2, 1.1))
    ages = low + (high - low) * torch.rand(count, generator=random)
    ages = torch.where(torch.rand(count, generator=random) < 0.4, torch.zeros(()), ages).to(device)
    marks = book.marks[index].mirrored(mirrored).to(device)
    faces, wanted = reframed((faces, grow(faces, marks, ages)), random)
    return PhotoBatch(faces, wanted, ages, marks.cats, index.to(device), mirrored.to(device))


def relit(faces: Tensor, random: torch.Generator, strength: float = 1.0) -> Tensor:
    """The same faces in another light: exposure, contrast, saturation and colour balance vary per face."""

    def jitter(channels: int, width: float) -> Tensor:
        width = width * strength
        return (torch.randn(len(faces), channels, 1, 1, generator=random).clamp(-2, 2) * width).to(faces)

    mean = faces.mean(dim=(1, 2, 3), keepdim=True)
    faces = (faces - mean) * (1 + jitter(1, 0.1)) + mean + jitter(1, 0.08) + jitter(3, 0.04)
    grey = faces.mean(dim=1, keepdim=True)
    return (grey + (faces - grey) * (1 + jitter(1, 0.15))).clamp(-1, 1)


def reframed(pictures: tuple[Tensor, ...], random: torch.Generator, strength: float = 1.0) -> list[Tensor]:
    """All pictures [N, 3, R, R] shifted, turned and scaled a little, those of one face alike: marks are never exact."""
    count = len(pictures[0])
    if not count:
        return list(pictures)

    def jitter(width: float) -> Tensor:
        return torch.randn(count, generator=random).clamp(-2, 2) * (width * strength)

    scale, angle = 1 + jitter(0.015), jitter(0.015)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    matrix = torch.stack([cos, -sin, jitter(0.012), sin, cos, jitter(0.012)], dim=1).view(count, 2, 3)
    grid = F.affine_grid(matrix.to(pictures[0]), list(pictures[0].shape), align_corners=False)
    return [F.grid_sample(one, grid, padding_mode="reflection", align_corners=False) for one in pictures]


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
    pairs = torch.cat([pets, at_age(pets, breeds, torch.ones(len(breeds)))])
    w = generator.mapping(to_z(pairs).to(generator.mapping.w_avg))[:, 0]
    adult, young = w.chunk(2)
    difference: Tensor = (young - adult).mean(dim=0)
    return difference
