"""Pictures as tensors [1, 3, H, W] in -1..1, and as pixels [H, W, 3]."""

import numpy as np
import torch
from torch import Tensor

from engine.images.pixels import Pixels


def to_tensor(pixels: Pixels) -> Tensor:
    """Pixels [H, W, 3] as a picture [1, 3, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float().div(127.5).sub(1)[None]


def to_pixels(picture: Tensor) -> Pixels:
    """A picture [1, 3, H, W], on any device, as pixels [H, W, 3]; what is out of range is cut off."""
    levels = (picture.detach()[0].float().clamp(-1, 1) + 1) * 127.5
    pixels: Pixels = (levels + 0.5).to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels
