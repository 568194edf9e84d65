"""Mirza & Osindero 2014, "Conditional Generative Adversarial Nets": both networks are told what the picture shows.

    min_G max_D  E[log D(x | y)] + E[log(1 - D(G(z | y)))]

y is the age group, the species and the breed. `younger` looks for the z and the breed with which the generator draws
the adult, and then changes the age alone.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.lab.methods.adversarial_losses import discriminator_loss, non_saturating_loss
from engine.lab.methods.building_blocks import DcganDiscriminator, DcganGenerator
from engine.lab.methods.datasets import ADULT, AGES, BREED_NAMES, IS_CAT, PetBatch, PetPictures
from engine.lab.methods.latent_search import find_latents
from engine.lab.methods.path_length import LatentSpace, normal_space
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, falling, set_rate, update

Z_DIM = 64
LABELS = len(AGES) + 1 + len(BREED_NAMES)  # age, species, breed


def age_labels(age: float, count: int, device: torch.device) -> Tensor:
    """[count, len(AGES)]: between two age groups, the share of each."""
    shares = torch.tensor([max(0.0, 1 - abs(age - group) / (AGES[1] - AGES[0])) for group in AGES], device=device)
    return shares.expand(count, -1)


def condition(ages: Tensor, breeds: Tensor) -> Tensor:
    """y [N, LABELS] of ages [N, len(AGES)] and of probabilities of breeds [N, len(BREED_NAMES)]."""
    cat = breeds @ IS_CAT.to(breeds)
    return torch.cat([ages, cat[:, None], breeds], dim=1)


def condition_of(batch: PetBatch) -> Tensor:
    """y [N, LABELS] of pictures whose age and breed are known."""
    ages, breeds = (
        F.one_hot(labels, count).float()
        for labels, count in ((batch.groups, len(AGES)), (batch.breeds, len(BREED_NAMES)))
    )
    return condition(ages, breeds)


class ConditionalGan(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.generator = DcganGenerator(Z_DIM + LABELS, options.width, options.resolution)
        self.discriminator = DcganDiscriminator(options.width, options.resolution, LABELS)

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        """Nobody says what breed the face is: that is looked for together with z."""
        start = torch.zeros(len(faces), Z_DIM + len(BREED_NAMES), device=self.device)
        found = find_latents(lambda latents: self._draw(latents, AGES[ADULT]), faces, start)
        return self._draw(found, age)

    def _draw(self, latents: Tensor, age: float) -> Tensor:
        z, breeds = latents[:, :Z_DIM], latents[:, Z_DIM:]
        y = condition(age_labels(age, len(z), z.device), breeds.mul(10).softmax(dim=1))
        made: Tensor = self.generator(z, y)
        return made

    def samples(self, faces: Tensor) -> Tensor:
        """The same z of as many breeds, adult ones and, in the second half, the same young."""
        half = (len(faces) + 1) // 2
        breeds = torch.zeros(half, len(BREED_NAMES))
        breeds[torch.arange(half), torch.arange(half) * 7 % len(BREED_NAMES)] = 10.0
        z = torch.randn(half, Z_DIM, generator=torch.Generator().manual_seed(0))
        latents = torch.cat([z, breeds], dim=1).to(self.device)
        return torch.cat([self._draw(latents, AGES[ADULT]), self._draw(latents, 1.0)])[: len(faces)]

    def latent_spaces(self) -> dict[str, LatentSpace]:
        """Of young pets of all breeds at once."""

        def draw(z: Tensor) -> Tensor:
            breeds = torch.arange(len(z), device=z.device) % len(BREED_NAMES)
            y = condition(age_labels(1.0, len(z), z.device), F.one_hot(breeds, len(BREED_NAMES)).float())
            made: Tensor = self.generator(z, y)
            return made

        return {"z": normal_space(draw, Z_DIM)}


class ConditionalGame:
    """Both sides' losses and steps, whatever the condition is."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, options: MethodOptions) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.rate = options.learning_rate
        self.optimise_g, self.optimise_d = (adam(self.rate, part) for part in (generator, discriminator))

    def step(self, real: Tensor, y: Tensor, progress: float) -> dict[str, Tensor]:
        """Of pictures [N, 3, R, R] and their conditions [N, L]."""
        set_rate([self.optimise_g, self.optimise_d], self.rate * falling(progress))
        made = self.generator(torch.randn(len(real), Z_DIM, device=real.device), y)
        real_logits, fake_logits = self.discriminator(real, y), self.discriminator(made.detach(), y)
        loss_d = update(self.optimise_d, discriminator_loss(real_logits, fake_logits))
        loss_g = update(self.optimise_g, non_saturating_loss(self.discriminator(made, y)))
        return {"discriminator": loss_d, "generator": loss_g, "D(G(z))": torch.sigmoid(fake_logits).mean()}


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn what faces of every age and breed look like."""
    torch.manual_seed(options.seed)
    model = ConditionalGan(options).to(pets.device)
    game = ConditionalGame(model.generator, model.discriminator, options)

    def step(progress: float) -> dict[str, Tensor]:
        batch = pets.of_any_age(options.batch)
        return game.step(batch.pictures, condition_of(batch), progress)

    Run(options, pets.shown, out).train(model, step)
    return model
