"""Engines on a real Ray cluster of two nodes: what a client notices, and what it does not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine import EngineClient, EngineFault, EngineStopped, Progress, Rejuvenate
from engine.process.scheduler import SLOTS
from tests.engine.cluster.conftest import LoopbackCluster, joined, kill


@pytest.fixture(scope="module")
def deployed(cluster: LoopbackCluster) -> Iterator[LoopbackCluster]:
    yield cluster
    cluster.order("delete")


@pytest.fixture
async def engine(deployed: LoopbackCluster, tmp_path: Path) -> AsyncIterator[EngineClient]:
    async with joined(deployed, tmp_path) as client, asyncio.timeout(90):
        yield client


class Begun:
    """A portrait of so many steps; `await begun()` until it is worked on, again and again."""

    def __init__(self, engine: EngineClient, name: str, steps: int = 400) -> None:
        self.progress: list[Progress] = []
        self._event = asyncio.Event()
        self.task = asyncio.create_task(engine.rejuvenate(Rejuvenate(name, b"steps %d" % steps), self._on_progress))

    def _on_progress(self, progress: Progress) -> None:
        self.progress.append(progress)
        self._event.set()

    async def begun(self) -> None:
        self._event.clear()
        await self._event.wait()


async def test_portraits_are_made_on_all_replicas(engine: EngineClient) -> None:
    made = await asyncio.gather(*(Begun(engine, str(number), 40).task for number in range(8)))
    assert [one.id for one in made] == [str(number) for number in range(8)]
    assert engine.portraits == 8


async def test_progress_rises(engine: EngineClient) -> None:
    portrait = Begun(engine, "a")
    await portrait.task
    fractions = [one.fraction for one in portrait.progress]
    assert len(fractions) > 4
    assert fractions == sorted(fractions)


async def test_what_killed_replicas_worked_on_begins_again(engine: EngineClient, cluster: LoopbackCluster) -> None:
    portraits = [Begun(engine, name) for name in "abc"]
    for portrait in portraits:
        await portrait.begun()
    kill(cluster.replicas())
    assert [(await portrait.task).id for portrait in portraits] == ["a", "b", "c"]


async def test_only_what_two_replicas_die_of_fails(engine: EngineClient, cluster: LoopbackCluster) -> None:
    portrait = Begun(engine, "a", 4000)
    for _ in range(2):
        await portrait.begun()
        kill(cluster.replicas())
    with pytest.raises(EngineFault, match="died of it"):
        await portrait.task
    assert (await Begun(engine, "b", 40).task).id == "b"


async def test_what_kills_the_engine_of_a_replica_kills_no_replica(
    engine: EngineClient, cluster: LoopbackCluster
) -> None:
    before = cluster.replicas()
    with pytest.raises(EngineFault, match="died of it"):
        await engine.rejuvenate(Rejuvenate("a", b"die"))
    assert set(before) <= set(cluster.replicas())  # another may still be starting after the last test


async def test_cancelling_reaches_the_replica(engine: EngineClient) -> None:
    """Otherwise portraits of five minutes would have all places."""
    long = [Begun(engine, str(number), 60_000) for number in range(2 * SLOTS)]
    for portrait in long:
        await portrait.begun()
    for number in range(SLOTS):
        assert engine.cancel(str(number))
    for portrait in long[SLOTS:]:
        portrait.task.cancel()
    for portrait in long[:SLOTS]:
        with pytest.raises(EngineStopped):
            await portrait.task
    assert (await Begun(engine, "last", 40).task).id == "last"


async def test_a_killed_node_is_no_loss(engine: EngineClient, cluster: LoopbackCluster) -> None:
    portraits = [Begun(engine, str(number)) for number in range(4)]
    for portrait in portraits:
        await portrait.begun()
    cluster.order("kill")
    assert [(await portrait.task).id for portrait in portraits] == ["0", "1", "2", "3"]
    cluster.order("add")
