"""Holds real conversations, and compares them with bot/texts/conversations.md.

THROWBACK_WRITE_CONVERSATIONS=1 writes that file anew.
"""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bot.harness import labels
from tests.end_to_end.phone import WAIT_S, Phone
from tests.end_to_end.processes import ROOT, Telegram
from tests.scripted_engine import Script

Json = dict[str, Any]

CONVERSATIONS = ROOT / "bot" / "texts" / "conversations.md"
_MEDIA = {"photo": "🖼", "video": "🎬", "document": "📄"}
_INTRODUCTION = """\
# Conversations

What people and the bot say to each other, word for word. The tests hold these conversations with the real bot
(`tests/end_to_end/test_transcripts.py`) and fail when it says anything else.

"""


@dataclass
class Transcript:
    title: str
    lines: list[str] = field(default_factory=list)

    def said(self, who: str, message: Json) -> None:
        media = "".join(sign for kind, sign in _MEDIA.items() if kind in message)
        words = message.get("text", message.get("caption", ""))
        self.lines.append(f"**{who}**: {' '.join(filter(None, (media, words)))}".replace("\n", "  \n"))
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        self.lines += ["  \n".join(" ".join(f"`{button['text']}`" for button in row) for row in rows)] if rows else []

    def done(self, what: str) -> None:
        self.lines.append(f"*{what}*")

    def __str__(self) -> str:
        return f"## {self.title}\n\n" + "\n\n".join(self.lines) + "\n"


@dataclass
class RecordedUser:
    """A user whose messages and presses are written down."""

    name: str
    phone: Phone
    transcript: Transcript

    async def write(self, text: str, **options: Any) -> None:
        self.transcript.said(self.name, await self.phone.write(text, **options))

    async def photo(self, **options: Any) -> Json:
        sent = await self.phone.send_scripted(**options)
        self.transcript.said(self.name, {"photo": True, "caption": sent.get("caption", "")})
        return sent

    async def hears(self, *parts: str, after: Json | None = None, **has: Any) -> Json:
        message = await self.phone.sees(*parts, after=after, **has)
        self.transcript.said("Throwback", message)
        return message

    async def press(self, message: Json, label: str) -> None:
        whole = next(text for text in labels(message) if label in text)
        self.transcript.done(f"{self.name} ▸ {whole}")
        answer = await self.phone.press(message, label)
        if answer["text"]:
            self.transcript.done(f"Throwback → {self.name}: {answer['text']}")


@dataclass(frozen=True)
class Markers:
    """The parts by which the messages of one language are known."""

    private: str  # the title of the private conversation
    group: str  # and of the one in a group
    language: str
    names: tuple[str, str]
    hello: str
    samoyed: str
    skip: str
    picture: str
    younger: str  # the button of another age
    cancel: str
    verdict: str
    more: str
    back: str
    weak: str  # the title of the conversation about a weak photo
    dark: str
    go_on: str
    bad: str
    why: str
    eyes: str
    advice: str


ENGLISH = Markers(
    "In English, in private",
    "In English, in a group",
    "en",
    ("Mina", "Joon"),
    "Send me a photo",
    "Samoyed",
    "Go on without",
    "Here you go",
    "4 months",
    "Cancel",
    "😍",
    "More",
    "Back",
    "In English, about a dark photo",
    "rather dark",
    "Go on with this one",
    "😬",
    "What is wrong",
    "The eyes",
    "Eyes turn out best",
)
KOREAN = Markers(
    "한국어, 개인 대화",
    "한국어, 가족 그룹",
    "ko",
    ("미나", "준"),
    "안녕하세요",
    "사모예드",
    "사진 없이",
    "짜잔",
    "4개월",
    "그만하기",
    "😍",
    "더 보기",
    "돌아가기",
    "한국어, 어두운 사진",
    "어두워요",
    "이 사진으로",
    "😬",
    "아쉬우셨어요",
    "눈이 이상해요",
    "눈이 가장 예쁘게",
)


async def test_conversations_are_as_they_are_written_down(telegram: Telegram, tmp_path: Path) -> None:
    with telegram.bot(tmp_path / "bot"):
        async with httpx.AsyncClient(base_url=telegram.url, timeout=WAIT_S) as http:
            conversations = [held(http, words) for words in (ENGLISH, KOREAN) for held in (_private, _group, _weak)]
            transcripts = await asyncio.gather(*conversations)
    written = _INTRODUCTION + "\n".join(map(str, transcripts))
    if os.environ.get("THROWBACK_WRITE_CONVERSATIONS"):
        _write(written)
    assert _read() == written, "run this test with THROWBACK_WRITE_CONVERSATIONS=1 if the bot's new words are meant"


async def _private(http: httpx.AsyncClient, words: Markers) -> Transcript:
    transcript = Transcript(words.private)
    mina = RecordedUser(words.names[0], Phone(http, await _user(http, words.names[0], words.language)), transcript)
    await mina.write("/start")
    await mina.hears(words.hello)
    await mina.photo()
    await mina.press(await mina.hears(words.samoyed), words.samoyed)
    await mina.press(await mina.hears(words.skip), words.skip)
    await mina.hears(words.picture, photo=True)
    film = await mina.hears(video=True)
    await mina.phone.gone(words.cancel)  # the progress message goes last
    await mina.press(film, words.younger)
    younger = await mina.hears(f"• {words.younger} •", video=True)
    await mina.press(younger, words.verdict)
    await mina.press(younger, words.more)
    await mina.hears(words.back, video=True)
    return transcript


async def _weak(http: httpx.AsyncClient, words: Markers) -> Transcript:
    transcript = Transcript(words.weak)
    mina = RecordedUser(words.names[0], Phone(http, await _user(http, words.names[0], words.language)), transcript)
    await mina.photo(script=Script.DARK)
    await mina.press(await mina.hears(words.dark), words.go_on)
    await mina.press(await mina.hears(words.samoyed), words.samoyed)
    await mina.press(await mina.hears(words.skip), words.skip)
    await mina.hears(words.picture, photo=True)
    film = await mina.hears(video=True)
    await mina.phone.gone(words.cancel)
    await mina.press(film, words.bad)
    await mina.press(await mina.hears(words.why), words.eyes)
    await mina.hears(words.advice)
    return transcript


async def _group(http: httpx.AsyncClient, words: Markers) -> Transcript:
    transcript = Transcript(words.group)
    user_ids = [await _user(http, name, words.language) for name in words.names]
    content = {"title": "Family", "members": user_ids, "with_bot": "true"}
    group = (await http.post("/control/chats", json=content)).raise_for_status().json()["id"]
    mina, joon = (
        RecordedUser(name, Phone(http, user_id, group), transcript)
        for name, user_id in zip(words.names, user_ids, strict=True)
    )
    photo = await joon.photo()
    await mina.write("/young@throwback_bot", reply_to=photo["message_id"])
    question = await mina.hears(words.samoyed)
    await joon.press(question, words.samoyed)
    await mina.press(question, words.samoyed)
    await mina.press(await mina.hears(words.skip), words.skip)
    await mina.hears(words.picture, photo=True)
    await mina.hears(video=True)
    return transcript


async def _user(http: httpx.AsyncClient, name: str, language: str) -> int:
    content = {"first_name": name, "language_code": language}
    return int((await http.post("/control/people", json=content)).raise_for_status().json()["id"])


def _read() -> str:
    if not CONVERSATIONS.exists():
        pytest.skip("the conversations are not in this copy")
    return CONVERSATIONS.read_text(encoding="utf-8")


def _write(text: str) -> None:
    CONVERSATIONS.parent.mkdir(exist_ok=True)
    CONVERSATIONS.write_text(text, encoding="utf-8")
