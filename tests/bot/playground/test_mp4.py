import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from bot.playground.mp4 import read_mp4


def film(path: Path, *options: str) -> bytes:
    source = ("-f", "lavfi", "-i", "color=c=red:size=64x48:rate=10:duration=0.5")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *options, str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path.read_bytes()


H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")


def test_reads_what_a_film_says_of_itself(tmp_path: Path) -> None:
    read = read_mp4(film(tmp_path / "a.mp4", *H264, "-movflags", "+faststart"))
    assert read is not None
    assert (read.width, read.height, read.h264, read.streamable) == (64, 48, True, True)
    assert read.duration_s == pytest.approx(0.5, abs=0.01)


def test_sees_index_behind_the_pictures(tmp_path: Path) -> None:
    read = read_mp4(film(tmp_path / "a.mp4", *H264))
    assert read is not None and not read.streamable


def test_sees_another_codec(tmp_path: Path) -> None:
    read = read_mp4(film(tmp_path / "a.mp4", "-c:v", "mpeg4"))
    assert read is not None and not read.h264


def test_nothing_else_is_a_film(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4", *H264, "-movflags", "+faststart")
    for data in (b"", b"GIF89a", whole[:40], b"\0\0\0\1moov" + b"\0" * 64):
        assert read_mp4(data) is None
