"""Real photos made young are judged by what was learned elsewhere."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.networks import load_network
from engine.perceptual import load_extractor
from engine.storybook.judging import PhotoResult, judge_photos, same_pet_share

DACHSHUND = Path(__file__).parents[3] / "bot" / "pictures" / "start.jpg"


def judged(folder: Path) -> list[PhotoResult]:
    return list(judge_photos(folder, load_network("storybook"), load_extractor("efficientnet-lite0")))


def test_a_photo_comes_out_younger_and_the_same_pet(tmp_path: Path) -> None:
    shutil.copy(DACHSHUND, tmp_path)
    (result,) = judged(tmp_path)
    assert result.reconstruction < result.unlocked / 3
    assert result.muzzle is not None
    assert result.muzzle[1] < result.muzzle[0]
    photo, young = result.fingerprints
    assert float(photo @ young) > 0.6


def test_what_shows_no_pet_or_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), (90, 120, 200)).save(tmp_path / "sky.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert judged(tmp_path) == []


def test_the_same_pet_is_the_nearest_of_all_photos() -> None:
    axes = torch.eye(3)
    result = PhotoResult(Path(), 0.2, 0.1, (0.1, 0.6), None, (axes[0], axes[0]))
    others = [replace(result, fingerprints=(axes[1], axes[1])), replace(result, fingerprints=(axes[2], axes[0]))]
    assert same_pet_share([result, *others]) == pytest.approx(2 / 3)
