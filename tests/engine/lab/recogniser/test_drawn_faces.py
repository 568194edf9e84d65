"""Drawn pets come with the marks of their parts, at every age."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.lab.drawn_pets.parameters import BREEDS
from engine.lab.recogniser.drawn_faces import draw_marked_pets
from engine.lab.recogniser.parser_training import part_targets, plain_picture
from engine.lab.recogniser.part_annotations import MarkedParts
from engine.messages import Species
from engine.vision.head_parsing import LANDMARKS, SIDE


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[MarkedParts]:
    return draw_marked_pets(tmp_path_factory.mktemp("drawn"), len(BREEDS), seed=3)


def test_there_is_one_of_every_breed_and_they_are_of_many_ages(faces: list[MarkedParts]) -> None:
    assert [face.species is Species.CAT for face in faces] == [breed.cat for breed in BREEDS.values()]
    assert {face.age for face in faces} == {"adult", "young", "baby"}
    assert {"standing", "hanging"} <= {face.ears for face in faces}
    assert len({face.photo for face in faces}) == len(faces)
    assert not any(face.held_out for face in faces)


def test_marks_lie_on_their_parts_whatever_the_age(faces: list[MarkedParts]) -> None:
    for face in faces:
        pixels = np.asarray(Image.open(face.path).convert("L"), float)
        assert pixels.shape == (SIDE, SIDE)
        left, right = face.landmarks[:4].mean(0), face.landmarks[4:8].mean(0)
        unit = right[0] - left[0]
        assert 0.2 * SIDE < unit < 0.29 * SIDE
        for x, y in (left, right):  # pupils are dark
            near = pixels[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5]
            assert near.min() < 45, face.path
        nose = face.landmarks[[LANDMARKS.index(f"nose_{part}") for part in ("left", "right", "top", "bottom")]].mean(0)
        assert 0.3 * unit < nose[1] - (left[1] + right[1]) / 2 < 1.3 * unit


def test_a_parser_learns_landmarks_outline_and_kind_from_them(faces: list[MarkedParts]) -> None:
    for face in faces[::5]:
        wanted = part_targets(plain_picture(face))
        assert wanted["seen"].sum() >= len(LANDMARKS) - 2  # long ears reach out of the picture
        assert wanted["outlined"] == 1
        assert 0.15 < wanted["mask"].mean() < 0.6
        assert wanted["known"][:3].all() == (face.ears is not None)


def test_the_same_seed_draws_the_same_faces(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    for folder in (first, again, other):
        folder.mkdir()
    one, two, three = draw_marked_pets(first, 2, 1), draw_marked_pets(again, 2, 1), draw_marked_pets(other, 2, 2)
    assert (one[0].landmarks == two[0].landmarks).all()
    assert one[0].path.read_bytes() == two[0].path.read_bytes()
    assert (one[0].landmarks != three[0].landmarks).any()
