"""Films are shown as strips, A and B; nothing tells whose they are, and answers are counted for the right engine."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import OperatorError
from engine.lab import cli
from engine.lab.judging.film_frames import STEPS
from engine.lab.judging.judges_answers import GAP, LABEL_HEIGHT, read_key
from engine.lab.judging.whole_films import COLUMNS, SIDE, prepare_films, score_films
from engine.messages import Species
from tests.engine.lab.judging.made_up_films import write_films

FILMS = {"a--b": Species.DOG, "c--d": Species.DOG, "e--f": Species.DOG, "g--h": Species.CAT}
BLACK, RED, BLUE = (-1.0, -1.0, -1.0), (1.0, -1.0, -1.0), (-1.0, -1.0, 1.0)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old films that turn red, and new ones that turn blue."""
    folder = tmp_path_factory.mktemp("films")
    write_films(folder / "old", FILMS, BLACK, RED)
    write_films(folder / "new", FILMS, BLACK, BLUE)
    return folder


@pytest.fixture(scope="module")
def key(films: Path) -> dict[str, dict[str, Any]]:
    assert prepare_films(films / "old", films / "new", films / "sheets", films / "key.json", 3) == len(FILMS)
    return read_key(films / "key.json", "films")


def answer(
    i: str, prefer: str, double: Sequence[str] = (), a: float = 2, b: float = 2, why: str = ""
) -> dict[str, Any]:
    return {"i": i, "prefer": prefer, "double": list(double), "grows": {"A": a, "B": b}, "why": why}


def written(path: Path, said: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in said), encoding="utf-8")
    return path


def other(letter: str) -> str:
    return "AB".replace(letter, "")


def test_each_sheet_has_all_frames_of_both_films_and_nothing_tells_whose(
    key: dict[str, dict[str, Any]], films: Path
) -> None:
    assert sorted(known["new"] for known in key.values()) == ["A", "A", "B", "B"]
    assert {known["name"]: known["species"] for known in key.values()} == FILMS
    rows = -(-(STEPS + 1) // COLUMNS)
    for number, known in key.items():
        with Image.open(films / "sheets" / f"{number}.png") as sheet:
            assert not sheet.info
            pixels = np.asarray(sheet).astype(float)
        for letter in "AB":
            strip = []
            for place in range(STEPS + 1):
                row, column = place // COLUMNS + "AB".index(letter) * rows, place % COLUMNS
                middle = row * (SIDE + LABEL_HEIGHT + GAP) + LABEL_HEIGHT + SIDE // 2, column * (SIDE + GAP) + SIDE // 2
                strip.append(pixels[middle])
            red, _, blue = np.array(strip).T
            turning, still = (blue, red) if known["new"] == letter else (red, blue)
            assert np.diff(turning).min() > 10
            assert still.max() < 20
    names = sorted(path.name for path in (films / "sheets").iterdir())
    assert names == [*(f"{i:02d}.png" for i in range(len(FILMS))), "README.md"]
    text = (films / "sheets" / "README.md").read_text(encoding="utf-8")
    assert '"grows"' in text
    assert not re.search(r"\b(engine|new|better|morph|baby)\b", text)


def test_answers_count_for_the_engine_behind_the_letter(
    films: Path, key: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    new = {i: known["new"] for i, known in key.items()}
    grows: dict[str, dict[str, Any]] = {i: {"a" if letter == "A" else "b": 3} for i, letter in new.items()}
    said = [answer(i, new[i], [other(new[i])], **grows[i]) for i in ("00", "01")]
    said += [answer("02", other(new["02"]), [new["02"]], why="two noses", **grows["02"]), answer("03", "neither")]
    score = score_films([written(tmp_path / "a.jsonl", said)], films / "key.json")
    assert score["sheets"] == 4
    assert score["preferred"]["new"] == {"share": 0.5, "from": 0.15, "to": 0.85}
    assert score["preferred"]["old"]["share"] == score["preferred"]["neither"]["share"] == 0.25
    assert (score["double"]["new"]["share"], score["double"]["old"]["share"]) == (0.25, 0.5)
    assert score["grows"] == {"new": 2.75, "old": 2.0}
    assert score["old_preferred"] == [{"i": "02", "name": key["02"]["name"], "why": ["two noses"]}]
    assert score["new_double"] == score["old_preferred"]
    assert [one["i"] for one in score["neither_preferred"]] == ["03"]
    assert score["by_species"]["dog"]["sheets"] == 3
    assert score["by_species"]["cat"]["sheets"] == 1
    assert score["unanswered"] == []


def test_a_sheet_that_several_judges_saw_counts_once(
    films: Path, key: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    new = key["00"]["new"]
    judges = [answer("00", new, [new], 3, 3), answer("00", other(new), [], 1, 1)]
    files = [written(tmp_path / f"{n}.jsonl", [said]) for n, said in enumerate(judges)]
    score = score_films(files, films / "key.json")
    assert score["sheets"] == 1
    assert score["preferred"]["neither"]["share"] == 1.0  # they are divided
    assert (score["double"]["new"]["share"], score["double"]["old"]["share"]) == (1.0, 0.0)  # half of them see one
    assert score["grows"] == {"new": 2.0, "old": 2.0}
    assert score["unanswered"] == ["01", "02", "03"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (answer("00", "C"), "line 1"),
        (answer("77", "A"), "no sheet shows"),
        (answer("00", "A", a=4), "grows"),
        (answer("00", "A") | {"double": "A"}, "double"),
    ],
)
@pytest.mark.usefixtures("key")
def test_answers_that_make_no_sense_are_refused(films: Path, tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(OperatorError, match=told):
        score_films([written(tmp_path / "a.jsonl", [wrong])], films / "key.json")


def test_the_command_prepares_and_scores(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--old", str(films / "old"), "--new", str(films / "new")]
    assert cli.main(["judge", "films", "prepare", *folders, "--out", str(tmp_path / "sheets")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"sheets": 4, "folder": str(tmp_path / "sheets"), "key": str(tmp_path / "sheets-key.json")}
    file = written(tmp_path / "answers", [answer(f"{i:02d}", "neither") for i in range(4)])
    assert cli.main(["judge", "films", "score", str(file), "--key", told["key"]]) == 0
    assert json.loads(capsys.readouterr().out)["preferred"]["neither"]["share"] == 1.0


def test_folders_without_a_common_film_are_refused(films: Path, tmp_path: Path) -> None:
    write_films(tmp_path / "others", {"x--y": Species.DOG}, BLACK, RED)
    with pytest.raises(OperatorError, match="no film in common"):
        prepare_films(tmp_path / "others", films / "new", tmp_path / "sheets", tmp_path / "key.json", 0)
    (tmp_path / "others" / "x--y.mp4").unlink()
    with pytest.raises(OperatorError, match=r"no x--y\.mp4"):
        prepare_films(tmp_path / "others", tmp_path / "others", tmp_path / "sheets", tmp_path / "key.json", 0)
    with pytest.raises(OperatorError, match="there are no films"):
        prepare_films(tmp_path / "none", films / "new", tmp_path / "more", tmp_path / "key.json", 0)
