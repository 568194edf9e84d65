"""Landmarks of faces on the face plane.

The unit of the face plane is the distance between the eyes of a frontal face, which lie at (±0.5, 0); x to the right,
y down. `engine.vision.alignment` frames pictures so that the plane's origin is at (0.5, EYE_HEIGHT) of them and its
unit is EYE_DISTANCE.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.messages import Head, Point, Species
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT, Alignment, FaceTemplate, align_to

_PLACED_AT = 512  # px, the crop in which landmarks are placed; they do not depend on it


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


def known_landmarks(
    photo_size: tuple[int, int], head: Head | None, template: FaceTemplate, species: Species
) -> Landmarks | None:
    """The head's landmarks; None where it is not known how the face grows.

    That is so without a head, and where the network places faces in another way than growth was measured in.
    `photo_size` is (width, height).
    """
    if head is None or template is not FaceTemplate.STORYBOOK:
        return None
    return landmarks_of([(head, align_to(photo_size, head, template, _PLACED_AT))], [species])


def face_plane(resolution: int, device: torch.device | str = "cpu") -> Tensor:
    """The face plane's coordinates of every pixel: [R, R, 2] (x, y)."""
    position = (torch.arange(resolution, device=device, dtype=torch.float32) + 0.5) / resolution
    y, x = torch.meshgrid((position - EYE_HEIGHT) / EYE_DISTANCE, (position - 0.5) / EYE_DISTANCE, indexing="ij")
    return torch.stack([x, y], dim=-1)
