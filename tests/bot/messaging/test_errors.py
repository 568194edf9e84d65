"""What Telegram's refusals mean, what people hear of them, and that nothing is sent twice."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from telegram import Bot
from telegram.error import TelegramError

from bot.messaging.errors import ERRORS, Meaning, meaning_of
from bot.messaging.telegram_request import TelegramRequest
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.faults import DOWNLOAD, Fault, FaultKind
from bot.playground.server import serve
from bot.timings import Timings
from storage import FailureReason, State
from tests.bot.harness import Harness, User, eventually, words_of
from tests.scripted_engine import Script

BOSS = 1003  # the first user of a harness


@pytest.fixture
def timings() -> Timings:
    return Timings(step_retries_s=(0.05, 0.05, 0.1), reply_retries_s=(0.05, 0.05), upload_timeout_s=5.0)


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[tuple[FakeTelegram, Bot]]:
    """The double, and a bot without anything around it."""
    double = FakeTelegram(tmp_path)
    async with serve(double) as address:
        bot = Bot(address.token, f"{address.url}/bot", request=TelegramRequest(), get_updates_request=TelegramRequest())
        async with bot:
            yield double, bot


@pytest.mark.parametrize(("code", "words", "meaning"), ERRORS, ids=lambda part: str(part) or "other")
async def test_every_row_of_the_table(
    telegram: tuple[FakeTelegram, Bot], code: int, words: str, meaning: Meaning
) -> None:
    double, bot = telegram
    kinds = {500: FaultKind.BAD_GATEWAY, 429: FaultKind.BUSY}
    kind = kinds.get(code) or FaultKind(str(code))
    double.faults.add(Fault("sendMessage", kind, description=words.upper() or ("" if code != 400 else "who knows")))
    with pytest.raises(TelegramError) as caught:
        await bot.send_message(1001, "hello")
    assert meaning_of(caught.value) is meaning


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        (FaultKind.PAGE, Meaning.UNCERTAIN),  # a proxy's, or a gateway's once all was done
        (FaultKind.FORBIDDEN_PAGE, Meaning.UNAVAILABLE),
        (FaultKind.UNAUTHORIZED_PAGE, Meaning.UNAVAILABLE),
        (FaultKind.TOO_MANY_REQUESTS, Meaning.BUSY),
        (FaultKind.DISCONNECT, Meaning.UNCERTAIN),
    ],
    ids=str,
)
async def test_what_is_no_refusal(telegram: tuple[FakeTelegram, Bot], kind: FaultKind, meaning: Meaning) -> None:
    double, bot = telegram
    double.faults.add(Fault("sendMessage", kind))
    with pytest.raises(TelegramError) as caught:
        await bot.send_message(1001, "hello")
    assert meaning_of(caught.value) is meaning


def films(harness: Harness, chat: int) -> int:
    return len([message for message in harness.said_in(chat) if "video" in message])


@asynccontextmanager
async def with_boss(tmp_path: Path, timings: Timings) -> AsyncIterator[tuple[Harness, User]]:
    """A bot whose administrator must not be told anything: nothing here is a defect of ours."""
    async with Harness(tmp_path, timings=timings, admins=frozenset({BOSS})) as harness:
        boss = harness.user("Boss")
        await boss.write("/start")
        await boss.sees("Hello")
        yield harness, harness.user()
        assert not [said for said in harness.said_in(boss.id) if "⚠" in said.get("text", "")]


async def test_a_film_that_is_too_large_is_made_smaller_once(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        harness.telegram.faults.add(Fault("sendVideo", FaultKind.TOO_LARGE))
        film = await mina.ask_for_portrait()
        (result,) = [
            one for one in await harness.services.storage.results.of((await mina.portrait()).id) if one.kind == "film"
        ]
        assert (film["video"]["width"], film["video"]["height"]) == (result.width, result.height)
        harness.telegram.faults.add(Fault("editMessageMedia", FaultKind.TOO_LARGE, times=1000))
        await mina.press(film, "4 months")
        await mina.sees("too big for Telegram, even made smaller")
        sent = [call for call in harness.telegram.calls if call.method in ("sendVideo", "editMessageMedia")]
        assert [call.status for call in sent if call.status == 413] == [413] * 4  # one film, a picture, a film twice


async def test_a_file_that_telegram_does_not_have_is_asked_for_again(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        harness.telegram.faults.add(Fault(DOWNLOAD, FaultKind.NOT_FOUND))
        await mina.send()
        await mina.sees("couldn't get your photo")


async def test_a_photo_that_telegram_does_not_hand_out_is_too_large(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        harness.telegram.faults.add(Fault("getFile", FaultKind.BAD_REQUEST, description="file is too big"))
        await mina.send()
        await mina.sees("too big for me")


@pytest.mark.parametrize("words", ["MEDIA_EMPTY", "IMAGE_PROCESS_FAILED", "PHOTO_INVALID_DIMENSIONS"])
async def test_what_telegram_cannot_use_is_said_and_offered_again(tmp_path: Path, timings: Timings, words: str) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        harness.telegram.faults.add(Fault("sendPhoto", FaultKind.BAD_REQUEST, description=words))
        await mina.ask_for_portrait()
        said = await mina.sees("couldn't do anything with this one", "Try again")
        assert not [one for one in harness.said_in(mina.id) if "photo" in one]
        await mina.press(said, "Try again")
        await harness.message_after(mina.id, said, photo=True)


@pytest.mark.parametrize("words", ["message thread not found", "TOPIC_CLOSED", "CHAT_WRITE_FORBIDDEN"])
@pytest.mark.parametrize("started", [True, False], ids=["started", "stranger"])
async def test_what_a_topic_cannot_take_reaches_its_owner(
    tmp_path: Path, timings: Timings, words: str, started: bool
) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        if started:
            await mina.write("/start")
            await mina.sees("Hello")
        chat = harness.group(mina)
        await mina.send(chat=chat.id, caption="/young@throwback_bot Samoyed")
        harness.telegram.faults.add(Fault("sendPhoto", FaultKind.BAD_REQUEST, description=words))
        await mina.answers(baby=None, chat=chat.id)
        if not started:
            portrait = await mina.portrait_in(State.FAILED)
            assert portrait.failure.reason is FailureReason.CHAT_GONE
            return
        await mina.sees(video=True)
        await mina.sees("takes no messages from me any more")
        assert films(harness, chat.id) == 0 and films(harness, mina.id) == 1


async def test_a_page_in_the_place_of_an_answer_makes_nobody_unreachable(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        for method in ("getFile", "sendMessage", "sendPhoto", "sendVideo"):
            harness.telegram.faults.add(Fault(method, FaultKind.FORBIDDEN_PAGE, times=2))
        await mina.ask_for_portrait()
        person = await harness.services.storage.people.get(mina.id)
        assert person is not None and person.reachable
        assert films(harness, mina.id) == 1


@pytest.mark.parametrize("kind", [FaultKind.PAGE, FaultKind.GATEWAY_TIMEOUT], ids=str)
async def test_what_may_have_been_sent_is_not_sent_again(tmp_path: Path, timings: Timings, kind: FaultKind) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        harness.telegram.faults.add(Fault("sendVideo", kind))
        await mina.send()
        await mina.answers(breed="Samoyed", baby=None)
        unsure = await mina.sees("Telegram was slow", "Try again")
        assert films(harness, mina.id) == 0
        await mina.press(unsure, "Try again")
        await mina.sees(video=True)


async def test_too_many_requests_without_a_time_are_waited_out(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        for method in ("getFile", "sendMessage", "sendPhoto", "sendVideo"):
            harness.telegram.faults.add(Fault(method, FaultKind.BUSY, times=2))
        await mina.ask_for_portrait()
        assert films(harness, mina.id) == 1


async def test_a_server_that_insists_on_what_is_replied_to(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        for method in ("sendMessage", "sendPhoto", "sendVideo"):
            gone = "message to be replied not found"
            harness.telegram.faults.add(Fault(method, FaultKind.BAD_REQUEST, description=gone))
        await mina.ask_for_portrait()
        assert films(harness, mina.id) == 1


async def test_a_press_that_is_answered_too_late_is_no_defect(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        await mina.send()
        question = await mina.sees("Samoyed")
        old = "query is too old and response timeout expired or query ID is invalid"
        harness.telegram.faults.add(Fault("answerCallbackQuery", FaultKind.BAD_REQUEST, description=old))
        press = asyncio.create_task(mina.press(question, "Samoyed"))  # it waits for the answer that fails
        await mina.sees("baby photo")
        press.cancel()


async def test_words_are_answered_when_telegram_is_back_and_alarm_nobody(tmp_path: Path, timings: Timings) -> None:
    async with with_boss(tmp_path, timings) as (harness, mina):
        await mina.send()
        await mina.sees("Samoyed")
        harness.telegram.faults.add(Fault("sendMessage", FaultKind.BAD_GATEWAY, times=2))
        await mina.write("no breed at all")
        await mina.sees("“no breed at all” as a breed yet")
        question = await mina.sees("Another breed")
        harness.telegram.faults.add(Fault("editMessageText", FaultKind.BAD_GATEWAY, times=3))
        await mina.press(question, "Another breed")
        await mina.write("/help")
        await mina.sees("what I can do")


class Relay:
    """Stands between the bot and Telegram; breaks the connection of the first upload of a film, `after` so many bytes.

    What came until then is passed on, as by a network that breaks.
    """

    def __init__(self, port: int, after: int) -> None:
        self._port = port
        self._after = after
        self.broke = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(self._pass_on(to_reader, writer))
        uploaded, uploading = 0, False
        with suppress(OSError):
            while data := await reader.read(4096):
                uploading = uploading or (b"/sendVideo" in data and not self.broke)
                if uploading:
                    uploaded += len(data)
                if uploading and uploaded > self._after:
                    self.broke = True
                    reset = struct.pack("ii", 1, 0)  # closing sends RST
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    break
                to_writer.write(data)
        back.cancel()
        for one in (writer, to_writer):
            one.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()


@pytest.mark.parametrize("after", [0, 1500], ids=["at once", "in the middle"])
async def test_a_connection_that_is_reset_during_an_upload_brings_no_film_twice(
    tmp_path: Path, timings: Timings, after: int
) -> None:
    async with Harness(tmp_path, timings=timings) as harness:
        port = int(harness.settings.api_url.rpartition(":")[2])
        relay = Relay(port, after)
        async with await asyncio.start_server(relay.serve, "127.0.0.1", 0) as server:
            harness.settings = replace(
                harness.settings, api_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            )
            await harness.restart()
            mina = harness.user()
            await mina.send()
            await mina.answers(breed="Samoyed", baby=None)
            await mina.portrait_in(State.DONE)
            assert relay.broke
            if not films(harness, mina.id):
                await mina.press(await mina.sees("Telegram was slow", "Try again"), "Try again")
                await mina.sees(video=True)
            assert films(harness, mina.id) == 1
            await harness.close()


async def test_an_upload_that_the_stop_cuts_off_is_not_sent_again(tmp_path: Path, timings: Timings) -> None:
    async with Harness(tmp_path, timings=replace(timings, uploads_grace_s=0.1, upload_timeout_s=60.0)) as harness:
        mina = harness.user()
        harness.telegram.faults.add(Fault("sendVideo", FaultKind.TIMEOUT_AFTER))
        await mina.send()
        await mina.answers(breed="Samoyed", baby=None)

        async def uploaded() -> bool:
            return films(harness, mina.id) == 1

        await eventually(uploaded)
        await harness.restart()
        await mina.sees("Telegram was slow", "Try again")
        assert films(harness, mina.id) == 1


async def test_the_apology_is_for_our_defects(tmp_path: Path, timings: Timings) -> None:
    async with Harness(tmp_path, timings=timings, admins=frozenset({BOSS})) as harness:
        boss, mina = harness.user("Boss"), harness.user()
        await boss.write("/start")
        await boss.sees("Hello")
        await mina.send(Script.FAULT)
        await mina.answers(breed="Samoyed", baby=None)
        assert "told the people" in words_of(await mina.sees("Something went wrong"))
        await boss.sees("⚠")
