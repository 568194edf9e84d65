"""What the papers say about their losses, on cases small enough to know the answer."""

import math

import pytest
import torch
from torch import Tensor, nn

from engine.lab.methods.adversarial_losses import (
    discriminator_loss,
    gradient_penalty,
    least_squares_loss,
    minimax_loss,
    non_saturating_loss,
    r1_penalty,
    wasserstein_loss,
)
from engine.lab.methods.building_blocks import structural_similarity
from engine.lab.methods.conditional_gan import LABELS, age_labels, condition
from engine.lab.methods.cyclegan import ImagePool, cycle_loss, identity_loss
from engine.lab.methods.datasets import AGES, BREED_NAMES
from engine.lab.methods.pfa_gan import age_estimation_loss, expected_age, gates_between
from engine.lab.methods.stargan import classification_loss


def slope(loss: Tensor, at: Tensor) -> float:
    return float(torch.autograd.grad(loss, at)[0])


def test_where_the_discriminator_cannot_tell_the_games_value_is_log_four() -> None:
    undecided = torch.zeros(8)
    assert float(discriminator_loss(undecided, undecided)) == pytest.approx(math.log(4))


@pytest.mark.parametrize("logit", [-9.0, -2.0, 0.0, 3.0])
def test_minimax_saturates_where_the_non_saturating_loss_does_not(logit: float) -> None:
    score = torch.tensor(logit, requires_grad=True)
    believed = 1 / (1 + math.exp(-logit))  # D(G(z))
    assert slope(minimax_loss(score), score) == pytest.approx(-believed, rel=1e-4)
    assert slope(non_saturating_loss(score), score) == pytest.approx(-(1 - believed), rel=1e-4)


def test_both_generator_losses_pull_the_same_way_and_meet_where_d_is_undecided() -> None:
    score = torch.zeros((), requires_grad=True)
    assert slope(minimax_loss(score), score) == slope(non_saturating_loss(score), score) == -0.5


def test_least_squares_is_the_squared_distance_from_the_label() -> None:
    logits = torch.tensor([0.0, 3.0])
    assert float(least_squares_loss(logits, real=True)) == pytest.approx((1 + 4) / 2)
    assert float(least_squares_loss(logits, real=False)) == pytest.approx(9 / 2)


def test_wasserstein_is_the_difference_of_means() -> None:
    assert float(wasserstein_loss(torch.tensor([1.0, 3.0]), torch.tensor([-1.0]))) == -3.0


@pytest.mark.parametrize(("factor", "penalty"), [(1.0, 0.0), (3.0, 4.0), (0.0, 1.0)])
def test_the_gradient_penalty_of_a_linear_critic_is_its_length_minus_one_squared(factor: float, penalty: float) -> None:
    direction = torch.randn(3, 4, 4)
    direction = direction / direction.norm()

    def critic(pictures: Tensor) -> Tensor:
        score: Tensor = factor * (pictures * direction).sum(dim=(1, 2, 3))
        return score

    found = gradient_penalty(critic, torch.randn(5, 3, 4, 4), torch.randn(5, 3, 4, 4))
    assert float(found.detach()) == pytest.approx(penalty, abs=1e-5)


def test_r1_of_half_the_squared_length_is_the_mean_squared_length() -> None:
    real = torch.randn(6, 3, 4, 4, requires_grad=True)
    logits = real.square().sum(dim=(1, 2, 3)) / 2  # whose gradient is the picture itself
    expected = real.detach().square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(r1_penalty(logits, real), expected)


def test_r1_passes_gradients_to_the_discriminator() -> None:
    weight = torch.tensor(2.0, requires_grad=True)
    real = torch.ones(1, 1, 1, 1, requires_grad=True)
    (towards,) = torch.autograd.grad(r1_penalty(weight * real.sum(dim=(1, 2, 3)), real), weight)
    assert float(towards) == 4.0  # of w²


class Shift(nn.Module):
    """Adds a constant: the generator of a toy whose domains differ in nothing else."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x + self.by


def test_generators_that_undo_each_other_have_no_cycle_loss() -> None:
    x, y = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    g, f = Shift(0.5), Shift(-0.5)
    assert float(cycle_loss(g, f, x, y, g(x), f(y))) == pytest.approx(0, abs=1e-6)
    assert float(identity_loss(g, f, x, y)) == pytest.approx(1.0)  # each moves its own domain by half


def test_a_generator_that_forgets_is_seen_by_the_cycle_loss() -> None:
    x, y = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    same = nn.Identity()
    assert float(cycle_loss(same, same, x, y, same(x), same(y))) == 0
    off = Shift(0.25)
    assert float(cycle_loss(off, off, x, y, off(x), off(y))) == pytest.approx(1.0, rel=1e-4)


def test_the_identity_toy_is_learned_from_the_cycle_and_identity_losses_alone() -> None:
    torch.manual_seed(0)
    g, f = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    optimiser = torch.optim.Adam([*g.parameters(), *f.parameters()], 0.02)
    for _ in range(400):
        x, y = torch.rand(4, 3, 4, 4), torch.rand(4, 3, 4, 4)
        loss = cycle_loss(g, f, x, y, g(x), f(y)) + identity_loss(g, f, x, y)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    g.requires_grad_(False)
    f.requires_grad_(False)
    picture = torch.rand(1, 3, 4, 4)
    assert float((g(picture) - picture).abs().max()) < 0.15
    assert float((f(g(picture)) - picture).abs().max()) < 0.15


def test_the_pool_gives_half_of_what_it_remembers_and_never_more_than_it_may_hold() -> None:
    pool = ImagePool(10, seed=0)
    old = 0
    for step in range(400):
        (given,) = pool.exchanged(torch.full((1, 1, 1, 1), float(step)))
        if step >= 10:
            old += int(float(given) != step)
    assert 0.4 < old / 390 < 0.6


def test_between_two_age_groups_each_has_its_share() -> None:
    assert age_labels(0.0, 1, torch.device("cpu")).tolist() == [[1, 0, 0]]
    assert age_labels(0.75, 2, torch.device("cpu")).tolist() == [[0, 0.5, 0.5]] * 2


def test_the_condition_knows_which_breeds_are_cats() -> None:
    breeds = torch.eye(len(BREED_NAMES))[[BREED_NAMES.index("siamese"), BREED_NAMES.index("pug")]]
    y = condition(age_labels(1.0, 2, breeds.device), breeds)
    assert y.shape == (2, LABELS)
    assert y[:, len(AGES)].tolist() == [1.0, 0.0]


def test_stargan_names_the_age_and_the_species() -> None:
    domain = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    sure, undecided = torch.tensor([[-50.0, -50.0, 50.0, 50.0]]), torch.zeros(1, 4)
    assert float(classification_loss(sure, domain)) == pytest.approx(0, abs=1e-6)
    assert float(classification_loss(undecided, domain)) == pytest.approx(math.log(3) + math.log(2))


def test_the_expected_age_is_read_off_the_softmax() -> None:
    assert float(expected_age(torch.zeros(1, 3))) == pytest.approx(0.5)
    certain = torch.tensor([[-40.0, -40.0, 40.0]])
    assert float(age_estimation_loss(certain, torch.tensor([2]))) == pytest.approx(0, abs=1e-6)
    assert float(age_estimation_loss(torch.zeros(1, 3), torch.tensor([2]))) == pytest.approx(0.5 + math.log(3))


def test_gates_open_the_steps_between_two_ages_and_no_others() -> None:
    assert gates_between(0.0, 1.0) == (1.0, 1.0)
    assert gates_between(0.0, 0.5) == (1.0, 0.0)
    assert gates_between(0.5, 1.0) == (0.0, 1.0)


def test_a_picture_is_structurally_similar_to_itself_and_not_to_noise() -> None:
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    assert float(structural_similarity(picture, picture)) == pytest.approx(1, abs=1e-4)
    assert float(structural_similarity(picture, torch.rand(1, 3, 16, 16) * 2 - 1)) < 0.3
