"""The time-lapse film: the ages of its frames, the pictures between, and the MP4.

The way from one age to another is walked evenly in perceptual distance, because equal steps of the age
vector are not equal steps to the eye; it starts and ends gently and rests at both ends. Drawing is dear, so
key pictures are drawn close together and each frame is a cross-fade of its two neighbours. Everything
streams: a few key pictures are in memory at a time, whatever the length.
"""

import contextlib
import io
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import imageio_ffmpeg
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.errors import EngineFault
from engine.messages import Film
from engine.pooling import ahead

Frame = NDArray[np.uint8]  # height x width x 3, RGB
Levels = Tensor  # the same before rounding, float32 0..255, on the CPU

LEAST_SIDE = 512  # px; smaller pictures are enlarged
MOST_KBPS = 5000  # bounds a film of 5 s to some 3 MB, whatever it shows
THUMBNAIL_SIDE = 320  # px, Telegram's limit
THUMBNAIL_BYTES = 200_000  # Telegram's limit
FFMPEG_PATIENCE_S = 120
AT_ONCE = 4  # pictures drawn as one batch: quicker than one by one, and few in memory
_MEASURING = 0.1  # share of the work


@dataclass(frozen=True, slots=True)
class FilmOptions:
    """How long a film is and how finely it is drawn."""

    fps: int = 30
    duration_s: float = 5.0
    hold_s: float = 0.6  # the rest at each end
    easing: float = 0.25  # share of the way's time spent speeding up, and as much slowing down
    probes: int = 18  # pictures drawn to measure the way
    keys: int = 32  # pictures drawn to show it


def positions(options: FilmOptions) -> list[float]:
    """Where each frame is on the way, 0..1: resting, speeding up, steady, slowing down, resting.

    The speed follows a smoothstep up and down, so that there is no jerk to be seen.
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
    """The ages that lie the shares `at` (each 0..1) of the perceptual way along.

    `features` [P, F] belong to pictures at the P `ages`; the squared L2 norm of a difference of two rows is the
    perceptual distance of their pictures, so that the way is the sum of the norms. Where nothing is to be
    seen changing, the ages are spaced evenly in themselves.
    """
    steps = np.linalg.norm(np.diff(features.astype(np.float64), axis=0), axis=1)
    # A floor far below what is visible keeps the inverse unique where two pictures are equal.
    steps += max(steps.sum(), 1e-9) * 1e-3 / len(steps)
    way = np.concatenate(([0.0], np.cumsum(steps)))
    return [float(age) for age in np.interp(np.asarray(at) * way[-1], way, np.asarray(ages, np.float64))]


def make_film(
    draw: Callable[[Sequence[float]], Tensor],
    start_age: float,
    end_age: float,
    features: Callable[[Tensor], Tensor],
    *,
    finish: Callable[[float, Tensor], Tensor] | None = None,
    options: FilmOptions | None = None,
    pool: Executor | None = None,
) -> Film:
    """`filming`, to its end."""
    return _drained(filming(draw, start_age, end_age, features, finish=finish, options=options, pool=pool))


def filming(
    draw: Callable[[Sequence[float]], Tensor],
    start_age: float,
    end_age: float,
    features: Callable[[Tensor], Tensor],
    *,
    finish: Callable[[float, Tensor], Tensor] | None = None,
    options: FilmOptions | None = None,
    pool: Executor | None = None,
) -> Generator[float, None, Film]:
    """Films the way from `start_age` to `end_age`; yields how far it is, 0..1, and returns the film.

    `draw` gives pictures [N, 3, H, W] in -1..1 of N ages, `features` their features [N, F] (see `space_evenly`).
    `finish` turns the picture [1, 3, H, W] of one age into the one to be shown, of any size; without it the
    picture is shown as drawn. In a `pool` the key pictures are made a little ahead of the encoder, as far as its
    threads have time. Closing the generator stops ffmpeg. Raises `EngineFault` if ffmpeg fails.
    """
    options = options or FilmOptions()
    probes = [float(age) for age in np.linspace(start_age, end_age, options.probes)]
    seen: list[NDArray[np.float32]] = []
    for ages in _batched(probes, AT_ONCE):
        yield _MEASURING * len(seen) * AT_ONCE / len(probes)
        seen.append(features(draw(ages)).detach().float().cpu().numpy())
    keys = space_evenly(probes, np.concatenate(seen), [float(share) for share in np.linspace(0, 1, options.keys)])
    at = positions(options)

    def pictures(ages: Sequence[float]) -> list[Levels]:
        drawn = zip(ages, torch.split(draw(ages), 1), strict=True)
        return [_to_levels(picture if finish is None else finish(age, picture)) for age, picture in drawn]

    made = ahead(pictures, list(_batched(keys, AT_ONCE)), pool)
    encoder = encoding(between((picture for part in made for picture in part), len(keys), at), options.fps)
    with contextlib.closing(made), contextlib.closing(encoder):
        while True:
            try:
                done = next(encoder)
            except StopIteration as end:
                film: Film = end.value
                return film
            yield _MEASURING + (1 - _MEASURING) * done / len(at)


def _batched(ages: Sequence[float], size: int) -> Iterator[Sequence[float]]:
    for start in range(0, len(ages), size):
        yield ages[start : start + size]


def between(keys: Iterator[Levels], count: int, at: Sequence[float]) -> Iterator[Frame]:
    """Frames at the rising positions `at` (each 0..1) among `count` evenly placed key pictures, cross-faded.

    Rounded only after fading: steps of less than a level would otherwise all be taken at the same moment.
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
            frame, at_rest = _to_bytes(torch.lerp(here, following, exact - passed)), position
        yield frame


def to_frame(picture: Tensor) -> Frame:
    """A picture [1, 3, H, W] in -1..1 as bytes [H, W, 3]."""
    return _to_bytes(_to_levels(picture))


def _to_levels(picture: Tensor) -> Levels:
    scaled = (picture.detach()[0].float().clamp(-1, 1) + 1) * 127.5
    return scaled.permute(1, 2, 0).contiguous().cpu()


def _to_bytes(levels: Levels) -> Frame:
    frame: Frame = (levels + 0.5).to(torch.uint8).numpy()
    return frame


def encode_film(frames: Iterable[Frame], fps: int = 30) -> Film:
    """`encoding`, to its end."""
    return _drained(encoding(frames, fps))


def encoding(frames: Iterable[Frame], fps: int = 30) -> Generator[int, None, Film]:
    """Encodes `frames`, all of one size, as Telegram plays them at once: H.264, yuv420p, even sides, index first.

    Yields the number of frames encoded so far and returns the film; the thumbnail shows its first frame. Closing
    the generator, or an exception from `frames`, stops ffmpeg. Raises `EngineFault` if ffmpeg fails.
    """
    source = iter(frames)
    first = next(source, None)
    if first is None:
        raise EngineFault("a film without frames")
    width, height = film_size(first.shape[1], first.shape[0])
    count = 0
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        path = Path(folder) / "film.mp4"
        with _ffmpeg(first.shape[1], first.shape[0], width, height, fps, path) as process:
            pipe = cast(IO[bytes], process.stdin)
            frame: Frame | None = first
            while frame is not None:
                if frame.shape != first.shape:
                    raise EngineFault("film frames of different sizes")
                try:
                    pipe.write(np.ascontiguousarray(frame, np.uint8).data)
                except OSError:  # it has stopped reading; its exit status says more
                    break
                count += 1
                yield count
                frame = next(source, None)
            with contextlib.suppress(OSError):
                pipe.close()
            try:
                status = process.wait(FFMPEG_PATIENCE_S)
            except subprocess.TimeoutExpired:
                raise EngineFault("ffmpeg did not finish") from None
        if status or not path.exists():
            raise EngineFault(f"ffmpeg ended with status {status}")
        mp4 = path.read_bytes()
    return Film(mp4, thumbnail(first), width, height, count / fps, count)


def film_size(width: int, height: int) -> tuple[int, int]:
    """The even size, at least `LEAST_SIDE` px a side, at which a film of pictures of `width` x `height` px is shown."""
    scale = max(1.0, LEAST_SIDE / min(width, height))
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def thumbnail(frame: Frame) -> bytes:
    """`frame` as a small JPEG within Telegram's limits for thumbnails."""
    image = Image.fromarray(frame)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    for quality in (88, 70, 40):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        if out.tell() <= THUMBNAIL_BYTES:
            return out.getvalue()
    raise EngineFault("a thumbnail of more than 200 kB")


@contextlib.contextmanager
def _ffmpeg(
    width: int, height: int, shown_width: int, shown_height: int, fps: int, path: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """ffmpeg reading raw RGB frames from its stdin and writing `path`; it is gone when the block is left."""
    # The colours are named in full, or players guess, and red collars shift.
    shown = f"scale={shown_width}:{shown_height}:flags=lanczos:out_color_matrix=bt709:out_range=tv,format=yuv420p"
    shown += ",setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    except RuntimeError:
        raise EngineFault("no ffmpeg") from None
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "pipe:0"]
    command += ["-an", "-vf", shown, "-c:v", "libx264", "-preset", "veryfast", "-crf", "15", "-profile:v", "high"]
    command += ["-threads", "1"]  # it keeps up with the pictures, and more threads only wait for each other
    command += ["-maxrate", f"{MOST_KBPS}k", "-bufsize", f"{MOST_KBPS}k"]
    command += ["-movflags", "+faststart", str(path)]
    try:
        process = subprocess.Popen(  # noqa: S603  # our own binary, no shell, no words of the user's
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise EngineFault(f"ffmpeg cannot be started: {type(error).__name__}") from None
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            cast(IO[bytes], process.stdin).close()


def _drained(steps: Generator[Any, None, Film]) -> Film:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            film: Film = end.value
            return film
