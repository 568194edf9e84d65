"""`python -m engine bench pictures`: what is measured, and what cannot be."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from engine.lab.evaluation import benchmarks

DACHSHUND = Path(__file__).parents[4] / "bot" / "pictures" / "start.jpg"


def test_pictures_of_pairs_and_of_photos_among_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, others = tmp_path / "photos", tmp_path / "others"
    for folder in (photos, others):
        folder.mkdir()
    shutil.copy(DACHSHUND, photos / "itself.jpg")
    with Image.open(DACHSHUND) as image:
        image.convert("L").save(others / "grey.jpg")
    command = ["pictures", "--count", "1", "--photos", str(photos), "--among", str(photos), str(others), "--json"]
    assert benchmarks.main(command) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["n"] == figures["photos"] == 1
    assert figures["same_pet_among"] == 2
    assert figures["same_pet_share"] == 1


def test_what_needs_photos_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmarks.main(["pictures", "--among", "anywhere"])
    assert "--held-out and --among need --photos" in capsys.readouterr().err
