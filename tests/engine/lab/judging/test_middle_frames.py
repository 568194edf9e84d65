"""Middle frames are shown alone, those of several folders mixed; what judges say is counted for the right one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.errors import OperatorError
from engine.lab import cli
from engine.lab.judging.film_frames import INDEX, BabyFilm, MeasuredFrame
from engine.lab.judging.judges_answers import read_key
from engine.lab.judging.middle_frames import SIDE, prepare_frames, score_frames
from engine.messages import Species

NAMES = ["a--b", "c--d", "e--f"]


def write_films(folder: Path, colour: str, heads: int = 1, sharpness: float = 0.9) -> None:
    folder.mkdir()
    frames = tuple(MeasuredFrame(percent, heads, sharpness) for percent in (40, 50, 60))
    films = [BabyFilm(name, "a.jpg", "b.jpg", Species.DOG, "pug", "pug", (), frames) for name in NAMES]
    (folder / INDEX).write_bytes(b"".join(msgspec.json.encode(film) + b"\n" for film in films))
    for name in NAMES:
        Image.new("RGB", (64, 64), colour).save(folder / f"{name}-50.png")


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    """Sheets of red old frames and blue new ones."""
    write_films(tmp_path / "old", "red", sharpness=0.8)
    write_films(tmp_path / "new", "blue")
    folders = [tmp_path / "old", tmp_path / "new"]
    assert prepare_frames(folders, tmp_path / "sheets", tmp_path / "key.json", 3) == 6
    return tmp_path / "sheets"


def answers(path: Path, said: Iterator[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in said), encoding="utf-8")
    return path


def said(i: str, animal: bool = True, double: bool = False, good: float = 2, why: str = "") -> dict[str, Any]:
    return {"i": i, "animal": animal, "double": double, "good": good, "why": why}


def test_every_sheet_shows_one_frame_and_nothing_tells_of_which_folder(sheets: Path) -> None:
    key = read_key(sheets.parent / "key.json", "frames")
    folders = [Path(known["results"]).name for known in key.values()]
    assert sorted(folders) == ["new"] * 3 + ["old"] * 3
    assert folders != sorted(folders)
    assert folders != sorted(folders, reverse=True)
    for number, folder in zip(key, folders, strict=True):
        with Image.open(sheets / f"{number}.png") as sheet:
            assert not sheet.info
            assert sheet.width == SIDE
            assert np.asarray(sheet)[300, SIDE // 2].tolist() == ([0, 0, 255] if folder == "new" else [255, 0, 0])
    text = (sheets / "README.md").read_text(encoding="utf-8")
    assert '"animal"' in text
    assert not re.search(r"\b(engine|new|better|morph|baby)\b", text)


def test_what_judges_say_is_counted_by_folder(sheets: Path, tmp_path: Path) -> None:
    key = read_key(tmp_path / "key.json", "frames")
    new = [i for i, known in key.items() if known["results"].endswith("new")]
    old = [i for i in key if i not in new]
    first = [said(new[0]), said(new[1], double=True, why="two noses"), said(old[0], animal=False, good=0), said(old[1])]
    second = [said(new[0], good=3), said(new[1])]
    files = [answers(tmp_path / f"{n}.jsonl", iter(one)) for n, one in enumerate((first, second))]
    score = score_frames(files, tmp_path / "key.json")
    of_new, of_old = (score["results"][str(tmp_path / name)] for name in ("new", "old"))
    assert of_new["frames"] == of_old["frames"] == 2
    assert of_new["animal"]["share"] == 1.0
    assert of_new["double"]["share"] == 0.5  # the one about which they are divided
    assert of_new["good"] == pytest.approx((2.5 + 2) / 2)
    assert of_new["right"]["share"] == 0.5
    assert of_new["wrong"] == [{"i": new[1], "name": key[new[1]]["name"], "why": ["two noses"]}]
    assert of_old["animal"]["share"] == 0.5
    assert of_old["sharp"]["share"] == of_old["right"]["share"] == 0.0
    assert of_old["one_head"]["share"] == 1.0
    assert of_new["by_species"]["dog"]["frames"] == 2
    assert sorted(score["unanswered"]) == sorted([new[2], old[2]])


def test_the_command_prepares_and_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_films(tmp_path / "films", "red")
    arguments = ["judge", "frames", "prepare", "--results", str(tmp_path / "films"), "--out", str(tmp_path / "sheets")]
    assert cli.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"sheets": 3, "folder": str(tmp_path / "sheets"), "key": str(tmp_path / "sheets-key.json")}
    file = answers(tmp_path / "answers", (said(f"{i:02d}") for i in range(3)))
    assert cli.main(["judge", "frames", "score", str(file), "--key", told["key"]]) == 0
    score = json.loads(capsys.readouterr().out)
    assert score["results"][str(tmp_path / "films")]["right"]["share"] == 1.0


def test_frames_beside_the_middle_are_shown_where_they_are_asked_for(tmp_path: Path) -> None:
    write_films(tmp_path / "films", "red")
    for name in NAMES:
        Image.new("RGB", (64, 64), "lime").save(tmp_path / "films" / f"{name}-60.png")
    prepare_frames([tmp_path / "films"], tmp_path / "sheets", tmp_path / "key.json", 0, percent=60)
    with Image.open(tmp_path / "sheets" / "00.png") as sheet:
        assert np.asarray(sheet)[300, SIDE // 2].tolist() == [0, 255, 0]
    assert {known["percent"] for known in read_key(tmp_path / "key.json", "frames").values()} == {60}


def test_a_folder_without_films_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there are no films"):
        prepare_frames([tmp_path], tmp_path / "sheets", tmp_path / "key.json", 0)
