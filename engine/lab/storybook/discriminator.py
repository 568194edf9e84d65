"""Discriminator: tells photos from what the generator makes of them, knowing species and age of the animal.

So fur becomes crisp instead of its mean, and what is made young has to look like real young animals: no picture says
how that very animal looked. A projected discriminator (Sauer et al. 2021, "Projected GANs Converge Faster"): small
heads on frozen features of EfficientNet-Lite0, of the whole picture made smaller and of a part of it at full size. The
class is a projection (Miyato and Koyama 2018, "cGANs with Projection Discriminator"): what a head sees, times a vector
of the class, adds to its score.

Young animals in photos are few. So that it cannot learn them by heart, it sees photos and made pictures alike in the
more varied light and framing, the surer it is of the photos (after Karras et al. 2020, "Training Generative Adversarial
Networks with Limited Data").
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.lab.storybook.batches import vary_framing, vary_light
from engine.lab.storybook.face_dataset import CLASSES
from engine.lab.storybook.picture_loss import FEATURES_SIDE, random_square
from engine.vision.efficientnet import CHANNELS, STRIDES, load_efficientnet

WHOLE_STRIDES = (8, 16, 32)  # px, of the maps of the whole picture that heads look at
PART_STRIDES = (4, 8, 16)  # of the part at full size
_WIDTH = 64  # channels of a head
_SURE = 0.6  # mean sign of the scores of photos, above which pictures are varied more
_VARIED_BY = 0.01  # more or less at each step, in units of the variation of photos
_MOST_VARIED = 3.0


class DiscriminatorLosses(NamedTuple):
    """What one look at a batch says."""

    generator: Tensor  # with gradients to the made pictures alone
    discriminator: Tensor  # with gradients to the discriminator alone
    sureness: Tensor  # mean sign of the scores of photos, -1..1


class ClassHead(nn.Module):
    """Scores [N, H, W] of feature maps [N, C, H, W] for classes [N]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, _WIDTH, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.score = nn.Conv2d(_WIDTH, 1, 1)
        self.classes = nn.Embedding(CLASSES, _WIDTH)
        nn.init.zeros_(self.classes.weight)

    def forward(self, features: Tensor, classes: Tensor) -> Tensor:
        seen = self.body(features)
        scores: Tensor = self.score(seen)[:, 0] + (seen * self.classes(classes)[:, :, None, None]).sum(dim=1)
        return scores


class Discriminator(nn.Module):
    """Scores of pictures [N, 3, R, R] in -1..1 for classes [N]; high means a photo of that species and age."""

    def __init__(self) -> None:
        super().__init__()
        strides = (*WHOLE_STRIDES, *PART_STRIDES)
        self.heads = nn.ModuleList(ClassHead(CHANNELS[STRIDES.index(stride)]) for stride in strides)
        self.varied = 0.0  # strength of the variation of light and framing

    def features(self, whole: Tensor, part: Tensor) -> list[Tensor]:
        """Feature maps that the heads look at, each channel at about unit size."""
        net = load_efficientnet(str(whole.device))
        views = ((whole, WHOLE_STRIDES), (part, PART_STRIDES))
        maps = [(net.features(picture, deepest=strides[-1]), strides) for picture, strides in views]
        return [found[STRIDES.index(stride)] * 0.25 for found, strides in maps for stride in strides]

    def forward(self, features: list[Tensor], classes: Tensor) -> list[Tensor]:
        return [head(part, classes) for head, part in zip(self.heads, features, strict=True)]

    def losses(self, made: Tensor, photos: Tensor, classes: Tensor, random: torch.Generator) -> DiscriminatorLosses:
        """Look at made pictures and photos of the same classes [N], each made one beside one photo."""
        square = random_square(made.shape[-1])
        shrink = max(made.shape[-1] // FEATURES_SIDE, 1)

        def seen(pictures: Tensor) -> list[Tensor]:
            if self.varied:
                pictures = vary_framing(vary_light(pictures, random, self.varied), random, self.varied)
            return self.features(F.avg_pool2d(pictures, shrink), pictures[square])

        with torch.no_grad():
            real = seen(photos)
        fake = seen(made)
        self.requires_grad_(False)
        generator_loss = torch.stack([-score.mean() for score in self(fake, classes)]).mean()
        self.requires_grad_(True)
        on_real, on_fake = self(real, classes), self([part.detach() for part in fake], classes)
        hinge = [
            F.relu(1 - real_score).mean() + F.relu(1 + fake_score).mean()
            for real_score, fake_score in zip(on_real, on_fake, strict=True)
        ]
        sureness = torch.stack([score.detach().sign().mean() for score in on_real]).mean()
        return DiscriminatorLosses(generator_loss, torch.stack(hinge).mean(), sureness)

    def adapt(self, sureness: Tensor) -> None:
        """Vary pictures more where it is too sure of the photos, else less."""
        change = _VARIED_BY if float(sureness) > _SURE else -_VARIED_BY
        self.varied = min(max(self.varied + change, 0.0), _MOST_VARIED)
