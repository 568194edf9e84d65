"""Goodfellow et al. 2014, "Generative Adversarial Nets", with the networks of DCGAN (Radford et al. 2016).

    min_G max_D  E[log D(x)] + E[log(1 - D(G(z)))]

Section 3 of the paper recommends to raise log D(G(z)) instead of lowering log(1 - D(G(z))): the fixed point is the
same, but the gradient does not vanish while the discriminator is sure. The variants "non-saturating" (the default)
and "minimax" are these two.

A GAN takes no picture in. It learns young faces here, and `younger` finds the young face that is nearest to the adult.
"""

from pathlib import Path

import torch
from torch import Tensor

from engine.lab.methods.adversarial_losses import discriminator_loss, minimax_loss, non_saturating_loss
from engine.lab.methods.building_blocks import DcganDiscriminator, DcganGenerator
from engine.lab.methods.datasets import YOUNG, PetPictures
from engine.lab.methods.latent_search import find_latents
from engine.lab.methods.path_length import LatentSpace, normal_space
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, falling, set_rate, update

Z_DIM = 64
GENERATOR_LOSSES = {"": non_saturating_loss, "non-saturating": non_saturating_loss, "minimax": minimax_loss}


class Gan(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.generator = DcganGenerator(Z_DIM, options.width, options.resolution)
        self.discriminator = DcganDiscriminator(options.width, options.resolution)

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        """The young face nearest to each; `age` blends it in."""
        z = find_latents(self.generator, faces, torch.zeros(len(faces), Z_DIM, device=self.device))
        made: Tensor = self.generator(z)
        return torch.lerp(faces, made, age)

    def samples(self, faces: Tensor) -> Tensor:
        z = torch.randn(len(faces), Z_DIM, generator=torch.Generator().manual_seed(0))
        made: Tensor = self.generator(z.to(self.device))
        return made

    def latent_spaces(self) -> dict[str, LatentSpace]:
        return {"z": normal_space(self.generator, Z_DIM)}


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn what young faces look like."""
    torch.manual_seed(options.seed)
    model = Gan(options).to(pets.device)
    generator_loss = GENERATOR_LOSSES[options.variant]
    optimise_g, optimise_d = (adam(options.learning_rate, part) for part in (model.generator, model.discriminator))

    def step(progress: float) -> dict[str, Tensor]:
        set_rate([optimise_g, optimise_d], options.learning_rate * falling(progress))
        real = pets.of_age(YOUNG, options.batch).pictures
        made = model.generator(torch.randn(options.batch, Z_DIM, device=pets.device))
        loss_d = update(optimise_d, discriminator_loss(model.discriminator(real), model.discriminator(made.detach())))
        logits = model.discriminator(made)
        loss_g = generator_loss(logits)
        update(optimise_g, loss_g)
        slope = torch.stack([p.grad.norm() for p in model.generator.parameters() if p.grad is not None]).norm()
        believed = torch.sigmoid(logits).mean()
        return {"discriminator": loss_d, "generator": loss_g, "D(G(z))": believed, "generator gradient": slope}

    Run(options, pets.shown, out).train(model, step)
    return model
