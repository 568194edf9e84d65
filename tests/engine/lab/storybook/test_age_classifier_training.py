"""The age classifier, learned from drawn pets saved as if they were photographed."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.lab.annotations import usable_faces
from engine.lab.evaluation.age_classifier import AgeClassifier, load_classifier
from engine.lab.storybook.age_classifier_training import area_under_curve, fit_classifier
from engine.lab.storybook.face_dataset import FaceDataset, open_dataset
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


def dataset_of(folder: Path) -> FaceDataset:
    return open_dataset(list(usable_faces(folder)), 256)


@pytest.fixture(scope="module")
def classifier(photos: list[Path]) -> AgeClassifier:
    dataset = dataset_of(photos[0])
    everything = torch.ones(len(dataset), dtype=torch.bool)
    return fit_classifier(dataset, everything, torch.Generator().manual_seed(0), views=3)


def pictures(dataset: FaceDataset) -> Tensor:
    return dataset.pictures(torch.arange(len(dataset)))


def test_the_classifier_tells_the_age_of_pets_it_has_not_seen(classifier: AgeClassifier, photos: list[Path]) -> None:
    unseen = dataset_of(photos[1])
    assert area_under_curve(classifier.with_mirror_images(pictures(unseen)), unseen.ages > 0.5) > 0.9


def test_the_classifier_is_kept(classifier: AgeClassifier, photos: list[Path], tmp_path: Path) -> None:
    classifier.save(tmp_path)
    faces = pictures(dataset_of(photos[1]))[:2]
    torch.testing.assert_close(
        load_classifier(tmp_path).with_mirror_images(faces), classifier.with_mirror_images(faces)
    )


def test_the_area_under_the_curve_of_perfect_scores_and_of_guesses() -> None:
    young = torch.tensor([True, False, True, False])
    assert area_under_curve(torch.tensor([2.0, 1.0, 3.0, 0.0]), young) == 1.0
    assert area_under_curve(torch.tensor([2.0, 1.0, 0.0, 3.0]), young) == 0.25
