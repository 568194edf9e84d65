"""The discriminator learns to see what photos have and soft pictures lack, and pulls pictures there."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.lab.storybook.discriminator import Discriminator


def softened(pictures: Tensor) -> Tensor:
    return F.interpolate(F.avg_pool2d(pictures, 4), scale_factor=4, mode="bilinear")


def test_it_learns_to_tell_sharp_pictures_from_soft_ones_and_pulls_the_soft_ones_there() -> None:
    torch.manual_seed(0)
    pets = render(
        sample_pets(["samoyed", "tabby", "yorkshire_terrier", "persian"], torch.Generator().manual_seed(1)), 64
    )
    discriminator = Discriminator()
    optimiser = torch.optim.Adam(discriminator.parameters(), 2e-3, (0.0, 0.99))
    losses = []
    for _ in range(30):
        _, discriminator_loss = discriminator.losses(softened(pets), pets)
        optimiser.zero_grad()
        discriminator_loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(discriminator_loss.detach()))
    assert losses[-1] < 0.6 * losses[0]

    made = softened(pets).requires_grad_()
    generator_loss, _ = discriminator.losses(made, pets)
    before = [parameter.grad.clone() for parameter in discriminator.parameters() if parameter.grad is not None]
    (gradient,) = torch.autograd.grad(generator_loss, made)
    improved = (made - 0.5 * gradient / gradient.norm()).detach()
    assert discriminator.losses(improved, pets)[0] < generator_loss
    after = [parameter.grad for parameter in discriminator.parameters() if parameter.grad is not None]
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))
