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


def _rendered(drawn: Tensor) -> Tensor:
    return render(drawn, 192)


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


def test_a_kittens_eyes_are_grey_blue_and_a_puppys_dark() -> None:
    breeds = ["domestic_shorthair", "golden_retriever"]
    adults = pets(*breeds)
    grown, young = (render(at_age(adults, breeds, torch.full((2,), age)), 192) / 2 + 0.5 for age in (0.0, 1.0))
    away = face_plane(192) - torch.tensor([0.5, 0.0])
    ring = ((away.norm(dim=-1) - 0.1).abs() < 0.03) & (away[..., 1] > 0.02)  # below the catchlight, around the pupil
    cat, kitten = (picture[0, :, ring].mean(dim=1) for picture in (grown, young))
    assert cat[0] > cat[2] + 0.1  # amber or green
    assert kitten[2] > kitten[0]
    dog, puppy = ((picture[1].mean(dim=0) < 1 / 6)[away.norm(dim=-1) < 0.35].sum() for picture in (grown, young))
    assert puppy > 1.2 * dog


def test_young_fur_is_softer() -> None:
    breeds = ["labrador_retriever", "black_cat"]
    adults = pets(*breeds)
    fur = (face_plane(192) - torch.tensor([0.0, -0.45])).norm(dim=-1) < 0.2
    adults[:, INDEX["coat_red"] : INDEX["coat_blue"] + 1] = 0.6  # so that no coat changes with age
    young = adults.clone()
    young[:, INDEX["age"]] = 1.0
    hairs = [
        (picture.diff(dim=-1)[..., fur[:, 1:]]).abs().mean(dim=(1, 2)) for picture in map(_rendered, (adults, young))
    ]
    assert (hairs[1] < 0.95 * hairs[0]).all()


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
