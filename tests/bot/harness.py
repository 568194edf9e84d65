"""Runs everything for tests: the playground's Telegram, the real bot, the scripted engine process, and users."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from bot.app import running
from bot.context import Services
from bot.messaging.rate_limiter import Pace
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Upload
from bot.playground.server import serve
from bot.playground.users import Users
from bot.playground.world import Chat, ChatKind, FakeUser
from bot.settings import Settings
from bot.timings import Timings
from engine import EngineSettings
from storage import Portrait, State
from tests.bot.answering import Answering, Json
from tests.scripted_engine import Script, scripted_engine, scripted_photo

_T = TypeVar("_T")

WAIT_S = 120.0  # s until a test gives up; for the slowest machine
NO_RATE_LIMITS = Pace(overall_per_s=1000, chat_burst=1000, chat_per_s=1000.0, group_per_minute=1000)


class Harness:
    """Runs everything within `async with Harness(tmp_path) as harness:`; `settings` are changes to the bot's settings.

    `pace` is how fast the bot may write; `strict` makes Telegram refuse what is above its limits.
    """

    def __init__(
        self,
        home: Path,
        pace: Pace = NO_RATE_LIMITS,
        strict: bool = False,
        timings: Timings | None = None,
        **settings: Any,
    ) -> None:
        self._home = home
        self._pace = pace
        self._strict = strict
        self._timings = timings
        self._changes = settings
        self._stack = AsyncExitStack()
        self._bot = AsyncExitStack()
        self.telegram: FakeTelegram
        self.users: Users
        self.services: Services
        self.settings: Settings

    async def __aenter__(self) -> Self:
        self.telegram = FakeTelegram(self._home / "telegram", strict=self._strict)
        self.users = Users(self.telegram)
        address = await self._stack.enter_async_context(serve(self.telegram))
        base = Settings(address.token, EngineSettings(self._home / "bot"), address.url)
        self.settings = replace(base, **self._changes)
        try:
            await self.open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        await self._stack.aclose()

    async def open(self) -> None:
        """Start the bot."""
        self.services = await self._bot.enter_async_context(
            running(self.settings, scripted_engine(), self._pace, self._timings)
        )

    async def close(self) -> None:
        """Stop the bot; Telegram and the users stay."""
        await self._bot.aclose()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    def user(self, name: str = "Mina", language: str = "en") -> "User":
        """Return a new user, who has never written to the bot."""
        return User(self, self.telegram.world.add_user(name, language))

    def group(self, *members: "User", kind: ChatKind = ChatKind.SUPERGROUP) -> Chat:
        """Return a new group of these members and the bot; the first is its creator."""
        chat = self.telegram.world.add_group("Family", [member.id for member in members], kind)
        chat.bot_status = "member"
        self.telegram.world.save_chat(chat)
        return chat

    def said_in(self, chat: int) -> list[Json]:
        """Return the bot's messages in a chat, as they stand there now."""
        world = self.telegram.world
        shown = [world.show(message) for message in world.history(world.chats[chat])]
        return [message for message in shown if message["from"]["is_bot"]]

    async def message(self, chat: int, *parts: str, after: int = 0, **has: bool) -> Json:
        """Return the bot's first message in a chat with all these parts in text, caption or buttons; wait for it.

        `photo=True` and the like say which fields it must have; `after` which number it must be above.
        """

        def fits(message: Json) -> bool:
            return (
                bool(message["from"]["is_bot"])
                and all(part in words_of(message) for part in parts)
                and all((name in message) == there for name, there in has.items())
            )

        return await self.telegram.wait_for(
            lambda message: fits(message) and message["message_id"] > after, chat, WAIT_S
        )

    async def message_after(self, chat: int, earlier: Json, *parts: str, **has: bool) -> Json:
        """Return what `message` does, of those that came after `earlier`."""
        return await self.message(chat, *parts, after=earlier["message_id"], **has)

    async def gone(self, chat: int, message: Json) -> None:
        """Wait until a message is not in its chat any more."""

        async def deleted() -> bool:
            return message["message_id"] not in [one["message_id"] for one in self.said_in(chat)]

        await eventually(deleted)


class User(Answering):
    """Somebody who uses the bot."""

    def __init__(self, harness: Harness, user: FakeUser) -> None:
        self._harness = harness
        self.id = user.id

    async def write(self, text: str, chat: int | None = None, **options: Any) -> Json:
        return await self._harness.users.write(self.id, chat or self.id, text, **options)

    async def send(
        self, script: Script = Script.PLAIN, chat: int | None = None, shade: int = 200, **options: Any
    ) -> Json:
        """Send a photo as a file, byte for byte, so that the scripted engine sees its script."""
        upload = Upload("photo.jpg", "image/jpeg", scripted_photo(script, shade))
        sent = await self._harness.users.send(self.id, chat or self.id, [upload], as_files=True, **options)
        return sent[0]

    async def press(self, message: Json, label: str) -> Json:
        chat = message["chat"]["id"]
        return await self._harness.users.press(self.id, chat, message["message_id"], callback(message, label))

    async def question(self, label: str, chat: int | None, after: Json | None) -> Json:
        return await self._harness.message(chat or self.id, label, after=after["message_id"] if after else 0)

    async def send_photo(self, shade: int, chat: int | None) -> None:
        await self.send(chat=chat, shade=shade)

    async def sees(self, *parts: str, **has: bool) -> Json:
        """Return the bot's message to this user with these parts; see `Harness.message`."""
        return await self._harness.message(self.id, *parts, **has)

    async def portrait(self) -> Portrait:
        """Return this user's newest portrait."""
        return (await self._harness.services.storage.portraits.of_owner(self.id))[-1]

    async def portrait_in(self, state: State) -> Portrait:
        """Return this user's newest portrait in this state, once there is one."""
        return (await self.portraits_in(state, 1))[-1]

    async def portraits_in(self, state: State, count: int) -> list[Portrait]:
        """Return this user's portraits in this state, once there are so many."""

        async def fitting() -> list[Portrait]:
            everything = await self._harness.services.storage.portraits.of_owner(self.id)
            found = [one for one in everything if one.state is state]
            return found if len(found) >= count else []

        return await eventually(fitting)

    async def ask_for_portrait(self, script: Script = Script.PLAIN, shade: int = 200) -> Json:
        """Send a photo, answer all questions, and return the film's message once its portrait is done."""
        sent = await self.send(script, shade=shade)
        await self.answers(breed="Samoyed", baby=None, after=sent)
        film = await self._harness.message_after(self.id, sent, video=True)

        async def noted() -> bool:
            return (await self.portrait()).state is State.DONE

        await eventually(noted)  # the film is here a moment before its row knows
        return film

    async def name_pet(self, film: Json, name: str) -> Json:
        """Tell the bot the name of the film's pet, and return its reply."""
        await self.press(film, "Add a name")
        await self.sees("your pet's name")
        await self.write(name)
        return await self.sees(f"{name}! What a lovely name")


async def eventually(condition: Callable[[], Awaitable[_T]]) -> _T:
    """Return what `condition` does, once that is true; for rows and processes, which announce no change."""
    async with asyncio.timeout(WAIT_S):
        while not (found := await condition()):  # noqa: ASYNC110 (nobody announces it)
            await asyncio.sleep(0.02)
        return found


def labels(message: Json) -> list[str]:
    """Return the labels of a message's buttons."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def callback(message: Json, label: str) -> str:
    """Return the callback data of the button whose label contains `label`."""
    for row in message["reply_markup"]["inline_keyboard"]:
        for button in row:
            if label in button["text"]:
                return str(button["callback_data"])
    raise AssertionError(f"no button {label!r} among {labels(message)}")


def words_of(message: Json) -> str:
    """Return all words of a message: text, caption and buttons."""
    return "\n".join([message.get("text", ""), message.get("caption", ""), *labels(message)])


__all__ = [
    "NO_RATE_LIMITS",
    "WAIT_S",
    "Harness",
    "Json",
    "State",
    "User",
    "callback",
    "eventually",
    "labels",
    "words_of",
]
