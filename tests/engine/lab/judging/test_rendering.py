"""Results are rendered from held-out adults, and a stopped rendering goes on."""

import io
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import OperatorError, PhotoError, PhotoReason
from engine.lab.annotations import AnnotatedPhoto, read_annotations
from engine.lab.judging.rendered_results import INDEX, read_results
from engine.lab.judging.result_rendering import choose_adults, render_results
from engine.messages import Answer, Film, Head, Reimagine, Reimagined, Rejuvenate, Rejuvenation, Request, Species
from tests.engine.lab.drawn_photos import write_photos
from tests.engine.lab.judging.made_up_results import write_unseen

BREEDS = ["samoyed", "beagle", "siamese", "pug"]
HEAD = Head((40, 40, 160, 160), (80, 90), (120, 90), (100, 120), 1.0)


def jpeg(side: int, colour: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(stream, "JPEG")
    return stream.getvalue()


class PlainEngine:
    """Answers with plain pictures; refuses photos of pugs."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        if isinstance(request, Reimagine):
            return Reimagined(request.id, request.age, jpeg(64, "blue"), None, None, None, {})
        assert isinstance(request, Rejuvenate)
        if request.id.startswith("pug"):
            raise PhotoError(PhotoReason.NO_FACE, "photo")
        species = request.species or Species.DOG
        film = Film(b"", b"", 64, 64, 1.0, 1)
        pictures = jpeg(64, "red"), jpeg(100, "green"), None  # the whole photo at half its size
        return Rejuvenation(
            request.id, *pictures, film, b"", species, request.breed, (), HEAD, "plain", "cpu", 0.1, 1, {}
        )


@pytest.fixture
def photos(tmp_path: Path) -> list[AnnotatedPhoto]:
    write_photos(tmp_path, BREEDS)
    return read_annotations(tmp_path)


def test_a_result_has_its_pictures_and_a_line(photos: list[AnnotatedPhoto], tmp_path: Path) -> None:
    engine = PlainEngine()
    results = render_results(photos, tmp_path / "out", 40, engine.answer)
    assert [result.breed for result in results] == ["samoyed", "beagle", "siamese"]
    assert read_results(tmp_path / "out") == results
    first = results[0]
    assert first.species is Species.DOG
    assert first.photo == str(photos[0].path.resolve())
    assert first.head.left_eye == (40, 45)  # in the pixels of the whole photo
    assert first.kinds.coat in {"short", "middle", "long"}
    assert first.seen_by == ("recogniser", "storybook")
    assert first.still(tmp_path / "out").getpixel((30, 30)) == pytest.approx((254, 0, 0), abs=2)
    assert first.today(tmp_path / "out").getpixel((30, 30)) == pytest.approx((0, 0, 254), abs=2)
    assert first.young_face(tmp_path / "out").shape == first.adult_face(tmp_path / "out").shape == (256, 256, 3)


def test_a_stopped_rendering_goes_on(photos: list[AnnotatedPhoto], tmp_path: Path) -> None:
    assert len(render_results(photos, tmp_path / "out", 2, PlainEngine().answer)) == 2
    engine = PlainEngine()
    assert len(render_results(photos, tmp_path / "out", 3, engine.answer)) == 3
    assert {request.id for request in engine.asked} == {"siamese_adult_0"}
    untouched = PlainEngine()
    render_results(photos, tmp_path / "out", 3, untouched.answer)
    assert not untouched.asked


def test_a_damaged_index_is_told(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text('{"name": "a"}\n', encoding="utf-8")
    with pytest.raises(OperatorError, match="cannot be read"):
        read_results(tmp_path)


def test_adults_are_held_out_and_spread_over_breeds(tmp_path: Path) -> None:
    write_unseen(tmp_path, ["samoyed", "pug"], seeds=(0, 1, 2))
    write_unseen(tmp_path, ["siamese"])
    write_photos(tmp_path, ["beagle"], more=True)  # trained on
    write_photos(tmp_path, ["poodle"], young=True, more=True)
    chosen = choose_adults([tmp_path], 0)
    assert {photo.breed for photo in chosen[:3]} == {"samoyed", "pug", "siamese"}
    assert len(chosen) == 7
    assert chosen == choose_adults([tmp_path], 0)
    assert [photo.path for photo in chosen] != [photo.path for photo in choose_adults([tmp_path], 1)]
