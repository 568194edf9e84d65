"""The augmentations: what undoes what, what p does, and that nothing leaks while p is below 0.8."""

import math

import pytest
import torch
from torch import Tensor

from engine.lab.methods import ada_pipeline
from engine.lab.methods.ada_pipeline import (
    ADJUSTED_EVERY,
    SAFE_P,
    AdaptiveAugmentation,
    augmented,
    brightness,
    colour_transforms,
    coloured,
    contrast,
    geometric_transforms,
    hue,
    luma_flip,
    moved,
    rotation,
    saturation,
    scaling,
    translation,
)


def some(count: int = 5) -> Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(1)) + 0.5


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (translation(some(), -some()), translation(-some(), some())),
        (scaling(some(), some() + 1), scaling(1 / some(), 1 / (some() + 1))),
        (rotation(some()), rotation(-some())),
        (brightness(some()), brightness(-some())),
        (contrast(some()), contrast(1 / some())),
        (luma_flip(torch.ones(5)), luma_flip(torch.ones(5))),
        (hue(some()), hue(-some())),
        (saturation(some()), saturation(1 / some())),
    ],
)
def test_every_transform_has_its_inverse(there: Tensor, back: Tensor) -> None:
    product = there @ back
    torch.testing.assert_close(product, torch.eye(product.shape[-1]).expand_as(product), atol=1e-5, rtol=0)


def test_hue_and_saturation_leave_grey_alone_and_a_luma_flip_leaves_hue_alone() -> None:
    grey = torch.full((1, 3, 2, 2), 0.3)
    for matrices in (hue(torch.tensor([1.0])), saturation(torch.tensor([2.0]))):
        torch.testing.assert_close(coloured(grey, matrices), grey)
    red = torch.tensor([0.6, -0.3, -0.3]).view(1, 3, 1, 1)  # no luma: its hue alone
    torch.testing.assert_close(coloured(red, luma_flip(torch.ones(1))), red)
    torch.testing.assert_close(coloured(grey, luma_flip(torch.ones(1))), -grey)


def test_a_third_of_the_circle_turns_red_into_green() -> None:
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    turned = coloured(red, hue(torch.tensor([2 * math.pi / 3]))).flatten()
    torch.testing.assert_close(turned, torch.tensor([0.0, 1.0, 0.0]), atol=1e-6, rtol=0)


def smooth_picture() -> Tensor:
    """[1, 3, 16, 16], bright in one corner: no two of its turns or mirror images are alike."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="ij")
    return (-((x - 0.5) ** 2 * 3 + (y - 0.1) ** 2 * 2)).exp().expand(1, 3, -1, -1)


def test_moving_a_picture_there_and_back_changes_little() -> None:
    picture = smooth_picture()
    torch.testing.assert_close(moved(picture, torch.eye(3)[None]), picture, atol=0.05, rtol=0)
    turned = moved(picture, rotation(torch.tensor([math.pi / 2])))
    torch.testing.assert_close(moved(turned, rotation(torch.tensor([-math.pi / 2]))), picture, atol=0.08, rtol=0)
    assert (turned - picture).abs().max() > 0.3
    mirrored = moved(picture, scaling(-torch.ones(1), torch.ones(1)))
    torch.testing.assert_close(mirrored, picture.flip(-1), atol=0.05, rtol=0)


def test_a_shift_to_the_right_moves_the_picture_to_the_right() -> None:
    picture = smooth_picture()
    shifted = moved(picture, translation(torch.tensor([0.25]), torch.zeros(1)))
    torch.testing.assert_close(shifted[..., 4:], picture[..., :-4], atol=0.05, rtol=0)


def test_nothing_happens_at_p_0_and_gradients_pass_at_p_1() -> None:
    pictures = torch.rand(4, 3, 16, 16, requires_grad=True)
    matrices = geometric_transforms(4, 0.0, 16), colour_transforms(4, 0.0)
    assert all((m == torch.eye(m.shape[-1])).all() for m in matrices)
    (gradient,) = torch.autograd.grad(augmented(pictures, 1.0).sum(), pictures)
    assert gradient.abs().sum() > 0


def test_each_transform_happens_as_often_as_p_says() -> None:
    random = torch.Generator().manual_seed(0)
    count, p = 20_000, 0.3
    colours = colour_transforms(count, p, random)
    untouched = (colours == torch.eye(4)).all(dim=2).all(dim=1).float().mean()
    # Five transforms, one of which is nothing half of the time.
    assert float(untouched) == pytest.approx((1 - p) ** 4 * (1 - p / 2), abs=0.01)


def quarter_turns(p: float, count: int, random: torch.Generator) -> Tensor:
    """[4]: shares of what the pipeline's quarter turns make of an upright picture, counted on pictures."""
    chosen = torch.rand(count, generator=random) < p
    turns = torch.where(chosen, torch.randint(4, (count,), generator=random), torch.zeros((), dtype=torch.int64))
    pictures = moved(smooth_picture(), torch.eye(3)[None]).expand(count, -1, -1, -1)
    made = moved(pictures, rotation(turns * (math.pi / 2)))
    upright = [moved(smooth_picture(), rotation(torch.tensor([k * math.pi / 2]))) for k in range(4)]
    apart = torch.stack([(made - one).square().mean(dim=(1, 2, 3)) for one in upright])
    return torch.bincount(apart.argmin(dim=0), minlength=4) / count


def test_below_the_safe_p_the_true_distribution_can_be_read_off_the_augmented_one() -> None:
    """Section 2.2 of the paper: an augmentation leaks nothing if no two distributions look the same after it.

    Of a set in which 7 of 10 pictures stand upright and 3 are upside down, augmented ones are counted. What was there
    is recovered from the counts by inverting the augmentation's own effect on upright pictures.
    """
    random = torch.Generator().manual_seed(0)
    true = torch.tensor([0.7, 0.0, 0.3, 0.0])
    effect = quarter_turns(SAFE_P, 3000, random)
    seen = sum(
        share * quarter_turns(SAFE_P, 3000, random).roll(turn) for turn, share in enumerate(true.tolist()) if share
    )
    operator = torch.stack([effect.roll(turn) for turn in range(4)], dim=1)
    assert torch.linalg.eigvals(operator).abs().min() == pytest.approx(1 - SAFE_P, abs=0.04)
    torch.testing.assert_close(torch.linalg.solve(operator, torch.as_tensor(seen)), true, atol=0.15, rtol=0)


def test_at_p_1_nothing_can_be_read_off_any_more() -> None:
    effect = quarter_turns(1.0, 3000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(effect, torch.full((4,), 0.25), atol=0.04, rtol=0)


def test_a_picture_as_it_is_stays_the_likeliest_orientation_below_the_safe_p() -> None:
    """Through the whole geometric pipeline: upright beats each other turn by far more than chance allows."""
    random = torch.Generator().manual_seed(0)
    made = geometric_transforms(30_000, SAFE_P, 64, random)
    made = made[torch.linalg.det(made) > 0]  # those that were not mirrored
    angles = torch.atan2(made[:, 1, 0] - made[:, 0, 1], made[:, 0, 0] + made[:, 1, 1])
    sectors = torch.bincount(((angles + math.pi / 4) / (math.pi / 2)).floor().long() % 4, minlength=4).float()
    deviation = (sectors[0] + sectors[1:].max()).sqrt()
    assert (sectors[0] - sectors[1:].max()) / deviation > 5


def test_p_rises_while_the_discriminator_is_sure_of_real_pictures_and_falls_again() -> None:
    augment = AdaptiveAugmentation(pictures_to_full=100)
    sure, unsure = torch.full((5,), 3.0), torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
    reports = [augment.observe(sure) for _ in range(ADJUSTED_EVERY)]
    assert reports == [None] * (ADJUSTED_EVERY - 1) + [1.0]
    assert augment.p == pytest.approx(5 * ADJUSTED_EVERY / 100)
    for _ in range(2 * ADJUSTED_EVERY):
        found = augment.observe(unsure)
    assert found is not None
    assert found < ada_pipeline.TARGET
    assert augment.p == 0.0  # never below
