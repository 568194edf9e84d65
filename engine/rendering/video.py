"""Encode pictures to H.264 that Telegram plays without loading it whole: yuv420p, even sides, index first."""

import contextlib
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg
import torch.nn.functional as F
from torch import Tensor

from engine.errors import EngineFault
from engine.images.ycbcr import Frame, rgb_to_ycbcr, to_levels

LEAST_SIDE = 512  # px; smaller pictures are enlarged, as players enlarge them worse
MOST_KBPS = 5000  # bounds a film of 5 s to some 3 MB, whatever it shows
_FFMPEG_TIMEOUT_S = 120  # after the last frame; it has a frame or two left to encode then


def film_size(width: int, height: int) -> tuple[int, int]:
    """The even size, at least `LEAST_SIDE` px a side, at which a film of pictures of `width` x `height` px is shown."""
    scale = max(1.0, LEAST_SIDE / min(width, height))
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def as_levels(picture: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """A picture [1, 3, h, w] in -1..1 as the levels of a frame of `size`, by default its `film_size` (`to_levels`)."""
    picture = picture.detach().float()
    width, height = size or film_size(picture.shape[3], picture.shape[2])
    if picture.shape[2:] != (height, width):
        picture = F.interpolate(picture, (height, width), mode="bicubic", antialias=True)
    planes = rgb_to_ycbcr(picture.clamp(-1, 1))
    return to_levels(planes[:, :1], F.avg_pool2d(planes[:, 1:], 2))


def encode_h264(
    frames: Iterable[Frame], width: int, height: int, fps: int, preset: str = "veryfast", crf: int = 15
) -> Generator[int, None, bytes]:
    """Encode `frames` of `width` x `height` px; yield the number of frames encoded so far and return the MP4.

    `preset` and `crf` are x264's: quicker presets make larger files, and so does a smaller quality factor, which shows
    more.

    Closing the generator, or an exception from `frames`, stops ffmpeg. Raises `EngineFault` if ffmpeg fails.
    """
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        path = Path(folder) / "film.mp4"
        with _ffmpeg(width, height, fps, path, preset, crf) as process:
            pipe = cast(IO[bytes], process.stdin)
            count = 0
            for count, frame in enumerate(frames, 1):
                if frame.size != width * height * 3 // 2:
                    raise EngineFault("film frames of different sizes")
                try:
                    pipe.write(frame.data)
                except OSError:  # it has stopped reading; its exit status says more
                    break
                yield count
            if not count:
                raise EngineFault("a film without frames")
            with contextlib.suppress(OSError):
                pipe.close()
            try:
                status = process.wait(_FFMPEG_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                raise EngineFault("ffmpeg did not finish") from None
        if status or not path.exists():
            raise EngineFault(f"ffmpeg ended with status {status}")
        return path.read_bytes()


@contextlib.contextmanager
def _ffmpeg(
    width: int, height: int, fps: int, path: Path, preset: str, crf: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """ffmpeg reading frames from its stdin and writing `path`; it is gone when the block is left."""
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    except RuntimeError:
        raise EngineFault("no ffmpeg") from None
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(fps), "-i", "pipe:0"]
    # The colours are named in full, or players guess, and red collars shift.
    named = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
    command += ["-an", "-vf", named, "-c:v", "libx264", "-preset", preset, "-crf", str(crf), "-profile:v", "high"]
    command += ["-chroma_sample_location", "center"]
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
