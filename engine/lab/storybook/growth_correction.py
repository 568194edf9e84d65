"""Learns from photos how else parts of a face must move until adults look young.

The result is one smooth displacement field for each species
(`engine.lab.drawn_pets.drawn_growth.learned_correction`), found by gradient descent through an age classifier. To
keep it from finding what only that classifier believes in, the field is small, smooth and symmetric, and the pictures
vary in light and frame.

Three classifiers take part. The guiding one learns from half of the training labels and is descended through. Two say
whether it worked, on photos held out from all of them: one that learns from all training labels, which is kept, and an
independent one that shares no label with the guide.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from tqdm import trange

from engine.lab.annotations import usable_faces
from engine.lab.drawn_pets.drawn_growth import CORRECTION_SIDE, grow
from engine.lab.evaluation.age_classifier import SIDE, AgeClassifier
from engine.lab.storybook.age_classifier_training import area_under_curve, augment, fit_classifier
from engine.lab.storybook.face_dataset import FaceDataset, open_dataset

_BATCH = 16  # faces scored at a time; bounds the memory


@dataclass(frozen=True, slots=True)
class CorrectionOptions:
    """How the correction is learned."""

    steps: int = 160
    batch: int = 12  # faces a step
    learning_rate: float = 0.012
    aim: float = 1.5  # log odds; a face that looks younger than this pulls no longer
    smoothness: float = 110.0  # against squared differences between neighbouring control points
    smallness: float = 14.0  # against squares
    # Of the field found for dogs and for cats, how much is applied: the rest convinces classifiers, not eyes.
    applied: tuple[float, float] = (0.5, 0.8)
    views: int = 12  # variations of each face that classifiers learn from
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AgeEvaluation:
    """What a classifier says of held-out faces. All are shares, 0..1."""

    area_under_curve: float  # of pairs of a young and an adult face, those ranked right
    younger_before: float  # of the adults, those it finds younger at age 1 without the correction
    younger: float  # and with it


@dataclass(frozen=True, slots=True)
class CorrectionResult:
    """The correction, the classifier to keep, and what two classifiers say of the correction."""

    correction: Tensor  # as `engine.lab.drawn_pets.drawn_growth.learned_correction`
    classifier: AgeClassifier
    evaluation: AgeEvaluation  # by that classifier
    independent_evaluation: AgeEvaluation


def learn_correction(folders: list[Path], options: CorrectionOptions | None = None) -> CorrectionResult:
    """Learn the correction, and an age classifier besides, from annotated photos of known age."""
    options = options or CorrectionOptions()
    photos = [photo for folder in folders for photo in usable_faces(folder) if photo.young is not None]
    dataset = open_dataset(photos, SIDE)
    held_out = torch.tensor([photo.held_out_from_storybook for photo in photos])
    random = torch.Generator().manual_seed(options.seed)
    guiding = ~held_out & (torch.rand(len(photos), generator=random) < 0.5)
    guide, independent, classifier = (
        fit_classifier(dataset, which, random, options.views) for which in (guiding, ~held_out & ~guiding, ~held_out)
    )
    correction = _fit_field(dataset, guiding, guide, options, random)
    evaluation, independent_evaluation = (
        _evaluate(dataset, held_out, one, correction) for one in (classifier, independent)
    )
    return CorrectionResult(correction, classifier, evaluation, independent_evaluation)


def save_correction(correction: Tensor, folder: Path) -> None:
    """Write the correction as the engine reads it."""
    save_file({"correction": correction.contiguous()}, folder / "growth.safetensors")


def _evaluate(dataset: FaceDataset, held_out: Tensor, classifier: AgeClassifier, correction: Tensor) -> AgeEvaluation:
    young = dataset.ages > 0.5
    now = _scores(dataset, held_out, classifier, None)
    adults = now[~young[held_out]]
    shares = [
        float((_scores(dataset, held_out & ~young, classifier, field) > adults).float().mean())
        for field in (torch.zeros_like(correction), correction)
    ]
    return AgeEvaluation(area_under_curve(now, young[held_out]), *shares)


def _fit_field(
    dataset: FaceDataset, which: Tensor, guide: AgeClassifier, options: CorrectionOptions, random: torch.Generator
) -> Tensor:
    """The displacement field [2, 2, CORRECTION_SIDE, CORRECTION_SIDE]: dogs and cats, x and y."""
    control = torch.zeros(2, 2, CORRECTION_SIDE, CORRECTION_SIDE, requires_grad=True)
    optimiser = torch.optim.Adam([control], options.learning_rate, betas=(0.8, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    adults = (which & (dataset.ages < 0.5)).nonzero()[:, 0]
    ages = torch.ones(options.batch)
    for _ in trange(options.steps, desc="correction", disable=None):
        index = adults[torch.randint(len(adults), (options.batch,), generator=random)]
        field = _symmetric(control)
        odds = guide(augment(grow(dataset.pictures(index), dataset.landmarks[index], ages, field), random))
        loss = F.softplus(options.aim - odds).mean()
        bends = field.diff(dim=-1).square().mean() + field.diff(dim=-2).square().mean()
        loss = loss + options.smoothness * bends + options.smallness * field.square().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    return torch.tensor(options.applied)[:, None, None, None] * _symmetric(control).detach()


def _symmetric(control: Tensor) -> Tensor:
    """The mean of a field and its mirror image: alike on both sides of the face."""
    mirrored = control.flip(-1) * control.new_tensor([-1.0, 1.0])[:, None, None]
    return (control + mirrored) / 2


@torch.no_grad()
def _scores(dataset: FaceDataset, which: Tensor, classifier: AgeClassifier, field: Tensor | None) -> Tensor:
    """Log odds [M] that the faces that `which` selects look young, as they are or, with a field, at age 1."""
    scores = []
    for index in torch.split(which.nonzero()[:, 0], _BATCH):
        faces = dataset.pictures(index)
        if field is not None:
            faces = grow(faces, dataset.landmarks[index], torch.ones(len(index)), field)
        scores.append(classifier.with_mirror_images(faces))
    return torch.cat(scores)
