"""Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks".

Two domains, adults X and young ones Y, of which no pairs are known. G: X → Y and F: Y → X should undo each other:

    L = L_GAN(G, D_Y) + L_GAN(F, D_X)
      + λ (E[‖F(G(x)) - x‖₁] + E[‖G(F(y)) - y‖₁]) + λ/2 (E[‖G(y) - y‖₁] + E[‖F(x) - x‖₁])

L_GAN is the least squares loss, and each discriminator sees made pictures out of a pool of earlier ones.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.methods.adversarial_losses import least_squares_loss
from engine.lab.methods.building_blocks import PatchDiscriminator, ResnetGenerator
from engine.lab.methods.datasets import ADULT, YOUNG, PetPictures
from engine.lab.methods.training_loop import MethodOptions, Model, Run, adam, falling, set_rate, update

CYCLE_WEIGHT = 10.0  # λ of the paper
IDENTITY_WEIGHT = 0.5  # of λ
POOL_SIZE = 50  # made pictures that a discriminator remembers (Shrivastava et al. 2017)


class ImagePool:
    """Made pictures of earlier steps: half of those given out are old ones, whose places the new ones take."""

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._pictures = size, list[Tensor]()
        self._random = torch.Generator().manual_seed(seed)

    def exchanged(self, made: Tensor) -> Tensor:
        """[N, 3, R, R] of new and old ones."""
        chosen = []
        for picture in made.detach():
            if len(self._pictures) < self._size:
                self._pictures.append(picture)
                chosen.append(picture)
            elif torch.rand((), generator=self._random) < 0.5:
                place = int(torch.randint(self._size, (), generator=self._random))
                chosen.append(self._pictures[place])
                self._pictures[place] = picture
            else:
                chosen.append(picture)
        return torch.stack(chosen)


class CycleGan(Model):
    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        self.to_young, self.to_adult = (ResnetGenerator(options.width) for _ in range(2))
        self.discriminator_young, self.discriminator_adult = (PatchDiscriminator(options.width) for _ in range(2))

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        """Two domains are all it knows: `age` blends the picture in."""
        made: Tensor = self.to_young(faces)
        return torch.lerp(faces, made, age)

    def size(self) -> int:
        return sum(p.numel() for p in self.to_young.parameters())


def cycle_loss(g: torch.nn.Module, f: torch.nn.Module, x: Tensor, y: Tensor, made_y: Tensor, made_x: Tensor) -> Tensor:
    """E[‖F(G(x)) - x‖₁] + E[‖G(F(y)) - y‖₁] (equation 2), where `made_y` is G(x) and `made_x` F(y)."""
    return F.l1_loss(f(made_y), x) + F.l1_loss(g(made_x), y)


def identity_loss(g: torch.nn.Module, f: torch.nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """E[‖G(y) - y‖₁] + E[‖F(x) - x‖₁] (section 5.2): what is young already stays as it is."""
    return F.l1_loss(g(y), y) + F.l1_loss(f(x), x)


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Learn from adults and young ones that have nothing to do with each other."""
    torch.manual_seed(options.seed)
    model = CycleGan(options).to(pets.device)
    g, f, d_y, d_x = model.to_young, model.to_adult, model.discriminator_young, model.discriminator_adult
    optimise_g, optimise_d = (adam(options.learning_rate, *both) for both in ((g, f), (d_y, d_x)))
    pool_y, pool_x = (ImagePool(POOL_SIZE, options.seed + i) for i in range(2))

    def step(progress: float) -> dict[str, Tensor]:
        set_rate([optimise_g, optimise_d], options.learning_rate * falling(progress))
        x, y = (pets.of_age(group, options.batch).pictures for group in (ADULT, YOUNG))
        made_y, made_x = g(x), f(y)
        deceived = least_squares_loss(d_y(made_y), real=True) + least_squares_loss(d_x(made_x), real=True)
        cycle = cycle_loss(g, f, x, y, made_y, made_x)
        identity = identity_loss(g, f, x, y)
        update(optimise_g, deceived + CYCLE_WEIGHT * (cycle + IDENTITY_WEIGHT * identity))
        told_apart = sum(
            least_squares_loss(d(real), real=True) + least_squares_loss(d(pool.exchanged(made)), real=False)
            for d, real, made, pool in ((d_y, y, made_y, pool_y), (d_x, x, made_x, pool_x))
        )
        loss_d = update(optimise_d, torch.as_tensor(told_apart) / 2)
        return {"discriminator": loss_d, "adversarial": deceived, "cycle": cycle, "identity": identity}

    Run(options, pets.shown, out).train(model, step)
    return model
