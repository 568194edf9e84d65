from dataclasses import replace
from pathlib import Path

from storage import FailureReason, State
from tests.bot.harness import Harness
from tests.scripted_engine import Script


async def test_a_person_has_a_daily_limit(tmp_path: Path) -> None:
    async with Harness(tmp_path, daily_limit=2) as harness:
        mina, joon = harness.user(), harness.user("Joon")
        film = await mina.ask_for_portrait()
        await mina.send(shade=90)
        await mina.answers(breed="Samoyed", baby=None, after=film)
        film = await harness.message_after(mina.id, film, video=True)
        await mina.send(shade=80)
        await mina.sees("today's 2 pictures")
        await joon.ask_for_portrait()


async def test_the_limit_holds_for_photos_that_came_before_it_was_reached(tmp_path: Path) -> None:
    async with Harness(tmp_path, daily_limit=1) as harness:
        mina = harness.user()
        await mina.send()
        first = await mina.sees("lovely dog")
        await mina.send(Script.CAT)
        second = await mina.sees("lovely cat")
        await mina.press(first, "Samoyed")
        await mina.answers(baby=None)
        film = await mina.sees(video=True)
        await mina.press(second, "Tabby")
        await mina.answers(baby=None, after=first)
        await mina.sees("That's all for today", "Try again")
        assert (await mina.portrait()).failure.reason is FailureReason.PERSON_LIMIT
        assert len([message for message in harness.said_in(mina.id) if "video" in message]) == 1
        assert film["video"]


async def test_what_was_answered_above_the_limit_counts_on_another_day(tmp_path: Path) -> None:
    async with Harness(tmp_path, daily_limit=1) as harness:
        mina = harness.user()
        await mina.send()
        await mina.sees("lovely dog")
        await mina.send(Script.CAT)
        for portrait, breed in zip(await mina.portraits_in(State.AWAITING_BREED, 2), ("samoyed", "tabby"), strict=True):
            await harness.services.answers.choose_breed(portrait.id, breed)
        await harness.services.answers.skip_baby_photo((await mina.portraits_in(State.AWAITING_BABY_PHOTO, 2))[0].id)
        film = await mina.sees(video=True)
        await harness.services.answers.show_grown_up((await mina.portrait()).id)
        late = await mina.sees("That's all for today", "Try again")
        pressed = await mina.press(late, "Try again")
        assert pressed["text"].startswith("That's all for today") and pressed["show_alert"]
        harness.settings = replace(harness.settings, daily_limit=2)
        await harness.restart()
        await mina.press(late, "Try again")
        await harness.message_after(mina.id, film, video=True)
        assert (await mina.portraits_in(State.DONE, 2))[-1].age < 0


async def test_one_job_runs_for_each_person_and_others_overtake(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    for shade in (200, 90):
        await mina.send(Script.HOLD, shade=shade)
    for portrait in await mina.portraits_in(State.AWAITING_BREED, 2):
        await harness.services.answers.choose_breed(portrait.id, "samoyed")
        await harness.services.answers.skip_baby_photo(portrait.id)
    await mina.sees("Getting to know")
    await mina.sees("one pet is ahead of you")
    await joon.ask_for_portrait()
    states = [one.state for one in await harness.services.storage.portraits.of_owner(mina.id)]
    assert sorted(states) == [State.QUEUED, State.RUNNING]


async def test_the_estimate_knows_of_earlier_days(harness: Harness) -> None:
    mina = harness.user()
    await mina.ask_for_portrait()
    await harness.restart()
    for shade in (200, 90):
        await mina.send(Script.HOLD, shade=shade)
    for portrait in await mina.portraits_in(State.AWAITING_BREED, 2):
        await harness.services.answers.choose_breed(portrait.id, "samoyed")
        await harness.services.answers.skip_baby_photo(portrait.id)
    await mina.sees("one pet is ahead of you", "⏳")
