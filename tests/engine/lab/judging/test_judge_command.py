"""`python -m engine lab judge …`, from results to a score."""

import json
from pathlib import Path

import pytest

from engine.errors import OperatorError
from engine.lab import cli
from engine.lab.judging.judges_answers import read_key
from tests.engine.lab.judging.made_up_results import write_results, write_unseen


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, object]:
    assert cli.main(["judge", *map(str, arguments)]) == 0
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_pairs_from_sheets_to_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("old", "new"):
        write_results(tmp_path / name, ["samoyed", "tabby"])
    folders: list[str | Path] = ["--old", tmp_path / "old", "--new", tmp_path / "new"]
    told = run(capsys, "pairs", "prepare", *folders, "--out", tmp_path / "sheets")
    assert told == {"sheets": 2, "folder": str(tmp_path / "sheets"), "key": str(tmp_path / "sheets-key.json")}
    key = read_key(tmp_path / "sheets-key.json", "pairs")
    degrees = {"A": 1, "B": 1}
    lines = [
        {"i": i, "send": known["new"], "uncanny": [], "younger": degrees, "same_pet": degrees, "why": "rounder"}
        for i, known in key.items()
    ]
    (tmp_path / "answers").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    score = run(capsys, "pairs", "score", tmp_path / "answers", "--key", tmp_path / "sheets-key.json")
    assert score["sent"] == {**score["sent"], "new": {"share": 1.0, "from": 0.342, "to": 1.0}}  # type: ignore[dict-item]


def test_faces_and_owners_are_prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_results(tmp_path / "results", ["samoyed"], seed=7)
    write_unseen(tmp_path / "young", ["pug"], young=True)
    write_unseen(tmp_path / "adults", ["pug", "beagle", "poodle", "samoyed"])
    results: list[str | Path] = ["--results", tmp_path / "results"]
    told = run(capsys, "real", "prepare", *results, "--photos", tmp_path / "young", "--out", tmp_path / "real")
    assert told["faces"] == 2
    told = run(capsys, "whose", "prepare", *results, "--photos", tmp_path / "adults", "--out", tmp_path / "whose")
    assert told["sheets"] == 1
    (tmp_path / "answers").write_text('{"i": "00", "own": 6}', encoding="utf-8")
    with pytest.raises(OperatorError, match="line 1"):
        run(capsys, "whose", "score", tmp_path / "answers", "--key", tmp_path / "whose-key.json")
