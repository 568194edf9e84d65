"""A whole chat with the real engine, on the cluster and on this machine: what the owner gets is the same."""

import asyncio
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import CardText, EngineClient, EngineSettings, Reimagine, Reimagined, Rejuvenate, Rejuvenation
from tests.engine.cluster.conftest import LoopbackCluster, joined
from tests.engine.tiny import NAME, drawn_photo, store_tiny_network

_CARD = CardText("Mochi", "then", "now", "today")


async def chat(engine: EngineClient, photo: bytes) -> tuple[Rejuvenation, Reimagined]:
    found = await engine.recognise(photo)
    assert found.width == 256
    made = await engine.rejuvenate(Rejuvenate("a", photo, breed="samoyed", anyway=True, card=_CARD))
    return made, await engine.reimagine(Reimagine("b", made.latent, 0.5, card=_CARD))


def pixels(jpeg: bytes | None) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    assert jpeg is not None
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), np.float32)


async def test_the_cluster_answers_as_the_engine_here(
    cluster: LoopbackCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    photo = drawn_photo()
    store_tiny_network(tmp_path)
    async with EngineClient(EngineSettings(tmp_path, "cpu", NAME, cores=1)) as engine:
        made, again = await chat(engine, photo)
        assert (await engine.forget([hashlib.sha256(photo).hexdigest()])).count > 0
    async with joined(cluster, tmp_path, module=None, network=NAME) as engine:
        there, there_again = await chat(engine, photo)
        assert (await engine.forget([hashlib.sha256(photo).hexdigest()])).count > 0
        assert (await engine.forget([hashlib.sha256(photo).hexdigest()])).count == 0
        # A network with other weights is taken over while requests are answered.
        store_tiny_network(tmp_path, seed=1)
        async with asyncio.timeout(120):
            while (await engine.reimagine(Reimagine("c", made.latent, 0.5, film=False))).latent is None:
                continue
    cluster.order("delete")
    assert (there.breed, there.network, there.film.frames) == (made.breed, made.network, made.film.frames)
    assert there.distance == pytest.approx(made.distance, rel=0.02)
    for ours, theirs in zip(
        (made.still, made.whole, made.card, again.still, again.whole, again.card),
        (there.still, there.whole, there.card, there_again.still, there_again.whole, there_again.card),
        strict=True,
    ):
        assert np.abs(pixels(ours) - pixels(theirs)).mean() < 1
