"""What a message consists of, checked as Telegram checks it: text, caption, buttons, media, reply and topic."""

from typing import Any

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.file_store import StoredFile
from bot.playground.markup import CAPTION_MAX, TEXT_MAX, written
from bot.playground.request_parameters import Parameters, Upload
from bot.playground.world import Chat, Message

CALLBACK_DATA_MAX = 64  # bytes
BUTTONS_MAX = 100
ALBUM = range(2, 11)
MEDIA = ("photo", "video", "animation", "document")  # an animation carries its document, too
_BUTTON_ACTIONS = ("callback_data", "url", "switch_inline_query", "switch_inline_query_current_chat", "copy_text")


def text_content(p: Parameters) -> Json:
    """The `text` of sendMessage and editMessageText."""
    return words_content(p.text("text"), p.text("parse_mode"), p.sequence("entities"))


def words_content(words: str, parse_mode: str = "", given: list[Any] | None = None) -> Json:
    text, entities = written(words, parse_mode, given)
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_MAX:
        raise bad_request("message is too long")
    content: Json = {"text": text}
    return content | {"entities": entities} if entities else content


def caption_content(caption: str, parse_mode: str = "", entities: list[Any] | None = None) -> Json:
    text, found = written(caption, parse_mode, entities)
    if len(text) > CAPTION_MAX:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    content: Json = {"caption": text}
    return content | {"caption_entities": found} if found else content


def own_caption(p: Parameters) -> Json:
    return caption_content(p.text("caption"), p.text("parse_mode"), p.sequence("caption_entities"))


def inline_keyboard(p: Parameters) -> Json | None:
    """The buttons below a message, as given; None where there are none."""
    return checked_keyboard(p.mapping("reply_markup"))


def checked_keyboard(markup: Json | None) -> Json | None:
    if markup is None or "force_reply" in markup or "remove_keyboard" in markup:
        return None
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list):
        raise bad_request("the playground shows inline keyboards only")
    buttons = [button for row in rows for button in row]
    if len(buttons) > BUTTONS_MAX:
        raise bad_request("reply markup is too long")
    for button in buttons:
        _check_button(button)
    return {"inline_keyboard": [row for row in rows if row]} if buttons else None


def _check_button(button: Json) -> None:
    if not button.get("text"):
        raise bad_request("inline keyboard button text is empty")
    if sum(action in button for action in _BUTTON_ACTIONS) != 1:
        raise bad_request("can't parse inline keyboard button: exactly one action must be specified")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= CALLBACK_DATA_MAX:
        raise bad_request("BUTTON_DATA_INVALID")


async def photo_content(telegram: FakeTelegram, given: Upload | str | None) -> Json:
    if given is None:
        raise bad_request("there is no photo in the request")
    if isinstance(given, str):
        return {"photo": telegram.files.photo_array(telegram.files.of_kind(given, "photo"))}
    return {"photo": await telegram.files.add_photo(given)}


async def file_content(
    telegram: FakeTelegram, kind: str, given: Upload | str | None, thumbnail: Upload | str | None
) -> Json:
    """A video, animation or document. An animation carries its document too, for old clients, as in the real API."""
    if given is None:
        raise bad_request(f"there is no {kind} in the request")
    stored = await _stored(telegram, kind, given, thumbnail if isinstance(thumbnail, Upload) else None)
    content: Json = {kind: stored.described}
    if kind == "animation":
        content["document"] = {
            name: value for name, value in stored.described.items() if name not in {"width", "height", "duration"}
        }
    return content


async def _stored(telegram: FakeTelegram, kind: str, given: Upload | str, thumbnail: Upload | None) -> StoredFile:
    if isinstance(given, str):
        return telegram.files.of_kind(given, kind)
    if kind == "document":
        return await telegram.files.add_document(given, thumbnail)
    return await telegram.files.add_video(given, kind, thumbnail)


async def media_content(telegram: FakeTelegram, p: Parameters, media: Json) -> Json:
    """An `InputMedia…` with its caption, as in albums and editMessageMedia."""
    kind = media.get("type")
    if kind not in MEDIA:
        raise bad_request(f"type of media {kind} is unsupported")
    given = p.resolve(media.get("media") or "")
    if given == "":
        raise bad_request("media not found")
    if kind == "photo":
        content = await photo_content(telegram, given)
    else:
        thumbnail = p.resolve(media["thumbnail"]) if media.get("thumbnail") else None
        content = await file_content(telegram, kind, given, thumbnail)
    caption = caption_content(media.get("caption", ""), media.get("parse_mode", ""), media.get("caption_entities"))
    if media.get("show_caption_above_media") and caption:
        caption["show_caption_above_media"] = True
    if media.get("has_spoiler"):
        caption["has_media_spoiler"] = True
    return content | caption


def reply_target(telegram: FakeTelegram, chat: Chat, p: Parameters) -> Message | None:
    """The message to answer; None where there is none to answer and that is allowed."""
    wanted = p.mapping("reply_parameters") or {}
    message_id = wanted.get("message_id", p.integer("reply_to_message_id"))
    if message_id is None:
        return None
    allowed = wanted.get("allow_sending_without_reply", p.flag("allow_sending_without_reply"))
    elsewhere = wanted.get("chat_id", chat.id) != chat.id
    answered = None if elsewhere else telegram.world.messages[chat.id].get(int(message_id))
    if answered is None and not allowed:
        raise bad_request("message to be replied not found")
    return answered


def thread_content(chat: Chat, p: Parameters, answered: Message | None) -> Json:
    """Which topic of a forum the message goes to. Elsewhere a thread's number is an error, in General too."""
    thread_id = p.integer("message_thread_id")
    if thread_id is not None and thread_id not in chat.topics:
        raise bad_request("message thread not found")
    return topic_of(chat, thread_id, answered)


def topic_of(chat: Chat, thread_id: int | None, answered: Message | None) -> Json:
    """The fields that tell a message's thread: a topic's, or in a supergroup that of the answers to one message."""
    if thread_id is None and answered is not None:
        thread_id = answered.content.get("message_thread_id", answered.id if chat.kind == "supergroup" else None)
    if thread_id is None:
        return {}
    return {"message_thread_id": thread_id} | ({"is_topic_message": True} if thread_id in chat.topics else {})


def check_allowed(chat: Chat, content: Json) -> None:
    """A group may leave pictures, films and files to its administrators."""
    if chat.media_allowed or chat.bot_status == "administrator":
        return
    if kind := next((kind for kind in MEDIA if kind in content), None):
        raise bad_request(f"not enough rights to send {kind}s to the chat")


def post(telegram: FakeTelegram, chat: Chat, p: Parameters, *contents: Json) -> list[Json]:
    """Sends what the bot says, and returns it as the Bot API does."""
    answered = reply_target(telegram, chat, p)
    thread = thread_content(chat, p, answered)
    keyboard = inline_keyboard(p)
    # In a topic every message answers something: the message that opened the topic, if nothing else.
    reply_to = answered.id if answered else thread["message_thread_id"] if "is_topic_message" in thread else None
    for content in contents:
        check_allowed(chat, content)
    sent = []
    for content in contents:
        full = {"from": telegram.bot, **thread, **content}
        if keyboard:
            full["reply_markup"] = keyboard
        if p.flag("protect_content"):
            full["has_protected_content"] = True
        sent.append(telegram.world.show(telegram.world.say(chat, full, reply_to)))
    return sent
