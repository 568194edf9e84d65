"""Films from baby photos, made by today's engine, whose frames half-way are kept and measured.

Of each film the folder has `NAME.mp4`, eleven frames at even steps of the film's way, and as PNG those at 0 (the young
photo), 0.4, 0.5, 0.6 and 1 (today's): `NAME-40.png` is the frame at 0.4. `films.jsonl` has a line for each film.
"""

import subprocess
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import EngineFault, OperatorError
from engine.images.pixels import Pixels
from engine.lab.judging.film_pairs import FilmPair
from engine.lab.judging.intervals import share_of
from engine.lab.judging.real_or_made import laplacian_energy
from engine.lab.judging.rendered_results import read_index, read_picture
from engine.lab.judging.result_rendering import Answering
from engine.lab.judging.resumed_rendering import render_missing
from engine.messages import Head, Rejuvenate, Rejuvenation, Species
from engine.rendering.film import FilmOptions
from engine.vision.geometry import centre, head_size
from engine.vision.recognition import recognise

INDEX = "films.jsonl"
STEPS = 10  # between the frames of a film
KEPT = (4, 5, 6)  # frames that are kept and measured, besides both ends
KEPT_PERCENT = tuple(100 * place // STEPS for place in KEPT)
MIDDLE_PERCENT = 50
SHARP_FROM = 0.85  # sharpness from which a frame counts as sharp
# Every frame is a picture that the engine drew; in longer films most are cross-fades of two such pictures.
FILM = FilmOptions(fps=STEPS, duration_s=1 + 1 / STEPS, hold_s=0.0, easing=0.0, keys=STEPS + 1)


class MeasuredFrame(msgspec.Struct, frozen=True):
    """What can be measured of a frame."""

    percent: int  # of the film's way
    heads: int  # that the recogniser finds
    sharpness: float  # `sharpness_of`


class BabyFilm(msgspec.Struct, frozen=True):
    """One film."""

    name: str
    young: str  # path of the photo
    adult: str
    species: Species
    breed: str  # slug, of the adult
    young_breed: str  # "" where unknown
    seen_by: tuple[str, ...]  # the trainings that saw one of both photos
    frames: tuple[MeasuredFrame, ...]  # KEPT

    def frame(self, percent: int) -> MeasuredFrame:
        return next(frame for frame in self.frames if frame.percent == percent)

    def picture(self, folder: Path, percent: int) -> Image.Image:
        return read_picture(folder / f"{self.name}-{percent}.png")

    def strip(self, folder: Path) -> list[Image.Image]:
        """All of its frames. Raises `OperatorError` where the film is missing."""
        path = folder / f"{self.name}.mp4"
        if not path.exists():
            raise OperatorError(f"there is no {path.name} in {folder}")
        return [Image.fromarray(frame) for frame in frames_of(path, *self.picture(folder, 0).size)]


def read_films(folder: Path) -> list[BabyFilm]:
    """The films in a folder, in the order in which they were made, as `read_index` reads them."""
    return read_index(folder / INDEX, BabyFilm)


def films_of(folder: Path) -> list[BabyFilm]:
    """The films in a folder, by name. Raises `OperatorError` where there are none."""
    films = read_films(folder)
    if not films:
        raise OperatorError(f"there are no films in {folder}; `judge frames render` makes them")
    return sorted(films, key=lambda film: film.name)


def render_films(pairs: Iterable[FilmPair], out: Path, count: int, answer: Answering) -> list[BabyFilm]:
    """Film pairs until the folder has `count` films; what is there already is not made again.

    Pairs of which the engine refuses a photo are passed over.
    """
    renderings = ((pair.name, partial(_film, pair, out, answer)) for pair in pairs)
    return render_missing(renderings, out / INDEX, BabyFilm, count)


def measured(films: Sequence[BabyFilm]) -> dict[str, Any]:
    """How many middle frames have exactly one head, and are sharp; the same for all kept frames. For JSON."""
    middles, kept = [film.frame(MIDDLE_PERCENT) for film in films], [frame for film in films for frame in film.frames]
    return {
        "films": len(films),
        "breeds": len({film.breed for film in films}),
        "one_head": share_of([frame.heads == 1 for frame in middles]),
        "sharp": share_of([frame.sharpness >= SHARP_FROM for frame in middles]),
        "least_sharpness": min((frame.sharpness for frame in middles), default=None),
        "kept_frames": {
            "one_head": share_of([frame.heads == 1 for frame in kept]),
            "sharp": share_of([frame.sharpness >= SHARP_FROM for frame in kept]),
        },
    }


def sharpness_of(frame: Pixels, ends: Sequence[Pixels], head: Head) -> float:
    """How sharp a frame [S, S, 3] is at a head, 1 being the softer one of both ends.

    The root of `laplacian_energy` in the square around the head, at full size, over that in the same place of the ends.
    """
    (x, y), half = centre(head), head_size(head) / 2
    top, left = max(0, round(y - half)), max(0, round(x - half))
    side = min(round(2 * half), frame.shape[0] - top, frame.shape[1] - left)
    own, *others = (laplacian_energy(one[top : top + side, left : left + side]) for one in (frame, *ends))
    return float(np.sqrt(own / max(min(others), 1e-9)))


def frames_of(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """The frames [N, height, width, 3] of an MP4 of that size. Raises `EngineFault` where it cannot be read."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-i", str(path)]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    try:
        shown = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603  # our own binary
    except subprocess.CalledProcessError as error:
        raise EngineFault("ffmpeg cannot read the film") from error
    return np.frombuffer(shown, np.uint8).reshape(-1, height, width, 3)


def _film(pair: FilmPair, out: Path, answer: Answering) -> BabyFilm:
    young, adult = pair.young, pair.adult
    photo, baby_photo = adult.path.read_bytes(), young.path.read_bytes()
    answered = answer(Rejuvenate(pair.name, photo, adult.breed, adult.species, baby_photo, alone=True))
    if not isinstance(answered, Rejuvenation):
        raise EngineFault("no film")
    path = out / f"{pair.name}.mp4"
    path.write_bytes(answered.film.mp4)
    frames = frames_of(path, answered.film.width, answered.film.height)
    if len(frames) != STEPS + 1:
        raise EngineFault(f"a film of {len(frames)} frames")
    for place in (0, *KEPT, STEPS):
        Image.fromarray(frames[place]).save(out / f"{pair.name}-{_percent(place)}.png")
    seen_by = tuple(sorted({*young.seen_by, *adult.seen_by}))
    return BabyFilm(
        pair.name,
        str(young.path.resolve()),
        str(adult.path.resolve()),
        adult.species,
        adult.breed,
        young.breed,
        seen_by,
        tuple(_measured(frames[place], (frames[0], frames[STEPS]), _percent(place)) for place in KEPT),
    )


def _measured(frame: Pixels, ends: Sequence[Pixels], percent: int) -> MeasuredFrame:
    heads = recognise(Image.fromarray(frame)).heads
    side = frame.shape[0]
    sharpness = sharpness_of(frame, ends, heads[0] if heads else Head((0, 0, side, side), None, None, None, 0.0))
    return MeasuredFrame(percent, len(heads), round(sharpness, 3))


def _percent(place: int) -> int:
    return 100 * place // STEPS
