"""A mask made wider and softer, and what is behind a subject continued."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.matting import continued, cut_out, widened

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


def test_hairs_outside_a_rough_mask_are_told_from_what_is_between_them() -> None:
    hairs, rough = disc(60), disc(60)
    hairs[..., SIDE // 2 - 80 : SIDE // 2, SIDE // 2 - 40 : SIDE // 2 + 40 : 8] = 1
    rough = F.interpolate(rough, (SIDE // 2,) * 2, mode="area")
    grey, green = (torch.tensor(colour)[None, :, None, None] for colour in ((0.6, 0.6, 0.6), (0.2, 0.4, 0.2)))
    found = cut_out(torch.lerp(green, grey, hairs), rough, 6.0)
    above = torch.zeros_like(hairs, dtype=torch.bool)
    above[..., SIDE // 2 - 70 : SIDE // 2 - 62, SIDE // 2 - 20 : SIDE // 2 + 20] = True
    assert found[above & (hairs > 0)].mean() > 0.5
    assert found[above & (hairs == 0)].mean() < 0.1
    assert found[disc(40) > 0].min() > 0.9
    assert found[disc(95) == 0].max() < 0.05


def test_of_a_subject_like_what_is_behind_it_a_rough_mask_is_cut_out() -> None:
    rough = F.interpolate(disc(60), (SIDE // 2,) * 2, mode="area")
    found = cut_out(torch.full((1, 3, SIDE, SIDE), 0.5), rough, 6.0)
    assert found[disc(30) > 0].min() > 0.9
    assert found[disc(95) == 0].max() < 0.05
