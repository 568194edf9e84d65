"""The marked faces that come with the code, and what is told of one."""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.lab.recogniser.part_annotations import MarkedParts, read_parts
from engine.messages import Species
from engine.vision.head_parsing import COATS, EARS, LANDMARKS, MUZZLES

LINES = [json.loads(line) for line in files("engine.lab.recogniser").joinpath("parts.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[MarkedParts]:
    """All of them, their photos empty files."""
    folder = tmp_path_factory.mktemp("photos")
    for line in LINES:
        (folder / line["file"]).parent.mkdir(exist_ok=True)
        (folder / line["file"]).touch()
    return read_parts([folder])


def test_every_line_is_read(faces: list[MarkedParts]) -> None:
    assert len(faces) == len(LINES) == 474
    assert {face.species for face in faces} == set(Species)
    assert {face.age for face in faces} == {"baby", "young", "adult", "old"}
    assert {face.eyes for face in faces} == {"open", "narrowed", "closed", "hidden"}
    for values, known in ((EARS, "ears"), (MUZZLES, "muzzle"), (COATS, "coat")):
        assert {getattr(face, known) for face in faces} <= {*values, None}
    assert 30 < sum(face.held_out for face in faces) < 100


def test_marks_are_named_as_the_parser_names_them(faces: list[MarkedParts]) -> None:
    assert {name for line in LINES for name in line["points"]} == set(LANDMARKS)
    for face in faces:
        assert face.landmarks.shape == (len(LANDMARKS), 2)
        assert not np.isnan(face.eye_centres).any()


def test_eyes_lie_beside_each_other_and_noses_of_frontal_faces_below(faces: list[MarkedParts]) -> None:
    nose = [LANDMARKS.index(f"nose_{part}") for part in ("left", "right")]
    for face in faces:
        np.testing.assert_allclose(face.on_plane(face.eye_centres), [[-0.5, 0], [0.5, 0]], atol=1e-9)
    frontal = [face.on_plane(face.landmarks[nose])[:, 1].mean() for face in faces if face.frontal]
    known = np.array([y for y in frontal if not np.isnan(y)])
    assert np.percentile(known, 2) > 0.05  # of short muzzles, looking up
    assert 0.5 < np.median(known) < 0.8


def test_kinds_are_told_one_by_one_and_unknown_ones_are_none_of_them(faces: list[MarkedParts]) -> None:
    for face in faces:
        kinds = face.kinds
        assert kinds.shape == (10,)
        assert kinds[0] == 1
        sums = [kinds[1:4].sum(), kinds[4:7].sum(), kinds[7:].sum()]
        assert sums == [float(value is not None) for value in (face.ears, face.muzzle, face.coat)]


def test_copies_of_a_photo_are_known_as_one(faces: list[MarkedParts]) -> None:
    assert len({face.photo for face in faces}) == 455
    copies = [face for face in faces if face.photo == "Bengal_152"]
    assert {face.path.name for face in copies} == {"Bengal_152.jpg", "ox_Bengal_152.jpg"}
    assert {face.held_out for face in copies} == {True, False}


def test_faces_without_their_photo_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    name = next(line["file"] for line in LINES if "/" not in line["file"])
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / name)
    (face,) = read_parts([tmp_path])
    assert face.path == tmp_path / "images" / name
    assert read_parts([]) == []
