"""The whole of the playground's Telegram: chats, files, the bot's updates, rate limits and faults."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.playground.devices import Devices
from bot.playground.errors import Json, bad_request
from bot.playground.events import Events
from bot.playground.faults import Faults
from bot.playground.file_store import FileStore
from bot.playground.markup import utf16_slice
from bot.playground.request_counts import RateMeter
from bot.playground.sticker_sets import StickerSets
from bot.playground.store import Store
from bot.playground.update_feed import UpdateFeed
from bot.playground.world import IN_CHAT, Chat, ChatKind, Message, World

BOT_ID = 7000000001
BOT_USERNAME = "throwback_bot"
_CALLS_KEPT = 20_000  # for tests; more would fill the memory of a playground that runs for days
_WAIT_S = 30  # s that `wait_for` waits unless told otherwise; for the slowest machine
_SERVICE_FIELDS = frozenset({
    "new_chat_members", "left_chat_member", "forum_topic_created", "migrate_to_chat_id", "migrate_from_chat_id",
    "group_chat_created", "supergroup_chat_created",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the bot. `status` is HTTP's, or 0 where nothing was answered; `at_s` is monotonic seconds."""

    method: str
    chat_id: int | None
    status: int
    at_s: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Query:
    """A callback or inline query and the bot's answer to it, which may be still to come."""

    user_id: int
    answer: asyncio.Future[Json]


class FakeTelegram:
    """The playground kept in `home`, all of which belongs to it, or a new one with two users and a family group.

    People act on it through `Users`, the bot through `methods`. `strict` refuses what is above Telegram's limits
    instead of only counting it. Raises `StoreInUse` where another process has it.
    """

    def __init__(self, home: Path, strict: bool = False) -> None:
        self.home = home
        self.store = Store(home / "conversations.sqlite3")
        identity = self.store.get("settings", "bot")
        if identity is None:
            identity = {"token": f"{BOT_ID}:{secrets.token_urlsafe(26)}"}
            self.store.put("settings", "bot", identity)
        self.token: str = identity["token"]
        self.bot: Json = {"id": BOT_ID, "is_bot": True, "first_name": "Throwback", "username": BOT_USERNAME}
        self.events = Events()
        self.world = World(self.store, self.events, self.bot)
        self.files = FileStore(home / "files", self.store)
        self.sticker_sets = StickerSets(self.store, BOT_USERNAME)
        self.devices = Devices(self.store, self.events)
        self.updates = UpdateFeed(self.store, self.events)
        self.rates = RateMeter(strict)
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.queries: dict[str, Query] = {}
        self.inline_mode = True  # what /setinline at @BotFather changes
        if not self.world.users:
            self._add_first_chats()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hand out updates while the context lasts; afterwards all is closed."""
        try:
            async with self.updates.running():
                yield
        finally:
            for query in self.queries.values():
                query.answer.cancel()
            self.store.close()

    def _add_first_chats(self) -> None:
        mina = self.world.add_user("Mina", "en", "mina")
        joon = self.world.add_user("Joon", "ko", "joon")
        family = self.world.add_group("Family", [mina.id, joon.id], ChatKind.GROUP)
        family.bot_status = "member"
        self.world.save_chat(family)

    def notify_bot(self, kind: str, message: Message) -> None:
        """Add an update about a message, new or edited, if the bot may see it."""
        if self.bot_sees(message):
            self.updates.add(kind, self.world.show(message))

    def bot_sees(self, message: Message) -> bool:
        """Return whether the bot sees a message; privacy mode is on, as it is unless a bot's owner asks otherwise.

        In a group the bot then sees service messages, commands with its name, commands without a name once it has
        written there, replies to its own messages, what was sent through it, and what mentions it; as an administrator
        it sees everything.
        """
        chat = self.world.chats[message.chat_id]
        if chat.bot_status not in IN_CHAT:
            return False
        content = message.content
        if not chat.group or chat.bot_status == "administrator" or _SERVICE_FIELDS & content.keys():
            return True
        if content.get("via_bot", {}).get("id") == BOT_ID:
            return True
        replied_to = self.world.messages[chat.id].get(message.reply_to or 0)
        if replied_to is not None and replied_to.sender_id == BOT_ID:
            return True
        addressed = _commands_and_mentions(content)
        if any(said.partition("@")[2].lower() == BOT_USERNAME for _, said in addressed):
            return True
        to_nobody = any(kind == "bot_command" and "@" not in said for kind, said in addressed)
        return to_nobody and any(one.sender_id == BOT_ID for one in self.world.history(chat))

    def open_query(self, user_id: int) -> tuple[str, Query]:
        """Return a new query to the bot, and the id under which the bot answers it."""
        query_id = str(secrets.randbits(62))
        query = self.queries[query_id] = Query(user_id, asyncio.get_running_loop().create_future())
        return query_id, query

    def answer(self, query_id: str, answer: Json) -> None:
        """Give the bot's answer to whoever waits for it; raises 400 where nobody does any more."""
        query = self.queries.get(query_id)
        if query is None or query.answer.done():
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        query.answer.set_result(answer)

    def now(self) -> int:
        """Return the time as messages carry it, in Unix seconds."""
        return int(time.time())

    async def wait_for(self, matches: Callable[[Json], bool], chat: Chat | int, timeout_s: float = _WAIT_S) -> Json:
        """Return the first message in the chat that `matches`, there already or still to come; new or as edited.

        Raises TimeoutError where none comes.
        """
        chat_id = chat if isinstance(chat, int) else chat.id
        with self.events.subscription() as news:
            for message in self.world.history(self.world.chats[chat_id]):
                if matches(shown := self.world.show(message)):
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


def _commands_and_mentions(content: Json) -> list[tuple[str, str]]:
    """Return the commands and mentions in a text or a caption, each with its kind."""
    text = content.get("text") or content.get("caption") or ""
    entities = content.get("entities") or content.get("caption_entities") or []
    return [
        (entity["type"], utf16_slice(text, entity["offset"], entity["length"]))
        for entity in entities
        if entity["type"] in {"bot_command", "mention"}
    ]
