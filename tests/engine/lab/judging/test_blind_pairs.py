"""Blind pairs: nothing on a sheet tells which engine made A, and answers are counted for the right one."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import OperatorError
from engine.lab.judging.blind_pairs import SIDE, prepare_pairs, score_pairs
from engine.lab.judging.judges_answers import key_beside, read_key
from tests.engine.lab.judging.made_up_results import write_results

BREEDS = ["samoyed", "beagle", "siamese", "pug", "tabby", "poodle"]


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    """Sheets of red old stills and blue new ones."""
    write_results(tmp_path / "old", BREEDS, colour="red")
    write_results(tmp_path / "new", BREEDS, colour="blue")
    assert prepare_pairs(tmp_path / "old", tmp_path / "new", tmp_path / "sheets", tmp_path / "key.json", 3) == 6
    return tmp_path / "sheets"


def answer(i: str, send: str, uncanny: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    degrees = {"younger": {"A": 2, "B": 1}, "same_pet": {"A": 3, "B": 0}}
    return {"i": i, "send": send, "uncanny": list(uncanny), **degrees, "why": "", **more}


def written(path: Path, answers: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in answers), encoding="utf-8")
    return path


def test_half_of_the_sheets_have_the_new_one_as_a_and_show_it_there(sheets: Path) -> None:
    key = read_key(sheets.parent / "key.json", "pairs")
    assert sorted(known["new"] for known in key.values()) == ["A"] * 3 + ["B"] * 3
    for number, known in key.items():
        with Image.open(sheets / f"{number}.png") as sheet:
            pixels = np.asarray(sheet)
            assert not sheet.info
        place = {"A": 1, "B": 2}[known["new"]]
        middles = [pixels[300, column * (SIDE + 10) + SIDE // 2] for column in (place, 3 - place)]
        assert middles[0].tolist() == pytest.approx([0, 0, 255], abs=3)
        assert middles[1].tolist() == pytest.approx([255, 0, 0], abs=3)


def test_the_folder_has_sheets_and_instructions_and_no_key(sheets: Path) -> None:
    assert sorted(path.name for path in sheets.iterdir()) == [*(f"{i:02d}.png" for i in range(6)), "README.md"]
    text = (sheets / "README.md").read_text(encoding="utf-8")
    assert '"send"' in text
    assert '"own"' not in text
    assert not re.search(r"\b(engine|new|better|improved)\b", text)
    assert key_beside(sheets).parent != sheets


def test_the_seed_decides_which_is_a(sheets: Path, tmp_path: Path) -> None:
    def order(name: str, seed: int) -> dict[str, Any]:
        prepare_pairs(tmp_path / "old", tmp_path / "new", tmp_path / name, tmp_path / f"{name}.json", seed)
        return read_key(tmp_path / f"{name}.json", "pairs")

    assert order("again", 3) == read_key(tmp_path / "key.json", "pairs")
    assert order("other", 4) != order("third", 3)


def test_stills_of_any_size_are_drawn_alike(tmp_path: Path) -> None:
    write_results(tmp_path / "new", ["samoyed"])
    (tmp_path / "old").mkdir()
    copyfile(tmp_path / "new" / "samoyed_0.jpg", tmp_path / "old" / "samoyed_0.jpg")
    prepare_pairs(tmp_path / "old", tmp_path / "new", tmp_path / "sheets", tmp_path / "key.json", 0)
    with Image.open(tmp_path / "sheets" / "00.png") as sheet:
        pixels = np.asarray(sheet)[40:]
    assert (pixels[:, SIDE + 10 : 2 * SIDE + 10] == pixels[:, 2 * SIDE + 20 :]).all()


def test_answers_count_for_the_engine_behind_the_letter(sheets: Path, tmp_path: Path) -> None:
    key = read_key(tmp_path / "key.json", "pairs")
    new = {i: known["new"] for i, known in key.items()}
    old = {i: "AB".replace(letter, "") for i, letter in new.items()}
    said = [answer(i, new[i]) for i in list(key)[:4]]
    said += [answer("04", old["04"], [new["04"]], why="it stares"), answer("05", "neither", ["A", "B"])]
    score = score_pairs([written(tmp_path / "a.jsonl", said)], tmp_path / "key.json")
    assert score["sheets"] == 6
    assert score["sent"]["new"]["share"] == pytest.approx(4 / 6, abs=1e-3)
    assert score["sent"]["new"]["from"] == pytest.approx(0.300, abs=1e-3)
    assert score["sent"]["old"]["share"] == score["sent"]["neither"]["share"] == pytest.approx(1 / 6, abs=1e-3)
    assert score["uncanny"]["new"]["share"] == pytest.approx(2 / 6, abs=1e-3)
    assert score["uncanny"]["old"]["share"] == pytest.approx(1 / 6, abs=1e-3)
    assert [(one["i"], one["name"], one["why"]) for one in score["old_preferred"]] == [
        ("04", key["04"]["name"], ["it stares"])
    ]
    as_a = sum(letter == "A" for letter in new.values()) / 6
    assert score["younger"]["new"] == pytest.approx(2 * as_a + 1 * (1 - as_a), abs=1e-3)
    assert score["same_pet"]["old"] == pytest.approx(3 * (1 - as_a), abs=1e-3)
    assert score["by_species"]["dog"]["sheets"] == 4
    assert score["by_species"]["cat"]["sheets"] == 2
    assert score["unanswered"] == []


def test_a_sheet_that_several_judges_saw_counts_once(sheets: Path, tmp_path: Path) -> None:
    key = read_key(tmp_path / "key.json", "pairs")
    new = key["00"]["new"]
    old = "AB".replace(new, "")
    files = [
        written(tmp_path / f"{n}.jsonl", [answer("00", one, uncanny), answer("01", other)])
        for n, (one, uncanny, other) in enumerate([(new, [old], "A"), (new, [], "B"), (old, [old, new], "neither")])
    ]
    score = score_pairs(files, tmp_path / "key.json")
    assert score["sheets"] == 2
    assert score["sent"]["new"]["share"] == 0.5
    assert score["sent"]["neither"]["share"] == 0.5  # the second one, about which they are divided
    assert (score["uncanny"]["old"]["share"], score["uncanny"]["new"]["share"]) == (0.5, 0.0)
    assert score["unanswered"] == ["02", "03", "04", "05"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (answer("00", "C"), "line 1"),
        (answer("77", "A"), "no sheet shows"),
        (answer("00", "A", younger={"A": 9, "B": 0}), "younger"),
        (answer("00", "A", sent="A"), "sent"),
    ],
)
def test_answers_that_make_no_sense_are_refused(sheets: Path, tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(OperatorError, match=told):
        score_pairs([written(tmp_path / "a.jsonl", [wrong])], tmp_path / "key.json")


def test_sheets_are_not_mixed_with_older_ones_and_keys_not_with_others(sheets: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="not empty"):
        prepare_pairs(tmp_path / "old", tmp_path / "new", sheets, tmp_path / "key.json", 0)
    with pytest.raises(OperatorError, match="not of 'whose'"):
        read_key(tmp_path / "key.json", "whose")
    (tmp_path / "none").mkdir()
    with pytest.raises(OperatorError, match="no result in common"):
        prepare_pairs(tmp_path / "none", tmp_path / "new", tmp_path / "more", tmp_path / "key.json", 0)
    with pytest.raises(OperatorError, match="there are no results"):
        prepare_pairs(tmp_path / "old", tmp_path / "none", tmp_path / "more", tmp_path / "key.json", 0)
