"""`python -m engine lab …`, run on a folder of drawn pets."""

import json
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from engine.errors import OperatorError
from engine.lab import cli
from engine.lab.evaluation.age_classifier import load_classifier
from engine.lab.recogniser import cli as recogniser_cli
from engine.lab.recogniser.breed_training import BreedTrainingOptions
from engine.lab.storybook import cli as storybook_cli
from engine.lab.storybook.age_classifier_training import train_classifier
from tests.engine.lab.drawn_photos import write_photos

BREEDS = ["samoyed", "beagle", "siamese", "pug", "tabby", "poodle", "siberian_husky", "persian"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Annotated photos of drawn pets, adult and young; by their names, some of either age are never trained on."""
    folder = tmp_path_factory.mktemp("annotated")
    write_photos(folder, BREEDS, seed=2)
    write_photos(folder, BREEDS, young=True, seed=3, more=True)
    return folder


def test_help_names_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(group in shown for group in cli.GROUPS)


def test_an_unknown_group_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["weather"])
    assert "invalid choice" in capsys.readouterr().err


def test_without_the_code_that_trains_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.GROUPS, "storybook", ("engine.lab.left_out.cli", "not installed"))
    with pytest.raises(OperatorError, match="in a checkout of the repository"):
        cli.main(["storybook", "sheet", "breeds.png"])


def test_a_sheet_of_drawn_breeds(tmp_path: Path) -> None:
    assert cli.main(["storybook", "sheet", str(tmp_path / "breeds.png")]) == 0
    with Image.open(tmp_path / "breeds.png") as sheet:
        assert sheet.width == 14 * 160


def test_storybook_is_trained_with_the_options_given(folder: Path, tmp_path: Path) -> None:
    batch = ["--drawn-per-step", "2", "--photos-per-step", "2", "--discriminator-share", "0.3"]
    folders = ["--photos", str(folder), "--out", str(tmp_path)]
    assert cli.main(["storybook", "train", *folders, "--resolution", "32", "--pictures", "8", *batch]) == 0
    facts = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert facts["seen"] == 8
    assert facts["options"]["discriminator_share"] == 0.3


def test_the_age_classifier_goes_where_it_is_asked_to(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(storybook_cli, "train_classifier", lambda folders: train_classifier(folders, views=1))
    assert cli.main(["storybook", "ages", "--photos", str(folder), "--out", str(tmp_path)]) == 0
    assert load_classifier(tmp_path).weight.abs().max() > 0
    assert 0 <= float(capsys.readouterr().out) <= 1


@pytest.mark.heavy
def test_the_recogniser_is_trained(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sky = tmp_path / "petless"
    sky.mkdir()
    Image.new("RGB", (200, 200), (90, 120, 200)).save(sky / "sky.png")
    photos = ["--photos", str(folder)]
    monkeypatch.setattr(recogniser_cli, "BreedTrainingOptions", lambda: BreedTrainingOptions(steps=3))
    assert cli.main(["recogniser", "faces", *photos, "--pictures", "0.005", "--out", str(tmp_path / "faces")]) == 0
    assert {name.split(".")[0] for name in load_file(tmp_path / "faces")} == {"finder", "marker"}
    assert cli.main(["recogniser", "breeds", *photos, "--petless", str(sky), "--out", str(tmp_path / "breeds")]) == 0
    assert load_file(tmp_path / "breeds")["weight"].shape[1] == 1280


def test_the_recogniser_is_measured_and_shown(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = ["--photos", str(folder)]
    assert cli.main(["recogniser", "measure", *photos]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["photos"] >= 1
    assert 0 <= report["heads_half"] <= 1
    assert cli.main(["recogniser", "sheet", *photos, "--free", "--out", str(tmp_path / "sheet.jpg")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[1:] == ["CC0", "kept"]
    assert len(lines) == 16
