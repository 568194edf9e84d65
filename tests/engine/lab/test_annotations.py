import re
from pathlib import Path

import pytest

from engine.breeds import BREEDS
from engine.lab.annotations import AnnotatedPhoto, read_annotations
from engine.messages import Species
from engine.vision.alignment import HeadPose
from tests.shared import SHARED, needs_shared

FACES = """file\twidth\theight\tspecies\t\
head_xmin\thead_ymin\thead_xmax\thead_ymax\tleft_eye_x\tleft_eye_y\tright_eye_x\t\
right_eye_y\tnose_x\tnose_y\tview\tage\tnote
pets/one.jpg\t100\t80\tdog\t10\t20\t60\t70\t25\t40\t-\t-\t35\t55\tprofile\tyoung\t
two.jpg\t100\t80\tcat\t10\t20\t60\t70\t25\t40\t45\t40\t35\t55\tfrontal\tunclear\t
"""
SOURCES = """file\tlicence\tbreed
pets/one.jpg\tCC0\tgolden retriever (by eye)
images/two.jpg\tWikimedia Commons (exact licence on the file page)\twhatever
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "faces.tsv").write_text(FACES)
    (tmp_path / "SOURCES.tsv").write_text(SOURCES)
    return tmp_path


def test_marks_are_read(folder: Path) -> None:
    one, two = read_annotations(folder)
    assert one.head.box == (10, 20, 60, 70)
    assert (one.head.left_eye, one.head.right_eye, one.head.nose) == ((25, 40), None, (35, 55))
    assert (one.species, one.head_pose, one.breed, one.young) == (
        Species.DOG,
        HeadPose.PROFILE,
        "golden_retriever",
        True,
    )
    assert (two.species, two.head_pose, two.breed, two.young) == (Species.CAT, HeadPose.FRONTAL, "", None)


def test_photos_without_a_recorded_licence_are_never_trained_on(folder: Path) -> None:
    assert read_annotations(folder)[1].held_out


@needs_shared
def test_a_fixed_tenth_is_kept_and_no_animal_is_on_both_sides() -> None:
    annotated_photos = [annotated for name in ("photos", "heads") for annotated in read_annotations(SHARED / name)]
    kept = [annotated for annotated in annotated_photos if annotated.held_out]
    assert 0.08 * len(annotated_photos) < len(kept) < 0.16 * len(annotated_photos)
    assert {annotated.species for annotated in kept} == set(Species)
    sides: dict[str, set[bool]] = {}
    for annotated in annotated_photos:
        sides.setdefault(_animal(annotated), set()).add(annotated.held_out)
    assert all(len(both) == 1 for both in sides.values())


@needs_shared
def test_the_tables_breeds_are_slugs() -> None:
    annotated_photos = [annotated for name in ("photos", "heads") for annotated in read_annotations(SHARED / name)]
    assert all(annotated.breed in BREEDS for annotated in annotated_photos if annotated.breed)
    assert sum(bool(annotated.breed) for annotated in annotated_photos) > 0.8 * len(annotated_photos)


def _animal(annotated: AnnotatedPhoto) -> str:
    """The series of one animal for the photos that come in such, else the photo itself."""
    series = re.search(r"(?:^|_)((?:dog|cat)\d*)_\d+$", annotated.path.stem)
    return series[1] if series else annotated.path.stem
