"""Guesses the latents of a picture in one pass, for the start of a projection and its first preview.

Frozen EfficientNet-Lite0 features and a thumbnail of the picture go through one small trained head. The idea of
starting an inversion from an encoder is from Zhu et al. 2020 ("In-Domain GAN Inversion"), section 3; that of small
differences between the layers from Tov et al. 2021 ("Designing an Encoder for StyleGAN Image Manipulation").
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.vision.efficientnet import CHANNELS, load_efficientnet

INPUT_SIZE = 128  # pixels; pictures of other sizes are resized
_THUMBNAIL_SIDE = 16  # px; the picture itself, beside its features
_LAYER_RANK = 24  # of the differences between the layers' latents; larger tells them apart more finely


class Encoder(nn.Module):
    """Pictures [N, 3, R, R] in -1..1 to latents (float32): one for all layers of the generator, or one for each."""

    def __init__(self, w_dim: int, layers: int = 1, hidden: int = 512) -> None:
        super().__init__()
        self.layers = layers
        self.near = nn.Conv2d(CHANNELS[2], 12, 1)  # stride 8: where things are
        self.middle = nn.Conv2d(CHANNELS[3], 28, 1)  # stride 16
        self.far = nn.Conv2d(CHANNELS[4], 72, 1)  # stride 32: what they are
        inputs = 3 * _THUMBNAIL_SIDE**2 + 12 * 16**2 + 28 * 8**2 + 72 * 4**2
        self.body = nn.Sequential(
            nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)
        )
        self.out = nn.Linear(hidden, w_dim)
        if layers > 1:
            last = nn.Linear(_LAYER_RANK, layers * w_dim)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.apart = nn.Sequential(nn.Linear(hidden, _LAYER_RANK), last)

    def forward(self, image: Tensor) -> Tensor:
        """w [N, w_dim], the mean of `latents` over the layers."""
        w: Tensor = self.out(self._embed(image))
        return w

    def latents(self, image: Tensor) -> Tensor:
        """[N, layers, w_dim]."""
        seen = self._embed(image)
        w: Tensor = self.out(seen)[:, None]
        if self.layers == 1:
            return w
        apart: Tensor = self.apart(seen).view(len(w), self.layers, -1)
        return w + apart - apart.mean(dim=1, keepdim=True)

    def _embed(self, image: Tensor) -> Tensor:
        """The picture's features for the output layers: [N, hidden]."""
        if image.shape[-1] != INPUT_SIZE:
            mode = "area" if image.shape[-1] > INPUT_SIZE else "bilinear"
            image = F.interpolate(image, (INPUT_SIZE, INPUT_SIZE), mode=mode)
        maps = load_efficientnet(str(image.device)).features(image)
        parts = [
            F.interpolate(image, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), mode="area"),
            F.leaky_relu(self.near(maps[2] * 0.25), 0.2),
            F.leaky_relu(self.middle(maps[3] * 0.25), 0.2),
            F.leaky_relu(self.far(maps[4] * 0.25), 0.2),
        ]
        seen: Tensor = self.body(torch.cat([part.flatten(1) for part in parts], dim=1))
        return seen


def layers_of(state: Mapping[str, Tensor]) -> int:
    """The number of layers for which the encoder with this state has latents."""
    apart = state.get("apart.1.bias")
    return 1 if apart is None else len(apart) // len(state["out.bias"])
