"""Makes the batches that storybook trains on: drawn pets, and real faces as they are and at another age."""

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
    """N real faces, now and at another age; pictures are [N, 3, R, R] in -1..1."""

    faces: Tensor  # as photographed, in a varied light
    wanted: Tensor  # the same in the same light at `ages`
    ages: Tensor  # [N]
    cats: Tensor  # bool [N]
    index: Tensor  # [N], in the dataset
    mirrored: Tensor  # bool [N]


def drawn_batch(count: int, resolution: int, random: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """Draw pets of random breed and age: their z [N, Z_DIM] and pictures [N, 3, R, R]."""
    parameters = sample_parameters(count, random).to(device)
    return to_z(parameters), render(parameters, resolution)


def sample_parameters(count: int, random: torch.Generator) -> Tensor:
    """Parameters [N, P] of pets of any breed, a little older than adult to a little younger than eight weeks."""
    names = list(BREEDS)
    breeds = [names[i] for i in torch.randint(len(names), (count,), generator=random).tolist()]
    ages = torch.rand(count, generator=random) * 1.35 - 0.2
    return at_age(sample_pets(breeds, random), breeds, ages)


def photo_batch(dataset: FaceDataset, count: int, random: torch.Generator, device: torch.device) -> PhotoBatch:
    """Draw random faces, mirrored or not, framed and lit a little differently each time, now and at another age."""
    index = torch.randint(len(dataset), (count,), generator=random)
    mirrored = torch.rand(count, generator=random) < 0.5
    faces = dataset.pictures(index).to(device)
    faces = torch.where(mirrored[:, None, None, None].to(device), faces.flip(-1), faces)
    faces = vary_light(faces, random)
    now = dataset.ages[index]
    # An adult grows younger, a young one older; where the age is unknown, the face goes a little either way.
    low = torch.where(now.isnan(), -0.4, torch.where(now > 0.5, -1.0, -0.3))
    high = torch.where(now.isnan(), 0.5, torch.where(now > 0.5, 0.2, 1.1))
    ages = low + (high - low) * torch.rand(count, generator=random)
    ages = torch.where(torch.rand(count, generator=random) < 0.4, torch.zeros(()), ages).to(device)
    landmarks = dataset.landmarks[index].mirrored(mirrored).to(device)
    faces, wanted = vary_framing((faces, grow(faces, landmarks, ages)), random)
    return PhotoBatch(faces, wanted, ages, landmarks.cats, index.to(device), mirrored.to(device))


def vary_light(faces: Tensor, random: torch.Generator, strength: float = 1.0) -> Tensor:
    """Show faces [N, 3, R, R] in another light: exposure, contrast, saturation and colour balance vary per face."""

    def jitter(channels: int, width: float) -> Tensor:
        width = width * strength
        return (torch.randn(len(faces), channels, 1, 1, generator=random).clamp(-2, 2) * width).to(faces)

    mean = faces.mean(dim=(1, 2, 3), keepdim=True)
    faces = (faces - mean) * (1 + jitter(1, 0.1)) + mean + jitter(1, 0.08) + jitter(3, 0.04)
    grey = faces.mean(dim=1, keepdim=True)
    return (grey + (faces - grey) * (1 + jitter(1, 0.15))).clamp(-1, 1)


def vary_framing(pictures: tuple[Tensor, ...], random: torch.Generator, strength: float = 1.0) -> list[Tensor]:
    """Shift, turn and scale pictures [N, 3, R, R] a little, those of one face alike: landmarks are never exact."""
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
