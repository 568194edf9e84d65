"""What users asked for survives the death of processes; all of these are real, and killed for real."""

import asyncio
from pathlib import Path

from tests.end_to_end.phone import Phone
from tests.end_to_end.processes import SCRIPTED_BOT, Telegram, engine_works
from tests.scripted_engine import Script


async def test_bot_killed_while_the_breed_is_chosen(telegram: Telegram, phone: Phone, tmp_path: Path) -> None:
    """A press while the bot is dead waits at Telegram; the bot handles it when it is back."""
    bot = telegram.bot(tmp_path / "bot")
    with bot:
        await phone.send_scripted()
        question = await phone.sees("Samoyed")
        bot.kill()
    pressed = asyncio.create_task(phone.press(question, "Samoyed"))
    with telegram.bot(tmp_path / "bot"):
        await pressed  # answered or, where the bot took long to come back, not; it counts in either case
        await phone.answers(baby=None)
        await phone.sees(video=True)
    assert await _results(phone) == ["photo", "video"]


async def test_bot_killed_while_the_engine_works(telegram: Telegram, phone: Phone, tmp_path: Path) -> None:
    bot = telegram.bot(tmp_path / "bot")
    with bot:
        await phone.send_scripted(Script.HOLD)
        await phone.answers(breed="Samoyed", baby=None)
        await engine_works(tmp_path / "bot")
        bot.kill()
    with telegram.bot(tmp_path / "bot", (*SCRIPTED_BOT, "--finish")):
        await phone.sees(video=True)
    assert await _results(phone) == ["photo", "video"]


async def _results(phone: Phone) -> list[str]:
    """Return what was delivered, in order; a result that came twice is here twice."""
    captions = {"Here you go": "photo", "From today back": "video"}
    said = [message.get("caption", "") for message in await phone.said()]
    return [kind for caption in said for words, kind in captions.items() if caption.startswith(words)]
