"""A reader of age and the correction of growth, learned from drawn pets saved as if they were photographed."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.lab.drawn_pets.drawn_growth import CORRECTION_SIDE
from engine.lab.evaluation.age_classifier import AgeClassifier, area_under_curve, fitted, load_classifier
from engine.lab.storybook.face_dataset import FaceDataset, open_dataset, usable_faces
from engine.lab.storybook.growth_correction import CorrectingOptions, correct, save_correction
from tests.engine.lab.drawn_photos import write_photos

BREEDS = ["samoyed", "beagle", "siamese", "pug", "tabby", "poodle", "siberian_husky", "persian"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with each breed as an adult and young: to learn from, and others."""
    folders = [tmp_path_factory.mktemp(name) for name in ("known", "unseen")]
    for seed, folder in enumerate(folders):
        write_photos(folder, BREEDS, seed=2 * seed)
        write_photos(folder, BREEDS, young=True, seed=2 * seed + 1, more=True)
    return folders


def book_of(folder: Path) -> FaceDataset:
    return open_dataset(list(usable_faces(folder)), 256)


@pytest.fixture(scope="module")
def classifier(photos: list[Path]) -> AgeClassifier:
    book = book_of(photos[0])
    return fitted(book, torch.ones(len(book), dtype=torch.bool), torch.Generator().manual_seed(0), views=3)


def pictures(book: FaceDataset) -> Tensor:
    return book.faces.float() / 127.5 - 1


def test_a_reader_tells_the_age_of_pets_it_has_not_seen(classifier: AgeClassifier, photos: list[Path]) -> None:
    unseen = book_of(photos[1])
    assert area_under_curve(classifier.both_ways(pictures(unseen)), unseen.ages > 0.5) > 0.9


def test_a_reader_is_kept(classifier: AgeClassifier, photos: list[Path], tmp_path: Path) -> None:
    classifier.save(tmp_path)
    faces = pictures(book_of(photos[1]))[:2]
    torch.testing.assert_close(load_classifier(tmp_path).both_ways(faces), classifier.both_ways(faces))


def test_the_curve_of_a_perfect_reader_and_of_one_who_guesses() -> None:
    young = torch.tensor([True, False, True, False])
    assert area_under_curve(torch.tensor([2.0, 1.0, 3.0, 0.0]), young) == 1.0
    assert area_under_curve(torch.tensor([2.0, 1.0, 0.0, 3.0]), young) == 0.25


def test_what_is_found_moves_parts_alike_on_both_sides_and_is_kept(photos: list[Path], tmp_path: Path) -> None:
    found = correct(photos, CorrectingOptions(steps=4, batch=4, views=1))
    way = found.correction
    assert way.shape == (2, 2, CORRECTION_SIDE, CORRECTION_SIDE)
    assert way.abs().max() > 0
    mirrored = way.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None]
    torch.testing.assert_close(mirrored, way)
    assert 0 <= found.judged.younger <= 1
    save_correction(way, tmp_path)
    assert (tmp_path / "growth.safetensors").exists()
