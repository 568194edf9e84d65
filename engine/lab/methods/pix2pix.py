"""Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks": the upper bound.

It learns from pairs, the same pet as an adult x and at eight weeks y. No photos of such pairs exist in numbers; drawn
pets have them, so this is what the other methods could reach if they knew.

    L = E[log D(x, y)] + E[log(1 - D(x, G(x)))] + λ E[‖y - G(x)‖₁]
"""

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.lab.methods.adversarial_losses import discriminator_loss, non_saturating_loss
from engine.lab.methods.building_blocks import PatchDiscriminator, initialised
from engine.lab.methods.datasets import PetPictures
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, falling, set_rate, update

L1_WEIGHT = 100.0  # λ of the paper


class UNet(nn.Module):
    """Down to 4 x 4 pixels and up again, every size handed across (Ronneberger et al. 2015)."""

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        channels = [3, width]
        while resolution >> (len(channels) - 1) > 4:
            channels.append(min(2 * channels[-1], 8 * width))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True))
            for inputs, outputs in itertools.pairwise(channels)
        )
        ups = []
        for level in range(len(channels) - 1, 1, -1):
            inputs = channels[level] * (1 if level == len(channels) - 1 else 2)
            outputs = channels[level - 1]
            ups.append(
                nn.Sequential(
                    nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
                )
            )
        self.up = nn.ModuleList(ups)
        self.last = nn.Sequential(nn.ConvTranspose2d(2 * width, 3, 4, 2, 1), nn.Tanh())
        initialised(self)

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for layer in self.down:
            x = layer(x)
            maps.append(x)
        for layer, across in zip(self.up, maps[-2::-1], strict=True):
            x = torch.cat([layer(x), across], dim=1)
        made: Tensor = self.last(x)
        return made.float()


class Pix2Pix(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.generator = UNet(options.width, options.resolution)
        self.discriminator = PatchDiscriminator(options.width, inputs=6)

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        """One age only: `age` blends the picture in."""
        made: Tensor = self.generator(faces)
        return torch.lerp(faces, made, age)


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn from pairs of drawn pets."""
    torch.manual_seed(options.seed)
    model = Pix2Pix(options).to(pets.device)
    optimise_g, optimise_d = (adam(options.learning_rate, part) for part in (model.generator, model.discriminator))

    def judged(x: Tensor, y: Tensor) -> Tensor:
        logits: Tensor = model.discriminator(torch.cat([x, y], dim=1))
        return logits

    def step(progress: float) -> dict[str, Tensor]:
        set_rate([optimise_g, optimise_d], options.learning_rate * falling(progress))
        adult, young = (batch.pictures for batch in pets.pairs(options.batch))
        made = model.generator(adult)
        loss_d = update(optimise_d, discriminator_loss(judged(adult, young), judged(adult, made.detach())) / 2)
        distance = F.l1_loss(made, young)
        deceived = non_saturating_loss(judged(adult, made))
        update(optimise_g, deceived + L1_WEIGHT * distance)
        return {"discriminator": loss_d, "adversarial": deceived, "l1": distance}

    Run(options, pets.shown, out).train(model, step)
    return model
