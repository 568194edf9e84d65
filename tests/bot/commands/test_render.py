"""`throwback render`: files, JSON, exit statuses; against the engine that answers at once."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot import cli
from bot.commands.rendered_files import Output
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


def test_many_photos_go_on_after_a_bad_one_and_say_at_the_end_which(capsys: pytest.CaptureFixture[str]) -> None:
    Path("album").mkdir()
    for name, script in {"a.jpg": Script.PLAIN, "b.jpg": Script.NOT_AN_IMAGE, "c.jpg": Script.CAT}.items():
        photo(script, f"album/{name}")
    Path("album/notes.txt").write_text("no photo")
    assert cli.main(["render", "album", photo(), "missing.jpg", "--out", "made"]) == 3
    said = capsys.readouterr().err.splitlines()
    assert said[-3] == "3 of 5 photos done."
    assert [line.split(": ")[1] for line in said[-2:]] == ["album/b.jpg", "missing.jpg"]
    assert {path.name for path in Path("made").glob("*-film.mp4")} == {"a-film.mp4", "c-film.mp4", "momo-film.mp4"}


def test_every_photo_has_its_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        photo(name=f"{folder}/momo.jpg")
    photo(Script.NO_PET, "two/z.jpg")
    assert cli.main(["render", "one", "two", "--only", "still", "--json", "--out", "made"]) == 3
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {record["file"]: record.get("error") for record in records} == {
        "one/momo.jpg": None,
        "two/momo.jpg": None,
        "two/z.jpg": "no_pet",
    }
    assert sorted(path.name for path in Path("made").iterdir()) == ["momo-2-still.jpg", "momo-still.jpg"]


def test_a_second_run_does_not_take_its_own_pictures_for_photos(capsys: pytest.CaptureFixture[str]) -> None:
    Path("album").mkdir()
    photo(name="album/momo.jpg")
    for _ in range(2):
        assert cli.main(["render", "album", "--out", "album", "--json"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("kind", Output)
def test_only_one_kind_is_written(kind: Output) -> None:
    assert cli.main(["render", photo(), "--only", kind, "--out", "made"]) == 0
    (path,) = Path("made").iterdir()
    assert path.stem == f"momo-{kind}"


def test_story_and_loop_are_added_to_the_usual_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(), "--story", "--loop", "--format", "webp", "--size", "64", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["story"] == "momo-story.mp4"
    with Image.open(record["loop"]) as loop, Image.open(record["still"]) as still:
        assert (loop.format, still.format, max(still.size)) == ("WEBP", "WEBP", 64)


def test_a_head_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", photo(), "--head", "5"]) == 3
    assert "there is one head in it" in capsys.readouterr().err
    assert cli.main(["render", photo(Script.TWO_HEADS), "--head", "2"]) == 0


def test_an_age_may_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    for age in ("8w", "4m", "1y", "0", "old", "-0.5"):
        assert cli.main(["render", photo(), "--age", age, "--only", "still"]) == 0
    assert cli.main(["render", photo(), "--age", "9w"]) == 2


def test_a_file_in_the_way_is_noticed_before_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    Path("made/momo-story.mp4").mkdir(parents=True)
    assert cli.main(["render", photo(), "--story", "--out", "made", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "not_written"
    assert [path.name for path in Path("made").iterdir()] == ["momo-story.mp4"]


def test_what_was_made_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert cli.main(["render", photo(), "--only", "card", "--open"]) == 0
    assert opened == [Path("momo-card.jpg").resolve().as_uri()]


def test_an_empty_folder_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    assert cli.main(["render", "empty"]) == 3
    assert "no picture" in capsys.readouterr().err
