"""The face plane, on which places in a face are told.

Its unit is the distance between the eyes of a frontal face, which lie at (±0.5, 0); x to the right, y down.
`engine.vision.alignment` frames pictures so that the plane's origin is at (0.5, EYE_HEIGHT) of them and its unit is
EYE_DISTANCE.
"""

import torch
from torch import Tensor

from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT


def face_plane(resolution: int, device: torch.device | str = "cpu") -> Tensor:
    """The face plane's coordinates of every pixel: [R, R, 2] (x, y)."""
    position = (torch.arange(resolution, device=device, dtype=torch.float32) + 0.5) / resolution
    y, x = torch.meshgrid((position - EYE_HEIGHT) / EYE_DISTANCE, (position - 0.5) / EYE_DISTANCE, indexing="ij")
    return torch.stack([x, y], dim=-1)
