"""Song et al. 2018, "Dual Conditional GANs for Face Aging and Rejuvenation".

Two conditional GANs learn to undo each other from faces of which no two show the same animal. The primal one G makes a
face younger, to the age group it is told; the dual one F makes a face older:

    G(x_s | c_t) is judged by D_t given c_t,   F(G(x_s | c_t) | c_s) ≈ x_s
    F(x_t | c_s) is judged by D_s given c_s,   G(F(x_t | c_s) | c_t) ≈ x_t
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.methods.adversarial_losses import discriminator_loss, non_saturating_loss
from engine.lab.methods.building_blocks import PatchDiscriminator, ResnetGenerator
from engine.lab.methods.conditional_gan import age_labels
from engine.lab.methods.datasets import AGES, WAYS, PetPictures
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, falling, set_rate, update

RECONSTRUCTION_WEIGHT = 10.0


class DualCgan(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.rejuvenating, self.ageing = (ResnetGenerator(options.width, labels=len(AGES)) for _ in range(2))
        self.discriminator_young, self.discriminator_old = (
            PatchDiscriminator(options.width, 3 + len(AGES)) for _ in range(2)
        )

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        made: Tensor = self.rejuvenating(faces, age_labels(age, len(faces), faces.device))
        return made

    def size(self) -> int:
        return sum(p.numel() for p in self.rejuvenating.parameters())


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn both directions at once."""
    torch.manual_seed(options.seed)
    model = DualCgan(options).to(pets.device)
    g, f = model.rejuvenating, model.ageing
    d_t, d_s = model.discriminator_young, model.discriminator_old
    optimise_g, optimise_d = (adam(options.learning_rate, *both) for both in ((g, f), (d_t, d_s)))

    def step(progress: float) -> dict[str, Tensor]:
        set_rate([optimise_g, optimise_d], options.learning_rate * falling(progress))
        older, younger = WAYS[int(torch.randint(len(WAYS), ()))]
        x_s, x_t = (pets.of_age(group, options.batch).pictures for group in (older, younger))
        c_s, c_t = (age_labels(AGES[group], options.batch, pets.device) for group in (older, younger))
        made_t, made_s = g(x_s, c_t), f(x_t, c_s)
        deceived = non_saturating_loss(d_t(made_t, c_t)) + non_saturating_loss(d_s(made_s, c_s))
        reconstruction = F.l1_loss(f(made_t, c_s), x_s) + F.l1_loss(g(made_s, c_t), x_t)
        update(optimise_g, deceived + RECONSTRUCTION_WEIGHT * reconstruction)
        told_apart = discriminator_loss(d_t(x_t, c_t), d_t(made_t.detach(), c_t))
        told_apart = told_apart + discriminator_loss(d_s(x_s, c_s), d_s(made_s.detach(), c_s))
        loss_d = update(optimise_d, told_apart)
        return {"discriminator": loss_d, "adversarial": deceived, "reconstruction": reconstruction}

    Run(options, pets.shown, out).train(model, step)
    return model
