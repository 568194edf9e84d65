"""Whose puppy: the right adult is among five that look alike, at a place that nothing gives away."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import OperatorError
from engine.images.decoding import decode
from engine.lab.judging.judges_answers import read_key
from engine.lab.judging.rendered_results import aligned_face
from engine.lab.judging.whose_young import (
    AdultFace,
    adult_faces,
    choose_others,
    head_on_grey,
    prepare_whose,
    score_whose,
)
from engine.messages import Species
from engine.vision.face_detection import find_heads
from tests.engine.lab.judging.made_up_results import write_results, write_unseen


def adult(name: str, breed: str, grey: int, species: Species = Species.DOG) -> AdultFace:
    return AdultFace(name, species, breed, np.full((256, 256, 3), grey, np.uint8))


def test_others_are_of_the_breed_then_of_the_colour() -> None:
    adults = [
        adult("pug_1", "pug", 10),
        adult("pug_2", "pug", 250),
        adult("black", "labrador_retriever", 30),
        adult("grey", "weimaraner", 120),
        adult("white", "samoyed", 240),
        adult("cat_1", "", 20, Species.CAT),
    ]
    own = adult("pug_0", "pug", 20)
    assert [one.name for one in choose_others(own, [own, *adults])] == ["pug_1", "pug_2", "black", "grey"]
    unknown = adult("someone", "", 235)
    assert [one.name for one in choose_others(unknown, adults)] == ["white", "pug_2", "grey", "black"]


def test_other_photos_of_the_same_animal_are_not_others() -> None:
    adults = [adult("dog5_00", "", 20), adult("dog5_03", "", 20), adult("dog6_00", "", 20), adult("dog6_01", "", 20)]
    assert [one.name for one in choose_others(adults[0], adults)] == ["dog6_00"]


def test_sheets_hide_backgrounds_and_places_are_spread(tmp_path: Path) -> None:
    breeds = ["samoyed", "pug", "beagle", "poodle", "dachshund"]
    write_results(tmp_path / "results", breeds, seed=4)
    write_unseen(tmp_path / "photos", ["samoyed", "pug", "beagle", "poodle", "boxer"])
    adults = adult_faces([tmp_path / "photos"])
    assert prepare_whose(tmp_path / "results", adults, tmp_path / "sheets", tmp_path / "key.json", 40, 0) == 5
    key = read_key(tmp_path / "key.json", "whose")
    assert Counter(known["own"] for known in key.values()) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}
    for known in key.values():
        assert len(set(known["adults"])) == 5
        assert known["adults"][known["own"] - 1] == f"{known['breed']}_4"
        assert known["others_of_the_breed"] == (known["breed"] != "dachshund")
    with Image.open(tmp_path / "sheets" / "00.png") as sheet:
        assert sheet.size == (3 * 256 + 2 * 10, 2 * (256 + 40) + 10)


def test_the_background_of_a_head_is_grey() -> None:
    photo = decode((Path(__file__).parents[4] / "bot" / "pictures" / "start.jpg").read_bytes())
    face = aligned_face(photo, find_heads(photo)[0])
    shown = np.asarray(head_on_grey(face))
    assert (shown[[0, 0, -1, -1], [0, -1, 0, -1]] == 128).mean() > 0.7
    assert (shown[100:140, 100:150] == face[100:140, 100:150]).mean() > 0.9


def test_without_five_adults_there_is_no_sheet(tmp_path: Path) -> None:
    write_results(tmp_path / "results", ["samoyed"])
    write_unseen(tmp_path / "photos", ["pug", "tabby"], seeds=(1, 2))
    with pytest.raises(OperatorError, match="4 other adults"):
        prepare_whose(
            tmp_path / "results", adult_faces([tmp_path / "photos"]), tmp_path / "out", tmp_path / "key.json", 40, 0
        )


def test_right_answers_are_counted(tmp_path: Path) -> None:
    entries = {
        f"{i:02d}": {"own": i % 5 + 1, "species": "dog", "breed": "", "adults": [f"a{n}" for n in range(1, 6)]}
        for i in range(10)
    }
    (tmp_path / "key.json").write_text(json.dumps({"kind": "whose", "seed": 0, "entries": entries}), encoding="utf-8")
    lines = [json.dumps({"i": i, "own": known["own"] if i != "04" else 1}) for i, known in entries.items() if i != "09"]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    score = score_whose([tmp_path / "a.jsonl"], tmp_path / "key.json")
    assert score["right"]["share"] == pytest.approx(8 / 9, abs=1e-3)
    assert score["wrong"] == [{"i": "04", "own": "a5", "taken": "a1"}]
    assert score["unanswered"] == ["09"]
    assert score["by_species"] == {"dog": score["right"]}
