"""What users do with their phones: write, send pictures, press buttons, found groups, block the bot."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

from bot.playground.errors import Json, bad_request, forbidden
from bot.playground.fake_telegram import BOT_ID, FakeTelegram
from bot.playground.methods.answering import CACHED_FILES
from bot.playground.methods.chats import member
from bot.playground.methods.content import (
    ALBUM_SIZES,
    BARE_MEDIA,
    MEDIA,
    caption_content,
    file_content,
    media_content,
    text_content,
    thread_fields,
)
from bot.playground.mp4 import read_mp4
from bot.playground.request_parameters import Parameters, Upload
from bot.playground.world import ADMIN_STATUSES, ANONYMOUS_ADMIN, IN_CHAT, Chat, ChatKind, Message

PRESS_LIFETIME_S = 30.0  # s; about how long Telegram waits for the answer to a button
INLINE_LIFETIME_S = 10.0  # s; about how long Telegram waits for inline results
_TOPIC_COLOUR = 7322096  # RGB; the first of those that Telegram offers
_WORDS = {"text", "entities", "caption", "caption_entities"}  # the fields of a message's text or caption
_FORWARDED = {*MEDIA, *BARE_MEDIA, *_WORDS}  # the fields that a forwarded message keeps


class Users:
    """Acts for users. What sends something returns the messages as the bot would see them."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram
        self._world = telegram.world

    # Writing

    async def write(
        self,
        user_id: int,
        chat_id: int,
        text: str,
        *,
        reply_to: int | None = None,
        topic: int | None = None,
        anonymous: bool = False,
    ) -> Json:
        """Send a text message."""
        return self._send(user_id, chat_id, [text_content(text)], reply_to, topic, anonymous)[0]

    async def send(
        self,
        user_id: int,
        chat_id: int,
        uploads: Sequence[Upload],
        *,
        caption: str = "",
        as_files: bool = False,
        reply_to: int | None = None,
        topic: int | None = None,
        anonymous: bool = False,
    ) -> list[Json]:
        """Send pictures and films as a phone does, or any files as they are; several become one album.

        Pictures are made small and upright as the app does it; raises 400 for one that cannot be read.
        """
        words = caption_content(caption)
        if len(uploads) > 1 and len(uploads) not in ALBUM_SIZES:
            raise bad_request("wrong number of messages in the album: 2-10 are allowed")
        contents = [await self._attachment(upload, as_files) for upload in uploads]
        contents[0] |= words
        if len(contents) > 1:
            album = {"media_group_id": str(secrets.randbits(54))}
            contents = [content | album for content in contents]
        return self._send(user_id, chat_id, contents, reply_to, topic, anonymous)

    async def send_sticker(
        self, user_id: int, chat_id: int, file_id: str, *, reply_to: int | None = None, topic: int | None = None
    ) -> Json:
        """Send a sticker that is there already, by its file_id."""
        sticker = self._telegram.files.of_kind(file_id, "sticker")
        return self._send(user_id, chat_id, [{"sticker": sticker.described}], reply_to, topic)[0]

    async def forward(self, user_id: int, from_chat_id: int, message_id: int, chat_id: int) -> Json:
        original = self._message(from_chat_id, message_id)
        content = {name: value for name, value in original.content.items() if name in _FORWARDED}
        origin = {"type": "user", "date": original.content["date"], "sender_user": original.content["from"]}
        return self._send(user_id, chat_id, [content | {"forward_origin": origin}])[0]

    async def edit(self, user_id: int, chat_id: int, message_id: int, text: str) -> Json:
        """Change one's own message: its text, or the caption of its picture, which may be empty."""
        message = self._own(user_id, chat_id, message_id)
        media = any(kind in message.content for kind in MEDIA)
        if "forward_origin" in message.content or not (media or "text" in message.content):
            raise bad_request("message can't be edited")
        words = caption_content(text) if media else text_content(text)
        kept = {field: value for field, value in message.content.items() if field not in _WORDS}
        return self._changed(message, kept | words)

    async def replace_document(self, user_id: int, chat_id: int, message_id: int, upload: Upload) -> Json:
        """Put another file in the place of one's own message's."""
        message = self._own(user_id, chat_id, message_id)
        if "forward_origin" in message.content or "document" not in message.content:
            raise bad_request("message can't be edited")
        replaced = await file_content(self._telegram, "document", upload, None)
        return self._changed(message, message.content | replaced)

    async def delete(self, user_id: int, chat_id: int, message_id: int) -> None:
        """Delete a message for all, in a private chat the bot's too; the bot is not told."""
        message = self._message(chat_id, message_id)
        if message.sender_id != user_id and self._world.chat(chat_id).group:
            raise bad_request("message can't be deleted")
        self._world.delete_message(message)

    # Buttons and inline queries

    async def press(
        self, user_id: int, chat_id: int, message_id: int, data: str, *, inaccessible: bool = False
    ) -> Json:
        """Press a button and return whether the bot `answered`, and where it did, `text` and `show_alert`.

        `data` need not be on the message: a button on somebody's screen may be older than the message.
        `inaccessible`: as if the message were too old for the bot to see.
        """
        user, message = self._world.user(user_id), self._message(chat_id, message_id)
        self._check_member(user_id, self._world.chat(chat_id))
        query_id, query = self._telegram.open_query(user_id)
        update: Json = {"id": query_id, "from": user.as_user(), "chat_instance": str(chat_id), "data": data}
        if inaccessible:
            chat = self._world.describe(self._world.chat(chat_id))
            update["message"] = {"chat": chat, "message_id": message_id, "date": 0}
        else:
            update["message"] = self._world.show(message)
        self._telegram.updates.add("callback_query", update)
        try:
            return await self._answer(query.answer, PRESS_LIFETIME_S)
        finally:
            del self._telegram.queries[query_id]

    async def ask_inline(self, user_id: int, chat_id: int, text: str) -> Json:
        """Type `@bot TEXT` in a chat; return whether the bot `answered`, its `results`, and their `query_id`."""
        user, chat = self._world.user(user_id), self._world.chat(chat_id)
        if not self._telegram.inline_mode:
            return {"answered": False}
        query_id, query = self._telegram.open_query(user_id)
        kind = "sender" if chat.id == user_id else chat.kind.value
        self._telegram.updates.add(
            "inline_query", {"id": query_id, "from": user.as_user(), "query": text, "offset": "", "chat_type": kind}
        )
        return await self._answer(query.answer, INLINE_LIFETIME_S) | {"query_id": query_id}

    async def choose_inline(self, user_id: int, chat_id: int, query_id: str, result_id: str) -> Json:
        """Send one of the results that `ask_inline` returned."""
        query = self._telegram.queries.get(query_id)
        if query is None or query.user_id != user_id or not query.answer.done():
            raise bad_request("inline query not found")
        results = query.answer.result()["results"]
        result = next((item for item in results if item["id"] == result_id), None)
        if result is None:
            raise bad_request("inline result not found")
        file, kind = next((result[field], kind) for field, kind in CACHED_FILES.items() if field in result)
        media = {"type": kind, "media": file, "caption": result.get("caption", "")}
        content = await media_content(self._telegram, Parameters({}), media) | {"via_bot": self._telegram.bot}
        return self._send(user_id, chat_id, [content])[0]

    # Chats

    async def block(self, user_id: int) -> None:
        self._set_bot_status(self._world.chat(user_id), user_id, "kicked")

    async def unblock(self, user_id: int) -> None:
        self._set_bot_status(self._world.chat(user_id), user_id, "member")

    async def add_bot(self, user_id: int, chat_id: int) -> None:
        chat = self._world.chat(chat_id)
        self._check_member(user_id, chat)
        self._set_bot_status(chat, user_id, "member")
        self._add_service_message(chat, user_id, {"new_chat_members": [self._telegram.bot]})

    async def remove_bot(self, user_id: int, chat_id: int) -> None:
        chat = self._world.chat(chat_id)
        self._check_member(user_id, chat)
        self._add_service_message(chat, user_id, {"left_chat_member": self._telegram.bot})
        self._set_bot_status(chat, user_id, "kicked")

    async def promote_bot(self, user_id: int, chat_id: int) -> None:
        self._set_bot_status(self._world.chat(chat_id), user_id, "administrator")

    async def allow_media(self, user_id: int, chat_id: int, allowed: bool = True) -> None:
        """Let a group's members send pictures, films and files, or only texts; no bot is told of it."""
        chat = self._world.chat(chat_id)
        if chat.members.get(user_id) not in ADMIN_STATUSES:
            raise forbidden("only administrators change what members may do")
        chat.media_allowed = allowed
        self._world.save_chat(chat)

    async def set_member(self, chat_id: int, user_id: int, status: str) -> None:
        """Make somebody a `member` or an `administrator`, or let them leave with `left`."""
        chat, user = self._world.chat(chat_id), self._world.user(user_id)
        before = chat.members.get(user_id, "left")
        chat.members[user_id] = status
        self._world.save_chat(chat)
        if status in IN_CHAT and before not in IN_CHAT:
            self._add_service_message(chat, user_id, {"new_chat_members": [user.as_user()]})
        elif status not in IN_CHAT and before in IN_CHAT:
            self._add_service_message(chat, user_id, {"left_chat_member": user.as_user()})

    async def open_topic(self, user_id: int, chat_id: int, name: str) -> int:
        """Open a topic in a forum and return its number, that of the message that opened it."""
        chat = self._world.chat(chat_id)
        if not chat.forum:
            raise bad_request("the chat is not a forum")
        topic_id = chat.last_message_id + 1
        chat.topics[topic_id] = name
        created = {"name": name, "icon_color": _TOPIC_COLOUR}
        self._add_service_message(
            chat, user_id, {"forum_topic_created": created, "message_thread_id": topic_id, "is_topic_message": True}
        )
        return topic_id

    async def close_topic(self, chat_id: int, topic: int, closed: bool = True) -> None:
        """Close a topic, in which only administrators write then, or open it again."""
        chat = self._world.chat(chat_id)
        chat.closed_topics = [one for one in chat.closed_topics if one != topic] + ([topic] if closed else [])
        self._world.save_chat(chat)

    async def delete_topic(self, chat_id: int, topic: int) -> None:
        """Delete a topic with all its messages."""
        chat = self._world.chat(chat_id)
        chat.topics.pop(topic, None)
        for message in list(self._world.messages[chat_id].values()):
            if topic in (message.id, message.content.get("message_thread_id")):
                self._world.delete_message(message)
        self._world.save_chat(chat)

    async def migrate(self, user_id: int, chat_id: int) -> Chat:
        """Turn a group into a supergroup, and return it: it is another chat with another id."""
        old = self._world.chat(chat_id)
        if old.kind is not ChatKind.GROUP or old.migrated_to is not None:
            raise bad_request("only a group can become a supergroup, and once")
        new = self._world.add_group(old.title, old.members, ChatKind.SUPERGROUP)
        new.members, new.bot_status = dict(old.members), old.bot_status
        new.media_allowed, new.migrated_from = old.media_allowed, old.id
        self._world.save_chat(new)
        self._add_service_message(old, user_id, {"migrate_to_chat_id": new.id})
        old.migrated_to = new.id
        self._world.save_chat(old)
        self._add_service_message(new, user_id, {"migrate_from_chat_id": old.id})
        return new

    # Inside

    def _send(
        self,
        user_id: int,
        chat_id: int,
        contents: Sequence[Json],
        reply_to: int | None = None,
        topic: int | None = None,
        anonymous: bool = False,
    ) -> list[Json]:
        user, chat = self._world.user(user_id), self._world.chat(chat_id)
        if chat.migrated_to is not None:
            chat = self._world.chat(chat.migrated_to)
        self._check_member(user_id, chat)
        replied_to = self._message(chat.id, reply_to) if reply_to is not None else None
        if topic is not None and topic not in chat.topics:
            raise bad_request("message thread not found")
        sender: Json = {"from": user.as_user()}
        if anonymous:
            if chat.members[user_id] not in ADMIN_STATUSES:
                raise forbidden("only administrators can be anonymous")
            sender = {"from": ANONYMOUS_ADMIN, "sender_chat": self._world.describe(chat)}
        if chat.kind is ChatKind.PRIVATE and not chat.started:
            chat.started = True
        thread = thread_fields(chat, topic, replied_to)
        if replied_to is None and "is_topic_message" in thread:
            replied_to = self._world.messages[chat.id].get(thread["message_thread_id"])
        shown = []
        for content in contents:
            number = replied_to.id if replied_to else None
            message = self._world.add_message(chat, {**sender, **thread, **content}, number)
            self._telegram.notify_bot("message", message)
            shown.append(self._world.show(message))
        return shown

    async def _attachment(self, upload: Upload, as_file: bool) -> Json:
        if not as_file and upload.mime_type.startswith("video/") and (film := read_mp4(upload.body)) is not None:
            if film.h264 and film.streamable:
                return await file_content(self._telegram, "video", upload, None)
        elif not as_file:
            return {"photo": await self._telegram.files.add_photo(upload, from_phone=True)}
        return await file_content(self._telegram, "document", upload, None)

    async def _answer(self, answer: asyncio.Future[Json], lifetime_s: float) -> Json:
        """Return the bot's answer with `answered`, or that alone where none came in time."""
        try:
            return {"answered": True, **await asyncio.wait_for(asyncio.shield(answer), lifetime_s)}
        except TimeoutError:
            answer.cancel()
            return {"answered": False}

    def _set_bot_status(self, chat: Chat, user_id: int, status: str) -> None:
        """Change what the bot is in a chat, and tell the bot, even when it was removed."""
        before, chat.bot_status = chat.bot_status, status
        self._world.save_chat(chat)
        update: dict[str, Any] = {
            "chat": self._world.describe(chat),
            "from": self._world.user(user_id).as_user(),
            "date": self._telegram.now(),
            "old_chat_member": member(self._telegram, chat, BOT_ID, before),
            "new_chat_member": member(self._telegram, chat, BOT_ID, status),
        }
        self._telegram.updates.add("my_chat_member", update)

    def _add_service_message(self, chat: Chat, user_id: int, content: Json) -> None:
        message = self._world.add_message(chat, {"from": self._world.user(user_id).as_user(), **content})
        self._telegram.notify_bot("message", message)

    def _message(self, chat_id: int, message_id: int) -> Message:
        return self._world.message(self._world.chat(chat_id), message_id, "message not found")

    def _own(self, user_id: int, chat_id: int, message_id: int) -> Message:
        message = self._message(chat_id, message_id)
        if message.sender_id != user_id:
            raise bad_request("message can't be edited")
        return message

    def _changed(self, message: Message, content: Json) -> Json:
        message.content = content | {"edit_date": self._telegram.now()}
        self._world.change_message(message)
        self._telegram.notify_bot("edited_message", message)
        return self._world.show(message)

    def _check_member(self, user_id: int, chat: Chat) -> None:
        if chat.members.get(user_id) not in IN_CHAT:
            raise forbidden("not a member of the chat")
