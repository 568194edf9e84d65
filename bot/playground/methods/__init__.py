"""The Bot API's methods, each a coroutine from the parameters to the result; refusals are `ApiError`."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.playground.errors import ApiError
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.methods import answering, chats, editing, profile, receiving, sending
from bot.playground.request_parameters import Parameters

Method = Callable[[FakeTelegram, Parameters], Awaitable[Any]]

METHODS: dict[str, Method] = {
    "getme": profile.get_me,
    "logout": receiving.log_out,
    "close": receiving.log_out,
    "getupdates": receiving.get_updates,
    "setwebhook": receiving.set_webhook,
    "deletewebhook": receiving.delete_webhook,
    "getwebhookinfo": receiving.get_webhook_info,
    "getfile": receiving.get_file,
    "sendmessage": sending.send_message,
    "sendphoto": sending.send_photo,
    "sendvideo": sending.send_video,
    "sendanimation": sending.send_animation,
    "senddocument": sending.send_document,
    "sendmediagroup": sending.send_media_group,
    "sendchataction": sending.send_chat_action,
    "copymessage": sending.copy_message,
    "forwardmessage": sending.forward_message,
    "editmessagetext": editing.edit_message_text,
    "editmessagecaption": editing.edit_message_caption,
    "editmessagemedia": editing.edit_message_media,
    "editmessagereplymarkup": editing.edit_message_reply_markup,
    "deletemessage": editing.delete_message,
    "deletemessages": editing.delete_messages,
    "setmessagereaction": editing.set_message_reaction,
    "answercallbackquery": answering.answer_callback_query,
    "answerinlinequery": answering.answer_inline_query,
    "getchat": chats.get_chat,
    "getchatmember": chats.get_chat_member,
    "getchatadministrators": chats.get_chat_administrators,
    "getchatmembercount": chats.get_chat_member_count,
    "leavechat": chats.leave_chat,
    "getuserprofilephotos": chats.get_user_profile_photos,
    "setmycommands": profile.set_my_commands,
    "getmycommands": profile.get_my_commands,
    "deletemycommands": profile.delete_my_commands,
    "setmyname": profile.set_my_name,
    "getmyname": profile.get_my_name,
    "setmydescription": profile.set_my_description,
    "getmydescription": profile.get_my_description,
    "setmyshortdescription": profile.set_my_short_description,
    "getmyshortdescription": profile.get_my_short_description,
    "setchatmenubutton": profile.set_chat_menu_button,
    "getchatmenubutton": profile.get_chat_menu_button,
}

# What Telegram counts against its limits when it goes to a chat.
_LIMITED = ("send", "edit", "copy", "forward")


async def call(telegram: FakeTelegram, method: str, p: Parameters) -> Any:
    """Runs a method by its name, in any case; counts it where it is limited."""
    name = method.lower()
    if name not in METHODS:
        raise ApiError(404, "Not Found")
    if name.startswith(_LIMITED) and not p.text("inline_message_id"):
        chat = telegram.world.chat_for_bot(p.required_integer("chat_id"))
        telegram.rates.spend(chat.id, chat.group)
    return await METHODS[name](telegram, p)
