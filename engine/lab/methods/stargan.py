"""Choi et al. 2018, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation".

One generator for all domains c, which are ages and species here. The critic has a second head that names the domain:

    L_D = -L_adv + λ_cls E[-log D_cls(c' | x)]
    L_G = L_adv + λ_cls E[-log D_cls(c | G(x, c))] + λ_rec E[‖x - G(G(x, c), c')‖₁]

L_adv is the Wasserstein loss with gradient penalty (Gulrajani et al. 2017).
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.lab.methods.adversarial_losses import gradient_penalty, wasserstein_loss
from engine.lab.methods.building_blocks import ResnetGenerator, downsampling, initialised
from engine.lab.methods.conditional_gan import age_labels
from engine.lab.methods.datasets import AGES, PetBatch, PetPictures
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, exact, falling, set_rate, update

CLASSIFICATION_WEIGHT, RECONSTRUCTION_WEIGHT, PENALTY_WEIGHT = 1.0, 10.0, 10.0  # λ_cls, λ_rec, λ_gp of the paper
CRITIC_STEPS = 3  # to one of the generator; the paper has 5, and days
LABELS = len(AGES) + 1  # an age of several, and whether it is a cat


def domain_of(batch: PetBatch) -> Tensor:
    """c [N, LABELS]."""
    return torch.cat([F.one_hot(batch.groups, len(AGES)).float(), batch.cats[:, None].float()], dim=1)


class DomainCritic(nn.Module):
    """Scores of patches, and logits of the domain (section 3.1)."""

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        body, channels = downsampling(3, width, resolution, normalised=False, slope=0.01)
        self.body = initialised(body)
        self.source = initialised(nn.Conv2d(channels, 1, 3, padding=1))
        self.domain = initialised(nn.Conv2d(channels, LABELS, 4))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [N, 1, h, w] and logits [N, LABELS]."""
        x = self.body(pictures)
        return self.source(x).float(), self.domain(x).flatten(1).float()

    def score(self, pictures: Tensor) -> Tensor:
        """The scores of all patches together, whose slope the gradient penalty holds at 1: [N].

        Their mean, which the losses are of, is then flat enough for the reconstruction to count beside it.
        """
        scores: Tensor = self(pictures)[0]
        return scores.sum(dim=(1, 2, 3))


def classification_loss(logits: Tensor, domain: Tensor) -> Tensor:
    """-log D_cls(c | x): one age of several, and yes or no for the species."""
    ages, cat = logits[:, : len(AGES)], logits[:, len(AGES) :]
    age_loss = F.cross_entropy(ages, domain[:, : len(AGES)].argmax(dim=1))
    return age_loss + F.binary_cross_entropy_with_logits(cat, domain[:, len(AGES) :])


class StarGan(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.generator = ResnetGenerator(options.width, labels=LABELS)
        self.critic = DomainCritic(options.width, options.resolution)

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        """The species stays what the critic reads off the face."""
        cats = (self.critic(faces)[1][:, -1:] > 0).float()
        made: Tensor = self.generator(faces, torch.cat([age_labels(age, len(faces), faces.device), cats], dim=1))
        return made


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn every age and both species in one generator."""
    torch.manual_seed(options.seed)
    model = StarGan(options).to(pets.device)
    generator, critic = model.generator, model.critic
    optimise_g, optimise_d = (adam(options.learning_rate, part) for part in (generator, critic))

    def critic_step() -> dict[str, Tensor]:
        batch = pets.of_any_age(options.batch)
        wanted = domain_of(batch)[torch.randperm(options.batch, device=pets.device)]
        with torch.no_grad():
            made = generator(batch.pictures, wanted)
        scores, logits = critic(batch.pictures)
        adversarial = wasserstein_loss(scores, critic(made)[0])
        classified = classification_loss(logits, domain_of(batch))
        with exact(pets.device):
            penalty = gradient_penalty(critic.score, batch.pictures, made)
        update(optimise_d, adversarial + CLASSIFICATION_WEIGHT * classified + PENALTY_WEIGHT * penalty)
        return {"critic": adversarial, "classified": classified, "penalty": penalty}

    def generator_step() -> dict[str, Tensor]:
        batch = pets.of_any_age(options.batch)
        wanted = domain_of(batch)[torch.randperm(options.batch, device=pets.device)]
        made = generator(batch.pictures, wanted)
        scores, logits = critic(made)
        classified = classification_loss(logits, wanted)
        reconstruction = F.l1_loss(generator(made, domain_of(batch)), batch.pictures)
        adversarial = -scores.mean()
        update(
            optimise_g,
            adversarial + CLASSIFICATION_WEIGHT * classified + RECONSTRUCTION_WEIGHT * reconstruction,
        )
        return {"adversarial": adversarial, "made classified": classified, "reconstruction": reconstruction}

    def step(progress: float) -> dict[str, Tensor]:
        set_rate([optimise_g, optimise_d], options.learning_rate * falling(progress))
        losses = [critic_step() for _ in range(CRITIC_STEPS)]
        return losses[-1] | generator_step()

    Run(options, pets.shown, out).train(model, step)
    return model
