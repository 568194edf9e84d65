"""`throwback render`: files, JSON, exit statuses; against the engine that answers at once."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot import cli
from tests.scripted_engine import SCRIPTED, Script, scripted_photo


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.process.client.COMMAND", SCRIPTED)
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def photo(script: Script = Script.PLAIN, name: str = "momo.jpg") -> str:
    Path(name).write_bytes(scripted_photo(script))
    return name


def test_the_json_keeps_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(), "--out", "made", "--json"]) == 0
    said = capsys.readouterr()
    record: dict[str, Any] = json.loads(said.out)
    for kind, suffix in {"still": "jpg", "card": "jpg", "whole": "jpg", "film": "mp4"}.items():
        assert record[kind] == str(Path("made") / f"momo-{kind}.{suffix}")
        assert Path(record[kind]).stat().st_size
    assert Image.open(io.BytesIO(Path(record["still"]).read_bytes())).format == "JPEG"
    assert (record["species"], record["breed"]) == ("dog", "samoyed")
    assert record["breeds"][0] == {"name": "samoyed", "probability": 0.9}
    assert record["head"] == [240.0, 100.0, 400.0, 260.0]
    assert (record["network"], record["device"]) == ("scripted", "cpu")
    assert record["distance"] == 0.1
    assert record["steps"] == 1
    assert {"aligning", "projecting", "locking", "filming", "total"} <= record["seconds"].keys()
    assert record["frames"] == 6
    assert "momo-film.mp4" in said.err


def test_without_json_all_is_said_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(Script.CAT)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "cat, Tabby cat" in said.err
    assert Path("momo-still.jpg").exists()


@pytest.mark.parametrize("typed", ["golden_retriever", "Golden Retriever", "golden retreiver"])
def test_a_breed_may_be_typed_as_people_write_it(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(), "--breed", typed, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["breed"] == "golden_retriever"


@pytest.mark.parametrize(
    ("script", "code"), [(Script.NOT_AN_IMAGE, "not_an_image"), (Script.NO_PET, "no_pet"), (Script.NO_FACE, "no_face")]
)
def test_a_photo_that_cannot_be_used_is_3(script: Script, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(script), "--json"]) == 3
    said = capsys.readouterr()
    record = json.loads(said.out)
    assert record["error"] == code
    assert record["message"].startswith("momo.jpg: ")
    assert said.err == f"throwback: {record['message']}\n"


def test_the_baby_photo_is_named_when_it_is_to_blame(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(), "--baby", photo(Script.NOT_AN_IMAGE, "baby.jpg")]) == 3
    assert capsys.readouterr().err.startswith("throwback: baby.jpg: ")


def test_anyway_tries_it() -> None:
    assert cli.main(["render", photo(Script.NO_FACE), "--anyway"]) == 0


@pytest.mark.parametrize("script", [Script.FAULT, Script.DIE])
def test_our_own_faults_are_1_and_one_sentence(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(script), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["error"] == "fault"
    assert "Traceback" not in said.err


def test_an_unknown_network_is_2_and_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(), "--network", "nothing"]) == 2
    assert "scripted" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    assert cli.main(["render", photo(), "--out", "file/made", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "not_written"
