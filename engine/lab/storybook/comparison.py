"""Compares how near two networks come to real faces that they never saw, before any tuning.

So it shows what photos have taught the embedded network.
Both search in W+, each at its own resolution and from its own encoder's guess: for as long as the engine does, for
longer, and for as many steps as the published algorithm takes. The other one may have been trained on drawn pets alone
(`--photos-per-step 0`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import OperatorError
from engine.inversion import ENCODER_INITIALISED, OFFICIAL, Projection, ProjectionOptions, advance
from engine.inversion.search import resized
from engine.lab.annotations import held_out_faces
from engine.lab.storybook.face_dataset import open_dataset
from engine.lab.storybook.storybook_model import load_model
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import Network
from engine.stylegan.store.statistics import measure
from engine.threads import one_core_threads
from engine.vision.alignment import FaceTemplate

SEARCHES = (
    ENCODER_INITIALISED,  # as the engine does
    replace(ENCODER_INITIALISED, steps=60),  # as long as it helps
    replace(ENCODER_INITIALISED, steps=OFFICIAL.steps, delta_weight=0.02, patience=0),  # as near as the layers come
)
FACES_PER_BATCH = 8  # searched for as one batch; bounds the memory


@dataclass(frozen=True, slots=True)
class FaceDistances:
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
) -> Iterator[FaceDistances]:
    """Compare the network with that of a checkpoint on held-out faces of annotated photos, at the resolution of either.

    Raises `OperatorError` if there are none.
    """
    model, template = load_model(checkpoint), FaceTemplate.STORYBOOK
    encoder, statistics = model.encoder_average, measure(model.average)
    networks = network, Network("checkpoint", model.average, template, (), checkpoint, statistics, encoder)
    sides = sorted({one.generator.config.img_resolution for one in networks})
    # What has no recorded licence is held out today, but the first weights learnt from it.
    unseen = [photo for folder in folders for photo in held_out_faces(folder) if photo.licence_known]
    photos = sorted(unseen, key=lambda photo: hashlib.sha256(photo.path.name.encode()).digest())[:count]
    if not photos:
        raise OperatorError("there is no face to compare on")
    faces = open_dataset(photos, sides[-1]).pictures(torch.arange(len(photos)))
    with one_core_threads(2, "search") as pool:
        for some, options in product(torch.split(faces, FACES_PER_BATCH), searches):
            pictures = [_found(some, one, extractor, options, pool) for one in networks]
            for side in sides:
                truth = resized(some, side)
                ours, others = (extractor(resized(picture, side), truth).tolist() for picture in pictures)
                yield from (FaceDistances(options.steps, side, *both) for both in zip(ours, others, strict=True))


@torch.no_grad()
def _found(
    faces: Tensor, network: Network, extractor: PerceptualDistance, options: ProjectionOptions, pool: Executor
) -> Tensor:
    """The network's pictures [N, 3, R, R] of these faces after such a search."""
    generator, encoder = network.generator, network.encoder
    targets = torch.split(resized(faces, generator.config.img_resolution), 1)
    starts = [None if encoder is None else encoder.latents(target) for target in targets]
    searches = [
        Projection(target, generator, network.statistics, extractor, options, start)
        for target, start in zip(targets, starts, strict=True)
    ]
    found: dict[int, Tensor] = {}
    while going := [search for search in searches if not search.done]:
        with torch.enable_grad():
            advance(going, pool)
        found |= {id(search): search.step().ws for search in going}
    picture: Tensor = generator.synthesis(torch.cat([found[id(search)] for search in searches]))
    return picture
