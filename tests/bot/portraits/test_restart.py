"""Killed at any moment, the bot goes on where it was, and delivers once."""

import asyncio
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.playground.faults import Fault, FaultKind
from storage import State, Storage
from tests.bot.harness import Harness, Json, User, eventually
from tests.scripted_engine import Script

UNFINISHED = (
    "SELECT count(*) FROM portraits WHERE told <> state"
    " OR state IN ('received', 'baby_received', 'queued', 'running', 'delivering')"
)
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
    # Not by a `Storage` of our own, which would tidy up what the bot is just writing.
    address = f"file:{harness.settings.home / 'throwback.sqlite3'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=30)) as rows:

        async def nothing_left() -> bool:
            (open_,) = rows.execute(UNFINISHED).fetchone()
            return not open_

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


@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "arrived"])
async def test_killed_while_the_film_is_sent(harness: KillableHarness, arrives: bool) -> None:
    """Nobody knows whether it arrived: it is not sent twice, and its owner can have it with one press."""
    mina = harness.user()
    fault = Fault("sendVideo", FaultKind.TIMEOUT_AFTER if arrives else FaultKind.TIMEOUT)
    harness.telegram.faults.add(fault)
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("Here you go", photo=True)

    await taken(fault)
    if arrives:
        await mina.sees(video=True)
    await harness.kill_and_restart()
    unsure = await mina.sees("Telegram was slow", "Try again")
    assert len(harness.films(mina)) == arrives
    if not arrives:
        await mina.press(unsure, "Try again")
        await mina.sees(video=True)
    await settled(harness)
    assert len(harness.films(mina)) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
async def test_it_ends_while_the_film_waits_for_its_turn(harness: KillableHarness, how: signal.Signals) -> None:
    """What has not left yet cannot have arrived: the next process sends it, and asks nothing."""
    mina = harness.user()
    fault = Fault("sendVideo", FaultKind.TOO_MANY_REQUESTS, retry_after_s=3600)
    harness.telegram.faults.add(fault)
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)

    await taken(fault)
    await mina.sees("Here you go", photo=True)
    await asyncio.sleep(0.2)  # the refusal is noted
    await harness.end(how)
    await harness.open()
    await mina.sees(video=True)
    await settled(harness)
    assert len(harness.films(mina)) == 1
    assert not [said for said in harness.said_in(mina.id) if "Telegram was slow" in said.get("text", "")]


async def test_a_press_that_is_handed_out_again_after_a_kill_asks_for_nothing_more(harness: KillableHarness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    film = await mina.sees(video=True)
    harness.telegram.faults.add(Fault("answerCallbackQuery", FaultKind.TIMEOUT))
    pressing = asyncio.create_task(harness.users.press(mina.id, mina.id, film["message_id"], "card:1:1.00"))
    await harness.message_after(mina.id, film, "card for the family")
    await harness.kill_and_restart()
    assert (await pressing)["answered"]
    await settled(harness)
    cards = [said for said in harness.said_in(mina.id) if "card for the family" in said.get("caption", "")]
    assert len(cards) == 1


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
    """Whatever is under way when the bot dies, everybody's film comes, once; or they are asked whether it did."""
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
    await settled(harness)
    for user in users:
        unsure = [said for said in harness.said_in(user.id) if "Telegram was slow" in said.get("text", "")]
        assert len(harness.films(user)) == 1 or (unsure and not harness.films(user))


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
