"""Methods that change or delete messages."""

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import BOT_ID, FakeTelegram
from bot.playground.methods.content import (
    BARE_MEDIA,
    MEDIA,
    caption_content,
    check_allowed,
    inline_keyboard,
    media_content,
    text_content,
)
from bot.playground.request_parameters import Parameters
from bot.playground.world import Chat, Message

DELETED_AT_ONCE = range(1, 101)  # messages in one request; the Bot API's limits
DELETABLE_S = 48 * 3600  # s; a bot deletes no older messages, unless it is an administrator
_CAPTION_FIELDS = frozenset({"caption", "caption_entities"})
_TEXT_FIELDS = frozenset({"text", "entities"})


def _editable(telegram: FakeTelegram, p: Parameters) -> Message:
    """Return the message to change; raises 400 where it is not the bot's own."""
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    message = telegram.world.message(chat, p.required_integer("message_id"), "message to edit not found")
    if message.sender_id != BOT_ID:
        raise bad_request("message can't be edited")
    return message


def _replace(telegram: FakeTelegram, p: Parameters, message: Message, drop: frozenset[str], content: Json) -> Json:
    """Put `content` in the place of the fields `drop`; the keyboard is replaced, or goes, as in the real API."""
    keyboard = inline_keyboard(p)
    changed = {
        name: value for name, value in message.content.items() if name not in drop | {"reply_markup", "edit_date"}
    }
    changed |= content
    if keyboard:
        changed["reply_markup"] = keyboard
    if changed == {name: value for name, value in message.content.items() if name != "edit_date"}:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same"
            " as a current content and reply markup of the message"
        )
    message.content = changed | {"edit_date": max(message.content["date"], telegram.now())}
    telegram.world.change_message(message)
    return telegram.world.show(message)


async def edit_message_text(telegram: FakeTelegram, p: Parameters) -> Json:
    message = _editable(telegram, p)
    if "text" not in message.content:
        raise bad_request("there is no text in the message to edit")
    return _replace(telegram, p, message, _TEXT_FIELDS, text_content(p.plain_text("text")))


async def edit_message_caption(telegram: FakeTelegram, p: Parameters) -> Json:
    message = _editable(telegram, p)
    if not any(kind in message.content for kind in MEDIA):
        raise bad_request("there is no caption in the message to edit")
    return _replace(telegram, p, message, _CAPTION_FIELDS, caption_content(p.plain_text("caption")))


async def edit_message_media(telegram: FakeTelegram, p: Parameters) -> Json:
    message = _editable(telegram, p)
    media = p.mapping("media")
    if not media:
        raise bad_request("media not found")
    if any(kind in message.content for kind in BARE_MEDIA):
        raise bad_request("there is no media in the message to edit")
    if "media_group_id" in message.content and media.get("type") not in {"photo", "video", "document"}:
        raise bad_request("message can't be edited")
    content = await media_content(telegram, p, media)
    check_allowed(telegram.world.chats[message.chat_id], content)
    return _replace(telegram, p, message, _CAPTION_FIELDS.union(_TEXT_FIELDS, MEDIA), content)


async def edit_message_reply_markup(telegram: FakeTelegram, p: Parameters) -> Json:
    return _replace(telegram, p, _editable(telegram, p), frozenset(), {})


async def delete_message(telegram: FakeTelegram, p: Parameters) -> bool:
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    message = telegram.world.message(chat, p.required_integer("message_id"), "message to delete not found")
    _delete(telegram, chat, [message])
    return True


async def delete_messages(telegram: FakeTelegram, p: Parameters) -> bool:
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    numbers = p.sequence("message_ids") or []
    if len(numbers) not in DELETED_AT_ONCE:
        raise bad_request(
            "too many message identifiers specified" if numbers else "message identifiers are not specified"
        )
    messages = telegram.world.messages[chat.id]
    # Missing ones are skipped, says the documentation.
    _delete(telegram, chat, [messages[number] for number in numbers if number in messages])
    return True


def _delete(telegram: FakeTelegram, chat: Chat, messages: list[Message]) -> None:
    """Delete all of them; raises 400, and deletes none, where the bot may not delete one."""
    if chat.bot_status != "administrator":
        of_others = chat.group and any(message.sender_id != BOT_ID for message in messages)
        if of_others or any(telegram.now() - message.content["date"] > DELETABLE_S for message in messages):
            raise bad_request("message can't be deleted")
    for message in messages:
        telegram.world.delete_message(message)
