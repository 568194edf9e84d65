"""Which photos storybook trains on, out of annotated and marked ones."""

import csv
import json
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import OperatorError
from engine.lab.annotations import in_storybook_test_share, in_test_share
from engine.lab.recogniser.part_annotations import photo_name
from engine.lab.storybook.training_photos import storybook_photos
from engine.messages import Species
from tests.engine.lab.drawn_photos import write_photos

MARKED = [json.loads(line) for line in files("engine.lab.recogniser").joinpath("parts.jsonl").read_text().splitlines()]


def is_young(line: dict[str, object]) -> bool:
    return line["age"] in ("baby", "young")


def held_out(line: dict[str, object]) -> bool:
    path = Path(str(line["file"]))
    return not line["licence_known"] or in_test_share(path.stem) or in_storybook_test_share(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The marked photos that lie in no folder of their own, all of them plain pictures, and no faces.tsv."""
    rows = [line["file"] for line in MARKED if "/" not in line["file"]]
    for name in rows:
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    write_sources(tmp_path, rows, "CC0")
    return tmp_path


def write_sources(folder: Path, names: list[str], licence: str) -> None:
    with (folder / "SOURCES.tsv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(
            [["file", "breed", "licence"], *([n, "Bengal", licence] for n in names)]
        )


def test_marked_young_animals_count_as_young(folder: Path) -> None:
    photos = storybook_photos([folder])
    assert len(photos) > 100
    allowed = {line["file"] for line in MARKED if is_young(line) and not held_out(line)}
    assert {photo.path.name for photo in photos} <= allowed
    assert all(photo.young and photo.licence == "CC0" and photo.breed == "bengal" for photo in photos)
    assert {photo.species for photo in photos} == set(Species)
    for photo in photos:
        x0, y0, x1, y1 = photo.head.box
        assert photo.head.nose is not None
        assert x0 < photo.head.nose[0] < x1
        assert y0 < photo.head.nose[1] < y1


def test_marked_photos_of_unknown_licence_are_never_trained_on(folder: Path) -> None:
    write_sources(folder, [line["file"] for line in MARKED], "Wikimedia Commons")
    assert storybook_photos([folder]) == []
    write_sources(folder, [], "")
    assert storybook_photos([folder]) == []
    (folder / "SOURCES.tsv").unlink()
    with pytest.raises(OperatorError, match=r"SOURCES\.tsv"):
        storybook_photos([folder])


def annotated(folder: Path, name: str, young: bool = False) -> Path:
    """A folder with one annotated photo of this name."""
    folder.mkdir()
    write_photos(folder, ["beagle"], young=young)
    drawn = next(folder.glob("*.png"))
    drawn.rename(folder / name)
    for table in ("faces.tsv", "SOURCES.tsv"):
        text = (folder / table).read_text(encoding="utf-8")
        (folder / table).write_text(text.replace(drawn.name, name), encoding="utf-8")
    return folder


def test_a_photo_that_is_annotated_and_marked_is_there_once_and_of_unclear_age_where_both_disagree(
    folder: Path, tmp_path: Path
) -> None:
    known = next(photo.path.name for photo in storybook_photos([folder]))
    for i, young in enumerate((True, False)):
        table = annotated(tmp_path / str(i), known, young)
        (photo,) = (one for one in storybook_photos([table, folder]) if one.path.name == known)
        assert photo.path.parent == table
        assert photo.young is (True if young else None)


def test_copies_of_what_is_held_out_are_held_out(folder: Path, tmp_path: Path) -> None:
    names = [photo.path.name for photo in storybook_photos([folder])]
    known = next(name for name in names if name.startswith("ox_"))
    copies = [f"a__{i}__{known.removeprefix('ox_')}" for i in range(200)]
    copy = next(name for name in copies if in_storybook_test_share(Path(name)))
    assert photo_name(Path(copy)) == photo_name(Path(known))
    table = annotated(tmp_path / "held", copy)
    assert known not in {photo.path.name for photo in storybook_photos([table, folder])}
