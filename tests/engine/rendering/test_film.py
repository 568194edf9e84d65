"""The film is read back from its bytes: what players see is what counts."""

import io
import re
import subprocess
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.errors import EngineFault
from engine.images.ycbcr import Frame, to_frame
from engine.messages import Film
from engine.rendering.film import (
    THUMBNAIL_BYTES,
    THUMBNAIL_SIDE,
    FilmOptions,
    FilmSource,
    between,
    positions,
    render_film,
    space_evenly,
    thumbnail,
)
from engine.rendering.video import MOST_KBPS, as_levels, encode_h264, film_size
from engine.step_runner import result_of

SIDE = 64


def ball(place: float, side: int = SIDE) -> Tensor:
    """A bright soft ball at the share `place` of the width, on dark ground: [1, 3, side, side]."""
    y, x = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    glow = torch.exp(-((x - place) ** 2 + (y - 0.5) ** 2) / 0.02)
    return (glow * 1.6 - 0.8).expand(1, 3, side, side)


def draw(ages: Sequence[float]) -> Tensor:
    """A pet whose looks change late: hardly anything happens before age 0.5."""
    return torch.cat([ball(0.2 + 0.6 * age**3) for age in ages])


def features(pictures: Tensor) -> Tensor:
    """Where the light is, the distance the eye would follow here."""
    light = pictures.mean(1) + 0.8
    across = torch.linspace(0, 1, pictures.shape[-1])
    return (light.sum(1) * across).sum(1, keepdim=True) / light.sum((1, 2)).unsqueeze(1)


def filmed(start: float = 0.0, end: float = 1.0, options: FilmOptions | None = None, probes: int = 18) -> Film:
    film = result_of(render_film(way(start, end, probes), features, options))
    assert isinstance(film, Film)
    return film


def way(start: float = 0.0, end: float = 1.0, probes: int = 18) -> FilmSource:
    """The pet whose looks change late."""
    ages = np.linspace(start, end, probes).tolist()
    return FilmSource(ages, draw(ages), lambda age: draw([age]))


@dataclass(frozen=True)
class ReadBack:
    """What ffmpeg says of a film, and its frames [N, H, W, 3]."""

    about: str
    duration_s: float
    frames: NDArray[np.uint8]


def read_back(mp4: bytes, folder: Path) -> ReadBack:
    path = folder / "film.mp4"
    path.write_bytes(mp4)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    said = done.stderr.decode()
    about = next(line for line in said.splitlines() if "Video:" in line)
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said).groups()  # type: ignore[union-attr]
    width, height = map(int, re.search(r", (\d+)x(\d+)", about).groups())  # type: ignore[union-attr]
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    return ReadBack(about, int(hours) * 3600 + int(minutes) * 60 + float(seconds), frames)


def boxes(mp4: bytes) -> list[bytes]:
    """The names of an MP4's top-level boxes, in order."""
    names, at = [], 0
    while at < len(mp4):
        names.append(mp4[at + 4 : at + 8])
        at += int.from_bytes(mp4[at : at + 4], "big")
    return names


def noise(count: int, side: int = 512) -> Iterator[Frame]:
    source = np.random.default_rng(3)
    for _ in range(count):
        yield source.integers(0, 256, side * side * 3 // 2, dtype=np.uint8)


def encoded(frames: Iterable[Frame], side: int = 512) -> bytes:
    mp4 = result_of(encode_h264(frames, side, side, 30))
    assert isinstance(mp4, bytes)
    return mp4


@pytest.fixture
def ffmpegs(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """Every process that is started, as it is started."""
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return started


def test_the_film_is_what_telegram_plays_at_once(tmp_path: Path) -> None:
    film = filmed()
    seen = read_back(film.mp4, tmp_path)
    assert "h264 (High)" in seen.about
    assert "yuv420p(tv, bt709" in seen.about
    assert ", 30 fps," in seen.about
    assert ", 512x512" in seen.about
    assert (film.width, film.height) == (512, 512)
    assert seen.duration_s == pytest.approx(5.0, abs=0.05) == film.duration_s
    assert len(seen.frames) == film.frames == 150
    names = boxes(film.mp4)
    assert names.index(b"moov") < names.index(b"mdat")

    small = Image.open(io.BytesIO(film.thumbnail))
    assert small.format == "JPEG"
    assert max(small.size) <= THUMBNAIL_SIDE
    assert len(film.thumbnail) <= THUMBNAIL_BYTES


def test_the_film_rests_at_both_ends_and_moves_evenly_between(tmp_path: Path) -> None:
    options = FilmOptions(duration_s=3.0, keys=48)
    frames = read_back(filmed(options=options).mp4, tmp_path).frames
    light = (frames[:, 256].astype(np.float64).mean(-1) - 40).clip(0)
    places = (light * np.linspace(0, 1, light.shape[1])).sum(1) / light.sum(1)
    held = round(options.hold_s * options.fps)
    assert np.ptp(places[:held]) < 0.002
    assert np.ptp(places[-held:]) < 0.002
    assert places[0] == pytest.approx(0.2, abs=0.02)
    assert places[-1] == pytest.approx(0.8, abs=0.02)
    steps = np.diff(places[held:-held])
    assert steps.min() > -0.002
    middle = steps[len(steps) // 3 : -len(steps) // 3]
    assert middle.std() < 0.25 * middle.mean()
    assert max(steps[:3].max(), steps[-3:].max()) < 0.5 * middle.mean()


@pytest.mark.parametrize("colour", [(200, 40, 50), (255, 255, 255), (0, 0, 0), (20, 60, 230), (30, 200, 90)])
def test_colours_survive(colour: tuple[int, int, int], tmp_path: Path) -> None:
    picture = torch.tensor(colour).div(127.5).sub(1)[None, :, None, None].expand(1, 3, 512, 512)
    frames = read_back(encoded([to_frame(as_levels(picture))] * 5), tmp_path).frames
    assert np.abs(frames.astype(int) - colour).max() <= 4


def test_what_is_left_and_what_is_above_stays_there(tmp_path: Path) -> None:
    picture = torch.zeros(1, 3, 512, 600)
    picture[:, 0, :, :300], picture[:, 2, :256] = 0.8, -0.8  # more red on the left, less blue above
    mp4 = result_of(encode_h264([to_frame(as_levels(picture))] * 3, 600, 512, 30))
    shown = read_back(mp4, tmp_path).frames[1].astype(float) / 127.5 - 1
    wanted = picture[0].permute(1, 2, 0).numpy()
    assert np.abs(shown - wanted).mean() < 0.02


def test_ages_are_spaced_by_what_is_seen() -> None:
    probes = np.linspace(0, 1, 40)
    seen = np.stack([probes**2, np.zeros(40)], axis=1)
    ages = space_evenly(list(probes), seen, [0, 0.25, 0.5, 1])
    assert ages == pytest.approx([0, 0.5, 0.5**0.5, 1], abs=0.01)


def test_where_nothing_changes_ages_are_spaced_evenly() -> None:
    assert space_evenly([1.0, 0.5, 0.0], np.zeros((3, 4)), [0, 0.5, 1]) == pytest.approx([1, 0.5, 0])


def test_positions_rise_from_rest_to_rest() -> None:
    options = FilmOptions()
    at = np.array(positions(options))
    assert len(at) == 150
    assert (at[:18] == 0).all()
    assert (at[-18:] == 1).all()
    steps = np.diff(at)
    assert (steps >= 0).all()
    assert np.abs(np.diff(steps)).max() < 0.1 * steps.max()  # no jerk


def test_steps_of_less_than_a_level_are_spread_over_the_frames() -> None:
    first = torch.empty(64, 64, 3).uniform_(90, 160, generator=torch.Generator().manual_seed(1))
    keys = [(first + 0.8 * i).flatten() for i in range(3)]
    frames = list(between(iter(keys), 3, [i / 8 for i in range(9)]))
    steps = [np.abs(b.astype(float) - a).mean() for a, b in pairwise(frames)]
    assert steps == pytest.approx([0.2] * 8, abs=0.02)


def test_a_film_runs_either_way(tmp_path: Path) -> None:
    options = FilmOptions(duration_s=1.0, hold_s=0.1, keys=12)
    frames = read_back(filmed(1.0, 0.0, options, probes=6).mp4, tmp_path).frames
    assert frames[0, 256, 410].mean() > 150 > frames[-1, 256, 410].mean()


def test_each_age_is_shown_once_from_first_to_last() -> None:
    asked = []

    def show(age: float) -> Tensor:
        asked.append(age)
        return torch.nn.functional.interpolate(draw([age]), size=(640, 600))

    options = FilmOptions(duration_s=0.5, hold_s=0.1, keys=5)
    film = result_of(render_film(replace(way(), show=show), features, options))
    assert (film.width, film.height) == (600, 640)
    assert asked == sorted(set(asked))
    assert (len(asked), asked[0], asked[-1]) == (5, 0.0, 1.0)


def test_a_way_of_one_age_is_a_film_that_stands_still(tmp_path: Path) -> None:
    film = filmed(0.4, 0.4, FilmOptions(duration_s=0.5, hold_s=0.1, keys=4), probes=1)
    frames = read_back(film.mp4, tmp_path).frames.astype(float)
    assert len(frames) == 15
    assert np.abs(frames - frames[0]).max() <= 4


def test_progress_rises_to_the_whole() -> None:
    shares = list(render_film(way(), features, FilmOptions(duration_s=0.5, hold_s=0.1, keys=4)))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_sides_are_even_and_not_small() -> None:
    assert film_size(128, 128) == (512, 512)
    assert film_size(555, 777) == (556, 776)
    assert film_size(100, 151) == (512, 774)


def test_the_hardest_pictures_stay_a_few_megabytes() -> None:
    assert len(encoded(noise(45))) < 3.0 * MOST_KBPS * 1000 / 8 * 45 / 30
    grains = np.random.default_rng(3).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    assert len(thumbnail(grains)) <= THUMBNAIL_BYTES


def test_frames_are_not_collected() -> None:
    alive: list[weakref.ref[Frame]] = []

    def counted() -> Iterator[Frame]:
        for frame in noise(30, side=32):
            alive.append(weakref.ref(frame))
            yield frame
            assert sum(ref() is not None for ref in alive) <= 4

    encoded(counted(), side=32)
    assert len(alive) == 30


def test_closing_stops_ffmpeg(ffmpegs: list["subprocess.Popen[bytes]"]) -> None:
    steps = render_film(way(probes=2), features)
    while next(steps) < 0.3:
        pass
    (process,) = ffmpegs
    assert process.poll() is None
    steps.close()
    assert process.returncode is not None


def test_a_fault_in_the_frames_stops_ffmpeg_and_is_passed_on(ffmpegs: list["subprocess.Popen[bytes]"]) -> None:
    def broken() -> Iterator[Frame]:
        yield from noise(2, side=64)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        encoded(broken(), side=64)
    assert ffmpegs[0].returncode is not None


@pytest.mark.parametrize("script", ["exit 3", "exec cat >/dev/null"])
def test_a_failing_ffmpeg_is_our_fault(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = tmp_path / "ffmpeg"
    impostor.write_text(f"#!/bin/sh\n{script}\n")
    impostor.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(impostor))
    with pytest.raises(EngineFault, match=r"^ffmpeg"):
        encoded(noise(30))


def test_a_missing_ffmpeg_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nowhere/ffmpeg")
    with pytest.raises(EngineFault, match="cannot be started"):
        encoded(noise(1))


def test_no_frames_and_odd_ones_are_faults() -> None:
    with pytest.raises(EngineFault, match="without frames"):
        encoded([])
    with pytest.raises(EngineFault, match="different sizes"):
        encoded([*noise(1, side=32), *noise(1, side=34)], side=32)


def test_the_encoder_counts_its_frames() -> None:
    assert list(encode_h264(noise(3, side=32), 32, 32, 30)) == [1, 2, 3]
