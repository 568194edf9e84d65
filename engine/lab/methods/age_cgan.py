"""Antipov et al. 2017, "Face Aging with Conditional Generative Adversarial Networks" (Age-cGAN).

1. A conditional GAN draws faces of every age group y.
2. An encoder E learns to read z off pictures that the generator drew: E[‖E(G(z, y)) - z‖²].
3. Identity-preserving latent optimisation: z* = argmin_z ‖FR(x) - FR(G(z, y₀))‖, by L-BFGS from z₀ = E(x), where FR are
   the features of a face recogniser. Here they are EfficientNet-Lite0's, which tells breeds apart.
4. The face at another age is G(z*, y).
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.lab.methods.building_blocks import (
    DcganDiscriminator,
    DcganGenerator,
    downsampling,
    initialised,
    with_labels,
)
from engine.lab.methods.conditional_gan import Z_DIM, ConditionalGame, age_labels
from engine.lab.methods.datasets import ADULT, AGES, PetPictures
from engine.lab.methods.path_length import LatentSpace, normal_space
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, update
from engine.vision.efficientnet import load_efficientnet

GAN_SHARE = 0.7  # of the training; in the rest of it the encoder learns
_LBFGS_STEPS = 20
_AT_ONCE = 10
_IDENTITY_STRIDE = 16  # of the recogniser's features: parts and their places


class LatentEncoder(nn.Module):
    """Pictures [N, 3, R, R] and ages [N, L] to z [N, Z]."""

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        body, channels = downsampling(3 + len(AGES), width, resolution, slope=0.0)
        self.layers = initialised(nn.Sequential(*body, nn.Flatten(), nn.Linear(channels * 16, Z_DIM)))

    def forward(self, pictures: Tensor, ages: Tensor) -> Tensor:
        z: Tensor = self.layers(with_labels(pictures, ages))
        return z.float()


class AgeCgan(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.generator = DcganGenerator(Z_DIM + len(AGES), options.width, options.resolution)
        self.encoder = LatentEncoder(options.width, options.resolution)
        self.discriminator = DcganDiscriminator(options.width, options.resolution, len(AGES))

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        return torch.cat([self._younger(some, age) for some in torch.split(faces, _AT_ONCE)])

    def _younger(self, faces: Tensor, age: float) -> Tensor:
        now, then = (age_labels(one, len(faces), faces.device) for one in (AGES[ADULT], age))
        z = optimised_latents(self.generator, faces, self.encoder(faces, now), now)
        made: Tensor = self.generator(z, then)
        return made

    def samples(self, faces: Tensor) -> Tensor:
        """What the encoder alone makes of the faces: quick, and it shows how the training goes."""
        now, then = (age_labels(one, len(faces), faces.device) for one in (AGES[ADULT], 1.0))
        made: Tensor = self.generator(self.encoder(faces, now), then)
        return made

    def latent_spaces(self) -> dict[str, LatentSpace]:
        return {"z": normal_space(lambda z: self.generator(z, age_labels(1.0, len(z), z.device)), Z_DIM)}


def identity_features(faces: Tensor) -> Tensor:
    """FR(x): what tells one animal from another, [N, F]."""
    maps = load_efficientnet(str(faces.device)).features(faces, deepest=_IDENTITY_STRIDE)
    return maps[-1].flatten(1)


@torch.enable_grad()
def optimised_latents(generator: nn.Module, faces: Tensor, start: Tensor, ages: Tensor) -> Tensor:
    """z* [N, Z], the identity-preserving latents of section 2.3."""
    wanted = identity_features(faces).detach()
    z = start.detach().clone().requires_grad_()
    optimiser = torch.optim.LBFGS([z], max_iter=_LBFGS_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        loss = F.mse_loss(identity_features(generator(z, ages)), wanted, reduction="sum") / wanted.shape[1]
        z.grad = torch.autograd.grad(loss, z)[0].contiguous()
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return z.detach()


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn faces of every age; then learn to read latents."""
    torch.manual_seed(options.seed)
    model = AgeCgan(options).to(pets.device)
    generator, encoder = model.generator, model.encoder
    game = ConditionalGame(generator, model.discriminator, options)
    optimise_e = adam(options.learning_rate * 5, encoder, betas=(0.9, 0.999))

    def adversarial_step(progress: float) -> dict[str, Tensor]:
        batch = pets.of_any_age(options.batch)
        return game.step(batch.pictures, F.one_hot(batch.groups, len(AGES)).float(), progress)

    def encoder_step() -> dict[str, Tensor]:
        groups = torch.randint(len(AGES), (options.batch,), device=pets.device)
        z, y = torch.randn(options.batch, Z_DIM, device=pets.device), F.one_hot(groups, len(AGES)).float()
        with torch.no_grad():
            made = generator(z, y)
        return {"encoder": update(optimise_e, F.mse_loss(encoder(made, y), z))}

    def step(progress: float) -> dict[str, Tensor]:
        return adversarial_step(progress / GAN_SHARE) if progress < GAN_SHARE else encoder_step()

    Run(options, pets.shown, out).train(model, step)
    return model
