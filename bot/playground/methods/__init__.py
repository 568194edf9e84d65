"""The Bot API's methods that the bot calls, each a coroutine from the parameters to the result.

A refusal is an `ApiError`.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bot.playground.errors import ApiError
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.methods import answering, chats, editing, profile, receiving, sending, stickers
from bot.playground.request_parameters import Parameters

Method = Callable[[FakeTelegram, Parameters], Awaitable[Any]]

METHODS: dict[str, Method] = {
    "getme": profile.get_me,
    "getupdates": receiving.get_updates,
    "setwebhook": receiving.set_webhook,
    "deletewebhook": receiving.delete_webhook,
    "getwebhookinfo": receiving.get_webhook_info,
    "getfile": receiving.get_file,
    "sendmessage": sending.send_message,
    "sendphoto": sending.send_photo,
    "sendvideo": partial(sending.send_file, kind="video"),
    "sendanimation": partial(sending.send_file, kind="animation"),
    "senddocument": partial(sending.send_file, kind="document"),
    "sendsticker": sending.send_sticker,
    "sendvideonote": sending.send_video_note,
    "sendmediagroup": sending.send_media_group,
    "sendchataction": sending.send_chat_action,
    "editmessagetext": editing.edit_message_text,
    "editmessagecaption": editing.edit_message_caption,
    "editmessagemedia": editing.edit_message_media,
    "editmessagereplymarkup": editing.edit_message_reply_markup,
    "deletemessage": editing.delete_message,
    "deletemessages": editing.delete_messages,
    "createnewstickerset": stickers.create_new_sticker_set,
    "addstickertoset": stickers.add_sticker_to_set,
    "deletestickerfromset": stickers.delete_sticker_from_set,
    "deletestickerset": stickers.delete_sticker_set,
    "getstickerset": stickers.get_sticker_set,
    "answercallbackquery": answering.answer_callback_query,
    "answerinlinequery": answering.answer_inline_query,
    "getchat": chats.get_chat,
    "getchatmember": chats.get_chat_member,
    "setmycommands": profile.set_my_commands,
}

_RATE_LIMITED = ("send", "edit")  # the beginnings of the methods that count against Telegram's limits for a chat


async def call(telegram: FakeTelegram, method: str, p: Parameters) -> Any:
    """Run a method by its name, in any case, and return its result; count it where Telegram limits it.

    Raises `ApiError` 404 for a method that is not in `METHODS`.
    """
    name = method.lower()
    if name not in METHODS:
        raise ApiError(404, "Not Found")
    if name.startswith(_RATE_LIMITED):
        chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
        telegram.rates.spend(chat.id, chat.group)
    return await METHODS[name](telegram, p)
