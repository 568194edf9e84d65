"""The discriminator learns to see what photos have and soft pictures lack, and pulls pictures there."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.lab.storybook.discriminator import Discriminator

CLASSES = torch.tensor([0, 3, 0, 3])
RANDOM = torch.Generator().manual_seed(0)


def softened(pictures: Tensor) -> Tensor:
    return F.interpolate(F.avg_pool2d(pictures, 4), scale_factor=4, mode="bilinear")


def learn(
    discriminator: Discriminator, optimiser: torch.optim.Optimizer, made: Tensor, photos: Tensor, classes: Tensor
) -> float:
    loss = discriminator.losses(made, photos, classes, RANDOM).discriminator
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())


def test_it_learns_to_tell_sharp_pictures_from_soft_ones_and_pulls_the_soft_ones_there() -> None:
    torch.manual_seed(0)
    pets = render(
        sample_pets(["samoyed", "tabby", "yorkshire_terrier", "persian"], torch.Generator().manual_seed(1)), 64
    )
    discriminator = Discriminator()
    optimiser = torch.optim.Adam(discriminator.parameters(), 2e-3, (0.0, 0.99))
    losses = []
    for _ in range(30):
        losses.append(learn(discriminator, optimiser, softened(pets), pets, CLASSES))
    assert losses[-1] < 0.6 * losses[0]

    made = softened(pets).requires_grad_()
    generator_loss = discriminator.losses(made, pets, CLASSES, RANDOM).generator
    before = [parameter.grad.clone() for parameter in discriminator.parameters() if parameter.grad is not None]
    (gradient,) = torch.autograd.grad(generator_loss, made)
    improved = (made - 0.5 * gradient / gradient.norm()).detach()
    assert discriminator.losses(improved, pets, CLASSES, RANDOM).generator < generator_loss
    after = [parameter.grad for parameter in discriminator.parameters() if parameter.grad is not None]
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_it_learns_which_pictures_are_of_another_class() -> None:
    torch.manual_seed(0)
    names = ["samoyed", "tabby", "beagle", "siamese"]
    pets = render(sample_pets(names, torch.Generator().manual_seed(1)), 64)
    discriminator = Discriminator()
    optimiser = torch.optim.Adam(discriminator.parameters(), 2e-3, (0.0, 0.99))
    swapped = pets.roll(1, dims=0)  # the very pictures, each called by the other species
    losses = [learn(discriminator, optimiser, swapped, pets, CLASSES) for _ in range(40)]
    assert losses[-1] < 0.6 * losses[0]


def test_it_varies_pictures_more_while_it_is_too_sure_of_photos() -> None:
    discriminator = Discriminator()
    discriminator.adapt(torch.tensor(0.2))
    assert discriminator.varied == 0
    for _ in range(1000):
        discriminator.adapt(torch.tensor(0.9))
    most = discriminator.varied
    assert most > 1
    discriminator.adapt(torch.tensor(0.2))
    assert discriminator.varied < most
    pets = render(sample_pets(["samoyed"] * 4, torch.Generator().manual_seed(1)), 64).requires_grad_()
    loss = discriminator.losses(pets, pets.detach(), CLASSES, RANDOM).generator
    (gradient,) = torch.autograd.grad(loss, pets)
    assert gradient.abs().max() > 0
