"""Films are made of pairs, their frames kept and measured, and a stopped rendering goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import OperatorError, PhotoError, PhotoReason
from engine.images.filters import gaussian_blur
from engine.images.pixels import Pixels
from engine.images.tensors import to_pixels
from engine.lab.judging.film_frames import (
    FILM,
    INDEX,
    KEPT,
    STEPS,
    frames_of,
    measured,
    read_films,
    render_films,
    sharpness_of,
)
from engine.lab.judging.film_pairs import FilmPair, choose_pairs
from engine.messages import Answer, Head, Rejuvenate, Rejuvenation, Request, Species
from engine.rendering.film import positions
from tests.engine.lab.drawn_photos import write_photos
from tests.engine.lab.judging.made_up_films import SIDE, plain_film

BREEDS = ["samoyed", "beagle", "siamese"]
HEAD = Head((156, 156, 356, 356), None, None, None, 1.0)


class FilmingEngine:
    """Answers with one plain film; refuses photos of beagles."""

    def __init__(self) -> None:
        self.asked: list[Rejuvenate] = []
        self._film = plain_film()

    def answer(self, request: Request) -> Answer:
        assert isinstance(request, Rejuvenate)
        self.asked.append(request)
        if "beagle" in request.id:
            raise PhotoError(PhotoReason.NO_FACE, "baby_photo")
        species = request.species or Species.DOG
        return Rejuvenation(
            request.id, b"", b"", None, self._film, b"", species, request.breed, (), HEAD, "plain", "cpu", 0.1, 1, {}
        )


@pytest.fixture
def pairs(tmp_path: Path) -> list[FilmPair]:
    photos = tmp_path / "photos"
    photos.mkdir()
    write_photos(photos, BREEDS)
    write_photos(photos, BREEDS, young=True, seed=1, more=True)
    return list(choose_pairs([photos], 0))


def test_a_film_has_frames_and_a_line(pairs: list[FilmPair], tmp_path: Path) -> None:
    engine, out = FilmingEngine(), tmp_path / "out"
    films = render_films(pairs, out, 20, engine.answer)
    assert sorted(film.breed for film in films) == ["samoyed", "siamese"]
    assert read_films(out) == films
    first, pair = films[0], next(pair for pair in pairs if pair.name == films[0].name)
    asked = next(request for request in engine.asked if request.id == first.name)
    assert (asked.photo, asked.baby_photo) == (pair.adult.path.read_bytes(), pair.young.path.read_bytes())
    assert [frame.percent for frame in first.frames] == [40, 50, 60]
    shades = [np.asarray(first.picture(out, percent)).mean() for percent in (0, 40, 50, 60, 100)]
    assert shades == sorted(shades)
    assert shades[2] == pytest.approx(127.5, abs=4)
    strip = [np.asarray(frame).mean() for frame in first.strip(out)]
    assert strip == sorted(strip)
    assert [strip[place] for place in (0, *KEPT, STEPS)] == pytest.approx(shades)
    assert measured(films)["films"] == 2
    with Image.open(out / f"{first.name}-50.png") as frame:
        assert frame.size == (SIDE, SIDE)


def test_a_stopped_rendering_goes_on(pairs: list[FilmPair], tmp_path: Path) -> None:
    engine, out = FilmingEngine(), tmp_path / "out"
    films = render_films(pairs, out, 1, engine.answer)
    assert len(films) == 1
    engine.asked.clear()
    assert render_films(pairs, out, 1, engine.answer) == films
    assert not engine.asked
    assert len(render_films(pairs, out, 20, engine.answer)) == 2
    assert films[0].name not in [request.id for request in engine.asked]


def test_each_frame_is_one_drawn_picture_at_an_even_step() -> None:
    at = positions(FILM)
    assert at == pytest.approx([place / STEPS for place in range(STEPS + 1)])
    assert FILM.keys == len(at) == STEPS + 1
    assert all(0 < place < STEPS for place in KEPT)


def test_frames_are_read_back_from_the_film(tmp_path: Path) -> None:
    film = plain_film()
    path = tmp_path / "film.mp4"
    path.write_bytes(film.mp4)
    frames = frames_of(path, film.width, film.height)
    assert frames.shape == (STEPS + 1, SIDE, SIDE, 3)
    assert np.diff(frames.mean((1, 2, 3))).min() > 0


def noise(contrast: float, blur: float = 0.0) -> Pixels:
    grey = torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * contrast
    return to_pixels((gaussian_blur(grey, blur) if blur else grey).expand(1, 3, -1, -1))


def test_sharpness_is_measured_at_the_head_against_the_softer_end() -> None:
    soft, crisp = noise(0.1), noise(0.2)
    assert sharpness_of(soft, (soft, crisp), HEAD) == pytest.approx(1.0)
    assert sharpness_of(noise(0.08), (soft, crisp), HEAD) == pytest.approx(0.8, abs=0.02)
    assert sharpness_of(noise(0.1, 1.0), (soft, crisp), HEAD) < 0.3
    outside = soft.copy()
    outside[:100] = 0
    assert sharpness_of(outside, (soft, crisp), HEAD) == pytest.approx(1.0)


def test_an_index_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text("{}\n", encoding="utf-8")
    with pytest.raises(OperatorError, match="cannot be read"):
        read_films(tmp_path)
