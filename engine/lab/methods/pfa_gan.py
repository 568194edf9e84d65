"""Huang et al. 2020, "PFA-GAN: Progressive Face Aging with Generative Adversarial Network".

Ages are a chain of groups, and each sub-network G_i takes one step of it, adding only what changes:

    x_{i+1} = x_i + λ_i G_i(x_i),   λ_i = 1 between the age of the face and the age that is wanted, else 0

All are trained together, end to end, on

    L = λ_adv L_adv + λ_age L_age + λ_ide L_ide

with the least squares loss, an age estimation loss ‖y - ŷ(x)‖ + cross entropy on the expected value of a softmax over
ages (Rothe et al. 2018, "DEX"), and an identity loss of pixels, SSIM and features:

    L_ide = (1 - α_ssim) ‖x̂ - x‖₁ + α_ssim (1 - SSIM(x̂, x)) + α_fea ‖φ(x̂) - φ(x)‖²

The paper ages faces; here the chain leads from adult to young. Its age estimator was trained before, on other data;
here it learns beside the rest, from the same faces.
"""

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.lab.methods.adversarial_losses import least_squares_loss
from engine.lab.methods.building_blocks import (
    PatchDiscriminator,
    ResnetGenerator,
    downsampling,
    initialised,
    structural_similarity,
)
from engine.lab.methods.conditional_gan import age_labels
from engine.lab.methods.datasets import ADULT, AGES, WAYS, PetPictures
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, falling, set_rate, update
from engine.vision.efficientnet import load_efficientnet

ADVERSARIAL_WEIGHT, AGE_WEIGHT, IDENTITY_WEIGHT = 1.0, 0.4, 0.5  # λ; ours, as our losses have other units
SSIM_SHARE, FEATURE_WEIGHT = 0.15, 0.025  # α_ssim and α_fea of the paper
_FEATURE_STRIDE = 8
_BETAS = (0.5, 0.99)


class AgeEstimator(nn.Module):
    """Logits [N, len(AGES)] of the age group, whose expected value is the age."""

    def __init__(self, width: int, resolution: int) -> None:
        super().__init__()
        body, channels = downsampling(3, width, resolution, widest=4)
        self.layers = initialised(nn.Sequential(*body, nn.Flatten(), nn.Linear(channels * 16, len(AGES))))

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.layers(pictures)
        return logits.float()


def expected_age(logits: Tensor) -> Tensor:
    """Σ_k k · softmax(k): [N]."""
    return logits.softmax(dim=1) @ torch.tensor(AGES, device=logits.device)


def age_estimation_loss(logits: Tensor, groups: Tensor) -> Tensor:
    """‖y - ŷ‖₁ + cross entropy (section III-C)."""
    ages = torch.tensor(AGES, device=logits.device)[groups]
    return (expected_age(logits) - ages).abs().mean() + F.cross_entropy(logits, groups)


def identity_loss(made: Tensor, faces: Tensor) -> Tensor:
    """Pixels, structure and features of the face that came in."""
    network = load_efficientnet(str(faces.device))
    ours, theirs = (network.features(x, deepest=_FEATURE_STRIDE)[-1].float() for x in (made, faces))
    features = (ours - theirs).square().mean()
    unlike = 1 - structural_similarity(made, faces)
    return (1 - SSIM_SHARE) * F.l1_loss(made, faces) + SSIM_SHARE * unlike + FEATURE_WEIGHT * features


class PfaGan(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.steps = nn.ModuleList(
            ResnetGenerator(options.width, blocks=3, last=nn.Identity()) for _ in range(len(AGES) - 1)
        )
        for step in self.steps:  # begins by adding nothing; else the first thing to learn is to take noise away again
            nn.init.zeros_(list(step.parameters())[-2])
        self.discriminator = PatchDiscriminator(options.width, 3 + len(AGES))
        self.estimator = AgeEstimator(options.width, options.resolution)

    def progress(self, faces: Tensor, gates: tuple[float, ...]) -> Tensor:
        """The chain with the gates λ, one a sub-network."""
        for gate, step in zip(gates, self.steps, strict=True):
            if gate:
                faces = faces + gate * step(faces)
        return faces

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        """From adult; a gate between 0 and 1 is an age between two groups."""
        return self.progress(faces, gates_between(AGES[ADULT], age)).clamp(-1, 1)


def gates_between(start: float, end: float) -> tuple[float, ...]:
    """λ for the way from one age to a younger one: (1, 0) from adult to half, (0, 1) from there."""
    steps = itertools.pairwise(AGES)
    return tuple(max(0.0, min(end, below) - max(start, above)) / (below - above) for above, below in steps)


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn all sub-networks end to end."""
    torch.manual_seed(options.seed)
    model = PfaGan(options).to(pets.device)
    critic, estimator = model.discriminator, model.estimator
    optimise_g, optimise_d = (adam(options.learning_rate, part, betas=_BETAS) for part in (model.steps, critic))
    optimise_a = adam(options.learning_rate * 2, estimator, betas=(0.9, 0.999))

    def step(progress: float) -> dict[str, Tensor]:
        set_rate([optimise_g, optimise_d], options.learning_rate * falling(progress))
        start, end = WAYS[int(torch.randint(len(WAYS), ()))]
        before, after = (pets.of_age(group, options.batch) for group in (start, end))
        labels = age_labels(AGES[end], options.batch, pets.device)
        estimated = update(optimise_a, age_estimation_loss(estimator(after.pictures), after.groups))
        made = model.progress(before.pictures, gates_between(AGES[start], AGES[end]))
        adversarial = least_squares_loss(critic(made, labels), real=True)
        ageing = age_estimation_loss(estimator(made), after.groups)
        identity = identity_loss(made, before.pictures)
        update(optimise_g, ADVERSARIAL_WEIGHT * adversarial + AGE_WEIGHT * ageing + IDENTITY_WEIGHT * identity)
        real, fake = critic(after.pictures, labels), critic(made.detach(), labels)
        told_apart = (least_squares_loss(real, real=True) + least_squares_loss(fake, real=False)) / 2
        loss_d = update(optimise_d, told_apart)
        return {
            "discriminator": loss_d,
            "adversarial": adversarial,
            "age": ageing,
            "identity": identity,
            "estimator": estimated,
        }

    Run(options, pets.shown, out).train(model, step)
    return model
