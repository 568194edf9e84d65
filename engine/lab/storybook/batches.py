"""Makes the batches that storybook trains on: drawn pets, and real faces with the ages to show them at."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.drawn_pets.parameters import BREEDS, at_age, sample_pets, to_z
from engine.lab.drawn_pets.renderer import render
from engine.lab.storybook.face_dataset import ADULT, CLASSES, UNCLEAR, YOUNG, FaceDataset

OTHER_AGE_SHARE = 0.4  # of a batch of photos; they are shown at another age than their own
LEAST_AWAY, MOST_AWAY = 0.8, 1.1  # multiples of the age vector from an adult to a young animal, or back
OTHER_AGE = torch.tensor([3 * cat + age for cat in (0, 1) for age in (YOUNG, ADULT, UNCLEAR)])  # of each class
RARE_CLASSES = 0.5  # exponent of a class' share of the photos at their own age: 1 as many as there are, 0 all alike


@dataclass(frozen=True, slots=True)
class PhotoBatch:
    """N real faces to be shown at `ages`, and as many real ones that look as those should; [N, 3, R, R] in -1..1.

    Those at their own age come first, `own` of them.
    """

    faces: Tensor  # as photographed, in a varied light and framing
    real: Tensor  # other faces, of `classes`
    ages: Tensor  # [N], multiples of the age vector: 0 at its own age, above 0 an adult made young, below the opposite
    classes: Tensor  # [N], of `engine.lab.storybook.face_dataset`, at these ages
    index: Tensor  # [N], in the dataset
    mirrored: Tensor  # bool [N]
    own: int

    @property
    def cats(self) -> Tensor:
        return self.classes >= 3


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
    """Draw random faces, mirrored or not, framed and lit a little differently each time; some to be of another age.

    What is rare is seen more often: of each species, young faces. Only faces of known age are moved to another, and
    only where real ones of their species and that age are among the photos.
    """
    classes = dataset.classes
    counts = torch.bincount(classes, minlength=CLASSES)
    movable = _movable(counts)
    other = int(count * OTHER_AGE_SHARE) if len(movable) else 0
    weights = counts[classes].float().pow(RARE_CLASSES - 1)
    at_own_age = torch.multinomial(weights, count - other, replacement=True, generator=random) if count else counts[:0]
    from_classes = movable[torch.randint(len(movable), (other,), generator=random)] if other else movable[:0]
    index = torch.cat([at_own_age, _faces_of(classes, from_classes, random)])
    wanted = classes[index].clone()
    wanted[count - other :] = OTHER_AGE[from_classes]
    away = LEAST_AWAY + (MOST_AWAY - LEAST_AWAY) * torch.rand(count, generator=random)
    direction = (wanted % 3 == YOUNG).float() - (classes[index] % 3 == YOUNG).float()
    real, _ = _views(dataset, _faces_of(classes, wanted, random), random, device)
    faces, mirrored = _views(dataset, index, random, device)
    ages, wanted, index, mirrored = (part.to(device) for part in (direction * away, wanted, index, mirrored))
    return PhotoBatch(faces, real, ages, wanted, index, mirrored, count - other)


def _movable(counts: Tensor) -> Tensor:
    """The classes of adult and young animals that have faces, and whose species has faces of the other age."""
    known = torch.arange(CLASSES) % 3 != UNCLEAR
    return (known & (counts > 0) & (counts[OTHER_AGE] > 0)).nonzero()[:, 0]


def _faces_of(classes: Tensor, wanted: Tensor, random: torch.Generator) -> Tensor:
    """The index of a random face of each wanted class [N]."""
    alike = classes == wanted[:, None]
    return torch.multinomial(alike.float(), 1, generator=random)[:, 0] if len(wanted) else wanted


def _views(dataset: FaceDataset, index: Tensor, random: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """Faces in varied light and framing, some mirrored, and which are: [N, 3, R, R], bool [N]."""
    mirrored = torch.rand(len(index), generator=random) < 0.5
    faces = dataset.pictures(index).to(device)
    faces = torch.where(mirrored[:, None, None, None].to(device), faces.flip(-1), faces)
    return vary_framing(vary_light(faces, random), random), mirrored


def vary_light(faces: Tensor, random: torch.Generator, strength: float = 1.0) -> Tensor:
    """Show faces [N, 3, R, R] in another light: exposure, contrast, saturation and colour balance vary per face."""

    def jitter(channels: int, width: float) -> Tensor:
        width = width * strength
        return (torch.randn(len(faces), channels, 1, 1, generator=random).clamp(-2, 2) * width).to(faces)

    mean = faces.mean(dim=(1, 2, 3), keepdim=True)
    faces = (faces - mean) * (1 + jitter(1, 0.1)) + mean + jitter(1, 0.08) + jitter(3, 0.04)
    grey = faces.mean(dim=1, keepdim=True)
    return (grey + (faces - grey) * (1 + jitter(1, 0.15))).clamp(-1, 1)


def vary_framing(pictures: Tensor, random: torch.Generator, strength: float = 1.0) -> Tensor:
    """Shift, turn and scale pictures [N, 3, R, R] a little: landmarks are never exact."""
    count = len(pictures)
    if not count:
        return pictures

    def jitter(width: float) -> Tensor:
        return torch.randn(count, generator=random).clamp(-2, 2) * (width * strength)

    scale, angle = 1 + jitter(0.015), jitter(0.015)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    matrix = torch.stack([cos, -sin, jitter(0.012), sin, cos, jitter(0.012)], dim=1).view(count, 2, 3)
    grid = F.affine_grid(matrix.to(pictures), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
