"""What real faces say of age, in the latent space."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.lab.annotations import AnnotatedPhoto, read_annotations
from engine.lab.storybook.age_axis import DRAWN_COUNT_AS, MOST_PAIRS, age_corrections, real_age_difference
from engine.messages import Species
from engine.stylegan.age_vectors import corrected_age_vector
from engine.stylegan.store.statistics import describe
from tests.engine.lab.drawn_photos import write_photos

W_DIM = 40


@pytest.fixture
def photo(tmp_path: Path) -> AnnotatedPhoto:
    write_photos(tmp_path, ["beagle"])
    return read_annotations(tmp_path)[0]


def test_age_is_compared_within_breeds(photo: AnnotatedPhoto) -> None:
    age, beagle = torch.eye(2, W_DIM)
    faces = [("pug", True)] * 1 + [("pug", False)] * 9 + [("beagle", True)] * 30 + [("beagle", False)] * 2
    faces += [("boxer", True), ("samoyed", False)]  # of one age alone
    photos = [replace(photo, breed=breed, young=young) for breed, young in faces]
    photos += [replace(photo, breed="pug", young=None), replace(photo, species=Species.CAT, breed="tabby", young=True)]
    latents = torch.stack([age * bool(one.young) + 5 * beagle * (one.breed == "beagle") for one in photos])
    difference, pairs = real_age_difference(photos, latents, Species.DOG)
    torch.testing.assert_close(difference, age)
    assert pairs == pytest.approx(1 * 9 / 10 + 30 * 2 / 32)
    assert real_age_difference(photos * 20, latents.repeat(20, 1), Species.DOG)[1] == 2 * MOST_PAIRS


def test_drawn_pets_are_believed_the_more_the_fewer_real_faces_there_are(photo: AnnotatedPhoto) -> None:
    drawn, told = torch.eye(2, W_DIM)
    photos = [replace(photo, breed=str(i // 2), young=i % 2 == 0) for i in range(2 * int(2 * DRAWN_COUNT_AS))]
    latents = torch.stack([told * bool(one.young) for one in photos])
    dogs, cats = age_corrections(torch.stack([drawn, drawn]), photos, latents)
    torch.testing.assert_close(dogs, 0.5 * (told - drawn))  # each breed is worth half a pair
    torch.testing.assert_close(cats, torch.zeros(W_DIM))


def test_without_both_ages_real_faces_say_nothing(photo: AnnotatedPhoto) -> None:
    difference, pairs = real_age_difference([photo], torch.ones(1, W_DIM), Species.DOG)
    assert pairs == 0
    assert difference.tolist() == [0.0] * W_DIM


def test_a_correction_stays_within_the_widest_components() -> None:
    widths = torch.linspace(2, 0.1, W_DIM)
    statistics = describe(torch.randn(2000, W_DIM, generator=torch.Generator().manual_seed(0)) * widths)
    vector = torch.ones(3, W_DIM)
    wide, narrow = statistics.components[0], statistics.components[-1]
    moved = corrected_age_vector(vector, wide + narrow, statistics)
    torch.testing.assert_close(moved, vector + wide, atol=1e-4, rtol=1e-4)
