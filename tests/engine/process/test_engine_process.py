"""The real engine process on real work: a portrait survives the death of the process that makes it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import EngineClient, EngineSettings, EngineStopped, PhotoError, PhotoReason, Progress, Rejuvenate, Stage
from tests.engine.tiny import NAME, drawn_photo, store_tiny_network


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EngineClient]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for so small a network threads cost more than they bring
    store_tiny_network(tmp_path)
    async with EngineClient(EngineSettings(tmp_path, device="cpu", network=NAME)) as client:
        yield client


async def test_it_stops_in_the_midst_of_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    store_tiny_network(tmp_path)
    begun = asyncio.Event()

    def listen(progress: Progress) -> None:
        if progress.stage is Stage.PROJECTING:
            begun.set()

    async with EngineClient(EngineSettings(tmp_path, device="cpu", network=NAME)) as engine:
        request = Rejuvenate("a", drawn_photo(), breed="samoyed", anyway=True)
        portrait = asyncio.create_task(engine.rejuvenate(request, listen))
        await begun.wait()
        began = time.monotonic()
    assert time.monotonic() - began < 5
    with pytest.raises(EngineStopped):
        await portrait
    assert not any((tmp_path / "cache" / "scratch").iterdir())


async def test_a_portrait_outlives_its_process(engine: EngineClient, tmp_path: Path) -> None:
    progress: list[Progress] = []
    begun = asyncio.Event()

    def listen(one: Progress) -> None:
        progress.append(one)
        if one.stage is Stage.PROJECTING:
            begun.set()

    request = Rejuvenate("a", drawn_photo(), breed="samoyed", anyway=True)
    portrait = asyncio.create_task(engine.rejuvenate(request, listen))
    await begun.wait()
    with pytest.raises(PhotoError) as caught:
        await engine.recognise(b"no picture")
    assert caught.value.reason is PhotoReason.NOT_AN_IMAGE
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    made = await portrait
    assert made.film.mp4[4:8] == b"ftyp"
    assert made.seconds["total"] > 0
    fractions = [one.fraction for one in progress]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1
    assert (tmp_path / "cache" / "pace.json").exists()
    assert NAME in (await engine.describe()).networks
