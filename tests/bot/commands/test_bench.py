"""`throwback bench`: the figures of each subject, against the engine that answers at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from tests.scripted_engine import SCRIPTED, scripted_photo


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.process.client.COMMAND", SCRIPTED)
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for shade in range(4):
        (folder / f"{shade}.jpg").write_bytes(scripted_photo(shade=shade))
    return folder


def figures(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return read


def test_latency(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "latency", "--photos", str(folder), "--count", "3", "--json"]) == 0
    measured = figures(capsys)
    assert measured["photos"] == 3
    assert 0 <= measured["preview_s"] <= measured["film_s"]
    assert measured["distance"] == 0.1


def test_throughput(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "throughput", "--photos", str(folder), "--people", "1", "4", "--json"]) == 0
    people = figures(capsys)["people"]
    assert set(people) == {"1", "4"}
    assert all(one["ratio"] > 0 for one in people.values())


def test_many_chats(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "bot", "--chats", "10", "--json"]) == 0
    measured = figures(capsys)
    assert measured["chats"] == 10
    assert measured["updates_per_s"] > 0
    assert measured["p50_s"] <= measured["p95_s"]


def test_too_few_photos_are_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "latency", "--photos", str(folder)]) == 1
    assert capsys.readouterr().err == f"throwback: {folder} has 4 photos, and 10 are needed\n"


def test_options_for_pictures_reach_the_engine(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    marked = ["--held-out", "--among", str(folder), "--among-count", "5", "--count", "1", "--json"]
    assert cli.main(["bench", "pictures", *marked]) == 2
    assert "--held-out and --among need --photos" in capfd.readouterr().err
    assert cli.main(["bench", "pictures", *marked, "--photos", str(folder), str(tmp_path)]) == 1
    assert capfd.readouterr().err == f"throwback: there is no SOURCES.tsv in {folder}\n"
