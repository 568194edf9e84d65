"""Fits the age classifier to hand labels.

Young animals are photographed more often in soft light before plain walls. So the classifier sees the head alone, and
learns on pictures in all lights, sharp, soft and grainy: what is left to go by is the animal.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.annotations import usable_faces
from engine.lab.evaluation.age_classifier import FEATURES, SIDE, AgeClassifier, head_features
from engine.lab.storybook.batches import vary_framing, vary_light
from engine.lab.storybook.face_dataset import FaceDataset, open_dataset

_BATCH = 16  # faces; bounds the memory
_DECAY = 0.03  # of the squared weights, against the mean cross entropy; more makes the classifier less sure of itself
_ITERATIONS = 200  # of L-BFGS at most


def train_classifier(folders: Sequence[Path], views: int = 12, seed: int = 0) -> tuple[AgeClassifier, float]:
    """Train the classifier on annotated photos of known age.

    Returns it and the share of pairs of a young and an adult face, both held out, that it ranks right.
    """
    photos = [photo for folder in folders for photo in usable_faces(folder) if photo.young is not None]
    dataset = open_dataset(photos, SIDE)
    held_out = torch.tensor([photo.held_out_from_storybook for photo in photos])
    classifier = fit_classifier(dataset, ~held_out, torch.Generator().manual_seed(seed), views)
    batches = torch.split(held_out.nonzero()[:, 0], _BATCH)
    scores = torch.cat([classifier.with_mirror_images(dataset.pictures(batch)) for batch in batches])
    return classifier, area_under_curve(scores, dataset.ages[held_out] > 0.5)


@torch.no_grad()
def fit_classifier(dataset: FaceDataset, labelled: Tensor, random: torch.Generator, views: int = 12) -> AgeClassifier:
    """Fit a classifier to the faces that `labelled` [N] (bool) selects, each seen in `views` variations.

    The faces are of `engine.lab.evaluation.age_classifier.SIDE` px, and some of either age are among them.
    """
    young = dataset.ages[labelled] > 0.5
    features = torch.stack([_features(dataset, labelled, random) for _ in range(views)])
    classifier = AgeClassifier()
    classifier.mean.copy_(features.flatten(0, 1).mean(dim=0))
    classifier.scale.copy_(1 / (features.flatten(0, 1).std(dim=0) + 1e-3))
    normalised = (features - classifier.mean) * classifier.scale
    classifier.weight, classifier.bias = _logistic_regression(normalised, young.float().expand(views, -1))
    return classifier


def augment(faces: Tensor, random: torch.Generator) -> Tensor:
    """Faces [N, 3, R, R] in other lights and frames, some softer, some sharper, some grainy, half of them mirrored."""
    count = len(faces)
    mirrored = torch.rand(count, generator=random) < 0.5
    faces = torch.where(mirrored[:, None, None, None].to(faces.device), faces.flip(-1), faces)
    faces = vary_framing(vary_light(faces, random, 2.0), random, 4.0)
    soft = F.avg_pool2d(F.pad(faces, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    amount = torch.rand(count, 1, 1, 1, generator=random).mul(1.8).sub(0.9).to(faces)  # below 0 sharper
    grain = torch.randn(faces.shape, generator=random).to(faces)
    strength = (torch.rand(count, 1, 1, 1, generator=random) - 0.6).clamp(min=0).mul(0.15).to(faces)
    return (torch.lerp(faces, soft, amount) + strength * grain).clamp(-1, 1)


def area_under_curve(scores: Tensor, young: Tensor) -> float:
    """The share of pairs in which the young face scores higher than the adult one: 1 is perfect, 0.5 is guessing."""
    return float((scores[young][:, None] > scores[~young][None]).float().mean())


def _features(dataset: FaceDataset, which: Tensor, random: torch.Generator) -> Tensor:
    batches = torch.split(which.nonzero()[:, 0], _BATCH)
    return torch.cat([head_features(augment(dataset.pictures(batch), random)) for batch in batches])


@torch.enable_grad()
def _logistic_regression(features: Tensor, young: Tensor) -> tuple[Tensor, Tensor]:
    """Weight [FEATURES] and bias [] of a ridge regression in which both ages count alike."""
    weight, bias = torch.zeros(FEATURES, requires_grad=True), torch.zeros((), requires_grad=True)
    adults_per_young = (young < 0.5).sum() / young.sum()
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.binary_cross_entropy_with_logits(features @ weight + bias, young, pos_weight=adults_per_young)
        value = value + _DECAY * weight.square().sum()
        torch.autograd.backward(value)
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
