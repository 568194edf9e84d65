"""How drawn pets grow: as portraits do, by growth measured on real animals (`engine.growth.face_growth`).

Nothing has to be found in a picture here: landmarks, outline and kind are those that the pet is drawn from.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.growth.face_growth import FaceGrowth
from engine.growth.face_plane import face_plane
from engine.lab.drawn_pets.anatomy import Anatomy
from engine.messages import Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT, Alignment
from engine.vision.head_parsing import LANDMARKS, SIDE, STRIDE, ParsedHead

_CELLS = 64  # of the flow, across and down: it is smooth
_INVERSION_STEPS = 20
_THE_CROP = Alignment(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), SIDE)


def growths(adults: Anatomy) -> Iterator[FaceGrowth]:
    """The growth of each pet, from its head as the head parser would tell it if it never erred."""
    landmarks = adults.landmarks().cpu() * (EYE_DISTANCE * SIDE) + torch.tensor([SIDE / 2, EYE_HEIGHT * SIDE])
    masks, kinds = adults.mask(SIDE // STRIDE).cpu(), adults.kinds().cpu()
    mouths_open = torch.sigmoid(8 * adults["tongue"]).flatten().tolist()
    cats = (adults["cat"].flatten() > 0).tolist()
    for i, (mouth_open, cat) in enumerate(zip(mouths_open, cats, strict=True)):
        parsed = ParsedHead(
            _THE_CROP,
            landmarks[i].numpy(),
            np.ones(len(LANDMARKS), np.float32),
            masks[i].numpy(),
            kinds[i].numpy(),
            mouth_open,
            eyes_open=1.0,
            flash=0.0,
            baby=0.0,
        )
        yield FaceGrowth(parsed, Species.CAT if cat else Species.DOG)


def moved(points: Tensor, adults: Anatomy, ages: Tensor, resolution: int = 128) -> Tensor:
    """Where points [N, P, 2] of the adults come to lie in pictures at `ages` [N]; both are on the face plane."""
    taken, _ = sources(adults, ages, resolution)
    ways = (taken - face_plane(resolution, ages.device)).permute(0, 3, 1, 2)
    there = points
    for _ in range(_INVERSION_STEPS):  # flows tell where pixels come from; where they lead to is found step by step
        grid = there * (2 * EYE_DISTANCE) + there.new_tensor([0.0, 2 * EYE_HEIGHT - 1])
        here = F.grid_sample(ways, grid[:, None], padding_mode="border", align_corners=False)
        there = points - here[:, :, 0].transpose(1, 2)
    return there


@torch.no_grad()
def sources(adults: Anatomy, ages: Tensor, resolution: int) -> tuple[Tensor, Tensor]:
    """Where pets, and what is behind them, take their points from at `ages` [N]: two of [N, R, R, 2].

    Places on the face plane. 0 is today, 1 eight weeks, below 0 is older.
    """
    flows = [growth.flow(age, _CELLS)[0] for growth, age in zip(growths(adults), ages.tolist(), strict=True)]
    points = face_plane(resolution, ages.device)
    flow = F.interpolate(torch.stack(flows).to(points), (resolution,) * 2, mode="bicubic", align_corners=False)
    ways = flow.permute(0, 2, 3, 1) / (EYE_DISTANCE * _CELLS)
    body = FaceGrowth.body(resolution).to(points)[0, 0, :, :, None]
    return points + ways, points + ways * body
