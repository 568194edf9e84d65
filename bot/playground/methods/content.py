"""What a message consists of, checked as Telegram checks it: text, caption, buttons, media, reply and topic."""

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.file_store import StoredFile
from bot.playground.markup import CAPTION_MAX, TEXT_MAX, with_entities
from bot.playground.request_parameters import Parameters, Upload
from bot.playground.world import Chat, ChatKind, Message

CALLBACK_DATA_BYTES = range(1, 65)  # the Bot API's limits
BUTTONS_MAX = 100  # below one message; Telegram's limit
ALBUM_SIZES = range(2, 11)  # messages in one album; the Bot API's limits
MEDIA = ("photo", "video", "animation", "document")  # what may have a caption; an animation has a document, too
BARE_MEDIA = ("sticker", "video_note")  # has no caption, and stays as it was sent
_BUTTON_ACTIONS = ("callback_data", "url", "switch_inline_query")


def text_content(text: str) -> Json:
    """Return the fields of a text message; raises 400 for a text that is empty or too long."""
    text, entities = with_entities(text)
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_MAX:
        raise bad_request("message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def caption_content(caption: str) -> Json:
    """Return the fields of a caption, none where it is empty; raises 400 where it is too long."""
    caption, entities = with_entities(caption)
    if len(caption) > CAPTION_MAX:
        raise bad_request("message caption is too long")
    if not caption:
        return {}
    return {"caption": caption} | ({"caption_entities": entities} if entities else {})


def inline_keyboard(p: Parameters) -> Json | None:
    """Return the checked buttons below a message; None where there are none."""
    markup = p.mapping("reply_markup")
    if markup is None or "force_reply" in markup:
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
    if "callback_data" in button and len(button["callback_data"].encode()) not in CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")


async def photo_content(telegram: FakeTelegram, photo: Upload | str | None) -> Json:
    """Return the fields of a photo that is uploaded, or named by its file_id."""
    if photo is None:
        raise bad_request("there is no photo in the request")
    if isinstance(photo, str):
        return {"photo": telegram.files.photo_array(telegram.files.of_kind(photo, "photo"))}
    return {"photo": await telegram.files.add_photo(photo)}


async def file_content(
    telegram: FakeTelegram, kind: str, file: Upload | str | None, thumbnail: Upload | str | None
) -> Json:
    """Return the fields of a video, video note, animation or document that is uploaded, or named by its file_id.

    An animation carries its document too, for old clients, as in the real API.
    """
    if file is None:
        raise bad_request(f"there is no {kind} in the request")
    stored = await _stored(telegram, kind, file, thumbnail if isinstance(thumbnail, Upload) else None)
    content: Json = {kind: stored.described}
    if kind == "animation":
        content["document"] = {
            name: value for name, value in stored.described.items() if name not in {"width", "height", "duration"}
        }
    return content


async def sticker_content(telegram: FakeTelegram, sticker: Upload | str | None, emoji: str) -> Json:
    """Return the fields of a sticker that is uploaded, or named by its file_id."""
    if sticker is None:
        raise bad_request("there is no sticker in the request")
    if isinstance(sticker, str):
        return {"sticker": telegram.files.of_kind(sticker, "sticker").described}
    return {"sticker": telegram.files.add_sticker(sticker.body, emoji).described}


async def _stored(telegram: FakeTelegram, kind: str, file: Upload | str, thumbnail: Upload | None) -> StoredFile:
    if isinstance(file, str):
        return telegram.files.of_kind(file, kind)
    if kind == "document":
        return await telegram.files.add_document(file, thumbnail)
    if kind == "video_note":
        return await telegram.files.add_video_note(file, thumbnail)
    return await telegram.files.add_video(file, kind, thumbnail)


async def media_content(telegram: FakeTelegram, p: Parameters, media: Json) -> Json:
    """Return the fields of an `InputMedia…` with its caption, as in albums and editMessageMedia."""
    kind = media.get("type")
    if kind not in MEDIA:
        raise bad_request(f"type of media {kind} is unsupported")
    file = p.resolve(media.get("media") or "")
    if file == "":
        raise bad_request("media not found")
    if kind == "photo":
        content = await photo_content(telegram, file)
    else:
        thumbnail = p.resolve(media["thumbnail"]) if media.get("thumbnail") else None
        content = await file_content(telegram, kind, file, thumbnail)
    return content | caption_content(media.get("caption", ""))


def reply_target(telegram: FakeTelegram, chat: Chat, p: Parameters) -> Message | None:
    """Return the message to reply to; None where there is none and the bot allows that."""
    wanted = p.mapping("reply_parameters")
    if wanted is None:
        return None
    message = telegram.world.messages[chat.id].get(int(wanted["message_id"]))
    if message is None and not wanted.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return message


def topic_of_request(chat: Chat, p: Parameters, replied_to: Message | None) -> Json:
    """Return the thread fields of what the bot sends; raises 400 for a thread that is no topic of this chat."""
    thread_id = p.integer("message_thread_id")
    if thread_id is not None and thread_id not in chat.topics:
        raise bad_request("message thread not found")
    if thread_id in chat.closed_topics and chat.bot_status != "administrator":
        raise bad_request("TOPIC_CLOSED")
    return thread_fields(chat, thread_id, replied_to)


def thread_fields(chat: Chat, thread_id: int | None, replied_to: Message | None) -> Json:
    """Return the fields that name a message's thread: a topic, or in a supergroup the replies to one message."""
    if thread_id is None and replied_to is not None:
        own_thread = replied_to.id if chat.kind is ChatKind.SUPERGROUP else None
        thread_id = replied_to.content.get("message_thread_id", own_thread)
    if thread_id is None:
        return {}
    return {"message_thread_id": thread_id} | ({"is_topic_message": True} if thread_id in chat.topics else {})


def check_allowed(chat: Chat, content: Json) -> None:
    """Raise 400 for media in a group that leaves media to its administrators."""
    if chat.media_allowed or chat.bot_status == "administrator":
        return
    if kind := next((kind for kind in MEDIA + BARE_MEDIA if kind in content), None):
        raise bad_request(f"not enough rights to send {kind.replace('_', ' ')}s to the chat")


def send_as_bot(telegram: FakeTelegram, chat: Chat, p: Parameters, *contents: Json) -> list[Json]:
    """Send one message for each of `contents`, and return them as the Bot API does."""
    replied_to = reply_target(telegram, chat, p)
    thread = topic_of_request(chat, p, replied_to)
    keyboard = inline_keyboard(p)
    # In a topic every message replies to something: to the message that opened the topic, if to nothing else.
    opener = thread["message_thread_id"] if "is_topic_message" in thread else None
    reply_to = replied_to.id if replied_to else opener
    for content in contents:
        check_allowed(chat, content)
    sent = []
    for content in contents:
        full = {"from": telegram.bot, **thread, **content}
        if keyboard:
            full["reply_markup"] = keyboard
        sent.append(telegram.world.show(telegram.world.add_message(chat, full, reply_to)))
    return sent
