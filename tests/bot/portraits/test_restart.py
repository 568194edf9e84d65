"""Killed at any moment, the bot goes on where it was, and delivers once."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.faults import Fault, FaultKind
from storage import State, Storage
from tests.bot.harness import Harness, Json, User, eventually
from tests.scripted_engine import Script

QUICK_S = 30.0
"""However slow the machine, nobody has waited for a portrait then."""


class KillableHarness(Harness):
    """The bot runs as a process of its own."""

    process: Process | None = None

    async def open(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bot.killed_bot"),
            *(self.settings.api_url, self.settings.token, str(self.settings.home)),
            cwd=Path(__file__).parents[3],
            stdout=PIPE,
        )
        assert self.process.stdout is not None
        assert await self.process.stdout.readline() == b"ready\n"

    async def close(self) -> None:
        await self.end(signal.SIGTERM)

    async def end(self, how: signal.Signals) -> None:
        if self.process and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()

    async def kill_and_restart(self) -> None:
        await self.end(signal.SIGKILL)
        await self.open()

    def films(self, user: User) -> list[Json]:
        return [message for message in self.said_in(user.id) if "video" in message]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[KillableHarness]:
    async with KillableHarness(tmp_path) as harness:
        yield harness


async def settled(harness: KillableHarness) -> None:
    """Wait until every portrait is done; then the bot is told to stop, and has said all it had to say."""
    async with Storage(harness.settings.home) as storage:

        async def nothing_left() -> bool:
            return not await storage.queue.unfinished()

        await eventually(nothing_left)
    await harness.close()


async def test_killed_while_a_breed_is_chosen(harness: KillableHarness) -> None:
    mina = harness.user()
    await mina.send()
    breed = await mina.sees("Samoyed")
    await harness.kill_and_restart()
    await mina.press(breed, "Samoyed")
    await harness.kill_and_restart()
    await mina.answers(baby=None)
    await mina.sees(video=True)
    await settled(harness)
    assert len(harness.films(mina)) == 1


async def test_killed_while_the_engine_works(harness: KillableHarness) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("Getting to know")
    await harness.kill_and_restart()
    # The engine has it again, and the same message goes on telling; the owner can still cancel.
    progress = await mina.sees("Getting to know")
    assert (await mina.press(progress, "Cancel"))["answered"]
    await mina.sees("I stopped")


async def test_killed_between_the_picture_and_the_film(harness: KillableHarness) -> None:
    mina = harness.user()
    fault = Fault("sendVideo", FaultKind.TIMEOUT)
    harness.telegram.faults.add(fault)
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("Here you go", photo=True)

    await taken(fault)
    await harness.kill_and_restart()
    await mina.sees(video=True)
    await settled(harness)
    kinds = [sorted(message.keys() & {"photo", "video"}) for message in harness.said_in(mina.id)]
    assert kinds == [["photo"], ["video"]]


async def test_killed_while_another_age_takes_the_place_of_the_first(harness: KillableHarness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    film = await mina.sees(video=True)
    fault = Fault("editMessageMedia", FaultKind.TIMEOUT)
    harness.telegram.faults.add(fault)
    await mina.press(film, "4 months")
    await taken(fault)
    await harness.kill_and_restart()
    await mina.sees("• 4 months •", video=True)
    await settled(harness)
    kinds = [sorted(message.keys() & {"photo", "video"}) for message in harness.said_in(mina.id)]
    assert kinds == [["photo"], ["video"]]


async def test_killed_while_a_sticker_goes_into_its_set(harness: KillableHarness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    await mina.press_more(await mina.sees(video=True), "Sticker")
    fault = Fault("createNewStickerSet", FaultKind.TIMEOUT_AFTER)
    harness.telegram.faults.add(fault)
    await mina.press(await mina.sees("Add to my sticker pack"), "Add to my sticker pack")
    await taken(fault)
    await harness.kill_and_restart()
    await mina.sees("in your sticker pack")
    await settled(harness)
    assert [len(one.stickers) for one in harness.telegram.sticker_sets._sets.values()] == [1]


async def taken(fault: Fault) -> None:
    """Wait until a request has met the fault."""

    async def met() -> bool:
        return not fault.times

    await eventually(met)


async def test_killed_while_a_portrait_is_being_deleted(harness: KillableHarness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    await mina.press_more(await mina.sees(video=True), "Delete")
    sure = await mina.sees("Yes, delete")
    fault = Fault("deleteMessages", FaultKind.TIMEOUT)
    harness.telegram.faults.add(fault)
    pressing = asyncio.create_task(mina.press(sure, "Yes, delete"))

    await taken(fault)
    await harness.kill_and_restart()
    assert "Nothing is left" in (await pressing)["text"]
    assert harness.said_in(mina.id) == []


async def test_killed_at_random_moments(harness: KillableHarness) -> None:
    """Whatever is under way when the bot dies, everybody's film comes.

    Once, as a rule: between the end of an upload and the note of it, a kill has it sent again.
    """
    users = [harness.user(f"P{number}") for number in range(2)]
    for number, user in enumerate(users):
        await user.send(shade=100 + number)
    for pause_s in (0.05, 0.3):
        await asyncio.sleep(pause_s)
        await harness.kill_and_restart()
    for user in users:
        await user.answers(breed="Samoyed")
    await harness.kill_and_restart()
    for user in users:
        await user.answers(baby=None)
    await asyncio.sleep(0.1)
    await harness.kill_and_restart()
    for user in users:
        await user.sees(video=True)
    await settled(harness)
    films = [len(harness.films(user)) for user in users]
    assert all(1 <= count <= 2 for count in films)


async def test_an_orderly_stop_is_quick_and_loses_nothing(harness: KillableHarness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("Getting to know")
    async with asyncio.timeout(QUICK_S):  # the engine holds the portrait for ever
        await harness.close()
    await joon.send()
    async with Storage(harness.settings.home) as storage:
        (portrait,) = await storage.portraits.of_owner(mina.id)
        assert portrait.state is State.RUNNING
    await harness.open()
    await mina.sees("Getting to know")
    await joon.sees("Samoyed")
