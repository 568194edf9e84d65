"""What a trained method is worth: measured on drawn pets, whose truth is known, and on unseen real faces."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.lab.methods.datasets import HeldOutPets
from engine.lab.methods.kernel_distance import fingerprints, kernel_distance, own_nearest
from engine.lab.methods.path_length import path_length
from engine.lab.methods.training_loop import Model
from engine.stylegan.perceptual import PerceptualDistance

PATHS = 100  # ways that a perceptual path length is the mean over
_AT_ONCE = 25


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One method's. Shares are 0..1, gaps at most 1."""

    gap_mean: float  # 1 - d(result, young) / d(adult, young): 1 is perfect, 0 is as far away as the adult itself
    gap_worst: float  # of the pet it did worst
    distance: float  # d(result, young), the mean perceptual distance
    right_change: float  # how much of the true change is made: 1 all of it, 0 nothing
    other_change: float  # how much else is changed, in sizes of the true change
    identity: float  # of how many results the nearest of all the true young ones is their own
    identity_real: float  # of how many results of real faces the nearest of all these faces is their own
    kid: float  # between the results and the true young ones
    kid_real: float  # between the results of real faces and faces of real young pets
    results_a_second: float
    path_lengths: dict[str, float] = field(default_factory=dict)  # such as "w full"; of methods with latents
    gaps: Tensor = field(default_factory=lambda: torch.empty(0))  # [N]
    drawn: Tensor = field(default_factory=lambda: torch.empty(0))  # the results [N, 3, R, R]
    real: Tensor = field(default_factory=lambda: torch.empty(0))  # [L, 3, R, R]


def score(model: Model, pets: HeldOutPets, extractor: PerceptualDistance) -> Score:
    """Measure a model."""
    measured = score_results(model.younger, pets, extractor)
    lengths = {
        f"{name} {sampling}": path_length(space, extractor, sampling, PATHS)
        for name, space in model.latent_spaces().items()
        for sampling in ("full", "end")
    }
    measured.path_lengths.update(lengths)
    return measured


@torch.no_grad()
def score_results(younger: Callable[[Tensor], Tensor], pets: HeldOutPets, extractor: PerceptualDistance) -> Score:
    """Measure what makes pets younger."""
    started = time.perf_counter()
    drawn, real = younger(pets.adults).cpu(), younger(pets.real).cpu() if len(pets.real) else pets.real
    seconds = time.perf_counter() - started
    gaps, distances = gaps_closed(drawn, pets, extractor)
    right, other = changes_made(drawn, pets)
    ours, true = fingerprints(drawn), fingerprints(pets.young)
    identity_real = kid_real = float("nan")
    if len(real):
        prints = fingerprints(real)
        identity_real = own_nearest(prints, fingerprints(pets.real))
        kid_real = kernel_distance(prints, fingerprints(pets.real_young))
    return Score(
        gap_mean=float(gaps.mean()),
        gap_worst=float(gaps.min()),
        distance=float(distances.mean()),
        right_change=right,
        other_change=other,
        identity=own_nearest(ours, true),
        identity_real=identity_real,
        kid=kernel_distance(ours, true),
        kid_real=kid_real,
        results_a_second=(len(drawn) + len(real)) / seconds,
        gaps=gaps,
        drawn=drawn,
        real=real,
    )


@torch.no_grad()
def gaps_closed(results: Tensor, pets: HeldOutPets, extractor: PerceptualDistance) -> tuple[Tensor, Tensor]:
    """The gap closed for each pet, and the distance that is left: [N] each."""

    def apart(a: Tensor, b: Tensor) -> Tensor:
        parts = zip(torch.split(a, _AT_ONCE), torch.split(b, _AT_ONCE), strict=True)
        return torch.cat([extractor(x, y) for x, y in parts])

    left = apart(results, pets.young)
    return 1 - left / apart(pets.adults, pets.young), left


def changes_made(results: Tensor, pets: HeldOutPets) -> tuple[float, float]:
    """What of the way from adult to young lies along the true one, and what across it, in pixels and its own lengths.

    The truth is (1, 0), the adult (0, 0). Unlike a perceptual distance, this forgives blur.
    """
    way, true = results - pets.adults, pets.young - pets.adults
    right = (way * true).sum() / true.square().sum()
    return float(right), float((way - right * true).norm() / true.norm())
