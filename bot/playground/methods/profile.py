"""Methods about the bot itself: who it is, and its menus of commands."""

import re

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Parameters

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_DESCRIPTION_LENGTHS = range(1, 257)  # characters; the Bot API's limits
_SCOPES = frozenset({"default", "all_private_chats", "all_group_chats", "chat"})  # those that the bot sets, and default


async def get_me(telegram: FakeTelegram, _: Parameters) -> Json:
    return telegram.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": telegram.inline_mode,
    }


async def set_my_commands(telegram: FakeTelegram, p: Parameters) -> bool:
    commands = p.sequence("commands") or []
    for command in commands:
        if not _COMMAND.fullmatch(command.get("command", "")):
            raise bad_request("BOT_COMMAND_INVALID")
        if len(command.get("description", "")) not in _DESCRIPTION_LENGTHS:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    scope = p.mapping("scope") or {"type": "default"}
    if scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    if "chat_id" in scope:
        chat = telegram.world.chat(int(scope["chat_id"]))
        if not (chat.group or chat.started):  # somebody who has never written to the bot
            raise bad_request("chat not found")
    language_code = p.text("language_code")
    if language_code and not _LANGUAGE.fullmatch(language_code):
        raise bad_request("invalid language code specified")
    telegram.store.put(
        "commands", _menu_key(scope["type"], scope.get("chat_id", ""), language_code), {"menu": commands}
    )
    telegram.events.publish("commands")
    return True


def _menu_key(scope: str, chat_id: int | str, language_code: str) -> str:
    return f"{scope}/{chat_id}/{language_code}"


def menu_for(telegram: FakeTelegram, chat_id: int, user_id: int) -> list[Json]:
    """Return the commands that this user sees in this chat: the narrowest scope wins, then the user's language."""
    kind = "all_group_chats" if telegram.world.chat(chat_id).group else "all_private_chats"
    for scope, in_chat in (("chat", chat_id), (kind, ""), ("default", "")):
        for language_code in (telegram.world.user(user_id).language_code, ""):
            stored = telegram.store.get("commands", _menu_key(scope, in_chat, language_code))
            if stored and stored["menu"]:
                return list(stored["menu"])
    return []
