"""Real or made: real faces that nothing saw, matched with results, as sharp as they."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import OperatorError
from engine.images.pixels import Pixels
from engine.lab.judging.judges_answers import read_key
from engine.lab.judging.real_or_made import (
    ComparedFace,
    equally_sharp,
    laplacian_energy,
    match,
    prepare_real,
    score_real,
    softened,
)
from engine.lab.judging.young_faces import young_faces
from engine.messages import Species
from tests.engine.lab.drawn_photos import write_photos
from tests.engine.lab.judging.made_up_results import write_results, write_unseen


def noise(strength: float, seed: int = 0) -> Pixels:
    values = 128 + np.random.default_rng(seed).normal(0, strength, (256, 256, 3))
    return values.clip(0, 255).astype(np.uint8)


def compared(name: str, species: Species, coat: str, strength: float) -> ComparedFace:
    face = noise(strength)
    return ComparedFace(name, species, coat, face, laplacian_energy(face), ())


def test_energy_of_known_pictures() -> None:
    assert laplacian_energy(np.full((64, 64, 3), 90, np.uint8)) == pytest.approx(0, abs=1e-9)
    board = np.indices((64, 64)).sum(0) % 2 * 10
    levels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert laplacian_energy(levels) == pytest.approx(40**2)  # four neighbours, 10 apart


def test_the_sharper_face_is_softened_to_the_other() -> None:
    sharp, soft = compared("a", Species.DOG, "short", 20), compared("b", Species.DOG, "short", 6)
    first, second = equally_sharp((sharp, soft))
    assert (second == soft.face).all()
    assert 0.7 * soft.energy < laplacian_energy(first) <= soft.energy
    assert (softened(soft.face, sharp.energy) == soft.face).all()


def test_pairs_are_of_one_species_and_first_of_one_coat_and_like_sharpness() -> None:
    dog, cat = Species.DOG, Species.CAT
    real = [compared("r0", dog, "short", 5), compared("r1", dog, "long", 20), compared("r2", cat, "short", 5)]
    made = [
        compared("m0", dog, "long", 6),
        compared("m1", dog, "short", 20),
        compared("m2", dog, "short", 6),
        compared("m3", dog, "long", 19),
    ]
    assert [(a.name, b.name) for a, b in match(real, made, 9)] == [("r1", "m3"), ("r0", "m2")]
    assert len(match(real, made, 1)) == 1
    assert [(a.name, b.name) for a, b in match([replace(real[0], coat="middle")], made[:2], 9)] == [("r0", "m0")]


def test_faces_are_numbered_half_of_them_real(tmp_path: Path) -> None:
    write_results(tmp_path / "results", ["samoyed", "beagle", "siamese"], seed=4)
    write_unseen(tmp_path / "photos", ["pug", "poodle", "tabby"], young=True)
    faces = young_faces([tmp_path / "photos"], ())
    assert prepare_real(faces, tmp_path / "results", tmp_path / "sheets", tmp_path / "key.json", 40, 1) == 6
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == ["README.md", "sheet-0.png"]
    with Image.open(tmp_path / "sheets" / "sheet-0.png") as sheet:
        assert sheet.width == 5 * 256 + 4 * 10
    key = read_key(tmp_path / "key.json", "real")
    assert sorted(key) == [f"{i:02d}" for i in range(6)]
    pairs: dict[int, list[dict[str, object]]] = {}
    for known in key.values():
        pairs.setdefault(known["pair"], []).append(known)
    for one, other in pairs.values():
        assert one["species"] == other["species"]
        assert {one["made"], other["made"]} == {True, False}
    assert all(name not in (tmp_path / "sheets" / "README.md").read_text("utf-8") for name in ("samoyed", "pug"))


def test_judges_ranks_are_averaged(tmp_path: Path) -> None:
    entries: dict[str, dict[str, object]] = {
        f"{i:02d}": {"made": i >= 4, "name": str(i), "species": ("dog", "cat")[i % 2], "seen_by": []} for i in range(8)
    }
    (tmp_path / "key.json").write_text(json.dumps({"kind": "real", "seed": 0, "entries": entries}), encoding="utf-8")

    def file(name: str, values: list[float]) -> Path:
        lines = [json.dumps({"i": f"{i:02d}", "real": value}) for i, value in enumerate(values)]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return tmp_path / name

    perfect = file("perfect", [9, 8, 7, 6, 5, 4, 3, 2])
    guessing = file("guessing", [90, 10, 90, 10, 90, 10, 90, 10])
    assert score_real([perfect], tmp_path / "key.json")["auc"] == 1
    score = score_real([guessing], tmp_path / "key.json")
    assert score["auc"] == 0.5
    assert score["from"] < 0.2
    assert score["to"] > 0.8
    both = score_real([perfect, guessing], tmp_path / "key.json")
    assert both["judges"] == [1, 0.5]
    assert 0.5 < both["auc"] < 1
    assert both["by_species"]["dog"] == {**both["by_species"]["dog"], "real": 2, "made": 2, "auc": 1}
    assert both["least_real"][0]["i"] == "07"


def test_young_animals_that_a_training_saw_are_left_out(tmp_path: Path) -> None:
    write_unseen(tmp_path / "unseen", ["pug", "tabby"], young=True)
    write_photos(tmp_path / "unseen", ["beagle"], more=True)  # an adult
    assert len(young_faces([tmp_path / "unseen"], ())) == 2
    write_photos(tmp_path, ["pug", "samoyed"], young=True, seed=5)
    with pytest.raises(OperatorError, match="2 by recogniser and storybook"):
        young_faces([tmp_path], ())
    faces = young_faces([tmp_path, tmp_path / "unseen"], ("recogniser", "storybook"))
    assert [face.seen_by for face in faces] == [("recogniser", "storybook")] * 2 + [()] * 2
    assert young_faces([], (), [Path(__file__).parents[4] / "bot" / "pictures"])[0].species is Species.DOG
