"""Discriminator: tells photos from what the generator makes of them, so that fur becomes crisp instead of its mean.

A projected discriminator (Sauer et al. 2021, "Projected GANs Converge Faster"): small heads on frozen features of
EfficientNet-Lite0 at several strides. It needs no augmentation of its own: photos come mirrored, relit, reframed and
grown, and what is made is made of them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.vision.efficientnet import CHANNELS, STRIDES, load_efficientnet

FEATURE_STRIDES = (4, 8, 16)  # px, of the maps that heads look at
_WIDTH = 64  # channels of a head


class Discriminator(nn.Module):
    """Scores of pictures [N, 3, R, R] in -1..1, one for each place and stride; high means photo."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(CHANNELS[STRIDES.index(stride)], _WIDTH, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(_WIDTH, 1, 1),
            )
            for stride in FEATURE_STRIDES
        )

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Feature maps that the heads look at, each channel at about unit size."""
        maps = load_efficientnet(str(pictures.device)).features(pictures, deepest=FEATURE_STRIDES[-1])
        return [maps[STRIDES.index(stride)] * 0.25 for stride in FEATURE_STRIDES]

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        return [head(part) for head, part in zip(self.heads, features, strict=True)]

    def losses(self, made: Tensor, photos: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of the generator (with gradients to `made` alone) and of the discriminator (to itself alone)."""
        with torch.no_grad():
            real = self.features(photos)
        fake = self.features(made)
        self.requires_grad_(False)
        generator_loss = torch.stack([-score.mean() for score in self(fake)]).mean()
        self.requires_grad_(True)
        discriminator_loss = torch.stack(
            [
                F.relu(1 - on_real).mean() + F.relu(1 + on_fake).mean()  # the hinge loss
                for on_real, on_fake in zip(self(real), self([part.detach() for part in fake]), strict=True)
            ]
        ).mean()
        return generator_loss, discriminator_loss
