"""Find the parts of a face, the outline of its head and its kind, in an aligned crop.

`HeadParser` is a small network on frozen EfficientNet-Lite0 features: heat maps of 24 landmarks, whose softmax means
are finer than a cell (Sun et al., Integral Human Pose Regression, 2018), a mask of the head against body and
background, and facts about the head as a whole. `engine.lab.recogniser.parser_training` trained it on faces marked by
hand.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.images.tensors import to_tensor
from engine.messages import Head
from engine.vision.alignment import Aligned, Alignment, FaceTemplate, align
from engine.vision.efficientnet import CHANNELS, WEIGHTS, load_efficientnet
from engine.vision.face_models import Fusion, mean_points

SIDE = 256  # px of the crop that is looked at
STRIDE = 4  # px a cell of the maps

_SIDES = ("left", "right")  # as the viewer sees them
LANDMARKS = (
    *(f"eye_{side}_{part}" for side in _SIDES for part in ("inner", "outer", "top", "bottom")),
    *(f"ear_{side}_{part}" for side in _SIDES for part in ("outer", "tip", "inner")),
    *(f"nose_{part}" for part in ("left", "right", "top", "bottom")),
    *("mouth_left", "mouth_right", "chin", "cheek_left", "cheek_right", "crown"),
)
MIRRORED = tuple(
    LANDMARKS.index(name.replace("left", "#").replace("right", "left").replace("#", "right")) for name in LANDMARKS
)
EARS = ("standing", "folded", "hanging")
MUZZLES = ("short", "middle", "long")
COATS = ("short", "middle", "long")
FACTS = ("mouth_open", "eyes_open", "flash", "baby")
_KINDS = len(EARS) + len(MUZZLES) + len(COATS)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ParsedHead:
    """The parts of one head in its aligned crop."""

    alignment: Alignment  # of the crop, SIDE px square
    landmarks: Floats  # [24, 2] x, y in px of the crop, in the order of LANDMARKS
    visible: Floats  # [24] probabilities
    mask: Floats  # [SIDE / STRIDE, SIDE / STRIDE] probability that a cell shows the head, ears and fur included
    kinds: Floats  # [9] probabilities of EARS, MUZZLES and COATS; each three add up to 1
    mouth_open: float  # these are probabilities
    eyes_open: float
    flash: float  # a pupil glows from a camera's flash
    baby: float  # up to about three months old


class HeadParser(nn.Module):
    """Features at strides 32, 16, 8 and 4 of an aligned crop → maps and facts."""

    def __init__(self) -> None:
        super().__init__()
        self.fusion = Fusion((CHANNELS[4], CHANNELS[3], CHANNELS[2], CHANNELS[1]), (128, 96, 64, 48), (2, 2, 2, 2))
        self.points = nn.Conv2d(48, len(LANDMARKS), 1)
        self.mask = nn.Conv2d(48, 1, 1)
        self.facts = nn.Sequential(
            nn.Linear(128 + CHANNELS[3], 96),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(96, _KINDS + len(FACTS) + len(LANDMARKS)),
        )

    def forward(self, features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits: landmarks [N, 24, h, w], mask [N, 1, h, w], kinds and facts [N, 13], visibility [N, 24]."""
        fused = self.fusion(features)
        facts = self.facts(torch.cat([fused[0].mean((2, 3)), features[1].mean((2, 3))], 1))
        known = _KINDS + len(FACTS)
        return self.points(fused[3]), self.mask(fused[3]), facts[:, :known], facts[:, known:]


def parse_head(image: Image.Image, head: Head | None) -> ParsedHead:
    """Look at `head` of an upright RGB photo; without a head, at the middle of the photo."""
    return parse_aligned(align(image, head, FaceTemplate.STORYBOOK, SIDE))


@torch.no_grad()
def parse_aligned(face: Aligned) -> ParsedHead:
    """Look at an aligned face of SIDE px, and at its mirror image; both views are averaged."""
    crop, alignment = face
    picture = to_tensor(crop)
    both = torch.cat([picture, picture.flip(3)]).contiguous(memory_format=torch.channels_last)
    maps, mask, facts, visible = load_head_parser()(load_efficientnet().features(both)[::-1][:4])
    points = mean_points(maps)
    mirrored = points[1, list(MIRRORED)] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
    kinds = torch.cat([part.softmax(1) for part in facts[:, :_KINDS].split(3, dim=1)], 1).mean(0)
    chances = facts[:, _KINDS:].sigmoid().mean(0).tolist()
    return ParsedHead(
        alignment,
        ((points[0] + mirrored) / 2 * SIDE).numpy(),
        torch.stack([visible[0], visible[1, list(MIRRORED)]]).sigmoid().mean(0).numpy(),
        torch.stack([mask[0, 0], mask[1, 0].flip(1)]).sigmoid().mean(0).numpy(),
        kinds.numpy(),
        *chances,
    )


@cache
def load_head_parser() -> HeadParser:
    """The network with the weights of this package, in evaluation mode, loaded once a process."""
    parser = HeadParser()
    stored = load_file(WEIGHTS / "parts.safetensors")
    parser.load_state_dict({name: value.float() for name, value in stored.items()})
    return parser.eval().requires_grad_(False).to(memory_format=torch.channels_last)
