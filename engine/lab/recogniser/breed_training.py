"""Train the classifier rows for breeds, on EfficientNet-Lite0's frozen features.

    python -m engine.lab.recogniser.breed_training --photos PHOTOS HEADS --petless PICTURES --out
    engine/weights/breeds.safetensors

The rows of breeds with an ImageNet class start as that class's row, the others as the mean of their kin's. All are
pulled back to where they started while the marked photos draw them, so breeds with few photos move little and those
without any keep to their kin. Backgrounds and pictures without pets hold the rows down where there is no pet.
"""

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.breeds import BREEDS
from engine.lab.recogniser.annotations import Marked, read_marks
from engine.lab.recogniser.breed_examples import backgrounds, drawings, pet_looks, petless, pooled
from engine.messages import Species
from engine.vision.efficientnet import load_efficientnet
from engine.vision.recognition import row_chances

log = logging.getLogger(__name__)

# ImageNet classes that breeds without one resemble, as the network sees them; the dingo is 273, the lynx 287.
KIN: dict[str, tuple[int, ...]] = {
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
    steps: int = 150  # Adam, over everything at once
    rate: float = 2e-3
    pull: float = 0.01  # towards the start, of the squared distance of each row
    late: float = 1.0  # taken from the bias of rows that start from kin: they must earn their place
    unnamed: float = 0.3  # weight of a pet photo whose breed nobody wrote down (only its species counts)
    petless: float = 0.35  # weight of all pictures without a pet together, of the pets' weight
    seed: int = 3


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Pooled features [N, 1280]; of each example its breed's slug ("" unknown) and its species (None: no pet)."""

    features: Tensor
    breeds: tuple[str, ...]
    species: tuple[Species | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """`weight` [R, 1280] and `bias` [R] of the pets' rows, and the slug each row speaks for."""

    weight: Tensor
    bias: Tensor
    breeds: tuple[str, ...]


def first_rows(options: BreedTrainingOptions) -> Rows:
    """ImageNet's own rows, and for breeds without a class the mean of their kin's."""
    classifier = load_efficientnet().classifier
    source_points: list[tuple[str, tuple[int, ...], float]] = []
    for slug, breed in BREEDS.items():
        source_points += [(slug, (index,), 0.0) for index in breed.imagenet]
        if slug in KIN:
            source_points.append((slug, KIN[slug], options.late))
    weight = torch.stack([classifier.weight[list(classes)].mean(0) for _, classes, _ in source_points])
    bias = torch.stack([classifier.bias[list(classes)].mean() - late for _, classes, late in source_points])
    return Rows(weight, bias, tuple(slug for slug, _, _ in source_points))


def train_rows(examples: Examples, options: BreedTrainingOptions) -> Rows:
    """Maximise the likelihood of each example's breed, or species where that is all we know, or of no pet."""
    start = first_rows(options)
    weight, bias = start.weight.clone().requires_grad_(), start.bias.clone().requires_grad_()
    right = _right_rows(examples, start.breeds)
    is_pet = right.any(1)
    share = _weights(examples, options)
    imagenet = load_efficientnet().logits(examples.features)
    optimizer = torch.optim.Adam([weight, bias], lr=options.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    for step in range(options.steps):
        chances = row_chances(examples.features, imagenet, weight, bias)
        pet = chances.sum(1)
        likelihood = torch.where(is_pet, (chances * right).sum(1), 1 - pet)
        moved = (weight - start.weight).square().sum() + (bias - start.bias).square().sum()
        loss = -(share * likelihood.clamp(min=1e-6).log()).sum() / share.sum() + options.pull * moved
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            log.info("step %d, loss %.4f", step + 1, loss.item())
    return Rows(weight.detach(), bias.detach(), start.breeds)


def gather(photos: list[Marked], petless_pictures: list[Path], options: BreedTrainingOptions) -> Examples:
    """Look at every photo, at backgrounds in them, at the pictures without pets, and at drawings of nothing."""
    random = Random(options.seed)
    parts: list[tuple[Tensor, str, Species | None]] = []
    for marked in photos:
        parts.append((pooled(pet_looks(marked, random)), marked.breed, marked.species))
        behind = backgrounds(marked, random, 2)
        if behind:
            parts.append((pooled(behind), "", None))
    parts += [(pooled(petless(path, random, 16)), "", None) for path in petless_pictures]
    parts.append((pooled(list(drawings(random, 60))), "", None))
    return Examples(
        torch.cat([features for features, _, _ in parts]),
        tuple(breed for features, breed, _ in parts for _ in features),
        tuple(species for features, _, species in parts for _ in features),
    )


def _right_rows(examples: Examples, rows: tuple[str, ...]) -> Tensor:
    """[N, R], true where the row speaks for the example's breed, or, unknown to the rows, for its species."""
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


def _weights(examples: Examples, options: BreedTrainingOptions) -> Tensor:
    """Rare breeds weigh more a photo: each breed's total grows with the root of its number."""
    counts: dict[str, int] = {}
    for breed in examples.breeds:
        counts[breed] = counts.get(breed, 0) + 1
    weights = torch.tensor(
        [
            0.0 if species is None else options.unnamed if not breed else (20 / counts[breed]) ** 0.5
            for breed, species in zip(examples.breeds, examples.species, strict=True)
        ]
    )
    without = torch.tensor([species is None for species in examples.species])
    weights[without] = options.petless * weights.sum() / without.sum().clamp(min=1)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the classifier rows for breeds.")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders with faces.tsv and SOURCES.tsv")
    parser.add_argument("--petless", type=Path, required=True, help="a folder of pictures without pets")
    parser.add_argument("--out", type=Path, required=True, help="where to write the rows (safetensors)")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = BreedTrainingOptions()
    photos = [marked for folder in asked.photos for marked in read_marks(folder) if not marked.held_out]
    rows = train_rows(gather(photos, sorted(asked.petless.iterdir()), options), options)
    stored = {"weight": rows.weight.half(), "bias": rows.bias.half()}
    save_file(stored, asked.out, {"breeds": json.dumps(rows.breeds)})


if __name__ == "__main__":
    main()
