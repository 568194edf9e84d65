from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import State
from tests.bot.harness import Harness, User
from tests.scripted_engine import Script

BOSS = 1003  # the id of the first user that a test adds to the playground's two


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[Harness]:
    async with Harness(tmp_path, admins=frozenset({BOSS})) as harness:
        yield harness


@pytest.fixture
def boss(harness: Harness) -> User:
    boss = harness.user("Boss")
    assert boss.id == BOSS
    return boss


async def test_stats(harness: Harness, boss: User) -> None:
    mina = harness.user()
    await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    await boss.write("/stats")
    stats = await boss.sees("People: 2", "done: 1", "Engine: cpu, scripted")
    assert "Failures: none" in stats["text"]


async def test_pausing_keeps_photos_and_their_places(harness: Harness, boss: User) -> None:
    mina = harness.user()
    await boss.write("/pause")
    await boss.sees("Paused")
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("taking a short break")
    await harness.restart()
    assert (await mina.portrait()).state is State.QUEUED
    await boss.write("/resume")
    await mina.sees(video=True)


async def test_the_blocked_are_not_heard(harness: Harness, boss: User) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.sees("Samoyed")
    await boss.write(f"/block {mina.id}")
    await boss.sees("Blocked: " + str(mina.id))
    stopped = await mina.sees("I stopped")
    await mina.write("/start")
    await boss.write("/blocked")
    await boss.sees("Blocked: " + str(mina.id))
    await boss.write(f"/unblock {mina.id}")
    await boss.sees("Not blocked any more")
    await mina.write("/help")
    await harness.message_after(mina.id, stopped, "Here is what I can do")
    assert len(harness.said_in(mina.id)) == 2


async def test_a_groups_limit_is_set(harness: Harness, boss: User) -> None:
    await boss.write("/limit -100777 3")
    done = await boss.sees("Done.")
    group = await harness.services.storage.groups.get(-100777)
    assert group is not None and group.daily_limit == 3
    await boss.write("/limit -100777 default")
    await harness.message_after(boss.id, done, "Done.")
    await boss.write("/limit many")
    await boss.sees("/limit GROUP_ID NUMBER")


@pytest.mark.parametrize("command", ["stats", "pause", "resume", "block 1", "unblock 1", "blocked", "limit -1 1"])
async def test_for_others_there_are_no_such_commands(harness: Harness, boss: User, command: str) -> None:
    mina = harness.user()
    chat = harness.group(mina)
    await mina.write(f"/{command}")
    await mina.sees("Send me a photo of your pet")
    name, *rest = command.split()
    await mina.write(" ".join([f"/{name}@throwback_bot", *rest]), chat.id)
    await mina.write("/help@throwback_bot", chat.id)
    await harness.message(chat.id, "I keep quiet")
    assert len(harness.said_in(chat.id)) == 1
    assert not await harness.services.storage.paused()
