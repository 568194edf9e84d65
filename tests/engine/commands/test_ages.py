"""`throwback ages`: what is listed, learned from photos, and removed again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.commands import ages
from engine.messages import Species
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.store import NetworkStore
from tests.engine.tiny import NAME, store_tiny_network
from tests.shared import SHARED, needs_shared


@pytest.fixture(autouse=True)
def tiny_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_tiny_network(tmp_path)
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path))
    monkeypatch.setenv("THROWBACK_NETWORK", NAME)
    monkeypatch.setenv("THROWBACK_DEVICE", "cpu")


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    assert ages.main([*arguments, "--json"]) == status
    record: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return record


def test_what_is_known_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "list")["networks"][NAME] == {"known": ["cat", "dog"], "learned": []}


def test_what_was_learned_can_be_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = NetworkStore(tmp_path).load(NAME)
    AgeVectors(tmp_path).save(network, "samoyed", torch.ones(network.generator.config.num_ws, 8))
    assert told(capsys, "list")["networks"][NAME]["learned"] == ["samoyed"]
    assert told(capsys, "remove", "Samoyed") == {"breed": "samoyed", "removed": [NAME]}
    assert told(capsys, "remove", "samoyed", status=1)["error"] == "ages"


def test_a_network_that_is_absent_or_damaged_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nosuch" in told(capsys, "remove", "samoyed", "--network", "nosuch", status=1)["message"]
    damaged = tmp_path / "networks" / "damaged"
    shutil.copytree(tmp_path / "networks" / NAME, damaged)
    for file in damaged.iterdir():
        file.rename(damaged / file.name.replace(NAME, "damaged"))
    (damaged / "damaged.safetensors").write_bytes(b"no weights")
    assert ages.main(["list"]) == 0
    said = capsys.readouterr().err
    assert "The files of the network damaged are damaged" in said and f"{NAME}: cat, dog" in said


@pytest.mark.parametrize("arguments", [[], ["learn"], ["learn", "--breed", "unicorn", "--adult", "a", "--puppy", "b"]])
def test_a_bad_command_line_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        ages.main(arguments)
    assert caught.value.code == 2
    assert "usage: throwback ages" in capsys.readouterr().err


def test_without_usable_photos_nothing_is_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    photos = ["--adult", str(tmp_path / "text.jpg"), "--puppy", str(tmp_path / "missing.jpg")]
    assert ages.main(["learn", "--breed", "samoyed", *photos]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in said[:2]] == ["not an image", "No such file or directory"]
    assert said[2].startswith("throwback: 5 photos of adults") and "0 and 0 do" in said[2]


@needs_shared
def test_an_age_vector_is_learned_from_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = SHARED / "photos" / "pairs"
    adults, kittens = (sorted(pairs.glob(f"Abyssinian__{age}__*"))[:2] for age in ("adult", "young"))
    arguments = ["--breed", "Abyssinian", "--adult", *map(str, adults), "--puppy", *map(str, kittens)]
    refused = told(capsys, "learn", *arguments, status=1)
    assert "2 and 2 do" in refused["message"] and "--few" in refused["message"]
    network = NetworkStore(tmp_path).load(NAME)
    AgeVectors(tmp_path).save(network, "abyssinian", torch.ones(network.generator.config.num_ws, 8))
    assert ages.main(["learn", *arguments, "--few", "--json"]) == 0
    said = capsys.readouterr()
    assert "has an age vector already" in said.err and "than the one before" in said.err
    record = json.loads(said.out.splitlines()[-1])
    assert (record["breed"], record["network"], record["adults"], record["puppies"]) == ("abyssinian", NAME, 2, 2)
    known = AgeVectors(tmp_path)
    learned = known.vector(network, Species.CAT, "abyssinian")
    assert learned.norm() > 0
    assert not torch.equal(learned, known.vector(network, Species.CAT))
