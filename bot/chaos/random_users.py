"""People who act at random, as people do and as nobody should: photos, presses, edits, deletions, words."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.chaos.chat_log import ChatLog, SentPhoto, buttons_of, presses_of
from bot.chaos.photo_maker import PhotoMaker
from bot.messaging.keyboards import Verb
from bot.playground.errors import ApiError, Json
from bot.playground.fake_telegram import BOT_USERNAME, FakeTelegram
from bot.playground.users import Users
from bot.playground.world import Chat, ChatKind

NAME = "Schnurrdiburr"  # in every name; no log may have it
WORD = "Geheimnis"  # in every text, caption and file name; likewise

_RECENT = 15  # messages of a chat that people still look at
_QUIET_S = 6.0  # s in which whoever wants to be forgotten does nothing before
_AWAY_S = 3.0  # s for which somebody stops the bot, or a group is without it, on average
_COMMANDS = (
    "/start", "/help", "/cancel", "/history", "/language", "/privacy", "/mydata", "/young", "/stats", "/nonsense",
)  # fmt: skip
_BREEDS = ("Samoyed", "tabby", "chihuahua", "not a breed", "Smoyed")
_NEVER_BY_CHANCE = (Verb.FORGET_YES,)  # whoever is forgotten leaves: see `forget`
_INVENTED = ("page:0:99999999999999999999", "age:1:nan", "film:1:9", "head:1:-5", "nopet:0:0.1", "", "x")


@dataclass(slots=True)
class RandomUser:
    """Somebody, and where they write: in private, and in a group if they are in one."""

    id: int
    mark: str  # in all they say: what nobody else's words and files have
    group: int | None = None
    gone: bool = False
    pressing: set[asyncio.Task[Any]] = field(default_factory=set)


class RandomUsers:
    """`run` lets everybody act until cancelled; `pause_s` is how long a person rests between two acts, on average."""

    def __init__(
        self, telegram: FakeTelegram, log: ChatLog, photos: PhotoMaker, randomness: random.Random, pause_s: float
    ) -> None:
        self.people: list[RandomUser] = []
        self._telegram = telegram
        self._users = Users(telegram)
        self._log = log
        self._photos = photos
        self._random = randomness
        self._pause_s = pause_s
        self._groups: list[int] = []
        self._background: set[asyncio.Task[None]] = set()
        self._acts: list[tuple[int, Callable[[RandomUser], Awaitable[None]]]] = [
            (22, self._send_photos),
            (34, self._press),
            (8, self._write),
            (6, self._command),
            (5, self._edit),
            (2, self._replace_photo),
            (4, self._delete),
            (2, self._forward),
            (2, self._share_inline),
            (2, self._block_for_a_while),
            (2, self._change_group),
            (1, self._press_something_invented),
            (1, self._forget),
        ]

    def populate(self, count: int, in_groups: int) -> None:
        """Add so many people, of whom some are in two groups as well: an old one, and one with topics."""
        for _ in range(count):
            self._add_person()
        members = self.people[:in_groups]
        for kind, forum in ((ChatKind.GROUP, False), (ChatKind.SUPERGROUP, True)):
            half = members[len(self._groups) :: 2]
            group = self._telegram.world.add_group(f"{NAME} {WORD}", [one.id for one in half], kind, forum)
            group.bot_status = "member"
            self._telegram.world.save_chat(group)
            self._groups.append(group.id)
            for one in half:
                one.group = group.id

    def _add_person(self) -> RandomUser:
        language = self._random.choice(("en", "de", "ko", "es", "pt", "ru", "ja", "zh"))
        user = self._telegram.world.add_user(f"{NAME}{len(self.people)}", language)
        person = RandomUser(user.id, f"Quax{user.id}x")
        self.people.append(person)
        return person

    async def run(self) -> None:
        tasks: dict[int, asyncio.Task[None]] = {}
        try:
            while True:
                for person in self.people:
                    if person.id not in tasks:
                        tasks[person.id] = asyncio.create_task(self._live(person))
                await asyncio.sleep(0.5)
                for task in tasks.values():
                    if task.done() and not task.cancelled() and (error := task.exception()):
                        raise error
        finally:
            running = [*tasks.values(), *self._background, *(task for one in self.people for task in one.pressing)]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _live(self, person: RandomUser) -> None:
        weights = [weight for weight, _ in self._acts]
        while not person.gone:
            await asyncio.sleep(self._random.expovariate(1 / self._pause_s))
            (act,) = self._random.choices([act for _, act in self._acts], weights)
            with suppress(ApiError):  # the app would not let them
                await act(person)

    def _note(self, what: str) -> None:
        self._log.actions[what] += 1

    # Writing

    async def _send_photos(self, person: RandomUser) -> None:
        chat, in_group = self._chat(person)
        uploads = [self._photos.upload(person.mark) for _ in range(self._random.choice((1,) * 9 + (2, 3)))]
        caption = self._caption(person)
        topic = reply_to = None
        if in_group:
            caption = f"/young@{BOT_USERNAME} {caption}"
            topic = self._random.choice([None, *chat.topics]) if chat.topics else None
        sent = await self._users.send(
            person.id,
            chat.id,
            uploads,
            caption=caption,
            as_files=self._random.random() < 0.9,
            reply_to=reply_to,
            topic=topic,
        )
        self._note("album" if len(sent) > 1 else "photo")
        for message in sent[:1] if in_group else sent:  # in groups the bot sees the one with the command
            self._photo_sent(person, message)

    def _photo_sent(self, person: RandomUser, message: Json) -> None:
        chat = message["chat"]["id"]
        if self._telegram.bot_sees(self._telegram.world.messages[chat][message["message_id"]]):
            file = message["photo"][-1] if "photo" in message else message["document"]
            album, unique_id = message.get("media_group_id"), file["file_unique_id"]
            self._log.photos.append(SentPhoto(person.id, chat, message["message_id"], album, unique_id))

    def _caption(self, person: RandomUser) -> str:
        return self._random.choice(("", "", "Samoyed", f"{person.mark}, Samoyed", f"{WORD} {person.mark}"))

    async def _write(self, person: RandomUser) -> None:
        chat, in_group = self._chat(person)
        text = self._random.choice((f"{WORD} {person.mark}", person.mark, *_BREEDS))
        reply_to = self._some_message(chat) if in_group or self._random.random() < 0.2 else None
        await self._users.write(person.id, chat.id, text, reply_to=reply_to)
        self._note("text")

    async def _command(self, person: RandomUser) -> None:
        chat, in_group = self._chat(person)
        text = self._random.choice(_COMMANDS) + (f"@{BOT_USERNAME}" if in_group else "")
        await self._users.write(person.id, chat.id, text)
        self._note("command")

    async def _edit(self, person: RandomUser) -> None:
        chat, _ = self._chat(person)
        if own := self._own_messages(person, chat):
            await self._users.edit(person.id, chat.id, self._random.choice(own), self._caption(person) or "chihuahua")
            self._note("edit")

    async def _replace_photo(self, person: RandomUser) -> None:
        chat, _ = self._chat(person)
        if own := self._own_messages(person, chat, "document"):
            message = self._random.choice(own)
            await self._users.replace_document(person.id, chat.id, message, self._photos.upload(person.mark))
            self._note("photo replaced")

    async def _delete(self, person: RandomUser) -> None:
        chat, in_group = self._chat(person)
        message = self._random.choice(self._own_messages(person, chat) or [0]) if in_group else self._some_message(chat)
        if message:
            self._log.withdrawn.add((chat.id, message))
            await self._users.delete(person.id, chat.id, message)
            self._note("message deleted")

    async def _forward(self, person: RandomUser) -> None:
        chat, _ = self._chat(person)
        if message := self._some_message(chat):
            sent = await self._users.forward(person.id, chat.id, message, person.id)
            if "photo" in sent or sent.get("document", {}).get("mime_type", "").startswith("image/"):
                self._photo_sent(person, sent)
            self._note("forward")

    # Pressing

    async def _press(self, person: RandomUser) -> None:
        chat, _ = self._chat(person)
        shown = [self._telegram.world.show(one) for one in self._telegram.world.history(chat)[-_RECENT:]]
        buttons = [(message["message_id"], data) for message in shown for data in buttons_of(message)]
        forbidden = tuple(f"{verb}:" for verb in _NEVER_BY_CHANCE)
        buttons = [(message, data) for message, data in buttons if not data.startswith(forbidden)]
        if buttons:
            message, data = self._random.choice(buttons)
            self.press(person, chat.id, message, data, inaccessible=self._random.random() < 0.03)
            if self._random.random() < 0.1:  # people press twice
                self.press(person, chat.id, message, data)

    async def _press_something_invented(self, person: RandomUser) -> None:
        chat, _ = self._chat(person)
        if message := self._some_message(chat):
            self.press(person, chat.id, message, self._random.choice(_INVENTED))

    def press(
        self, person: RandomUser, chat: int, message: int, data: str, inaccessible: bool = False
    ) -> asyncio.Task[Any]:
        """Press a button without waiting for what happens; return the task that does wait."""
        self._log.pressed(data)
        self._note("press")

        async def press() -> None:
            with suppress(ApiError):
                await self._users.press(person.id, chat, message, data, inaccessible=inaccessible)

        task = asyncio.create_task(press())
        person.pressing.add(task)
        task.add_done_callback(person.pressing.discard)
        return task

    async def _share_inline(self, person: RandomUser) -> None:
        chat, _ = self._chat(person)
        found = await self._users.ask_inline(person.id, chat.id, self._random.choice(("", person.mark, "Samoyed")))
        self._note("inline query")
        if results := found.get("results"):
            chosen = self._random.choice(results)["id"]
            await self._users.choose_inline(person.id, chat.id, found["query_id"], chosen)

    async def _forget(self, person: RandomUser) -> None:
        """Have everything deleted, and leave for good; somebody else comes. Members of groups stay."""
        if person.group is not None:
            return
        await asyncio.sleep(_QUIET_S)
        asked = await self._users.write(person.id, person.id, "/forgetme")

        def confirms(message: Json) -> bool:
            new = message["message_id"] > asked["message_id"]
            return new and any(press.verb is Verb.FORGET_YES for press in presses_of(message))

        try:
            question = await self._telegram.wait_for(confirms, person.id)
        except TimeoutError:
            return
        yes = next(data for data in buttons_of(question) if data.startswith(f"{Verb.FORGET_YES}:"))
        person.gone = True
        self._log.forgotten.add(person.id)
        self._add_person()
        self._note("forgotten")
        await self._users.press(person.id, person.id, question["message_id"], yes)

    # Chats

    async def _block_for_a_while(self, person: RandomUser) -> None:
        await self._users.block(person.id)
        self._log.blocked.add(person.id)
        self._note("bot blocked")
        self._later(self._users.unblock(person.id))

    async def _change_group(self, person: RandomUser) -> None:
        chat, in_group = self._chat(person, likes_group=1.0)
        if not in_group:
            return
        creator = next(iter(chat.members))
        match self._random.randrange(6):
            case 0:
                await self._users.remove_bot(person.id, chat.id)
                self._log.left_groups.add(chat.id)
                self._later(self._users.add_bot(person.id, chat.id))
            case 1:
                await self._users.allow_media(creator, chat.id, False)
                self._later(self._users.allow_media(creator, chat.id))
            case 2 if chat.forum:
                await self._users.open_topic(person.id, chat.id, WORD)
            case 3 if chat.topics:
                topic = self._random.choice(list(chat.topics))
                await self._users.close_topic(chat.id, topic)
                self._later(self._users.close_topic(chat.id, topic, closed=False))
            case 4 if chat.topics:
                await self._users.delete_topic(chat.id, self._random.choice(list(chat.topics)))
            case 5 if chat.kind is ChatKind.GROUP and self._random.random() < 0.2:
                await self._users.migrate(creator, chat.id)
            case _:
                return
        self._note("group changed")

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Undo something after a while."""

        async def undo() -> None:
            try:
                await asyncio.sleep(self._random.expovariate(1 / _AWAY_S))
            finally:
                with suppress(ApiError):
                    await work

        task = asyncio.create_task(undo())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _chat(self, person: RandomUser, likes_group: float = 0.4) -> tuple[Chat, bool]:
        """Return a chat that the person writes in, and whether it is a group."""
        world = self._telegram.world
        if person.group is None or self._random.random() >= likes_group:
            return world.chats[person.id], False
        group = world.chats[person.group]
        if group.migrated_to is not None:
            person.group = group.migrated_to
            group = world.chats[group.migrated_to]
        return group, True

    def _some_message(self, chat: Chat) -> int | None:
        recent = [one.id for one in self._telegram.world.messages[chat.id].values()][-_RECENT:]
        return self._random.choice(recent) if recent else None

    def _own_messages(self, person: RandomUser, chat: Chat, kind: str = "") -> list[int]:
        messages = self._telegram.world.messages[chat.id].values()
        own = [one.id for one in messages if one.sender_id == person.id and (not kind or kind in one.content)]
        return own[-_RECENT:]
