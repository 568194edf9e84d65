import pytest
import torch
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.lab.drawn_pets.parameters import BREEDS, INDEX, NAMES, Z_DIM, at_age, sample_pets, to_z
from engine.lab.drawn_pets.renderer import render

SIDE = 96


def pets(*breeds: str, seed: int = 0) -> Tensor:
    """Adults of these breeds, facing us, without a collar or an open mouth."""
    drawn = sample_pets(list(breeds), torch.Generator().manual_seed(seed))
    for name, value in {"yaw": 0.0, "pitch": 0.0, "tongue": -2.0, "collar": -2.0, "lid": 0.0}.items():
        drawn[:, INDEX[name]] = value
    return drawn


def dark(picture: Tensor, below: float = -0.45) -> Tensor:
    return picture.mean(dim=1) < below


@pytest.mark.parametrize("breed", list(BREEDS))
def test_every_breed_can_be_drawn_at_every_age(breed: str) -> None:
    adults = pets(breed)
    for age in (-0.2, 0.0, 0.5, 1.0, 1.1):
        picture = render(at_age(adults, [breed], torch.tensor([age])), SIDE)
        assert picture.shape == (1, 3, SIDE, SIDE)
        assert picture.isfinite().all()
        assert picture.min() >= -1
        assert picture.max() <= 1
        assert picture.std() > 0.1


def test_the_same_seed_draws_the_same_pet() -> None:
    assert torch.equal(pets("pug", seed=4), pets("pug", seed=4))
    assert not torch.equal(pets("pug", seed=4), pets("pug", seed=5))


def test_a_pet_is_drawn_alone_as_in_a_batch() -> None:
    batch = pets("samoyed", "siamese", "beagle")
    torch.testing.assert_close(render(batch, SIDE)[1:2], render(batch[1:2], SIDE), atol=1e-5, rtol=0)


def test_eyes_lie_where_aligned_photos_have_them() -> None:
    points = face_plane(SIDE)
    near = (points - torch.tensor([0.5, 0.0])).norm(dim=-1) < 0.1
    assert dark(render(pets("samoyed"), SIDE))[0][near].float().mean() > 0.7


def test_the_young_have_larger_eyes_a_shorter_muzzle_and_smaller_ears() -> None:
    breeds = ["samoyed"]
    adult = pets(*breeds)
    pair = render(torch.cat([adult, at_age(adult, breeds, torch.ones(1))]), 192)
    points = face_plane(192)
    eye = (points - torch.tensor([0.5, 0.0])).norm(dim=-1) < 0.4
    grown_eye, young_eye = dark(pair)[:, eye].sum(dim=1).tolist()
    assert young_eye > 1.3 * grown_eye
    below = (points[..., 0].abs() < 0.12) & (points[..., 1] > 0.25) & (points[..., 1] < 1.1)
    heights = points[..., 1]
    grown_nose, young_nose = (float(heights[mask & below].mean()) for mask in dark(pair, -0.6))
    assert young_nose < 0.85 * grown_nose


def test_age_changes_the_coat_of_a_yorkshire_terrier() -> None:
    adult = pets("yorkshire_terrier")
    young = at_age(adult, ["yorkshire_terrier"], torch.ones(1))
    assert young[0, INDEX["coat_blue"]] < adult[0, INDEX["coat_blue"]] - 0.2  # black and tan, not steel blue yet


def test_z_holds_all_the_parameters() -> None:
    drawn = pets("pug", "persian")
    z = to_z(drawn)
    assert z.shape == (2, Z_DIM)
    assert len(NAMES) < Z_DIM
    for column in range(len(NAMES)):  # each in a place of its own
        changed = drawn.clone()
        changed[:, column] += 1
        assert (to_z(changed) != z).any(0).nonzero().flatten().tolist() == [column]
