"""Pictures to H.264 as Telegram plays it at once: yuv420p, even sides, index first.

Frames go to ffmpeg as it keeps them, one full plane of luma and two of chroma at half the size: a frame has half the
bytes of its colours, and nothing is left to convert. The conversion is that of ITU-R BT.709 in its limited range.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import imageio_ffmpeg
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import EngineFault

Frame = NDArray[np.uint8]  # [H·W·3/2]: the planes Y, Cb and Cr, one after the other

LEAST_SIDE = 512  # px; smaller pictures are enlarged
MOST_KBPS = 5000  # bounds a film of 5 s to some 3 MB, whatever it shows
_PATIENCE_S = 120

_LUMA = (0.2126, 0.7152, 0.0722)  # shares of red, green and blue
_LUMA_RANGE, _BLACK = 219.0, 16.0  # levels
_CHROMA_RANGE, _GREY = 224.0, 128.0


def film_size(width: int, height: int) -> tuple[int, int]:
    """The even size, at least `LEAST_SIDE` px a side, at which a film of pictures of `width` x `height` px is shown."""
    scale = max(1.0, LEAST_SIDE / min(width, height))
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def to_planes(picture: Tensor) -> Tensor:
    """A picture [1, 3, h, w] in -1..1 as the levels of a frame, [H·W·3/2] float32 on the CPU, of its `film_size`.

    Levels are not rounded yet, so that frames can be cross-faded first.
    """
    picture = picture.detach().float()
    width, height = film_size(picture.shape[3], picture.shape[2])
    if picture.shape[2:] != (height, width):
        picture = F.interpolate(picture, (height, width), mode="bicubic", antialias=True)
    colours = ((picture[0].clamp(-1, 1) + 1) / 2).flatten(1)
    planes = (_matrix(picture.device) @ colours).view(3, height, width)
    luma = planes[0] * _LUMA_RANGE + _BLACK
    chroma = F.avg_pool2d(planes[1:], 2) * _CHROMA_RANGE + _GREY
    return torch.cat([luma.flatten(), chroma.flatten()]).cpu()


def to_frame(planes: Tensor) -> Frame:
    """Levels as `to_planes` gives them, rounded."""
    frame: Frame = (planes + 0.5).to(torch.uint8).numpy()
    return frame


def encoding(frames: Iterable[Frame], width: int, height: int, fps: int) -> Generator[int, None, bytes]:
    """Encodes `frames` of `width` x `height` px; yields the number of frames encoded so far and returns the MP4.

    Closing the generator, or an exception from `frames`, stops ffmpeg. Raises `EngineFault` if ffmpeg fails.
    """
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        path = Path(folder) / "film.mp4"
        with _ffmpeg(width, height, fps, path) as process:
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
                status = process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                raise EngineFault("ffmpeg did not finish") from None
        if status or not path.exists():
            raise EngineFault(f"ffmpeg ended with status {status}")
        return path.read_bytes()


def _matrix(device: torch.device) -> Tensor:
    """[3, 3]: red, green and blue (0..1) to Y (0..1), Cb and Cr (±0.5)."""
    luma = torch.tensor(_LUMA)
    red, _, blue = torch.eye(3)
    rows = [luma, *((colour - luma) / (2 * (1 - luma @ colour)) for colour in (blue, red))]
    return torch.stack(rows).to(device)


@contextlib.contextmanager
def _ffmpeg(width: int, height: int, fps: int, path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """ffmpeg reading frames from its stdin and writing `path`; it is gone when the block is left."""
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    except RuntimeError:
        raise EngineFault("no ffmpeg") from None
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(fps), "-i", "pipe:0"]
    # The colours are named in full, or players guess, and red collars shift.
    named = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
    command += ["-an", "-vf", named, "-c:v", "libx264", "-preset", "veryfast", "-crf", "15", "-profile:v", "high"]
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
