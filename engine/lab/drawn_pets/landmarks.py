"""Where eyes, nose and the head's upper end of faces lie on the face plane (`engine.growth.face_plane`).

Drawn pets and the photos that the embedded network learns from grow by these few marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.messages import Head, Point, Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT, Alignment


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Where the parts of N faces lie on the face plane."""

    eyes: Tensor  # [N, 2, 2]: left and right as the viewer sees them; x, y
    nose: Tensor  # [N, 2]
    top: Tensor  # [N], y of the head's upper end, ears included
    cats: Tensor  # bool [N]

    def __getitem__(self, index: Tensor) -> "Landmarks":
        return Landmarks(self.eyes[index], self.nose[index], self.top[index], self.cats[index])

    def mirrored(self, which: Tensor) -> "Landmarks":
        """Those of pictures flipped left to right where `which` [N] says so."""
        sign = torch.where(which, -1.0, 1.0)
        flip = torch.stack([sign, torch.ones_like(sign)], dim=-1)
        eyes = torch.where(which[:, None, None], self.eyes.flip(1), self.eyes)
        return Landmarks(eyes * flip[:, None], self.nose * flip, self.top, self.cats)

    def to(self, device: torch.device | str) -> "Landmarks":
        return Landmarks(*(part.to(device) for part in (self.eyes, self.nose, self.top, self.cats)))


def landmarks_of(heads: Sequence[tuple[Head, Alignment]], species: Sequence[Species]) -> Landmarks:
    """The landmarks of aligned heads; what is hidden lies where it does in most faces."""
    eyes, noses, tops = [], [], []
    for head, alignment in heads:

        def on_plane(point: Point, alignment: Alignment = alignment) -> Point:
            x, y = alignment.to_crop(point)
            unit = EYE_DISTANCE * alignment.size
            return (x - alignment.size / 2) / unit, (y - EYE_HEIGHT * alignment.size) / unit

        left = on_plane(head.left_eye) if head.left_eye else (-0.5, 0.0)
        right = on_plane(head.right_eye) if head.right_eye else (0.5, 0.0)
        eyes.append((left, right))
        noses.append(on_plane(head.nose) if head.nose else (0.0, 0.75))
        # Seen in the head's own upright: the box's upper side where the line from the nose through the eyes meets it.
        x0, y0, x1, _ = head.box
        tops.append(min(on_plane(((x0 + x1) / 2, y0))[1], -0.5))
    cats = torch.tensor([one is Species.CAT for one in species])
    return Landmarks(torch.tensor(eyes), torch.tensor(noses), torch.tensor(tops), cats)
