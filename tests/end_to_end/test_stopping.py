"""The real bot with the real engine stops within five seconds, whatever they are at."""

import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.phone import Phone
from tests.end_to_end.processes import REAL_BOT, RunningProcess, Telegram, gone
from tests.engine.dachshund import dachshund

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc"),
]

JOBS, UNDER_WAY = 12, 6
WAIT_S = 300.0  # s until a film counts as lost
STOP_S = 5.5  # s; five, and half a one for the machine that measures it


def photos(count: int) -> list[bytes]:
    """Return photos of a dog, no two of which are the same file."""
    stream = io.BytesIO()
    dachshund().save(stream, "JPEG", quality=95)
    return [stream.getvalue() + str(number).encode() for number in range(count)]


def engine_of(bot: RunningProcess) -> int:
    pid = bot.process.pid
    (engine,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(engine)


async def seconds_until(ended: Callable[[], bool], since: float) -> float:
    while not ended():
        assert time.monotonic() - since < 60
        await asyncio.sleep(0.02)
    return time.monotonic() - since


async def asks_for_portrait(http: httpx.AsyncClient, number: int, photo: bytes) -> Phone:
    person = await http.post("/control/people", json={"first_name": f"P{number}", "language_code": "en"})
    phone = Phone(http, person.json()["id"], wait_s=WAIT_S)
    await phone.send(photo, caption="dachshund")
    await phone.answers(baby=None)
    return phone


async def test_the_whole_group_is_told_to_stop_while_telegram_hangs(telegram: Telegram, tmp_path: Path) -> None:
    """After many portraits, with others under way, and everybody told at once, as by a shell or a service manager."""
    sent = photos(JOBS + UNDER_WAY)
    async with httpx.AsyncClient(base_url=telegram.url, timeout=WAIT_S) as http:
        with telegram.bot(tmp_path / "bot", REAL_BOT) as bot:
            for phone in await asyncio.gather(*(asks_for_portrait(http, *one) for one in enumerate(sent[:JOBS]))):
                await phone.sees(video=True)
            for phone in await asyncio.gather(*(asks_for_portrait(http, *one) for one in enumerate(sent[JOBS:]))):
                await phone.sees("Cancel")
            engine = engine_of(bot)
            os.kill(telegram.process.pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                os.killpg(bot.process.pid, signal.SIGTERM)
                os.kill(engine, signal.SIGTERM)
                bot_s = await seconds_until(lambda: bot.process.poll() is not None, began)
                engine_s = await seconds_until(lambda: gone(engine), began)
            finally:
                os.kill(telegram.process.pid, signal.SIGCONT)
            sys.stdout.write(f"bot {bot_s:.2f} s, engine {engine_s:.2f} s\n")
            assert bot.process.returncode == 0
            assert max(bot_s, engine_s) < STOP_S
        with telegram.bot(tmp_path / "bot", REAL_BOT):
            await phone.sees(video=True)  # nothing was lost
