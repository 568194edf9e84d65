"""Trains the classifier rows for breeds, on EfficientNet-Lite0's frozen features.

The rows of breeds with an ImageNet class start as that class's row, the others as the mean of similar classes. All are
held near their start while the annotated photos move them, so breeds with few photos move little and those without any
stay with the similar classes. Backgrounds and pictures without pets hold the rows down where there is no pet.
"""

import json
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm, trange

from engine.breeds import BREEDS
from engine.lab.annotations import AnnotatedPhoto
from engine.lab.recogniser.breed_examples import backgrounds, patterns, pet_views, petless_views, pooled
from engine.messages import Species
from engine.vision.efficientnet import load_efficientnet
from engine.vision.recognition import BreedRows, row_chances

log = logging.getLogger(__name__)

# ImageNet classes that breeds without one resemble, as the network sees them; the dingo is 273, the lynx 287.
SIMILAR_CLASSES: dict[str, tuple[int, ...]] = {
    "akita": (248, 273, 260),
    "american_bulldog": (242, 243, 180),
    "american_pit_bull_terrier": (180, 179),
    "australian_cattle_dog": (227, 164, 248),
    "australian_shepherd": (232, 231, 239),
    "bichon_frise": (153, 265, 266, 204),
    "bolognese": (153, 265),
    "bulldog": (243, 245, 242),
    "cavapoo": (265, 156, 219),
    "dachshund": (165, 168, 237, 211),
    "goldendoodle": (207, 267, 221),
    "havanese": (204, 155, 200),
    "jack_russell_terrier": (188, 166, 158),
    "japanese_spitz": (258, 259),
    "jindo": (273, 222, 248),
    "lagotto_romagnolo": (221, 267, 266),
    "maltipoo": (153, 265),
    "nova_scotia_duck_tolling_retriever": (215, 207, 213),
    "shiba_inu": (273, 263, 260),
    "abyssinian": (286, 285, 287),
    "american_shorthair": (281, 282, 285),
    "bengal": (282, 285, 290),
    "birman": (284, 283),
    "bombay": (285, 281),
    "british_shorthair": (281, 285, 283),
    "burmese": (284, 285),
    "devon_rex": (285, 284),
    "domestic_shorthair": (281, 282, 285),
    "maine_coon": (281, 282, 287),
    "norwegian_forest": (281, 283, 287),
    "ragdoll": (284, 283),
    "russian_blue": (285, 284),
    "savannah": (285, 282, 290),
    "scottish_fold": (281, 285, 283),
    "siberian_cat": (281, 283, 282),
    "sphynx": (268, 285),
    "tonkinese": (284, 285),
}


@dataclass(frozen=True, slots=True)
class BreedTrainingOptions:
    """How the rows are trained: Adam, over all examples at once."""

    steps: int = 150
    learning_rate: float = 2e-3
    start_weight: float = 0.01  # against the squared distance of each row from its start
    bias_handicap: float = 1.0  # taken from the bias of rows that start from similar classes; they have to earn it
    unnamed_weight: float = 0.3  # of a pet photo whose breed nobody wrote down; only its species counts
    petless_weight: float = 0.35  # of all pictures without a pet together, over that of the pets
    seed: int = 3


@dataclass(frozen=True, slots=True, eq=False)
class BreedExamples:
    """Pooled features [N, 1280]; of each example its breed's slug ("" unknown) and its species (None: no pet)."""

    features: Tensor
    breeds: tuple[str, ...]
    species: tuple[Species | None, ...]


def first_rows(options: BreedTrainingOptions) -> BreedRows:
    """ImageNet's own rows, and for breeds without a class the mean of the rows of similar classes."""
    classifier = load_efficientnet().classifier
    sources: list[tuple[str, tuple[int, ...], float]] = []
    for slug, breed in BREEDS.items():
        sources += [(slug, (index,), 0.0) for index in breed.imagenet]
        if slug in SIMILAR_CLASSES:
            sources.append((slug, SIMILAR_CLASSES[slug], options.bias_handicap))
    weight = torch.stack([classifier.weight[list(classes)].mean(0) for _, classes, _ in sources])
    bias = torch.stack([classifier.bias[list(classes)].mean() - handicap for _, classes, handicap in sources])
    return BreedRows(weight, bias, tuple(slug for slug, _, _ in sources))


def train_rows(examples: BreedExamples, options: BreedTrainingOptions) -> BreedRows:
    """Maximise the likelihood of each example's breed, or species where that is all we know, or of no pet."""
    start = first_rows(options)
    weight, bias = start.weight.clone().requires_grad_(), start.bias.clone().requires_grad_()
    right = _right_rows(examples, start.breeds)
    is_pet = right.any(1)
    share = _weights(examples, options)
    imagenet = load_efficientnet().logits(examples.features)
    optimizer = torch.optim.Adam([weight, bias], lr=options.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    for step in trange(options.steps, desc="breeds", disable=None):
        chances = row_chances(examples.features, imagenet, weight, bias)
        pet = chances.sum(1)
        likelihood = torch.where(is_pet, (chances * right).sum(1), 1 - pet)
        moved = (weight - start.weight).square().sum() + (bias - start.bias).square().sum()
        loss = -(share * likelihood.clamp(min=1e-6).log()).sum() / share.sum() + options.start_weight * moved
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            log.info("step %d, loss %.4f", step + 1, loss.item())
    return BreedRows(weight.detach(), bias.detach(), start.breeds)


def gather(photos: list[AnnotatedPhoto], petless: list[Path], options: BreedTrainingOptions) -> BreedExamples:
    """Collect views of every photo, of backgrounds in them, of the pictures without pets, and of patterns."""
    random = Random(options.seed)
    parts: list[tuple[Tensor, str, Species | None]] = []
    for photo in tqdm(photos, desc="photos", disable=None):
        parts.append((pooled(pet_views(photo, random)), photo.breed, photo.species))
        behind = backgrounds(photo, random, 2)
        if behind:
            parts.append((pooled(behind), "", None))
    parts += [
        (pooled(petless_views(path, random, 16)), "", None)
        for path in tqdm(petless, desc="pictures without pets", disable=None)
    ]
    parts.append((pooled(list(patterns(random, 60))), "", None))
    return BreedExamples(
        torch.cat([features for features, _, _ in parts]),
        tuple(breed for features, breed, _ in parts for _ in features),
        tuple(species for features, _, species in parts for _ in features),
    )


def _right_rows(examples: BreedExamples, rows: tuple[str, ...]) -> Tensor:
    """[N, R], true where the row is of the example's breed or, if no row is, of its species."""
    known = set(rows)
    of_breed = {slug: torch.tensor([row == slug for row in rows]) for slug in known}
    of_species = {one: torch.tensor([BREEDS[row].species is one for row in rows]) for one in Species}
    neither = torch.zeros(len(rows), dtype=torch.bool)
    return torch.stack(
        [
            of_breed[breed] if breed in known else of_species[species] if species else neither
            for breed, species in zip(examples.breeds, examples.species, strict=True)
        ]
    )


def _weights(examples: BreedExamples, options: BreedTrainingOptions) -> Tensor:
    """Weights [N]: a photo of a rare breed weighs more, so that a breed's total grows with the root of its number."""
    counts = Counter(examples.breeds)
    weights = torch.tensor(
        [
            0.0 if species is None else options.unnamed_weight if not breed else (20 / counts[breed]) ** 0.5
            for breed, species in zip(examples.breeds, examples.species, strict=True)
        ]
    )
    without = torch.tensor([species is None for species in examples.species])
    weights[without] = options.petless_weight * weights.sum() / without.sum().clamp(min=1)
    return weights


def save_rows(rows: BreedRows, file: Path) -> None:
    """Write the rows as the recogniser reads them, in float16."""
    stored = {"weight": rows.weight.half(), "bias": rows.bias.half()}
    save_file(stored, file, {"breeds": json.dumps(rows.breeds)})
