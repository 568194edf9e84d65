"""Path lengths, kernel distances and gaps, where their values are known."""

import math

import pytest
import torch
from torch import Tensor

from engine.lab.methods.datasets import HeldOutPets
from engine.lab.methods.kernel_distance import kernel_distance, own_nearest
from engine.lab.methods.path_length import LatentSpace, Sampling, lerp, normal_space, path_length, slerp
from engine.lab.methods.scoring import changes_made, gaps_closed
from engine.stylegan.perceptual import PerceptualDistance


def squared(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().flatten(1).sum(dim=1)


def fixed(draw: object, between: object) -> LatentSpace:
    """All ways lead from (1, 0) to (0, 1) or back."""
    ends = iter([torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])])
    return LatentSpace(draw, lambda count, _: next(ends).double().expand(count, 2), between)  # type: ignore[arg-type]


@pytest.mark.parametrize("sampling", ["full", "end"])
def test_a_linear_generator_has_the_length_of_its_way_squared(sampling: Sampling) -> None:
    space = fixed(lambda w: 3 * w, lerp)
    assert path_length(space, squared, sampling, 20) == pytest.approx(9 * 2, rel=1e-4)


@pytest.mark.parametrize("sampling", ["full", "end"])
def test_on_a_sphere_the_length_is_the_angle_squared(sampling: Sampling) -> None:
    space = fixed(lambda z: z, slerp)
    assert path_length(space, squared, sampling, 20) == pytest.approx((math.pi / 2) ** 2, rel=1e-4)


def test_a_bend_is_seen_by_full_ways_and_not_at_their_ends() -> None:
    """A generator that jumps half way: g(t) = 0 before, steep in the middle, as a latent space with a crack."""

    def draw(w: Tensor) -> Tensor:
        return torch.sigmoid(50 * (w[:, 1:] - 0.5))

    lengths = [path_length(fixed(draw, lerp), squared, sampling, 2000) for sampling in ("full", "end")]
    assert lengths[0] > 100 * lengths[1]
    assert 5 < lengths[0] < 50 / 6  # ∫ (50 s (1 - s))² dt, less the steepest percent, which is left out


def test_slerp_keeps_to_the_sphere_and_reaches_both_ends() -> None:
    a, b = torch.randn(2, 6, 8, dtype=torch.double)
    start, middle, end = (slerp(a, b, torch.full((6,), t, dtype=torch.double)) for t in (0.0, 0.3, 1.0))
    torch.testing.assert_close(middle.norm(dim=1), torch.ones(6, dtype=torch.double))
    torch.testing.assert_close(start, a / a.norm(dim=1, keepdim=True))
    torch.testing.assert_close(end, b / b.norm(dim=1, keepdim=True))


def test_z_reaches_the_generator_as_long_as_it_is_in_training() -> None:
    lengths: list[Tensor] = []

    def draw(z: Tensor) -> Tensor:
        lengths.append(z.norm(dim=1))
        return z

    path_length(normal_space(draw, 16), squared, "full", 8)
    torch.testing.assert_close(lengths[0], torch.full((8,), 4.0), atol=1e-4, rtol=0)


def test_kid_is_nothing_between_two_halves_and_grows_with_the_distance() -> None:
    random = torch.Generator().manual_seed(0)
    a, b = (torch.randn(400, 16, generator=random) for _ in range(2))
    assert abs(kernel_distance(a, b)) < 0.05
    near, far = (kernel_distance(a, b + shift) for shift in (0.5, 1.0))
    assert 0.2 < near < far


def test_kid_of_two_points_each_is_what_the_formula_says() -> None:
    a, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [3.0]])
    within_a, within_b = 1.0, 7.0**3  # the unequal pairs alone: (0·1 + 1)³, (2·3 + 1)³
    between = (1 + 1 + 27 + 64) / 4
    assert kernel_distance(a, b) == pytest.approx(within_a + within_b - 2 * between)


def test_each_is_nearest_to_itself_and_hardly_to_a_shuffled_order() -> None:
    prints = torch.randn(100, 32)
    assert own_nearest(prints, prints) == 1
    assert own_nearest(prints, prints.roll(1, dims=0)) == 0


class PixelDistance(PerceptualDistance):
    def features(self, image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        return image.flatten(1)


def test_the_truth_closes_all_of_the_gap_and_is_all_of_the_right_change() -> None:
    adults, young = torch.rand(2, 3, 3, 4, 4)
    none = torch.empty(0, 3, 4, 4)
    pets = HeldOutPets(adults, young, none, none, torch.empty(0, dtype=torch.bool), torch.zeros(3, dtype=torch.bool))
    for results, expected in ((young, 1.0), (adults, 0.0), ((adults + young) / 2, 0.75)):
        gaps, _ = gaps_closed(results, pets, PixelDistance())
        torch.testing.assert_close(gaps, torch.full((3,), expected))
    assert changes_made(young, pets) == pytest.approx((1, 0), abs=1e-5)
    assert changes_made((adults + young) / 2, pets) == pytest.approx((0.5, 0), abs=1e-5)
    true = (young - adults).flatten()
    across = torch.randn_like(true)
    across -= true * (across @ true) / (true @ true)
    wrong = adults + (across * true.norm() / across.norm()).view_as(adults)  # as far as the truth, another way
    assert changes_made(wrong, pets) == pytest.approx((0, 1), abs=1e-5)
