"""How near two networks come to real faces they never saw, before any lock: what photos have taught the embedded one.

Both search in W+, each at its own resolution and from its own encoder's guess: for as long as the engine does, for
longer, and until hardly anything changes. The other one may have been trained on drawn pets alone
(`--photos-per-step 0`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.encoder import Encoder
from engine.errors import EngineFault
from engine.generator import Generator
from engine.networks import Network
from engine.networks.statistics import WStatistics, measure
from engine.perceptual import PerceptualDistance
from engine.projection import FROM_GUESS, ProjectionOptions, project
from engine.storybook.photobook import is_held_out, open_photobook, usable_faces
from engine.storybook.training import load_student

SEARCHES = (
    FROM_GUESS,  # as the engine does
    replace(FROM_GUESS, steps=60),  # as long as it helps
    replace(FROM_GUESS, steps=300, delta_weight=0.02, patience=0),  # as near as the layers come
)


@dataclass(frozen=True, slots=True)
class Nearness:
    """Perceptual distances of one face to what two networks find for it in so many steps, both at `side` px."""

    steps: int
    side: int
    ours: float
    others: float


def compare(
    network: Network,
    checkpoint: Path,
    folders: Sequence[Path],
    extractor: PerceptualDistance,
    count: int,
    searches: Sequence[ProjectionOptions] = SEARCHES,
) -> Iterator[Nearness]:
    """Compare the network with that of a checkpoint on held-out faces of marked photos, at the resolution of either.

    Raises `EngineFault` if there are none.
    """
    student = load_student(checkpoint)
    other = student.average
    sides = sorted({one.config.img_resolution for one in (network.generator, other)})
    # What has no recorded licence is held out today, but the first weights learnt from it.
    unseen = [mark for folder in folders for mark in usable_faces(folder) if is_held_out(mark) and mark.licence_known]
    marks = sorted(unseen, key=lambda mark: hashlib.sha256(mark.path.name.encode()).digest())[:count]
    if not marks:
        raise EngineFault("there is no face to compare on")
    statistics = measure(other)
    for face in open_photobook(marks, sides[-1]).faces:
        target = face[None].float() / 127.5 - 1
        for options in searches:
            pictures = [
                _found(target, network.generator, network.statistics, network.encoder, extractor, options),
                _found(target, other, statistics, student.encoder_average, extractor, options),
            ]
            for side in sides:
                truth = _resized(target, side)
                ours, others = (float(extractor(_resized(picture, side), truth)) for picture in pictures)
                yield Nearness(options.steps, side, ours, others)


def _found(
    target: Tensor,
    generator: Generator,
    statistics: WStatistics,
    encoder: Encoder | None,
    extractor: PerceptualDistance,
    options: ProjectionOptions,
) -> Tensor:
    """The network's picture [1, 3, R, R] after such a search."""
    target = _resized(target, generator.config.img_resolution)
    with torch.no_grad():
        start = None if encoder is None else encoder.latents(target)
    *_, last = project(target, generator, statistics, extractor, options, start)
    with torch.no_grad():
        picture: Tensor = generator.synthesis(last.ws)
    return picture


def _resized(picture: Tensor, side: int) -> Tensor:
    if picture.shape[-1] > side:
        return F.interpolate(picture, (side, side), mode="area")
    return picture if picture.shape[-1] == side else F.interpolate(picture, (side, side), mode="bicubic")
