"""Turn a film into a picture that moves: an animated GIF or WebP, for where no films can be sent."""

import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

from engine.errors import EngineFault
from engine.messages import Medium

SIDE = 480  # px; GIFs of more are many megabytes
_FPS = {Medium.GIF: 15, Medium.WEBP: 20}
_TIMEOUT_S = 120
# A palette of the film's own 256 colours; without it skies and fur become stripes.
_PALETTE = "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=sierra2_4a:diff_mode=rectangle"
_SCALED = f"fps={{fps}},scale={SIDE}:-2:flags=lanczos"
_CODECS = {
    Medium.GIF: ["-lavfi", f"{_SCALED},{_PALETTE}", "-loop", "0"],
    Medium.WEBP: ["-vf", _SCALED, "-c:v", "libwebp_anim", "-q:v", "80", "-loop", "0"],
}


def animation(mp4: bytes, medium: Medium) -> bytes:
    """The film as an endless GIF or WebP of SIDE px. Raises `EngineFault` if ffmpeg fails."""
    encoding = [part.format(fps=_FPS[medium]) for part in _CODECS[medium]]
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        film, made = Path(folder) / "film.mp4", Path(folder) / f"film.{medium}"
        film.write_bytes(mp4)
        try:
            ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
            command = [ffmpeg, "-loglevel", "error", "-nostdin", "-y", "-i", str(film), *encoding, str(made)]
            subprocess.run(  # noqa: S603 - our own binary, no shell, no words of the user's
                command, check=True, timeout=_TIMEOUT_S, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            return made.read_bytes()
        except RuntimeError:
            raise EngineFault("no ffmpeg") from None
        except (OSError, subprocess.SubprocessError) as error:
            raise EngineFault(f"ffmpeg made no {medium}: {type(error).__name__}") from None
