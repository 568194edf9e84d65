"""Growth corrected on photos: how else must parts move until adults look young?

One smooth way for all faces of a species (`engine.lab.drawn_pets.drawn_growth.learned_correction`), found by gradient
descent through a reader of age. To keep it from finding what only that reader believes in, it is small, smooth and
the same on both sides, and the pictures vary in light and frame. The reader that guides it learned from half of the
labels. Whether it worked is asked, on photos that nobody has learned from, of a judge that learned from all the
others, and of a stranger that learned from the other half alone.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from engine.lab.drawn_pets.drawn_growth import CORRECTION_SIDE, grow
from engine.lab.evaluation.age_classifier import SIDE, AgeClassifier, area_under_curve, fitted, varied
from engine.lab.storybook.face_dataset import FaceDataset, is_held_out, open_dataset, usable_faces


@dataclass(frozen=True, slots=True)
class CorrectingOptions:
    """How the correction is found."""

    steps: int = 160
    batch: int = 12
    learning_rate: float = 0.012
    aim: float = 1.5  # log odds, from where on a face looks young enough
    smoothness: float = 110.0  # against squared differences between neighbouring control points
    smallness: float = 14.0  # against squares
    taken: tuple[float, float] = (0.5, 0.8)  # of the ways found for dogs and cats: the rest convinces readers, not eyes
    views: int = 12  # of each face that readers learn from
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reader says of held-out faces."""

    area: float  # under its curve, of young against adult ones
    younger_before: float  # share of the adults that it finds younger at age 1 without the correction
    younger: float  # and with it


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was found, and how well it does."""

    correction: Tensor  # as `engine.lab.drawn_pets.drawn_growth.learned_correction`
    judge: AgeClassifier
    judged: Verdict  # by the judge
    by_stranger: Verdict


def correct(folders: list[Path], options: CorrectingOptions | None = None) -> Corrected:
    """Learn the correction, and a judge beside it, from photos with hand-made marks and ages."""
    options = options or CorrectingOptions()
    marked = [mark for folder in folders for mark in usable_faces(folder) if mark.young is not None]
    book = open_dataset(marked, SIDE)
    held_out = torch.tensor([is_held_out(mark) for mark in marked])
    random = torch.Generator().manual_seed(options.seed)
    guiding = ~held_out & (torch.rand(len(marked), generator=random) < 0.5)
    guide, stranger, judge = (
        fitted(book, which, random, options.views) for which in (guiding, ~held_out & ~guiding, ~held_out)
    )
    correction = _found(book, guiding, guide, options, random)
    judged, by_stranger = (_verdict(book, held_out, classifier, correction) for classifier in (judge, stranger))
    return Corrected(correction, judge, judged, by_stranger)


def _verdict(book: FaceDataset, held_out: Tensor, classifier: AgeClassifier, correction: Tensor) -> Verdict:
    young = book.ages > 0.5
    now = _scores(book, held_out, classifier, None)
    adults = now[~young[held_out]]
    shares = [
        float((_scores(book, held_out & ~young, classifier, way) > adults).float().mean())
        for way in (torch.zeros_like(correction), correction)
    ]
    return Verdict(area_under_curve(now, young[held_out]), *shares)


def save_correction(correction: Tensor, folder: Path) -> None:
    """Write it as the engine reads it."""
    save_file({"correction": correction.contiguous()}, folder / "growth.safetensors")


def _found(
    book: FaceDataset, which: Tensor, guide: AgeClassifier, options: CorrectingOptions, random: torch.Generator
) -> Tensor:
    control = torch.zeros(2, 2, CORRECTION_SIDE, CORRECTION_SIDE, requires_grad=True)
    optimiser = torch.optim.Adam([control], options.learning_rate, betas=(0.8, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    adults = (which & (book.ages < 0.5)).nonzero()[:, 0]
    ages = torch.ones(options.batch)
    for _ in range(options.steps):
        index = adults[torch.randint(len(adults), (options.batch,), generator=random)]
        faces = book.faces[index].float() / 127.5 - 1
        way = _symmetric(control)
        odds = guide(varied(grow(faces, book.marks[index], ages, way), random))
        loss = F.softplus(options.aim - odds).mean()
        bends = way.diff(dim=-1).square().mean() + way.diff(dim=-2).square().mean()
        loss = loss + options.smoothness * bends + options.smallness * way.square().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    return torch.tensor(options.taken)[:, None, None, None] * _symmetric(control).detach()


def _symmetric(control: Tensor) -> Tensor:
    """Alike on both sides of the face."""
    other = control.flip(-1) * control.new_tensor([-1.0, 1.0])[:, None, None]
    return (control + other) / 2


@torch.no_grad()
def _scores(book: FaceDataset, which: Tensor, classifier: AgeClassifier, way: Tensor | None) -> Tensor:
    """[M]: how young the faces look, as they are or, with a correction, at age 1."""
    scores = []
    for index in torch.split(which.nonzero()[:, 0], 16):
        faces = book.faces[index].float() / 127.5 - 1
        if way is not None:
            faces = grow(faces, book.marks[index], torch.ones(len(index)), way)
        scores.append(classifier.both_ways(faces))
    return torch.cat(scores)
