"""Films as `judge frames render` leaves them, of plain colours."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from PIL import Image

from engine.lab.judging.film_frames import FILM, INDEX, KEPT_PERCENT, BabyFilm, MeasuredFrame
from engine.messages import Film, Species
from engine.rendering.film import FilmSource, render_film
from engine.step_runner import result_of

SIDE = 512
Colour = tuple[float, float, float]  # -1..1
DARK, LIGHT = (-0.8, -0.8, -0.8), (0.8, 0.8, 0.8)


def plain_film(first: Colour = DARK, last: Colour = LIGHT, side: int = SIDE) -> Film:
    """A film from one colour to another."""
    start, end = torch.tensor(first), torch.tensor(last)

    def show(age: float) -> torch.Tensor:
        return torch.lerp(end, start, age).view(1, 3, 1, 1).expand(-1, -1, side, side)

    source = FilmSource([1.0, 0.0], torch.zeros(2, 3, 8, 8), show)
    return result_of(render_film(source, lambda pictures: pictures.mean((2, 3)), FILM))


def write_films(folder: Path, films: Mapping[str, Species], first: Colour, last: Colour) -> None:
    """Films of these names, all of the same colours, and the pictures of their ends."""
    folder.mkdir()
    film = plain_film(first, last, side=64)
    frames = tuple(MeasuredFrame(percent, 1, 0.9) for percent in KEPT_PERCENT)
    for name, species in films.items():
        (folder / f"{name}.mp4").write_bytes(film.mp4)
        Image.new("RGB", (film.width, film.height)).save(folder / f"{name}-0.png")
        line = msgspec.json.encode(BabyFilm(name, "a.jpg", "b.jpg", species, "pug", "pug", (), frames))
        with (folder / INDEX).open("ab") as index:
            index.write(line + b"\n")
