"""From a picture to w in one pass: the start of a projection, and its first preview.

Frozen EfficientNet-Lite0 features and a thumbnail of the picture go through one small trained head. The idea of
starting an inversion from an encoder is from Zhu et al. 2020 ("In-Domain GAN Inversion"), section 3.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.features import CHANNELS, load_efficientnet

INPUT_SIZE = 128  # pixels; pictures of other sizes are resized
_THUMBNAIL = 16


class Encoder(nn.Module):
    """Pictures [N, 3, R, R] in -1..1 to w [N, w_dim] (float32)."""

    def __init__(self, w_dim: int, hidden: int = 512) -> None:
        super().__init__()
        self.near = nn.Conv2d(CHANNELS[2], 12, 1)  # stride 8: where things are
        self.middle = nn.Conv2d(CHANNELS[3], 28, 1)  # stride 16
        self.far = nn.Conv2d(CHANNELS[4], 72, 1)  # stride 32: what they are
        inputs = 3 * _THUMBNAIL**2 + 12 * 16**2 + 28 * 8**2 + 72 * 4**2
        self.body = nn.Sequential(
            nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)
        )
        self.out = nn.Linear(hidden, w_dim)

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[-1] != INPUT_SIZE:
            mode = "area" if image.shape[-1] > INPUT_SIZE else "bilinear"
            image = F.interpolate(image, (INPUT_SIZE, INPUT_SIZE), mode=mode)
        maps = load_efficientnet(str(image.device)).features(image)
        parts = [
            F.interpolate(image, (_THUMBNAIL, _THUMBNAIL), mode="area"),
            F.leaky_relu(self.near(maps[2] * 0.25), 0.2),
            F.leaky_relu(self.middle(maps[3] * 0.25), 0.2),
            F.leaky_relu(self.far(maps[4] * 0.25), 0.2),
        ]
        w: Tensor = self.out(self.body(torch.cat([part.flatten(1) for part in parts], dim=1)))
        return w
