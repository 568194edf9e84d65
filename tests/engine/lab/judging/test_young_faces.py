"""Which trainings saw a real young animal of which only the parts of the face were marked."""

import json
from importlib.resources import files
from pathlib import Path

from engine.lab.annotations import in_storybook_test_share, in_test_share
from engine.lab.judging.young_faces import TRAININGS, young_faces

MARKED = [json.loads(line) for line in files("engine.lab.recogniser").joinpath("parts.jsonl").read_text().splitlines()]


def test_marked_young_faces_are_seen_by_storybook_unless_they_are_held_out(tmp_path: Path) -> None:
    for line in MARKED:
        if "/" not in line["file"]:
            (tmp_path / line["file"]).touch()
    faces = young_faces([tmp_path], TRAININGS)
    assert {face.seen_by for face in faces} == {TRAININGS[:1], TRAININGS[:2], TRAININGS}
    for face in faces:
        assert ("recogniser" in face.seen_by) <= (not in_test_share(face.path.stem))
        unseen = "recogniser" not in face.seen_by or in_storybook_test_share(face.path)
        assert ("storybook" in face.seen_by) == (not unseen)
    assert young_faces([tmp_path], TRAININGS[:2]) == [face for face in faces if "storybook" not in face.seen_by]
