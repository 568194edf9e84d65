"""What people do with their phones: write, send pictures, press buttons, found groups, lose patience with a bot."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.playground.errors import Json, bad_request, forbidden
from bot.playground.fake_telegram import BOT_ID, FakeTelegram
from bot.playground.methods.chats import member
from bot.playground.methods.content import (
    ALBUM,
    MEDIA,
    caption_content,
    file_content,
    media_content,
    topic_of,
    words_content,
)
from bot.playground.mp4 import read_mp4
from bot.playground.request_parameters import Parameters, Upload
from bot.playground.world import ANONYMOUS_ADMIN, IN_CHAT, Chat, ChatKind, Message

# Telegram's clients stop waiting for the answer to a button after about this long, and so do its servers.
PRESS_LIFETIME_S = 30.0
INLINE_LIFETIME_S = 10.0
_TOPIC_COLOUR = 7322096
_SAID = {"text", "entities", "caption", "caption_entities"}
_CARRIED = {*MEDIA, *_SAID}
_INLINE_MEDIA = {
    "photo_file_id": "photo",
    "video_file_id": "video",
    "mpeg4_file_id": "animation",
    "gif_file_id": "animation",
    "document_file_id": "document",
}


class Users:
    """Actions of people. Those that send return the messages as the bot would see them."""

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
        """A text message."""
        return self._say(user_id, chat_id, [words_content(text)], reply_to, topic, anonymous)[0]

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
        """Pictures and films as a phone sends them, or any files as they are; several become one album.

        Pictures are made small and upright as the app does it; one that cannot be read is refused with 400.
        """
        said = caption_content(caption)
        if len(uploads) > 1 and len(uploads) not in ALBUM:
            raise bad_request("wrong number of messages in the album: 2-10 are allowed")
        contents = [await self._attachment(upload, as_files) for upload in uploads]
        contents[0] |= said
        if len(contents) > 1:
            album = {"media_group_id": str(secrets.randbits(54))}
            contents = [content | album for content in contents]
        return self._say(user_id, chat_id, contents, reply_to, topic, anonymous)

    async def forward(self, user_id: int, from_chat_id: int, message_id: int, chat_id: int) -> Json:
        original = self._message(from_chat_id, message_id)
        content = {name: value for name, value in original.content.items() if name in _CARRIED}
        origin = {"type": "user", "date": original.content["date"], "sender_user": original.content["from"]}
        return self._say(user_id, chat_id, [content | {"forward_origin": origin}], None, None, False)[0]

    async def edit(self, user_id: int, chat_id: int, message_id: int, text: str) -> Json:
        """Other words for one's own message: its text, or the caption of its picture, which may be none."""
        message = self._own(user_id, chat_id, message_id)
        media = any(kind in message.content for kind in MEDIA)
        if "forward_origin" in message.content or not (media or "text" in message.content):
            raise bad_request("message can't be edited")
        said = caption_content(text) if media else words_content(text)
        kept = {field: value for field, value in message.content.items() if field not in _SAID}
        message.content = kept | said | {"edit_date": self._telegram.now()}
        self._world.change(message)
        self._telegram.tell_bot("edited_message", message)
        return self._world.show(message)

    async def delete(self, user_id: int, chat_id: int, message_id: int) -> None:
        """Deletes a message for all; the bot is not told. In a private chat the bot's messages too."""
        message = self._message(chat_id, message_id)
        if message.sender_id != user_id and self._world.chat(chat_id).group:
            raise bad_request("message can't be deleted")
        self._world.remove(message)

    # Buttons and inline queries

    async def press(
        self, user_id: int, chat_id: int, message_id: int, data: str, *, inaccessible: bool = False
    ) -> Json:
        """Presses a button and waits for the bot: `answered`, and `text`, `show_alert`, `url` where it did.

        `data` need not be on the message: a button on another person's screen may be older than the message.
        `inaccessible`: as if the message were too old for the bot to see.
        """
        user, message = self._world.user(user_id), self._message(chat_id, message_id)
        self._check_member(user_id, self._world.chat(chat_id))
        question_id, question = self._telegram.ask(user_id, chat_id, data)
        query: Json = {"id": question_id, "from": user.as_user(), "chat_instance": str(chat_id), "data": data}
        if message.inline_id is not None:
            query["inline_message_id"] = message.inline_id
        elif inaccessible:
            query["message"] = {
                "chat": self._world.describe(self._world.chat(chat_id)),
                "message_id": message_id,
                "date": 0,
            }
        else:
            query["message"] = self._world.show(message)
        self._telegram.updates.add("callback_query", query)
        return await self._answer(question_id, question.answer, PRESS_LIFETIME_S)

    async def ask_inline(self, user_id: int, chat_id: int, query: str, offset: str = "") -> Json:
        """What the bot offers to `@bot QUERY` typed in a chat: `answered`, `results`, `query_id` to choose with."""
        user, chat = self._world.user(user_id), self._world.chat(chat_id)
        if not self._telegram.inline_mode:
            return {"answered": False}
        question_id, question = self._telegram.ask(user_id, chat_id, query)
        kind = "sender" if chat.id == user_id else chat.kind.value
        self._telegram.updates.add(
            "inline_query",
            {"id": question_id, "from": user.as_user(), "query": query, "offset": offset, "chat_type": kind},
        )
        answer = await self._answer(question_id, question.answer, INLINE_LIFETIME_S, keep=True)
        return answer | {"query_id": question_id}

    async def choose_inline(self, user_id: int, chat_id: int, query_id: str, result_id: str) -> Json:
        """Sends one of the results that `ask_inline` brought."""
        question = self._telegram.questions.get(query_id)
        if question is None or question.user_id != user_id or not question.answer.done():
            raise bad_request("inline query not found")
        results = question.answer.result()["results"]
        result = next((item for item in results if item["id"] == result_id), None)
        if result is None:
            raise bad_request("inline result not found")
        content = await self._inline_content(result) | {"via_bot": self._telegram.bot}
        inline_id = secrets.token_urlsafe(20) if "reply_markup" in result else None
        shown = self._say(user_id, chat_id, [content], None, None, False, inline_id)[0]
        chosen: Json = {"result_id": result_id, "from": self._world.user(user_id).as_user(), "query": question.text}
        if inline_id:
            chosen["inline_message_id"] = inline_id
        self._telegram.updates.add("chosen_inline_result", chosen)
        return shown

    # Chats

    async def block(self, user_id: int) -> None:
        self._bot_status(self._world.chat(user_id), user_id, "kicked")

    async def unblock(self, user_id: int) -> None:
        self._bot_status(self._world.chat(user_id), user_id, "member")

    async def add_bot(self, user_id: int, chat_id: int) -> None:
        chat = self._world.chat(chat_id)
        self._check_member(user_id, chat)
        self._bot_status(chat, user_id, "member")
        self._service(chat, user_id, {"new_chat_members": [self._telegram.bot]})

    async def remove_bot(self, user_id: int, chat_id: int) -> None:
        chat = self._world.chat(chat_id)
        self._check_member(user_id, chat)
        self._service(chat, user_id, {"left_chat_member": self._telegram.bot})
        self._bot_status(chat, user_id, "kicked")

    async def promote_bot(self, user_id: int, chat_id: int, administrator: bool = True) -> None:
        self._bot_status(self._world.chat(chat_id), user_id, "administrator" if administrator else "member")

    async def allow_media(self, user_id: int, chat_id: int, allowed: bool = True) -> None:
        """Lets a group's members send pictures, films and files, or words only; no bot is told of it."""
        chat = self._world.chat(chat_id)
        if chat.members.get(user_id) not in {"creator", "administrator"}:
            raise forbidden("only administrators change what members may do")
        chat.media_allowed = allowed
        self._world.save_chat(chat)

    async def set_member(self, chat_id: int, user_id: int, status: str) -> None:
        """Makes somebody a member, an administrator, or lets them leave: `member`, `administrator`, `left`."""
        chat, user = self._world.chat(chat_id), self._world.user(user_id)
        before = chat.members.get(user_id, "left")
        chat.members[user_id] = status
        self._world.save_chat(chat)
        if status in IN_CHAT and before not in IN_CHAT:
            self._service(chat, user_id, {"new_chat_members": [user.as_user()]})
        elif status not in IN_CHAT and before in IN_CHAT:
            self._service(chat, user_id, {"left_chat_member": user.as_user()})

    async def open_topic(self, user_id: int, chat_id: int, name: str) -> int:
        """A new topic of a forum; its number is that of the message that opened it."""
        chat = self._world.chat(chat_id)
        if not chat.forum:
            raise bad_request("the chat is not a forum")
        topic_id = chat.last_message_id + 1
        chat.topics[topic_id] = name
        created = {"name": name, "icon_color": _TOPIC_COLOUR}
        self._service(
            chat,
            user_id,
            {"forum_topic_created": created, "message_thread_id": topic_id, "is_topic_message": True},
        )
        return topic_id

    async def migrate(self, user_id: int, chat_id: int) -> Chat:
        """Turns a group into a supergroup, which is another chat with another id."""
        old = self._world.chat(chat_id)
        if old.kind is not ChatKind.GROUP or old.migrated_to is not None:
            raise bad_request("only a group can become a supergroup, and once")
        new = self._world.add_group(old.title, old.members, ChatKind.SUPERGROUP)
        new = replace(
            new,
            members=dict(old.members),
            bot_status=old.bot_status,
            media_allowed=old.media_allowed,
            migrated_from=old.id,
        )
        self._world.save_chat(new)
        self._service(old, user_id, {"migrate_to_chat_id": new.id})
        old.migrated_to = new.id
        self._world.save_chat(old)
        self._service(new, user_id, {"migrate_from_chat_id": old.id})
        return new

    # Inside

    def _say(
        self,
        user_id: int,
        chat_id: int,
        contents: Sequence[Json],
        reply_to: int | None,
        topic: int | None,
        anonymous: bool,
        inline_id: str | None = None,
    ) -> list[Json]:
        user, chat = self._world.user(user_id), self._world.chat(chat_id)
        if chat.migrated_to is not None:
            chat = self._world.chat(chat.migrated_to)
        self._check_member(user_id, chat)
        answered = self._message(chat.id, reply_to) if reply_to is not None else None
        if topic is not None and topic not in chat.topics:
            raise bad_request("message thread not found")
        sender: Json = {"from": user.as_user()}
        if anonymous:
            if chat.members[user_id] not in {"creator", "administrator"}:
                raise forbidden("only administrators can be anonymous")
            sender = {"from": ANONYMOUS_ADMIN, "sender_chat": self._world.describe(chat)}
        if chat.kind is ChatKind.PRIVATE and not chat.started:
            chat.started = True
        thread = topic_of(chat, topic, answered)
        if answered is None and "is_topic_message" in thread:
            answered = self._world.messages[chat.id].get(thread["message_thread_id"])
        shown = []
        for content in contents:
            message = self._world.say(
                chat, {**sender, **thread, **content}, answered.id if answered else None, inline_id
            )
            self._telegram.tell_bot("message", message)
            shown.append(self._world.show(message))
        return shown

    async def _attachment(self, upload: Upload, as_file: bool) -> Json:
        if not as_file and upload.mime_type.startswith("video/") and (film := read_mp4(upload.body)) is not None:
            if film.h264 and film.streamable:
                return await file_content(self._telegram, "video", upload, None)
        elif not as_file:
            return {"photo": await self._telegram.files.add_photo(upload, from_phone=True)}
        return await file_content(self._telegram, "document", upload, None)

    async def _inline_content(self, result: Json) -> Json:
        markup = {"reply_markup": result["reply_markup"]} if "reply_markup" in result else {}
        instead = result.get("input_message_content")
        if instead is not None:
            words = words_content(instead["message_text"], instead.get("parse_mode", ""), instead.get("entities"))
            return words | markup
        name, kind = next((name, kind) for name, kind in _INLINE_MEDIA.items() if name in result)
        return (
            await media_content(self._telegram, Parameters({}), {**result, "type": kind, "media": result[name]})
            | markup
        )

    async def _answer(
        self, question_id: str, answer: asyncio.Future[Json], lifetime_s: float, keep: bool = False
    ) -> Json:
        try:
            return {"answered": True, **await asyncio.wait_for(asyncio.shield(answer), lifetime_s)}
        except TimeoutError:
            answer.cancel()
            return {"answered": False}
        finally:
            if not keep:
                del self._telegram.questions[question_id]

    def _bot_status(self, chat: Chat, user_id: int, status: str) -> None:
        """Changes what the bot is in a chat, and tells the bot, which hears of it even when it is thrown out."""
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

    def _service(self, chat: Chat, user_id: int, content: Json) -> None:
        message = self._world.say(chat, {"from": self._world.user(user_id).as_user(), **content})
        self._telegram.tell_bot("message", message)

    def _message(self, chat_id: int, message_id: int) -> Message:
        return self._world.message(self._world.chat(chat_id), message_id, "message not found")

    def _own(self, user_id: int, chat_id: int, message_id: int) -> Message:
        message = self._message(chat_id, message_id)
        if message.sender_id != user_id:
            raise bad_request("message can't be edited")
        return message

    def _check_member(self, user_id: int, chat: Chat) -> None:
        if chat.members.get(user_id) not in IN_CHAT:
            raise forbidden("not a member of the chat")
