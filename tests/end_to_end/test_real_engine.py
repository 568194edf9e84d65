"""The real bot with the real engine on real photos, and on files that are hard to read."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from bot.playground.mp4 import read_mp4
from bot.texts import words_for
from engine import PhotoReason
from tests.bot.answering import Json
from tests.end_to_end.phone import Phone
from tests.end_to_end.processes import REAL_BOT, RunningProcess, Telegram, engine_works
from tests.shared import SHARED, needs_shared

pytestmark = [needs_shared, pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")]

WAIT_S = 180.0  # s until a test gives up; for the slowest machine
MEMORY_MAX_KB = 3 * 1024**2  # of the bot, and of its engine
CAT = SHARED / "photos/pets/catbreeds_Turkish_Angora.jpg"
SAMOYED = SHARED / "photos/pets/samoyed_unsplash_1.jpg"
AWKWARD = sorted((SHARED / "photos/awkward").glob("*"))
BROKEN = ("corrupt_", "derived_truncated_header", "heic_corrupted", "heic_truncated", "tiny_", "derived_tiny_24")


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    with Telegram(tmp_path_factory.mktemp("telegram")) as telegram:
        yield telegram


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bot")


@pytest.fixture
async def http(telegram: Telegram) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=telegram.url, timeout=WAIT_S) as http:
        yield http


async def newcomer(http: httpx.AsyncClient) -> Phone:
    person = await http.post("/control/people", json={"first_name": "Ann", "language_code": "en"})
    return Phone(http, person.json()["id"], wait_s=WAIT_S)


async def test_real_photo_becomes_a_film_though_the_bot_is_killed(
    telegram: Telegram, home: Path, http: httpx.AsyncClient
) -> None:
    """The bot dies while the engine works on the photo; picture and film come all the same, once."""
    phone = await newcomer(http)
    with telegram.bot(home, REAL_BOT) as bot:
        photo = await phone.send(SAMOYED.read_bytes(), as_file=False)
        await phone.answers(breed="Samoyed", baby=None)
        await engine_works(home, WAIT_S)
        bot.kill()
    with telegram.bot(home, REAL_BOT):
        film = await phone.sees(video=True)
        picture = await phone.sees("Here you go", photo=True)
        await phone.gone("Cancel")
    assert film["reply_to_message"]["message_id"] == photo["message_id"]
    assert len([message for message in await phone.said() if "video" in message]) == 1
    read = read_mp4((await http.get(f"/media/{film['video']['file_id']}")).content)
    assert read is not None and read.h264 and read.streamable
    assert min(read.width, read.height) >= 512 and 4 <= read.duration_s <= 7
    assert (film["video"]["width"], film["video"]["height"]) == (read.width, read.height)
    assert "thumbnail" in film["video"] and picture["photo"][-1]["width"] >= 512


@pytest.mark.heavy
async def test_ages_and_all_other_media_are_made_of_a_real_portrait(
    telegram: Telegram, home: Path, http: httpx.AsyncClient
) -> None:
    phone = await newcomer(http)
    with telegram.bot(home, REAL_BOT):
        await phone.send(SAMOYED.read_bytes(), as_file=False, caption="Mochi, Samoyed")
        await phone.answers(baby=None)
        film = await phone.sees("• 8 weeks •", video=True)
        await phone.gone("Cancel")
        for label in ("4 months", "today", "old"):
            await phone.press(film, label)
            shown = await phone.sees(f"• {label} •", video=True)
            assert shown["message_id"] == film["message_id"]
        last = film
        for label, field, sides in (
            ("Story", "video", (1080, 1920)),
            ("Then and now", "video", None),
            ("Film with ages", "video", None),
            ("Loop", "animation", None),
            ("Round video", "video_note", None),
            ("Sticker", "sticker", None),
            ("Photo strip", "document", None),
        ):
            await phone.press_more(film, label)
            last = await phone.sees(after=last, without="\0", **{field: True})
            body = (await http.get(f"/media/{last[field]['file_id']}")).content
            _check(field, body, sides)


@pytest.mark.heavy
async def test_both_pets_of_a_real_photo_and_then_together(
    telegram: Telegram, home: Path, http: httpx.AsyncClient
) -> None:
    phone = await newcomer(http)
    with telegram.bot(home, REAL_BOT):
        await phone.send(_beside_each_other(SAMOYED, CAT), as_file=False)
        await phone.press(await phone.sees("I see 2 pets"), "Both")
        await phone.answers(breed="I don't know", baby=None)
        cat = await phone.sees("Now number 2. What a lovely cat!")
        await phone.press(cat, "I don't know")
        await phone.press(await phone.sees("Go on without", without="Now number", after=_before(cat)), "Go on without")
        whole = await phone.sees("All of them, little again", photo=True)
        card = await phone.sees("One card with all of them", photo=True)
    assert whole["photo"][-1]["width"] > whole["photo"][-1]["height"]
    assert card["message_id"] > whole["message_id"]


def _before(message: Json) -> Json:
    """The message before this one, so that this one itself may come after it."""
    return {"message_id": message["message_id"] - 1}


def _beside_each_other(*photos: Path) -> bytes:
    """One JPEG of several photos, each 900 pixels high."""
    pictures = [Image.open(photo).convert("RGB") for photo in photos]
    scaled = [one.resize((round(one.width * 900 / one.height), 900)) for one in pictures]
    sheet = Image.new("RGB", (sum(one.width for one in scaled), 900))
    left = 0
    for one in scaled:
        sheet.paste(one, (left, 0))
        left += one.width
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def _check(field: str, body: bytes, sides: tuple[int, int] | None) -> None:
    """Hold that a file is what it was sent as: a film that plays, a sticker with nothing around, a sheet to print."""
    if field in ("sticker", "document"):
        picture = Image.open(io.BytesIO(body))
        if field == "document":
            assert picture.size in ((1772, 1181), (1181, 1772))  # 10 x 15 cm at 300 dpi
        else:
            assert max(picture.size) == 512
            assert picture.convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]
        return
    read = read_mp4(body)
    assert read is not None and read.h264 and read.streamable
    assert sides in (None, (read.width, read.height))
    assert field != "video_note" or read.width == read.height <= 640


async def test_awkward_files_get_one_clear_answer_each(telegram: Telegram, home: Path, http: httpx.AsyncClient) -> None:
    words = words_for("en")
    reasons = {words(f"reason.{reason}") for reason in PhotoReason}
    with telegram.bot(home, REAL_BOT) as bot:
        phones = {path.name: await newcomer(http) for path in AWKWARD}
        for path in AWKWARD:
            await phones[path.name].send(path.read_bytes(), path.name)
        answers = {name: await _answer(phone) for name, phone in phones.items()}
        engine = _children(bot)
        assert len(engine) == 1
        peaks = [_peak_kb(pid) for pid in (bot.process.pid, *engine)]
    sorry = {name for name, answer in answers.items() if answer in reasons}
    asked = {name for name, answer in answers.items() if "pet" in answer or "?" in answer} - sorry
    assert sorry | asked == set(answers), {name: answers[name] for name in answers.keys() - sorry - asked}
    assert {name for name in answers if name.startswith(BROKEN)} <= sorry
    for phone in phones.values():
        assert len(await phone.said()) == 1
    assert max(peaks) < MEMORY_MAX_KB
    log = bot.log.read_text()
    assert "Traceback" not in log and telegram.token not in log


async def _answer(phone: Phone) -> str:
    message = await phone.sees(without=words_for("en")("question.looking"))
    return str(message.get("text", message.get("caption", "")))


def _children(running: RunningProcess) -> list[int]:
    pid = running.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _peak_kb(pid: int) -> int:
    """Return the most memory that a process has had, in kB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)
