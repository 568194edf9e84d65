"""Real photos made young are judged by what was learned elsewhere."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.errors import OperatorError
from engine.lab.evaluation.real_photos import (
    PhotoResult,
    measure_photos,
    other_fingerprints,
    photo_files,
    same_pet_share,
)
from engine.stylegan.perceptual import EmbeddedDistance
from engine.stylegan.store import load_embedded
from tests.engine.dachshund import PICTURE as DACHSHUND
from tests.engine.dachshund import dachshund
from tests.engine.lab.drawn_photos import write_photos


def measured(folder: Path) -> list[PhotoResult]:
    return list(measure_photos(photo_files([folder]), load_embedded(), EmbeddedDistance()))


def test_a_photo_comes_out_younger_and_the_same_pet(tmp_path: Path) -> None:
    dachshund().save(tmp_path / "dachshund.png")
    (result,) = measured(tmp_path)
    assert result.reconstruction < result.untuned / 3
    assert result.young is not None
    assert result.young[1] > result.young[0]
    photo, young = result.fingerprints
    assert float(photo @ young) > 0.6


def test_what_shows_no_pet_or_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), (90, 120, 200)).save(tmp_path / "sky.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert measured(tmp_path) == []


def test_the_same_pet_is_the_nearest_of_all_photos() -> None:
    axes = torch.eye(3)
    result = PhotoResult(Path(), 0.2, 0.1, (0.1, 0.6), None, (axes[0], axes[0]))
    others = [replace(result, fingerprints=(axes[1], axes[1])), replace(result, fingerprints=(axes[2], axes[0]))]
    assert same_pet_share([result, *others]) == pytest.approx(2 / 3)
    nearer = [torch.tensor([0.5, 0.8, 0.0])]
    assert same_pet_share([others[0]], nearer) == 1
    assert same_pet_share([others[1]], nearer) == 0


def test_others_to_compare_with_are_adults_that_were_not_judged(tmp_path: Path) -> None:
    for name in ("judged.jpg", "a.jpg", "b.jpg"):
        shutil.copy(DACHSHUND, tmp_path / name)
    Image.new("RGB", (200, 200), (90, 120, 200)).save(tmp_path / "sky.png")
    files, network = photo_files([tmp_path, tmp_path]), load_embedded()
    assert len(files) == 4
    found = other_fingerprints(files, network, 300, [tmp_path / "judged.jpg"])
    assert len(found) == 2
    assert float(found[0] @ found[1]) == pytest.approx(1, abs=1e-4)
    assert len(other_fingerprints(files, network, 1)) == 1


def test_held_out_photos_are_the_marked_ones_that_training_leaves_out(tmp_path: Path) -> None:
    write_photos(tmp_path, ["samoyed"])
    held_out = "unseen_0.jpg"  # of the fixed tenth, by its name
    for table in tmp_path.glob("*.tsv"):
        text = table.read_text(encoding="utf-8")
        row = text.splitlines()[1].replace("samoyed_adult_0.png", held_out)
        table.write_text(f"{text}{row}\n", encoding="utf-8")
    for name in (held_out, "unmarked.jpg"):
        shutil.copy(DACHSHUND, tmp_path / name)
    assert photo_files([tmp_path], held_out=True) == [tmp_path / held_out]
    assert len(photo_files([tmp_path])) == 3


def test_without_marks_nobody_can_tell_what_was_held_out(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"there is no SOURCES\.tsv in "):
        photo_files([tmp_path], held_out=True)
