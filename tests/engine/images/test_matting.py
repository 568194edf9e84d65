"""A mask made wider and softer, and what is behind a subject continued."""

import torch
from torch import Tensor

from engine.images.matting import continued, widened

SIDE = 256


def disc(radius: float) -> Tensor:
    line = torch.arange(SIDE) + 0.5 - SIDE / 2
    return (torch.hypot(line[:, None], line[None, :]) < radius).float()[None, None]


def test_a_widened_mask_holds_the_mask_and_ends_softly_a_little_outside() -> None:
    mask = disc(60)
    wider = widened(mask, 0.02)
    assert wider.shape == mask.shape
    assert wider.min() >= 0
    assert wider.max() <= 1.0001
    assert wider[mask > 0].min() > 0.7
    assert wider[disc(90) < 1].max() < 0.02
    edge = wider[0, 0, SIDE // 2, SIDE // 2 :]
    assert (edge.diff() <= 1e-4).all()
    assert edge.diff().abs().max() < 0.2


def test_outside_the_mask_the_picture_stays_and_inside_the_surroundings_go_on() -> None:
    ramp = torch.linspace(-0.5, 0.5, SIDE).expand(1, 3, SIDE, SIDE).clone()
    mask = disc(50)
    subject = torch.where(mask > 0, torch.ones_like(ramp), ramp)
    behind = continued(subject, widened(mask, 0.02))
    outside = disc(80) < 1
    torch.testing.assert_close(behind[outside.expand_as(behind)], subject[outside.expand_as(behind)])
    assert (behind - ramp).abs().mean() < 0.03
    assert behind.max() < 0.7  # nothing of the subject is left
