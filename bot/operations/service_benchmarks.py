"""Measures from outside the engine how long owners wait and how many chats the bot answers."""

import asyncio
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.app import running
from bot.messaging.rate_limiter import Pace
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.server import serve
from bot.playground.users import Users
from bot.settings import Settings
from engine import EngineClient, EngineSettings, Progress, Reimagine, Rejuvenate, engine_settings

SCRIPTED = (sys.executable, "-m", "engine.process.scripted_engine")
_NO_RATE_LIMITS = Pace(overall_per_s=10_000, chat_burst=10_000, chat_per_s=10_000.0, group_per_minute=10_000)
_SHARED_FOLDERS = ("networks", "ages", "perceptual")  # of the data folder: what was fetched or learnt once


@contextmanager
def fresh_home(here: EngineSettings) -> Iterator[EngineSettings]:
    """Yield these settings with a data folder that has the same networks, and nothing kept of earlier portraits."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in _SHARED_FOLDERS:
            if (here.home / name).is_dir():
                (home / name).symlink_to((here.home / name).resolve())
        yield replace(here, home=home)


@asynccontextmanager
async def fresh_engine() -> AsyncIterator[EngineClient]:
    """Start the real engine with its networks loaded and nothing kept of earlier portraits."""
    with fresh_home(engine_settings()) as settings:
        async with EngineClient(settings) as engine:
            await engine.describe()
            yield engine


async def latency(photos: Sequence[bytes]) -> dict[str, Any]:
    """Return medians, in seconds, from a photo's arrival at an idle engine; a first, uncounted photo warms it up."""
    waits: dict[str, list[float]] = {}
    distances = []
    async with fresh_engine() as engine:
        for number, photo in enumerate([photos[0], *photos]):
            if not number:
                await portrait(engine, photo)
                await forget(engine, [photo])
                continue
            began = time.monotonic()
            await engine.recognise(photo)
            keyboard_s = time.monotonic() - began
            seconds, previewed_s, made = await portrait(engine, photo)
            distances.append(made.distance)
            began = time.monotonic()
            await engine.reimagine(Reimagine("again", made.latent, 0.5, film=False))
            again_s = time.monotonic() - began
            measured = {"keyboard_s": keyboard_s, "preview_s": previewed_s, "film_s": seconds, "another_age_s": again_s}
            for name, value in measured.items():
                waits.setdefault(name, []).append(value)
    figures: dict[str, Any] = {name: round(statistics.median(values), 3) for name, values in waits.items()}
    return figures | {"distance": round(statistics.median(distances), 4), "photos": len(photos)}


async def throughput(photos: Sequence[bytes], people: Sequence[int]) -> dict[str, Any]:
    """Return the seconds for several portraits at once, the seconds one by one, and how many times as long that is.

    Both are measured in an engine that has made as many at once before: the first time it allocates the memory.
    """
    figures: dict[str, Any] = {}
    async with fresh_engine() as engine:
        for count in people:
            chosen = photos[:count]
            await asyncio.gather(*(portrait(engine, photo) for photo in chosen))
            await forget(engine, chosen)
            began = time.monotonic()
            for photo in chosen:
                await portrait(engine, photo)
            one_by_one_s = time.monotonic() - began
            await forget(engine, chosen)
            began = time.monotonic()
            await asyncio.gather(*(portrait(engine, photo) for photo in chosen))
            at_once_s = time.monotonic() - began
            figures[str(count)] = {
                "one_by_one_s": round(one_by_one_s, 2),
                "at_once_s": round(at_once_s, 2),
                "ratio": round(one_by_one_s / at_once_s, 2),
            }
    return {"people": figures}


async def chats(count: int) -> dict[str, Any]:
    """Return updates a second and the seconds until the first answer when `count` chats write at once.

    The bot, the playground's Telegram and the users share this process, so the bot alone is faster than these figures;
    Telegram's limits are not kept.
    """
    with tempfile.TemporaryDirectory() as folder:
        telegram = FakeTelegram(Path(folder) / "telegram")
        users = Users(telegram)
        async with serve(telegram) as address:
            settings = Settings(address.token, EngineSettings(Path(folder) / "bot"), address.url)
            async with running(settings, EngineClient(command=SCRIPTED), _NO_RATE_LIMITS):
                user_ids = [telegram.world.add_user(f"P{number}", "en").id for number in range(count)]
                with telegram.events.subscription() as events:
                    began = time.monotonic()
                    wrote = asyncio.gather(*(users.write(user_id, user_id, "hello") for user_id in user_ids))
                    waits = {chat: at - began for chat, at in await _first_answers(events, user_ids)}
                    seconds = time.monotonic() - began
                    await wrote
    ordered = sorted(waits.values())
    return {
        "chats": count,
        "updates_per_s": round(count / seconds, 1),
        "p50_s": round(ordered[len(ordered) // 2], 3),
        "p95_s": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
    }


async def _first_answers(events: asyncio.Queue[Any], chats: Sequence[int]) -> list[tuple[int, float]]:
    """Return when, in monotonic seconds, the bot first said something in each of the chats."""
    waiting, answers = set(chats), []
    while waiting:
        event = await events.get()
        if event["type"] == "message" and event["chat_id"] in waiting and event["message"]["from"]["is_bot"]:
            waiting.remove(event["chat_id"])
            answers.append((event["chat_id"], time.monotonic()))
    return answers


async def portrait(engine: EngineClient, photo: bytes) -> tuple[float, float, Any]:
    """Make a portrait; return the seconds to the film, the seconds to the first preview, and the portrait."""
    began = time.monotonic()
    previews_s: list[float] = []

    def listen(progress: Progress) -> None:
        if progress.preview and not previews_s:
            previews_s.append(time.monotonic() - began)

    request = Rejuvenate(hashlib.sha256(photo).hexdigest()[:16], photo, anyway=True)
    made = await engine.rejuvenate(request, listen)
    seconds = time.monotonic() - began
    return seconds, previews_s[0] if previews_s else seconds, made


async def forget(engine: EngineClient, photos: Sequence[bytes]) -> None:
    await engine.forget([hashlib.sha256(photo).hexdigest() for photo in photos])
