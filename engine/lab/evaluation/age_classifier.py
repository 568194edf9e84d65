"""Age classifier: does a face look young? Asked whether results look younger than their photos.

A linear model on pooled features of EfficientNet-Lite0, fitted to hand labels by
`engine.lab.storybook.age_classifier_training`. It sees the head alone.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.growth.face_plane import face_plane
from engine.vision.efficientnet import CHANNELS, POOLED, STRIDES, load_efficientnet

SIDE = 256  # px, of the aligned pictures it looks at
FILE = "age-classifier.safetensors"

_HEAD = slice(24, 216), slice(32, 224)  # rows and columns of the head, with some ear
_RADIUS = 1.75  # units of the face plane; what is farther from a point just below the eyes is faded out
_POOLED_STRIDES = (4, 8, 16)
FEATURES = POOLED + 2 * sum(CHANNELS[STRIDES.index(stride)] for stride in _POOLED_STRIDES)  # of a face


class AgeClassifier(nn.Module):
    """Log odds [N] that faces look young, of aligned pictures [N, 3, R, R] in -1..1, R ≥ 256. Differentiable."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("scale", torch.ones(FEATURES))
        self.register_buffer("weight", torch.zeros(FEATURES))
        self.register_buffer("bias", torch.zeros(()))

    def forward(self, pictures: Tensor) -> Tensor:
        odds: Tensor = (head_features(pictures) - self.mean) * self.scale @ self.weight + self.bias
        return odds

    @torch.no_grad()
    def with_mirror_images(self, pictures: Tensor) -> Tensor:
        """The mean of the log odds [N] of the pictures and of their mirror images."""
        odds: Tensor = (self(pictures) + self(pictures.flip(-1))) / 2
        return odds

    def save(self, folder: Path) -> None:
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, folder / FILE)


def load_classifier(folder: Path) -> AgeClassifier:
    """The classifier kept in a folder, frozen."""
    classifier = AgeClassifier()
    classifier.load_state_dict(load_file(folder / FILE))
    return classifier.requires_grad_(False)


def head_features(pictures: Tensor) -> Tensor:
    """What the heads look like, as means and deviations of features: [N, FEATURES]."""
    if pictures.shape[-1] != SIDE:
        pictures = F.interpolate(pictures, SIDE, mode="area")
    x, y = face_plane(SIDE, pictures.device)[_HEAD].unbind(dim=-1)
    head = torch.sigmoid(5 * (_RADIUS - torch.hypot(x, y - 0.1)))
    net = load_efficientnet(str(pictures.device))
    maps = net.features(pictures[..., _HEAD[0], _HEAD[1]] * head)
    pooled = [maps[STRIDES.index(stride)] for stride in _POOLED_STRIDES]
    return torch.cat(
        [net.pooled(maps[-1]), *(part.mean((2, 3)) for part in pooled), *(part.std((2, 3)) for part in pooled)], dim=1
    )
