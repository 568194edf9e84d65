"""Portraits while the machine around them is not as it should be."""

import asyncio
import errno
import time
from pathlib import Path

import pytest

from bot.playground.faults import Fault, FaultKind
from bot.timings import Timings
from storage import State
from storage.media import Media, Staged
from tests.bot.harness import Harness, eventually
from tests.scripted_engine import Script


@pytest.fixture
def timings() -> Timings:
    return Timings(step_retries_s=(0.05, 0.05, 0.1))


@pytest.mark.parametrize("step", ["look", "finish"])
async def test_a_full_disk_delays_and_leaves_nothing_half_written(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    refusals = 3
    write = Media._write

    def full(self: Media, contents: list[bytes], asides: list[Path]) -> list[Staged]:
        nonlocal refusals
        if refusals and (step == "look" or len(contents) > 1):
            refusals -= 1
            asides[0].parent.mkdir(parents=True, exist_ok=True)
            asides[0].write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, contents, asides)

    monkeypatch.setattr(Media, "_write", full)
    mina = harness.user()
    await mina.ask_for_portrait()
    assert not refusals
    assert not list((harness.settings.home / "media" / "aside").iterdir())
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1


async def test_a_clock_that_is_set_back_an_hour(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    mina = harness.user()
    await mina.send()
    question = await mina.sees("Samoyed")
    monkeypatch.setattr(harness.services.storage, "now", lambda: time.time() - 3600)
    await mina.press(question, "Samoyed")
    await mina.sees("baby photo")
    await mina.send(shade=90)  # the baby photo, not another portrait
    await mina.sees(video=True)
    await mina.portrait_in(State.DONE)
    assert len(await harness.services.storage.portraits.of_owner(mina.id)) == 1
    await mina.write("/history")
    await mina.sees("Photo 1 of 1")


@pytest.mark.parametrize("timings", [Timings()], ids=["as in life"])
async def test_it_stops_within_five_seconds_while_telegram_hangs_and_many_wait(harness: Harness) -> None:
    people = [harness.user(f"P{number}") for number in range(12)]
    for one in people[:4]:
        await one.send(Script.PLAIN)
        await one.answers(breed="Samoyed")
        await one.sees("baby photo")
    for method in ("sendMessage", "sendPhoto", "sendVideo", "editMessageText", "answerCallbackQuery", "getUpdates"):
        harness.telegram.faults.add(Fault(method, FaultKind.TIMEOUT, times=10_000))
    for one in people:
        await one.write("/help")
    for one in people[:4]:
        await harness.services.answers.skip_baby_photo((await one.portrait()).id)

    async def hangs() -> bool:
        return len([one for one in asyncio.all_tasks() if "portrait" in one.get_name()]) >= 4

    await eventually(hangs)
    began = time.monotonic()
    await harness.close()
    assert time.monotonic() - began < 5
    harness.telegram.faults.clear()
    await harness.open()
    for one in people:
        await one.sees("what I can do")
