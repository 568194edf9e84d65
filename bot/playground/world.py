"""Who and what there is in the playground: the bot, people, chats and what was said in them."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from bot.playground.errors import ApiError, Json, bad_request, forbidden, migrated
from bot.playground.events import Events
from bot.playground.store import Store

ANONYMOUS_ADMIN: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
SUPERGROUP_BASE = -1_000_000_000_000
IN_CHAT = frozenset({"creator", "administrator", "member"})


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"


@dataclass(slots=True)
class FakeUser:
    id: int
    first_name: str
    language_code: str = "en"
    username: str = ""
    last_name: str = ""

    def as_user(self) -> Json:
        optional = {"last_name": self.last_name, "username": self.username, "language_code": self.language_code}
        return {
            "id": self.id,
            "is_bot": False,
            "first_name": self.first_name,
            **{name: value for name, value in optional.items() if value},
        }


@dataclass(slots=True)
class Chat:
    """`members` are people's statuses by id; `bot_status` is the bot's. A private chat has its person's id.

    `started` tells whether a person has ever written in a private chat: before, a bot must not.
    `topics` are the names of a forum's topics by the id of the message that opened them.
    `media_allowed` tells whether a group lets its members send more than words; administrators always may.
    """

    id: int
    kind: ChatKind
    title: str = ""
    forum: bool = False
    members: dict[int, str] = field(default_factory=dict)
    bot_status: str = "member"
    started: bool = False
    topics: dict[int, str] = field(default_factory=dict)
    media_allowed: bool = True
    last_message_id: int = 0
    migrated_to: int | None = None
    migrated_from: int | None = None

    @property
    def group(self) -> bool:
        return self.kind is not ChatKind.PRIVATE


@dataclass(slots=True)
class Message:
    """`content` has the Bot API's fields except message_id, chat and reply_to_message, which `World.show` adds."""

    chat_id: int
    id: int
    content: Json
    reply_to: int | None = None
    inline_id: str | None = None
    reaction: str = ""

    @property
    def sender_id(self) -> int:
        return int(self.content["from"]["id"])


class World:
    """Everything is kept in memory and written to `store` at each change, and told to `events`."""

    def __init__(self, store: Store, events: Events, bot: Json) -> None:
        self.bot = bot
        self._store = store
        self._events = events
        self.users = {record["id"]: FakeUser(**record) for record in store.all("person")}
        self.chats: dict[int, Chat] = {}
        for record in store.all("chat"):
            for numbered in ("members", "topics"):
                record[numbered] = {int(key): value for key, value in record[numbered].items()}
            self.chats[record["id"]] = Chat(**{**record, "kind": ChatKind(record["kind"])})
        self.messages: dict[int, dict[int, Message]] = {chat_id: {} for chat_id in self.chats}
        for record in store.all("message"):
            self.messages[record["chat_id"]][record["id"]] = Message(**record)
        for chat_id, messages in self.messages.items():
            self.messages[chat_id] = dict(sorted(messages.items()))

    # Users and chats

    def add_user(self, first_name: str, language_code: str = "en", username: str = "") -> FakeUser:
        """A newcomer with an empty private chat."""
        user = FakeUser(max([1000, *self.users]) + 1, first_name, language_code, username)
        self.users[user.id] = user
        self.save_user(user)
        self.save_chat(Chat(user.id, ChatKind.PRIVATE, members={user.id: "member"}))
        return user

    def add_group(self, title: str, members: Iterable[int], kind: ChatKind, forum: bool = False) -> Chat:
        """A group whose first member is its creator. The bot is not in it yet."""
        serial = 1 + sum(chat.group for chat in self.chats.values())
        chat_id = SUPERGROUP_BASE - 2000 - serial if kind is ChatKind.SUPERGROUP else -2000 - serial
        users = list(members)
        statuses = dict.fromkeys(users, "member") | {users[0]: "creator"}
        chat = Chat(chat_id, kind, title, forum, statuses, bot_status="left")
        self.save_chat(chat)
        return chat

    def save_user(self, user: FakeUser) -> None:
        self._store.put("person", user.id, asdict(user))
        self._events.publish("person", user=asdict(user))

    def save_chat(self, chat: Chat) -> None:
        self.chats[chat.id] = chat
        self.messages.setdefault(chat.id, {})
        self._store.put("chat", chat.id, asdict(chat))
        self._events.publish("chat", chat=asdict(chat))

    def user(self, user_id: int) -> FakeUser:
        try:
            return self.users[user_id]
        except KeyError:
            raise bad_request("user not found") from None

    def chat(self, chat_id: int) -> Chat:
        try:
            return self.chats[chat_id]
        except KeyError:
            raise bad_request("chat not found") from None

    def chat_for_bot(self, chat_id: int) -> Chat:
        """The chat, if the bot may act in it now; else raises what Telegram answers."""
        chat = self.chat(chat_id)
        if chat.migrated_to is not None:
            raise migrated(chat.migrated_to)
        if chat.kind is ChatKind.PRIVATE and not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        if chat.bot_status not in IN_CHAT:
            raise _shut_out(chat)
        return chat

    def describe(self, chat: Chat) -> Json:
        """The chat as messages carry it."""
        if chat.kind is ChatKind.PRIVATE:
            user = self.users[chat.id].as_user()
            names: Json = {name: user[name] for name in ("first_name", "last_name", "username") if name in user}
            return {"id": chat.id, "type": "private", **names}
        described: Json = {"id": chat.id, "type": chat.kind.value, "title": chat.title}
        return described | {"is_forum": True} if chat.forum else described

    # Messages

    def say(self, chat: Chat, content: Json, reply_to: int | None = None, inline_id: str | None = None) -> Message:
        """Adds a message; gives it its number and its date, in Unix seconds."""
        chat.last_message_id += 1
        message = Message(chat.id, chat.last_message_id, {"date": int(time.time()), **content}, reply_to, inline_id)
        self.messages[chat.id][message.id] = message
        self.save_chat(chat)
        self._save(message)
        self._events.publish("message", chat_id=chat.id, message=self.display(message))
        return message

    def change(self, message: Message) -> None:
        """Keeps and tells what was changed in `message`."""
        self._save(message)
        self._events.publish("edited", chat_id=message.chat_id, message=self.display(message))

    def remove(self, message: Message) -> None:
        del self.messages[message.chat_id][message.id]
        self._store.remove("message", _key(message))
        last = self.last(self.chats[message.chat_id])
        self._events.publish("deleted", chat_id=message.chat_id, message_id=message.id, last_message=last)

    def message(self, chat: Chat, message_id: int, missing: str) -> Message:
        """A message by its number; `missing` is what Telegram says where there is none."""
        message = self.messages[chat.id].get(message_id)
        if message is None:
            raise bad_request(missing)
        return message

    def inline_message(self, inline_id: str) -> Message:
        for messages in self.messages.values():
            for message in messages.values():
                if message.inline_id == inline_id:
                    return message
        raise bad_request("MESSAGE_ID_INVALID")

    def show(self, message: Message, replies: bool = True) -> Json:
        """The message as the Bot API shows it, with the one it answers one level deep."""
        shown: Json = {"message_id": message.id, "chat": self.describe(self.chats[message.chat_id]), **message.content}
        if replies and message.reply_to is not None:
            answered = self.messages[message.chat_id].get(message.reply_to)
            if answered is not None:
                shown["reply_to_message"] = self.show(answered, replies=False)
        return shown

    def display(self, message: Message) -> Json:
        """The message as the chat page shows it: the Bot API's, and what people see beyond that."""
        shown = self.show(message)
        return shown | {"reaction": message.reaction} if message.reaction else shown

    def history(self, chat: Chat) -> list[Message]:
        """All there was said, from before the migration to a supergroup too, oldest first."""
        before = list(self.messages[chat.migrated_from].values()) if chat.migrated_from is not None else []
        return before + list(self.messages[chat.id].values())

    def last(self, chat: Chat) -> Json | None:
        """What was said last, as the chat page shows it."""
        history = self.history(chat)
        return self.display(history[-1]) if history else None

    def _save(self, message: Message) -> None:
        self._store.put("message", _key(message), asdict(message))


def _key(message: Message) -> str:
    return f"{message.chat_id}/{message.id}"


def _shut_out(chat: Chat) -> ApiError:
    if chat.kind is ChatKind.PRIVATE:
        return forbidden("bot was blocked by the user")
    if chat.bot_status == "kicked":
        return forbidden(f"bot was kicked from the {chat.kind.value} chat")
    return forbidden(f"bot is not a member of the {chat.kind.value} chat")
