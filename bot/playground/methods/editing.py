"""Methods that change, mark or remove what was sent."""

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import BOT_ID, FakeTelegram
from bot.playground.methods.content import (
    MEDIA,
    check_allowed,
    inline_keyboard,
    media_content,
    own_caption,
    text_content,
)
from bot.playground.request_parameters import Parameters
from bot.playground.world import Chat, Message

_DELETED_AT_ONCE = range(1, 101)
_DELETABLE_S = 48 * 3600
_CAPTION = frozenset({"caption", "caption_entities", "show_caption_above_media"})
_TEXT = frozenset({"text", "entities"})
# The emojis that a bot may react with, as the Bot API lists them.
_REACTIONS = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 "
    "😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 "
    "👾 🤷‍♂ 🤷 🤷‍♀ 😡"
)


def _editable(telegram: FakeTelegram, p: Parameters) -> Message:
    """The bot's own message that is to be changed, or one that was sent through it."""
    if p.text("inline_message_id"):
        return telegram.world.inline_message(p.text("inline_message_id"))
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    message = telegram.world.message(chat, p.required_integer("message_id"), "message to edit not found")
    if message.sender_id != BOT_ID:
        raise bad_request("message can't be edited")
    return message


def _replace(
    telegram: FakeTelegram, p: Parameters, message: Message, drop: frozenset[str], content: Json
) -> Json | bool:
    """Puts `content` in the place of the fields `drop`; the keyboard is replaced, or goes, as in the real API."""
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
    telegram.world.change(message)
    return True if p.text("inline_message_id") else telegram.world.show(message)


async def edit_message_text(telegram: FakeTelegram, p: Parameters) -> Json | bool:
    message = _editable(telegram, p)
    if "text" not in message.content:
        raise bad_request("there is no text in the message to edit")
    return _replace(telegram, p, message, _TEXT, text_content(p))


async def edit_message_caption(telegram: FakeTelegram, p: Parameters) -> Json | bool:
    message = _editable(telegram, p)
    if not any(kind in message.content for kind in MEDIA):
        raise bad_request("there is no caption in the message to edit")
    return _replace(telegram, p, message, _CAPTION, own_caption(p))


async def edit_message_media(telegram: FakeTelegram, p: Parameters) -> Json | bool:
    message = _editable(telegram, p)
    media = p.mapping("media")
    if not media:
        raise bad_request("media not found")
    if p.text("inline_message_id") and p.files:
        raise bad_request("wrong file identifier/HTTP URL specified")  # nothing can be uploaded there
    if "media_group_id" in message.content and media.get("type") not in {"photo", "video", "document"}:
        raise bad_request("message can't be edited")
    content = await media_content(telegram, p, media)
    check_allowed(telegram.world.chats[message.chat_id], content)
    return _replace(telegram, p, message, _CAPTION.union(_TEXT, MEDIA), content)


async def edit_message_reply_markup(telegram: FakeTelegram, p: Parameters) -> Json | bool:
    return _replace(telegram, p, _editable(telegram, p), frozenset(), {})


async def delete_message(telegram: FakeTelegram, p: Parameters) -> bool:
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    message = telegram.world.message(chat, p.required_integer("message_id"), "message to delete not found")
    _delete(telegram, chat, [message])
    return True


async def delete_messages(telegram: FakeTelegram, p: Parameters) -> bool:
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    numbers = p.sequence("message_ids") or []
    if len(numbers) not in _DELETED_AT_ONCE:
        raise bad_request(
            "too many message identifiers specified" if numbers else "message identifiers are not specified"
        )
    there = telegram.world.messages[chat.id]
    # Missing ones are skipped, says the documentation.
    _delete(telegram, chat, [there[number] for number in numbers if number in there])
    return True


def _delete(telegram: FakeTelegram, chat: Chat, messages: list[Message]) -> None:
    """All of them, or none where the bot may not delete one."""
    if chat.bot_status != "administrator":
        strangers = chat.group and any(message.sender_id != BOT_ID for message in messages)
        if strangers or any(telegram.now() - message.content["date"] > _DELETABLE_S for message in messages):
            raise bad_request("message can't be deleted")
    for message in messages:
        telegram.world.remove(message)


async def set_message_reaction(telegram: FakeTelegram, p: Parameters) -> bool:
    chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
    message = telegram.world.message(chat, p.required_integer("message_id"), "message to react not found")
    reactions = p.sequence("reaction") or []
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    emoji = reactions[0].get("emoji", "") if reactions else ""
    if reactions and emoji not in _REACTIONS.split():
        raise bad_request("REACTION_INVALID")
    message.reaction = emoji
    telegram.world.change(message)
    return True
