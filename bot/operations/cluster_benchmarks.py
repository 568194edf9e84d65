"""Measures engines on Ray against the one on this machine: throughput, overhead, and how soon a kill is healed."""

import asyncio
import itertools
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.operations.processes import descendants
from bot.operations.service_benchmarks import SCRIPTED, forget, fresh_home, portrait
from engine import GATEWAY, ClusterSettings, EngineClient, EngineSettings, Rejuvenate, engine_settings

_AT_ONCE = 4  # portraits for each engine, as many as the bot gives one
_INSTANT_REQUESTS = 200  # of each kind; more make the median steadier
_REPLICA = b"ray::ServeReplica:throwback"


async def cluster(photos: Sequence[bytes], replicas: Sequence[int]) -> dict[str, Any]:
    """Return portraits a minute and their 95th percentile here and with so many replicas, overhead, and time to heal.

    Every engine makes as many portraits as there are photos, here too. All replicas are on this machine unless
    THROWBACK_ENGINE names another. On Linux each is kept to a core of its own with all it starts: a single engine would
    otherwise encode its films on a core that the second one has to share.
    """
    here = replace(engine_settings(), cores=1)
    address = (here.cluster or ClusterSettings()).address
    figures: dict[str, Any] = {}
    with fresh_home(here) as settings:
        async with EngineClient(replace(settings, cluster=None)) as engine:
            await engine.describe()
            _keep_to_cores([engine.pid] if engine.pid else [])
            figures["local"] = await _throughput(engine, photos, 1)
        for count in replicas:
            asked = replace(settings, cluster=ClusterSettings(address, (count, count), 0.0))
            async with _running(asked, count) as engine:
                _keep_to_cores(_replicas_below(engine.pid))
                figures[f"{count} replicas"] = there = await _throughput(engine, photos, count)
                if one := figures.get("1 replicas"):
                    there["times_one"] = round(there["portraits_per_minute"] / one["portraits_per_minute"], 2)
                if count == 2:
                    figures["heal"] = await _heal(engine, photos)
        figures["instant request"] = await _overhead(settings, address)
    return figures


@asynccontextmanager
async def _running(
    settings: EngineSettings, count: int, command: Sequence[str] | None = None
) -> AsyncIterator[EngineClient]:
    """Start engines on the cluster, and wait until all of them run."""
    async with EngineClient(settings, command=command) as engine:
        await _until_wanted(engine, 4 * count)
        yield engine


async def _until_wanted(engine: EngineClient, portraits: int) -> None:
    changed = asyncio.Event()
    engine.on_capacity = changed.set
    while engine.portraits < portraits:
        await changed.wait()
        changed.clear()


async def _throughput(engine: EngineClient, photos: Sequence[bytes], engines: int) -> dict[str, float]:
    """Return portraits a minute and their 95th percentile in seconds, while four for each engine are always under way.

    The first of every place allocate the memory, and the last of every place keep the others company: engines come to
    their end one by one, which says nothing about a crowd.
    """
    places = _AT_ONCE * engines
    counted = engines * len(photos)
    following = itertools.cycle(photos)
    ended: list[float] = []
    waits: list[float] = []

    async def place() -> None:
        while len(ended) < counted + places:
            photo = next(following)
            seconds, _, _ = await portrait(engine, photo)
            ended.append(time.monotonic())
            waits.append(seconds)
            await forget(engine, [photo])  # or the next time is none

    async with asyncio.TaskGroup() as group:
        for _ in range(places):
            group.create_task(place())
    # Portraits of one engine end together, so it matters where counting begins: it begins at each of the first ends.
    shares = [ended[first + counted] - ended[first] for first in range(places)]
    ordered = sorted(waits[places : places + counted])
    return {
        "portraits_per_minute": round(60 * counted / statistics.mean(shares), 1),
        "p95_s": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
    }


async def _heal(engine: EngineClient, photos: Sequence[bytes]) -> dict[str, float] | None:
    """Kill one of two replicas in the midst of portraits; return the seconds for all, without a kill and with one."""
    chosen = photos[: 2 * _AT_ONCE]

    async def made(victims: Sequence[int]) -> float:
        begun, began = asyncio.Event(), time.monotonic()
        requests = [Rejuvenate(f"heal {number}", photo, anyway=True) for number, photo in enumerate(chosen)]
        portraits = [asyncio.create_task(engine.rejuvenate(one, lambda _: begun.set())) for one in requests]
        await begun.wait()
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        await asyncio.gather(*portraits)
        await forget(engine, chosen)
        return round(time.monotonic() - began, 1)

    if not (replicas := _replicas_below(engine.pid)):
        return None  # they are on another machine
    return {"without_kill_s": await made([]), "with_kill_s": await made(replicas[:1])}


def _keep_to_cores(processes: Sequence[int]) -> None:
    """Let each of these processes use one core, with its descendants; several share one when there are too few."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    for number, process in enumerate(processes):
        for one in (process, *descendants(process)):
            with suppress(OSError):  # it has ended
                for thread in Path(f"/proc/{one}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), {cores[number % len(cores)]})


def _replicas_below(pid: int | None) -> list[int]:
    """The replicas among the descendants of this process, by what Linux tells."""
    return [one for one, words in descendants(pid).items() if words.startswith(_REPLICA)]


async def _overhead(settings: EngineSettings, address: str) -> dict[str, float]:
    """Return the median milliseconds of a request that the engine answers at once, here and on the cluster."""
    there = replace(settings, cluster=ClusterSettings(address, (1, 1), 0.0))
    async with EngineClient(settings, command=SCRIPTED) as engine:
        local_ms = await _instant_ms(engine)
    async with _running(there, 1, (*GATEWAY, "--module", SCRIPTED[-1])) as engine:
        cluster_ms = await _instant_ms(engine)
    return {"local_ms": local_ms, "cluster_ms": cluster_ms, "overhead_ms": round(cluster_ms - local_ms, 1)}


async def _instant_ms(engine: EngineClient) -> float:
    photo = bytes(200_000)  # as large as Telegram's
    waits = []
    for _ in range(_INSTANT_REQUESTS):
        began = time.perf_counter()
        await engine.recognise(photo)
        waits.append(time.perf_counter() - began)
    return round(1000 * statistics.median(waits), 2)
