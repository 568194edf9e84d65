"""Batches of photos: which ages they are shown at, and which real faces are beside them."""

import pytest
import torch
from torch import Tensor

from engine.lab.storybook.batches import LEAST_AWAY, MOST_AWAY, photo_batch
from engine.lab.storybook.face_dataset import ADULT, CLASSES, UNCLEAR, YOUNG, FaceDataset

DOG, CAT = 0, 3


def dataset(*classes: int) -> FaceDataset:
    """One plain face for each class, as bright as its place."""
    ages = torch.tensor([{ADULT: 0.0, YOUNG: 1.0, UNCLEAR: float("nan")}[one % 3] for one in classes])
    faces = torch.arange(len(classes))[:, None, None, None].expand(-1, 3, 16, 16) * (255 // len(classes))
    return FaceDataset(faces.to(torch.uint8), torch.tensor([one >= CAT for one in classes]), ages)


def batch_of(faces: FaceDataset, count: int = 400) -> dict[str, Tensor]:
    batch = photo_batch(faces, count, torch.Generator().manual_seed(0), torch.device("cpu"))
    moved = torch.arange(count) >= batch.own
    return {"before": faces.classes[batch.index], "after": batch.classes, "ages": batch.ages, "moved": moved}


def test_classes_tell_species_and_age() -> None:
    classes = torch.arange(CLASSES)
    assert torch.equal(dataset(*classes.tolist()).classes, classes)


def test_adults_become_young_young_ones_adult_and_unclear_ages_stay() -> None:
    batch = batch_of(dataset(*range(CLASSES)))
    moved, ages = batch["moved"], batch["ages"]
    assert 0.3 < moved.float().mean() < 0.5
    assert torch.equal(batch["before"][~moved], batch["after"][~moved])
    assert (ages[~moved] == 0).all()
    assert (batch["before"][moved] % 3 != UNCLEAR).all()
    assert torch.equal(batch["before"][moved] // 3, batch["after"][moved] // 3)  # species stay
    assert torch.equal(ages[moved] > 0, batch["after"][moved] % 3 == YOUNG)
    assert torch.equal(ages[moved] < 0, batch["after"][moved] % 3 == ADULT)
    assert LEAST_AWAY <= ages[moved].abs().min() <= ages[moved].abs().max() <= MOST_AWAY


def test_no_face_is_moved_to_an_age_that_no_real_one_of_its_species_has() -> None:
    batch = batch_of(dataset(DOG + ADULT, DOG + YOUNG, CAT + ADULT))
    assert (batch["before"][batch["moved"]] < CAT).all()
    assert not batch_of(dataset(DOG + ADULT, CAT + YOUNG))["moved"].any()


def test_rare_young_faces_are_seen_more_often() -> None:
    batch = batch_of(dataset(*[DOG + ADULT] * 40, *[DOG + YOUNG] * 4))
    seen = (batch["before"] == DOG + YOUNG).float()
    assert seen[~batch["moved"]].mean() > 2 * 4 / 44
    assert seen[batch["moved"]].mean() == pytest.approx(0.5, abs=0.1)


def test_real_faces_are_of_the_wanted_species_and_age() -> None:
    faces = dataset(*range(CLASSES))
    batch = photo_batch(faces, 60, torch.Generator().manual_seed(0), torch.device("cpu"))
    brightness = (batch.real.mean(dim=(1, 2, 3)) + 1) * 127.5 / (255 // CLASSES)
    assert (brightness - batch.classes).abs().median() < 1
    assert torch.corrcoef(torch.stack([brightness, batch.classes.float()]))[0, 1] > 0.9
