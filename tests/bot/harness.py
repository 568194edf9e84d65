"""A small town for tests: the Bot API double, the real bot, the scripted engine process, and people with phones."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
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
from storage import Portrait, State
from tests.scripted_engine import Script, scripted_engine, scripted_photo

Json = dict[str, Any]
_T = TypeVar("_T")

PATIENCE_S = 120.0

QUICK = Pace(overall_per_s=1000, chat_burst=1000, chat_per_s=1000.0, group_per_minute=1000)
"""No waiting for Telegram's limits; tests about them bring their own pace."""


class Harness:
    """`async with Harness(tmp_path) as town:` everything runs. `settings` are changes to the bot's settings."""

    def __init__(
        self, home: Path, pace: Pace = QUICK, strict: bool = False, timings: Timings | None = None, **settings: Any
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
        self.telegram = FakeTelegram.open(self._home / "telegram", strict=self._strict)
        self.users = Users(self.telegram)
        address = await self._stack.enter_async_context(serve(self.telegram))
        base = Settings(token=address.token, home=self._home / "bot", api_url=address.url)
        self.settings = replace(base, **self._changes)
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        await self._stack.aclose()

    async def open(self) -> None:
        """Start the bot."""
        self.services = await self._bot.enter_async_context(
            running(self.settings, scripted_engine(), self._pace, self._timings)
        )

    async def close(self) -> None:
        """Stop the bot; Telegram and the people stay."""
        await self._bot.aclose()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    def user(self, name: str = "Mina", language: str = "en") -> "User":
        return User(self, self.telegram.world.add_user(name, language))

    def group(self, *members: "User", kind: ChatKind = ChatKind.SUPERGROUP) -> Chat:
        chat = self.telegram.world.add_group("Family", [member.id for member in members], kind)
        chat.bot_status = "member"
        self.telegram.world.save_chat(chat)
        return chat

    def said_in(self, chat: int) -> list[Json]:
        """What the bot has to say in a chat, as it stands there now."""
        world = self.telegram.world
        shown = [world.show(message) for message in world.history(world.chats[chat])]
        return [message for message in shown if message["from"]["is_bot"]]

    async def message(self, chat: int, *parts: str, after: int = 0, **has: bool) -> Json:
        """The bot's first message in a chat whose text, caption and buttons have all these parts; `photo=True`, ….

        Waits for one that is still to come.
        """

        def fits(message: Json) -> bool:
            return (
                bool(message["from"]["is_bot"])
                and all(part in spoken(message) for part in parts)
                and all((name in message) == there for name, there in has.items())
            )

        return await self.telegram.wait_for(
            lambda message: fits(message) and message["message_id"] > after, chat, PATIENCE_S
        )

    async def message_after(self, chat: int, earlier: Json, *parts: str, **has: bool) -> Json:
        """Like `message`, of those that came after this one."""
        return await self.message(chat, *parts, after=earlier["message_id"], **has)


class User:
    """A person with a phone."""

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
        """Press the button of this label; gives the bot's answer (`answered`, `text`, `show_alert`)."""
        chat = message["chat"]["id"]
        return await self._harness.users.press(self.id, chat, message["message_id"], callback(message, label))

    async def sees(self, *parts: str, **has: bool) -> Json:
        """The bot's message to this person with these parts."""
        return await self._harness.message(self.id, *parts, **has)

    async def portrait(self) -> Portrait:
        """This person's newest portrait."""
        return (await self._harness.services.storage.portraits.of_owner(self.id))[-1]

    async def portrait_in(self, state: State) -> Portrait:
        """This person's newest portrait that is in this state, once there is one."""
        return (await self.portraits_in(state, 1))[-1]

    async def portraits_in(self, state: State, count: int) -> list[Portrait]:
        """This person's portraits, once so many are in this state."""

        async def fitting() -> list[Portrait]:
            everything = await self._harness.services.storage.portraits.of_owner(self.id)
            found = [one for one in everything if one.state is state]
            return found if len(found) >= count else []

        return await eventually(fitting)

    async def ask_for_portrait(self, script: Script = Script.PLAIN, shade: int = 200) -> Json:
        """The whole way, with the first breed offered and no baby photo; gives the film's message."""
        await self.send(script, shade=shade)
        await self.press(await self.sees("Samoyed"), "Samoyed")
        await self.press(await self.sees("Go on without"), "Go on without")
        film = await self.sees(video=True)

        async def noted() -> bool:
            return (await self.portrait()).state is State.DONE

        await eventually(noted)  # the film is here a moment before its row knows
        return film

    async def name_pet(self, film: Json, name: str) -> Json:
        """Tells the bot the name of the film's pet; gives what the bot says to it."""
        await self.press(film, "Tell me the name")
        await self.sees("your pet's name")
        await self.write(name)
        return await self.sees(f"{name}! What a lovely name")


async def eventually(condition: Callable[[], Awaitable[_T]]) -> _T:
    """What the condition gives once it gives something; for rows and processes, which tell nobody that they change.

    The time is for the slowest machine; it matters only when the condition never comes true.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await condition()):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.02)
        return found


def labels(message: Json) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def callback(message: Json, label: str) -> str:
    """What the button with this label (or with it in its label) says."""
    for row in message["reply_markup"]["inline_keyboard"]:
        for button in row:
            if label in button["text"]:
                return str(button["callback_data"])
    raise AssertionError(f"no button {label!r} among {labels(message)}")


def spoken(message: Json) -> str:
    return "\n".join([message.get("text", ""), message.get("caption", ""), *labels(message)])


__all__ = ["PATIENCE_S", "QUICK", "Harness", "Json", "State", "User", "callback", "eventually", "labels", "spoken"]
