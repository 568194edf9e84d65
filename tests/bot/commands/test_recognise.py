"""`throwback recognise`: one JSON line a photo, in order; what cannot be read has its error."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from tests.scripted_engine import SCRIPTED, Script, scripted_photo


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.process.client.COMMAND", SCRIPTED)
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for script in Script:
        Path(f"{script.name.lower()}.jpg").write_bytes(scripted_photo(script))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_photo_has_its_line_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["two_heads.jpg", "not_an_image.jpg", "cat.jpg", "missing.jpg", "no_pet.jpg"]
    assert cli.main(["recognise", *names, "--json"]) == 0
    two, broken, cat, missing, none = records = lines(capsys)
    assert [record["file"] for record in records] == names
    assert (two["pet"], two["species"], two["breeds"][0]["name"], len(two["heads"])) == (True, "dog", "samoyed", 2)
    assert two["heads"][0] == {
        "box": [120.0, 100.0, 280.0, 260.0],
        "left_eye": [170.0, 160.0],
        "right_eye": [230.0, 160.0],
        "nose": [200.0, 200.0],
        "score": 0.99,
    }
    assert (broken["error"], missing["error"]) == ("not_an_image", "missing")
    assert "pet" not in broken
    assert cat["species"] == "cat"
    assert (none["pet"], none["species"], none["breeds"], none["heads"]) == (False, None, [], [])


def test_a_photo_that_ends_the_process_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recognise", "die.jpg", "plain.jpg", "--json"]) == 0
    dead, plain = lines(capsys)
    assert dead["error"] == "fault"
    assert plain["pet"]


def test_without_one_usable_photo_it_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recognise", "not_an_image.jpg", "missing.jpg"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 2


def test_people_read_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recognise", "plain.jpg", "two_heads.jpg", "no_pet.jpg"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "plain.jpg: dog, Samoyed 90%, Pomeranian 5%, Japanese Spitz 1%; one head",
        "two_heads.jpg: dog, Samoyed 90%, Pomeranian 5%, Japanese Spitz 1%; 2 heads",
        "no_pet.jpg: no dog or cat",
    ]
