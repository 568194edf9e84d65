"""Make the time-lapse film: the ages of its frames and the pictures between.

Frames are spaced evenly in perceptual distance, because equal steps of age are not equal steps to the eye; the film
starts and ends gently and rests at both ends. Pictures take long to make, so key pictures are made close together and
each frame is a cross-fade of its two neighbours. Everything streams: a few key pictures are in memory at a time,
whatever the length.
"""

import contextlib
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.errors import EngineFault
from engine.images.pixels import Pixels
from engine.images.tensors import to_pixels
from engine.images.ycbcr import Frame, to_frame
from engine.messages import Film
from engine.rendering.age_labels import AgeLabels
from engine.rendering.video import as_levels, encode_h264, film_size
from engine.step_runner import mapped
from engine.threads import prefetch

THUMBNAIL_SIDE = 320  # px, Telegram's limit
THUMBNAIL_BYTES = 200_000  # Telegram's limit
_MEASURED_AT_ONCE = 4  # pictures in one batch: faster than one by one, and little in memory
_MEASURING_SHARE = 0.1  # of the time of a film that measuring takes, for its progress


@dataclass(frozen=True, slots=True)
class FilmOptions:
    """Length and smoothness of a film."""

    fps: int = 30
    duration_s: float = 5.0
    hold_s: float = 0.6  # the rest at each end
    easing: float = 0.25  # share of the moving time spent speeding up, and as much slowing down
    keys: int = 32  # pictures that are made; frames between are cross-faded
    there_and_back: bool = False  # and the same way back, so that it can begin again without a jump


@dataclass(frozen=True, slots=True)
class FilmSource:
    """What a film shows, from the first of P ages to the last."""

    ages: Sequence[float]
    pictures: Tensor  # [P, 3, R, R] in -1..1, what is to be seen at these ages; the way is measured by them
    show: Callable[[float], Tensor]  # draws an age: [1, 3, H, W] in -1..1, all of one size
    levels: Callable[[float], Tensor] | None = None  # draws it as `as_levels` would, where that is quicker


def positions(options: FilmOptions) -> list[float]:
    """Position of each frame between the first age and the last, 0..1.

    It rests, speeds up, moves steadily, slows down and rests; speed follows a smoothstep, so that no jerk is seen.
    """
    total = round(options.duration_s * options.fps)
    held = round(options.hold_s * options.fps)
    moving = max(total - 2 * held, 2)
    return [0.0] * held + [_eased(i / (moving - 1), options.easing) for i in range(moving)] + [1.0] * held


def _eased(time: float, easing: float) -> float:
    if time > 0.5:
        return 1.0 - _eased(1.0 - time, easing)
    if time >= easing:
        return (time - easing / 2) / (1 - easing)
    ramp = time / easing
    return easing * (ramp**3 - ramp**4 / 2) / (1 - easing)  # the integral of a smoothstep


def space_evenly(ages: Sequence[float], features: NDArray[Any], at: Sequence[float]) -> list[float]:
    """Ages at the shares `at` (each 0..1) of the perceptual distance between the first age and the last.

    `features` [P, F] belong to pictures at the P `ages`; the squared L2 norm of a difference of two rows is the
    perceptual distance of their pictures, and the whole distance is the sum of the norms. Where the pictures do not
    change, the ages are spaced evenly.
    """
    steps = np.linalg.norm(np.diff(features.astype(np.float64), axis=0), axis=1)
    # A floor far below the visible keeps the inverse unique where two pictures are equal.
    steps += max(steps.sum(), 1e-9) * 1e-3 / max(len(steps), 1)
    way = np.concatenate(([0.0], np.cumsum(steps)))
    return [float(age) for age in np.interp(np.asarray(at) * way[-1], way, np.asarray(ages, np.float64))]


def render_film(
    source: FilmSource,
    features: Callable[[Tensor], Tensor],
    options: FilmOptions | None = None,
    pool: Executor | None = None,
    labels: AgeLabels | None = None,
) -> Generator[float, None, Film]:
    """Render the film of `source`; yield the share that is done, 0..1, and return the film.

    `features` gives the perceptual features [P, F] of pictures [P, 3, R, R] (see `space_evenly`). In a `pool`, pictures
    are made a little ahead of the encoder, as far as its threads have time. With `labels`, frames say how old the pet
    is. Closing the generator stops ffmpeg. Raises `EngineFault` if ffmpeg fails.
    """
    options = options or FilmOptions()
    keys = yield from key_ages(source, features, options.keys)
    first = source.show(keys[0])
    width, height = film_size(first.shape[3], first.shape[2])

    rest = prefetch(source.levels or (lambda age: as_levels(source.show(age))), keys[1:], pool)
    at = positions(options)
    frames = between(chain([as_levels(first)], rest), len(keys), at)
    if labels is not None:
        ages = np.interp(at, np.linspace(0, 1, len(keys)), keys)
        frames = labels.over(frames, [float(age) for age in ages], width, height)
    if options.there_and_back:
        frames, count = there_and_back(frames), 2 * len(at) - 2
    else:
        count = len(at)
    encoding = encode_film(frames, count, width, height, options.fps, to_pixels(first))
    with contextlib.closing(rest):
        return (yield from mapped(encoding, lambda share: _MEASURING_SHARE + (1 - _MEASURING_SHARE) * share))


def encode_film(
    frames: Iterable[Frame],
    count: int,
    width: int,
    height: int,
    fps: int,
    cover: Pixels,
    preset: str = "veryfast",
    crf: int = 15,
) -> Generator[float, None, Film]:
    """Encode `count` frames as `encode_h264` does; yield the share that is done, and return the film.

    `cover` becomes its thumbnail.
    """
    mp4 = yield from mapped(encode_h264(frames, width, height, fps, preset, crf), lambda done: done / count)
    return Film(mp4, thumbnail(cover), width, height, count / fps, count)


def key_ages(
    source: FilmSource, features: Callable[[Tensor], Tensor], count: int
) -> Generator[float, None, list[float]]:
    """Find the ages of `count` key pictures; yield the share of a film's work that is done."""
    seen: list[NDArray[np.float32]] = []
    for part in torch.split(source.pictures, _MEASURED_AT_ONCE):
        yield _MEASURING_SHARE * len(seen) * _MEASURED_AT_ONCE / len(source.ages)
        seen.append(features(part).detach().float().cpu().numpy())
    shares = [float(share) for share in np.linspace(0, 1, count)]
    return space_evenly(source.ages, np.concatenate(seen), shares)


def there_and_back(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield the frames, and then those between the last and the first, backwards."""
    shown = []
    for frame in frames:
        shown.append(frame)
        yield frame
    yield from reversed(shown[1:-1])


def between(keys: Iterator[Tensor], count: int, at: Sequence[float]) -> Iterator[Frame]:
    """Yield frames at the rising positions `at` (each 0..1) among `count` evenly placed key pictures, cross-faded.

    They are rounded only after fading: otherwise all steps of less than a level would be seen at the same moment.
    """
    here = next(keys)
    following = next(keys, here)
    passed, at_rest, frame = 0, -1.0, None
    for position in at:
        exact = position * (count - 1)
        while exact > passed + 1:
            here, following = following, next(keys, following)
            passed += 1
        if frame is None or position != at_rest:
            frame, at_rest = to_frame(torch.lerp(here, following, exact - passed)), position
        yield frame


def thumbnail(pixels: Pixels) -> bytes:
    """A picture as a small JPEG within Telegram's limits for thumbnails."""
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    for quality in (88, 70, 40):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        if out.tell() <= THUMBNAIL_BYTES:
            return out.getvalue()
    raise EngineFault("a thumbnail of more than 200 kB")
