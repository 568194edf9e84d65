"""Telegram on bad days: refusals, lost answers, broken connections, people who leave."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from bot.messaging.telegram_request import TelegramRequest
from bot.playground.faults import Fault, FaultKind
from bot.settings import SettingsError
from bot.timings import Timings
from engine import EngineFault, EngineSettings
from storage import FailureReason, State
from tests.bot.harness import Harness, eventually, labels, words_of
from tests.scripted_engine import Script

IMPATIENT = Timings(step_retries_s=(0.05, 0.05, 0.1), reply_retries_s=(0.05, 0.05), write_retries_s=(0.05,))
"""Waiting for Telegram to recover takes minutes in life, and moments here."""


@pytest.fixture
def timings() -> Timings:
    return IMPATIENT


BOSS = 1003
"""The id of the first person in a harness."""


def films(harness: Harness, user: int) -> int:
    return len([message for message in harness.said_in(user) if "video" in message])


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY_REQUESTS, FaultKind.BAD_GATEWAY], ids=lambda kind: kind.name)
@pytest.mark.parametrize("method", ["sendPhoto", "sendVideo", "sendMessage", "getFile"])
async def test_what_fails_for_a_while_arrives_once(harness: Harness, method: str, kind: FaultKind) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault(method, kind, times=2))
    await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    assert films(harness, mina.id) == 1


async def test_a_download_whose_connection_breaks_is_tried_again(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("getFile", FaultKind.DISCONNECT, times=2))
    await mina.ask_for_portrait()


async def test_a_photo_is_fetched_however_long_telegram_is_away(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("getFile", FaultKind.BAD_GATEWAY, times=8))
    await mina.ask_for_portrait()


async def test_a_baby_photo_that_telegram_does_not_give_is_asked_for_again(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    await mina.sees("baby photo")
    harness.telegram.faults.add(Fault("getFile", FaultKind.BAD_REQUEST, description="wrong file_id"))
    await mina.send(shade=90)
    again = await mina.sees("couldn't get the baby photo", "Go on without")
    await mina.send(shade=91)
    await mina.sees(video=True)
    assert (await mina.portraits_in(State.DONE, 1))[0].baby_photo, again


async def test_updates_that_cannot_be_written_down_are_taken_in_later(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the disk is full."""
    mina = harness.user()
    async with aiosqlite.connect(harness.settings.home / "throwback.sqlite3", isolation_level=None) as elsewhere:
        await elsewhere.execute("CREATE TRIGGER full BEFORE INSERT ON updates BEGIN SELECT RAISE(ABORT, 'full'); END")
        await mina.write("/start")

        async def refused() -> bool:
            return "cannot be written down" in caplog.text

        await eventually(refused)
        await elsewhere.execute("DROP TRIGGER full")
    await mina.sees("Hello")


async def test_an_upload_whose_connection_breaks_is_offered_again(harness: Harness) -> None:
    """It may have arrived, so it is not sent blindly."""
    mina = harness.user()
    harness.telegram.faults.add(Fault("sendVideo", FaultKind.DISCONNECT))
    await mina.send()
    await mina.answers(breed="Samoyed", baby=None)
    unsure = await mina.sees("Telegram was slow", "Try again")
    assert films(harness, mina.id) == 0
    await mina.press(unsure, "Try again")
    await mina.sees(video=True)


@pytest.mark.parametrize("timings", [replace(IMPATIENT, upload_timeout_s=3.0)], ids=["short uploads"])
async def test_an_upload_without_an_answer_is_not_sent_twice(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("sendVideo", FaultKind.TIMEOUT_AFTER))
    await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    unsure = await mina.sees("Telegram was slow", "Try again")
    assert films(harness, mina.id) == 1
    await mina.press(unsure, "Try again")
    await harness.message_after(mina.id, unsure, video=True)
    assert len([message for message in harness.said_in(mina.id) if "photo" in message]) == 1  # that one was sure
    assert (await mina.press(unsure, "Try again"))["text"].startswith("That's done")


async def telegram_is_back(harness: Harness, restarted: bool) -> None:
    """Once a message was tried in vain: by itself after some more, or together with a restart of the bot."""

    async def tried() -> bool:
        return any(call.method == "sendMessage" and call.status == 502 for call in harness.telegram.calls)

    await eventually(tried)
    if restarted:
        await harness.close()
        harness.telegram.faults.clear()
        await harness.open()


@pytest.mark.parametrize("restarted", [False, True], ids=["patience", "restart"])
async def test_that_a_film_may_be_missing_is_said_when_telegram_is_back(harness: Harness, restarted: bool) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    question = await mina.sees("baby photo")
    harness.telegram.faults.add(Fault("sendVideo", FaultKind.DISCONNECT))
    harness.telegram.faults.add(Fault("sendMessage", FaultKind.BAD_GATEWAY, times=1000 if restarted else 3))
    await mina.press(question, "Go on without")

    await telegram_is_back(harness, restarted)
    await mina.press(await mina.sees("Telegram was slow", "Try again"), "Try again")
    await mina.sees(video=True)


@pytest.mark.parametrize("restarted", [False, True], ids=["patience", "restart"])
async def test_that_another_age_could_not_be_made_is_said_when_telegram_is_back(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    async def broken(*_: object) -> None:
        raise EngineFault("ordered by the test")

    mina = harness.user()
    film = await mina.ask_for_portrait()
    monkeypatch.setattr(harness.services.engine, "reimagine", broken)
    harness.telegram.faults.add(Fault("sendMessage", FaultKind.BAD_GATEWAY, times=1000 if restarted else 3))
    await mina.press(film, "4 months")

    await telegram_is_back(harness, restarted)
    await mina.sees("Something went wrong")


async def test_a_person_who_stops_the_bot_is_left_alone(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.portrait_in(State.RUNNING)
    await harness.users.block(mina.id)
    await harness.services.engine.describe()
    portrait = await mina.portrait_in(State.FAILED)
    assert portrait.failure.reason is FailureReason.CHAT_GONE
    user = await harness.services.storage.people.get(mina.id)
    assert user is not None and not user.reachable
    await harness.users.unblock(mina.id)
    await mina.write("/start")
    await mina.sees("Hello")


async def test_progress_edits_are_dropped_when_refused(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("editMessageMedia", FaultKind.TOO_MANY_REQUESTS, times=3))
    harness.telegram.faults.add(Fault("editMessageText", FaultKind.TOO_MANY_REQUESTS, times=1))
    await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)


async def test_an_expired_file_id_is_uploaded_again(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    await mina.portrait_in(State.DONE)
    portrait = await mina.portrait()
    (result, *_) = [one for one in await harness.services.storage.results.of(portrait.id) if one.kind == "card"]
    await harness.services.storage.results.sent(result.id, 1, "expired")
    await mina.press_more(film, "Card")
    await mina.sees("card for the family", photo=True)


async def test_a_photo_that_telegram_does_not_give_is_asked_for_again(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("getFile", FaultKind.BAD_REQUEST, description="wrong file_id"))
    await mina.send()
    await mina.sees("couldn't get your photo")


async def test_a_deleted_photo_and_a_deleted_question(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send()
    question = await mina.sees("Samoyed")
    await harness.users.delete(mina.id, mina.id, photo["message_id"])
    await harness.users.delete(mina.id, mina.id, question["message_id"])
    await harness.services.answers.choose_breed((await mina.portrait()).id, "samoyed")
    await mina.answers(baby=None)
    film = await mina.sees(video=True)
    assert "reply_to_message" not in film


@pytest.mark.parametrize("kind", [FaultKind.BAD_GATEWAY, FaultKind.DISCONNECT], ids=lambda kind: kind.name)
async def test_a_command_is_answered_although_telegram_was_ill(harness: Harness, kind: FaultKind) -> None:
    mina = harness.user()
    for method in ("sendPhoto", "sendMessage"):
        harness.telegram.faults.add(Fault(method, kind, times=2))
    await mina.write("/start")
    await mina.sees("Hello")
    await mina.write("/privacy")
    await mina.sees("What I keep")


async def test_too_many_requests_delay_what_is_said_and_lose_nothing(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("sendPhoto", FaultKind.TOO_MANY_REQUESTS))
    await mina.write("/start")
    await mina.sees("Hello!")
    harness.telegram.faults.add(Fault("sendMessage", FaultKind.TOO_MANY_REQUESTS))
    await mina.write("/language")
    question = await mina.sees("Which language")
    harness.telegram.faults.add(Fault("editMessageText", FaultKind.TOO_MANY_REQUESTS))
    await mina.press(question, "Deutsch")
    await mina.sees("dann auf Deutsch")


async def test_a_question_that_is_under_way_is_taken_back_by_a_cancellation(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = TelegramRequest.do_request

    async def slowly(self: TelegramRequest, url: str, method: str, *args: Any, **options: Any) -> tuple[int, bytes]:
        answer = await request(self, url, method, *args, **options)
        await asyncio.sleep(0.5 if url.endswith("sendMessage") else 0.0)
        return answer

    monkeypatch.setattr(TelegramRequest, "do_request", slowly)
    mina = harness.user()
    await mina.send()
    question = await mina.sees("Samoyed")  # and the bot does not know its number yet
    await mina.write("/cancel")
    stopped = await mina.sees("I stopped")
    assert stopped["message_id"] == question["message_id"]
    assert len(harness.said_in(mina.id)) == 1


@pytest.mark.parametrize(
    "kind", [FaultKind.BAD_GATEWAY, FaultKind.TOO_MANY_REQUESTS, FaultKind.DISCONNECT], ids=lambda kind: kind.name
)
async def test_a_press_counts_although_it_cannot_be_answered(harness: Harness, kind: FaultKind) -> None:
    mina = harness.user()
    await mina.write("/language")
    question = await mina.sees("Which language")
    harness.telegram.faults.add(Fault("answerCallbackQuery", kind))
    pressing = asyncio.create_task(mina.press(question, "Deutsch"))
    await mina.sees("dann auf Deutsch")
    pressing.cancel()


async def test_the_question_for_a_name_is_asked_although_telegram_was_ill(harness: Harness) -> None:
    mina = harness.user()
    film = await mina.ask_for_portrait()
    harness.telegram.faults.add(Fault("sendMessage", FaultKind.BAD_GATEWAY, times=2))
    await mina.name_pet(film, "Momo")


async def test_another_program_with_the_same_token_is_named(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    async def another_asks() -> bool:
        await harness.telegram.updates.fetch(0, 0, None)
        return "another program asks Telegram" in caplog.text

    await eventually(another_asks)
    mina = harness.user()
    await mina.write("/start")
    await mina.sees("Hello")


async def test_polling_survives_errors(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("getUpdates", FaultKind.BAD_GATEWAY, times=2))
    await mina.write("/start")
    await mina.sees("Hello")


async def test_administrators_hear_of_a_failure_and_see_no_photo(tmp_path: Path) -> None:
    async with Harness(tmp_path, admins=frozenset({BOSS})) as harness:
        boss, mina = harness.user("Boss"), harness.user()
        assert boss.id == BOSS
        await boss.write("/start")
        await boss.sees("Hello")
        await mina.send(Script.FAULT)
        await mina.answers(breed="Samoyed", baby=None)
        notice = await boss.sees("failed: ZeroDivisionError")
        assert str((await mina.portrait()).id) in notice["text"]
        assert "photo" not in notice and labels(notice) == []
        await mina.sees("told the people who look after me", "Try again")


async def test_nobody_is_said_to_be_told_where_there_is_no_administrator(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    await mina.send(Script.FAULT)
    await mina.answers(breed="Samoyed", baby=None)
    apologies = [await mina.sees("Something went wrong", "Try again")]

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(harness.services.portraits, "over_limit", broken)
    await joon.send(shade=90)
    apologies.append(await joon.sees("Something went wrong"))
    assert not any("told" in words_of(one) for one in apologies)


async def test_administrators_hear_of_an_update_that_failed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Harness(tmp_path, admins=frozenset({BOSS})) as harness:
        boss, mina = harness.user("Boss", "ko"), harness.user()
        assert boss.id == BOSS
        await boss.write("/start")
        await boss.sees("안녕하세요")

        async def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError("Mina's secret")

        monkeypatch.setattr(harness.services.portraits, "over_limit", broken)
        for shade in (90, 80):
            await mina.send(shade=shade)
        await mina.sees("Something went wrong on my side", "told the people who look after me")
        await boss.sees("업데이트", "ZeroDivisionError")
        assert len([message for message in harness.said_in(boss.id) if "ZeroDivision" in message.get("text", "")]) == 1
        assert all("secret" not in message.get("text", "") for message in harness.said_in(boss.id))


async def test_an_engine_that_dies_loses_nothing(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.HOLD)
    await mina.answers(breed="Samoyed", baby=None)
    await mina.sees("Getting to know")
    engine = harness.services.engine
    assert engine.pid is not None
    before = engine.pid
    await (await asyncio.create_subprocess_exec("kill", "-9", str(before))).wait()

    async def another() -> bool:
        return engine.pid not in (None, before)

    async def delivered() -> int:
        await engine.describe()  # the scripted engine lets go of what it holds
        return films(harness, mina.id)

    await eventually(another)
    await eventually(delivered)
    await mina.portrait_in(State.DONE)


async def test_a_network_that_is_not_here_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="THROWBACK_NETWORK names 'nosuch'"):
        async with Harness(tmp_path, engine=EngineSettings(tmp_path / "bot", network="nosuch")):
            pass


@pytest.mark.parametrize("restarted", [False, True], ids=["patience", "restart"])
async def test_what_failed_while_telegram_was_away_is_said_afterwards(harness: Harness, restarted: bool) -> None:
    mina = harness.user()
    await mina.send(Script.FAULT)
    await mina.answers(breed="Samoyed")
    question = await mina.sees("baby photo")
    for method in ("editMessageText", "editMessageMedia", "editMessageCaption", "sendMessage"):
        harness.telegram.faults.add(Fault(method, FaultKind.BAD_GATEWAY, times=50 if restarted else 4))
    await mina.press(question, "Go on without")
    await mina.portrait_in(State.FAILED)
    if restarted:
        await harness.close()
        harness.telegram.faults.clear()
        await harness.open()
    await mina.sees("Something went wrong", "Try again")


@pytest.mark.parametrize("timings", [replace(IMPATIENT, action_interval_s=0.05)], ids=["quick words"])
async def test_a_question_that_was_never_shown_is_asked_after_a_restart(harness: Harness) -> None:
    mina = harness.user()
    harness.telegram.faults.add(Fault("getFile", FaultKind.BAD_GATEWAY, times=6))  # so that the look is said in words
    await mina.send()
    await mina.sees("have a look", "Cancel")
    harness.telegram.faults.add(Fault("editMessageText", FaultKind.BAD_GATEWAY, times=1000))
    await mina.portrait_in(State.AWAITING_BREED)
    await harness.close()
    harness.telegram.faults.clear()
    await harness.open()
    await mina.sees("lovely dog", "Samoyed")


@pytest.mark.parametrize("timings", [replace(IMPATIENT, step_retries_s=(60.0,))], ids=["patient"])
async def test_who_cancels_before_the_last_question_was_through_leaves_no_place_taken(harness: Harness) -> None:
    """The question's answer is lost, and it is not asked again for a minute."""
    mina, joon = harness.user(), harness.user("Joon")
    for count, shade in enumerate((90, 91, 92, 93), 1):
        harness.telegram.faults.add(Fault("sendMessage", FaultKind.DISCONNECT))
        await mina.send(shade=shade)
        portrait = (await mina.portraits_in(State.AWAITING_BREED, 1))[-1]
        await harness.services.answers.choose_breed(portrait.id, "samoyed")
        await harness.services.answers.skip_baby_photo(portrait.id)
        await mina.portrait_in(State.RUNNING)
        await harness.services.portraits.cancel(portrait.id)

        async def stopped(times: int = count) -> bool:
            return len([said for said in harness.said_in(mina.id) if "I stopped" in said.get("text", "")]) == times

        await eventually(stopped)
    await joon.ask_for_portrait()


async def test_a_portrait_goes_on_when_the_disk_takes_writes_again(harness: Harness) -> None:
    mina = harness.user()
    await mina.send()
    await mina.answers(breed="Samoyed")
    question = await mina.sees("baby photo")
    refusal = "BEGIN SELECT RAISE(ABORT, 'full'); END"
    async with aiosqlite.connect(harness.settings.home / "throwback.sqlite3", isolation_level=None) as elsewhere:
        await elsewhere.execute(f"CREATE TRIGGER full BEFORE UPDATE ON portraits WHEN old.state = 'running' {refusal}")
        await mina.press(question, "Go on without")
        await mina.portrait_in(State.RUNNING)

        async def left() -> bool:
            return not harness.services.worker.running

        await eventually(left)
        await elsewhere.execute("DROP TRIGGER full")
    await mina.sees(video=True)
