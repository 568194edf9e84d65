"""The playground's users, chats and messages."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from bot.playground.errors import ApiError, Json, bad_request, forbidden, migrated
from bot.playground.events import Events
from bot.playground.store import Store

ANONYMOUS_ADMIN: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
_SUPERGROUP_BASE = -1_000_000_000_000  # ids of supergroups lie below it, as at Telegram
ADMIN_STATUSES = frozenset({"creator", "administrator"})
IN_CHAT = ADMIN_STATUSES | {"member"}


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"


@dataclass(slots=True)
class FakeUser:
    """Somebody who uses the playground."""

    id: int
    first_name: str
    language_code: str = "en"
    username: str = ""

    def as_user(self) -> Json:
        """Return the user as the Bot API shows them."""
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        optional = {"username": self.username, "language_code": self.language_code}
        return user | {name: value for name, value in optional.items() if value}


@dataclass(slots=True)
class Chat:
    """A chat. `members` are users' statuses by id; `bot_status` is the bot's. A private chat has its user's id.

    `started` tells whether the user has ever written in a private chat; before that, a bot must not.
    `topics` are the names of a forum's topics by the id of the message that opened them; `closed_topics` take messages
    of administrators alone.
    `media_allowed` tells whether a group lets its members send more than texts; administrators always may.
    """

    id: int
    kind: ChatKind
    title: str = ""
    forum: bool = False
    members: dict[int, str] = field(default_factory=dict)
    bot_status: str = "member"
    started: bool = False
    topics: dict[int, str] = field(default_factory=dict)
    closed_topics: list[int] = field(default_factory=list)
    media_allowed: bool = True
    last_message_id: int = 0
    migrated_to: int | None = None
    migrated_from: int | None = None

    @property
    def group(self) -> bool:
        return self.kind is not ChatKind.PRIVATE


@dataclass(slots=True)
class Message:
    """A message. `content` lacks message_id, chat and reply_to_message, which `World.show` adds."""

    chat_id: int
    id: int
    content: Json
    reply_to: int | None = None

    @property
    def sender_id(self) -> int:
        return int(self.content["from"]["id"])


class World:
    """Users, chats and messages, kept in memory; each change is written to `store` and published to `events`."""

    def __init__(self, store: Store, events: Events, bot: Json) -> None:
        self.bot = bot
        self._store = store
        self._events = events
        self.users = {user.id: user for user in store.all("person", FakeUser)}
        self.chats = {chat.id: chat for chat in store.all("chat", Chat)}
        self.messages: dict[int, dict[int, Message]] = {chat_id: {} for chat_id in self.chats}
        for message in sorted(store.all("message", Message), key=lambda message: message.id):
            self.messages[message.chat_id][message.id] = message

    # Users and chats

    def add_user(self, first_name: str, language_code: str = "en", username: str = "") -> FakeUser:
        """Add a user with an empty private chat."""
        user = FakeUser(max([1000, *self.users]) + 1, first_name, language_code, username)
        self.users[user.id] = user
        self.save_user(user)
        self.save_chat(Chat(user.id, ChatKind.PRIVATE, members={user.id: "member"}))
        return user

    def add_group(self, title: str, members: Iterable[int], kind: ChatKind, forum: bool = False) -> Chat:
        """Add a group whose first member is its creator. The bot is not in it yet."""
        serial = 1 + sum(chat.group for chat in self.chats.values())
        chat_id = _SUPERGROUP_BASE - 2000 - serial if kind is ChatKind.SUPERGROUP else -2000 - serial
        user_ids = list(members)
        statuses = dict.fromkeys(user_ids, "member") | {user_ids[0]: "creator"}
        chat = Chat(chat_id, kind, title, forum, statuses, bot_status="left")
        self.save_chat(chat)
        return chat

    def save_user(self, user: FakeUser) -> None:
        self._store.put("person", user.id, user)
        self._events.publish("person", person=asdict(user))

    def save_chat(self, chat: Chat) -> None:
        self.chats[chat.id] = chat
        self.messages.setdefault(chat.id, {})
        self._store.put("chat", chat.id, chat)
        self._events.publish("chat", chat=asdict(chat))

    def user(self, user_id: int) -> FakeUser:
        if user_id not in self.users:
            raise bad_request("user not found")
        return self.users[user_id]

    def chat(self, chat_id: int) -> Chat:
        if chat_id not in self.chats:
            raise bad_request("chat not found")
        return self.chats[chat_id]

    def chat_for_bot(self, chat_id: int) -> Chat:
        """Return the chat, if the bot may act in it now; else raises what Telegram answers."""
        chat = self.chat(chat_id)
        if chat.migrated_to is not None:
            raise migrated(chat.migrated_to)
        if chat.kind is ChatKind.PRIVATE and not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        if chat.bot_status not in IN_CHAT:
            raise _not_in_chat(chat)
        return chat

    def describe(self, chat: Chat) -> Json:
        """Return the chat as messages carry it."""
        if chat.kind is ChatKind.PRIVATE:
            user = self.users[chat.id].as_user()
            names: Json = {name: user[name] for name in ("first_name", "username") if name in user}
            return {"id": chat.id, "type": "private", **names}
        described: Json = {"id": chat.id, "type": chat.kind.value, "title": chat.title}
        return described | {"is_forum": True} if chat.forum else described

    # Messages

    def add_message(self, chat: Chat, content: Json, reply_to: int | None = None) -> Message:
        """Add a message, with its number and its date in Unix seconds."""
        chat.last_message_id += 1
        message = Message(chat.id, chat.last_message_id, {"date": int(time.time()), **content}, reply_to)
        self.messages[chat.id][message.id] = message
        self.save_chat(chat)
        self._save(message)
        self._events.publish("message", chat_id=chat.id, message=self.show(message))
        return message

    def change_message(self, message: Message) -> None:
        """Keep and publish a message whose content was changed."""
        self._save(message)
        self._events.publish("edited", chat_id=message.chat_id, message=self.show(message))

    def delete_message(self, message: Message) -> None:
        del self.messages[message.chat_id][message.id]
        self._store.remove("message", _key(message))
        last = self.last(self.chats[message.chat_id])
        self._events.publish("deleted", chat_id=message.chat_id, message_id=message.id, last_message=last)

    def message(self, chat: Chat, message_id: int, missing: str) -> Message:
        """Return a message by its number; raises 400 with the words `missing` where there is none."""
        message = self.messages[chat.id].get(message_id)
        if message is None:
            raise bad_request(missing)
        return message

    def show(self, message: Message, replies: bool = True) -> Json:
        """Return the message as the Bot API shows it, with the one it replies to one level deep."""
        shown: Json = {"message_id": message.id, "chat": self.describe(self.chats[message.chat_id]), **message.content}
        if replies and message.reply_to is not None:
            replied_to = self.messages[message.chat_id].get(message.reply_to)
            if replied_to is not None:
                shown["reply_to_message"] = self.show(replied_to, replies=False)
        return shown

    def history(self, chat: Chat) -> list[Message]:
        """Return all messages, oldest first, those from before the migration to a supergroup too."""
        before = list(self.messages[chat.migrated_from].values()) if chat.migrated_from is not None else []
        return before + list(self.messages[chat.id].values())

    def last(self, chat: Chat) -> Json | None:
        """Return the last message, as the Bot API shows it; None where there is none."""
        history = self.history(chat)
        return self.show(history[-1]) if history else None

    def _save(self, message: Message) -> None:
        self._store.put("message", _key(message), message)


def _key(message: Message) -> str:
    return f"{message.chat_id}/{message.id}"


def _not_in_chat(chat: Chat) -> ApiError:
    if chat.kind is ChatKind.PRIVATE:
        return forbidden("bot was blocked by the user")
    if chat.bot_status == "kicked":
        return forbidden(f"bot was kicked from the {chat.kind.value} chat")
    return forbidden(f"bot is not a member of the {chat.kind.value} chat")
