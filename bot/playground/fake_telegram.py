"""The Bot API double as a whole: the world, its files, the bot's updates, limits and faults."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bot.playground.errors import Json, bad_request
from bot.playground.events import Events
from bot.playground.faults import Faults
from bot.playground.file_store import FileStore
from bot.playground.request_counts import RateMeter
from bot.playground.store import Store
from bot.playground.update_feed import UpdateFeed
from bot.playground.world import IN_CHAT, Chat, ChatKind, Message, World

BOT_ID = 7000000001
BOT_USERNAME = "throwback_bot"
CALLS_KEPT = 20_000
_SERVICE = frozenset({
    "new_chat_members", "left_chat_member", "forum_topic_created", "migrate_to_chat_id", "migrate_from_chat_id",
    "group_chat_created", "supergroup_chat_created",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the bot, for tests to look at. `status` is 0 where nothing was answered."""

    method: str
    chat_id: int | None
    at_s: float
    status: int


@dataclass(slots=True)
class Question:
    """A callback or inline query that waits for the bot's answer, as long as Telegram would."""

    user_id: int
    chat_id: int
    answer: asyncio.Future[Json]
    text: str = ""


@dataclass(slots=True)
class FakeTelegram:
    """Everything below `home` belongs to it. Users act on it through `users`, the bot through `methods`."""

    home: Path
    store: Store
    bot: Json
    token: str
    events: Events
    world: World
    files: FileStore
    updates: UpdateFeed
    rates: RateMeter
    faults: Faults = field(default_factory=Faults)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    questions: dict[str, Question] = field(default_factory=dict)
    inline_mode: bool = True  # what /setinline at @BotFather changes

    @classmethod
    def open(cls, home: Path, strict: bool = False) -> "FakeTelegram":
        """The playground kept in `home`, or a new one with two people and a family group.

        `strict` refuses what is above Telegram's limits instead of only counting it.
        """
        home.mkdir(parents=True, exist_ok=True)
        store = Store(home / "conversations.sqlite3")
        identity = store.get("settings", "bot")
        if identity is None:
            identity = {"token": f"{BOT_ID}:{secrets.token_urlsafe(26)}"}
            store.put("settings", "bot", identity)
        bot: Json = {"id": BOT_ID, "is_bot": True, "first_name": "Throwback", "username": BOT_USERNAME}
        events = Events()
        telegram = cls(
            home=home,
            store=store,
            bot=bot,
            token=identity["token"],
            events=events,
            world=World(store, events, bot),
            files=FileStore(home / "files", store),
            updates=UpdateFeed(store, events),
            rates=RateMeter(strict),
        )
        if not telegram.world.users:
            telegram._furnish()
        return telegram

    async def __aenter__(self) -> Self:
        await self.updates.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.updates.__aexit__()
        for question in self.questions.values():
            question.answer.cancel()
        self.store.close()

    def _furnish(self) -> None:
        mina = self.world.add_user("Mina", "en", "mina")
        joon = self.world.add_user("Joon", "ko", "joon")
        family = self.world.add_group("Family", [mina.id, joon.id], ChatKind.GROUP)
        family.bot_status = "member"
        self.world.save_chat(family)

    def tell_bot(self, kind: str, message: Message) -> None:
        """A message, new or edited, becomes an update if the bot may see it."""
        if self.bot_sees(message):
            self.updates.add(kind, self.world.show(message))

    def bot_sees(self, message: Message) -> bool:
        """Privacy mode is on, as it is unless a bot's owner asks otherwise.

        In a group the bot then sees service messages, commands with its name, others where it was the last bot to say
        something, answers to its own messages, what was sent through it, and what mentions it; as an administrator it
        sees everything.
        """
        chat = self.world.chats[message.chat_id]
        if chat.bot_status not in IN_CHAT:
            return False
        content = message.content
        if not chat.group or chat.bot_status == "administrator" or _SERVICE & content.keys():
            return True
        if content.get("via_bot", {}).get("id") == BOT_ID:
            return True
        answered = self.world.messages[chat.id].get(message.reply_to or 0)
        if answered is not None and answered.sender_id == BOT_ID:
            return True
        addressed = _addressed(content)
        if any(said.partition("@")[2].lower() == BOT_USERNAME for _, said in addressed):
            return True
        to_nobody = any(kind == "bot_command" and "@" not in said for kind, said in addressed)
        return to_nobody and any(one.sender_id == BOT_ID for one in self.world.history(chat))

    def ask(self, user_id: int, chat_id: int, text: str = "") -> tuple[str, Question]:
        """A new question to the bot, by the id under which it answers."""
        question_id = str(secrets.randbits(62))
        question = Question(user_id, chat_id, asyncio.get_running_loop().create_future(), text)
        self.questions[question_id] = question
        return question_id, question

    def answer(self, question_id: str, answer: Json) -> None:
        """The bot's answer; raises what Telegram says where nobody waits for it any more."""
        question = self.questions.get(question_id)
        if question is None or question.answer.done():
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        question.answer.set_result(answer)

    def now(self) -> int:
        """The time as messages carry it, in Unix seconds."""
        return int(time.time())

    def log_call(self, method: str, chat_id: int | None, status: int) -> None:
        self.calls.append(Call(method, chat_id, time.monotonic(), status))

    async def wait_for(self, matches: Callable[[Json], bool], chat: Chat | int, timeout_s: float = 30) -> Json:
        """The first message in the chat, there already or still to come, that `matches`; new or as edited.

        Raises TimeoutError where none comes.
        """
        chat_id = chat if isinstance(chat, int) else chat.id
        with self.events.subscription() as news:
            for message in self.world.history(self.world.chats[chat_id]):
                if matches(shown := self.world.display(message)):
                    return shown
            async with asyncio.timeout(timeout_s):
                while True:
                    event = await news.get()
                    if (
                        event["type"] in {"message", "edited"}
                        and event["chat_id"] == chat_id
                        and matches(event["message"])
                    ):
                        return dict(event["message"])


def _addressed(content: Json) -> list[tuple[str, str]]:
    """The commands and mentions in a text or a caption, each with its kind."""
    text = content.get("text") or content.get("caption") or ""
    characters = text.encode("utf-16-le")
    entities = content.get("entities") or content.get("caption_entities") or []
    return [
        (
            entity["type"],
            characters[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le"),
        )
        for entity in entities
        if entity["type"] in {"bot_command", "mention"}
    ]
