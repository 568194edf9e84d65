"""Methods about the bot itself: who it is, its menu of commands, how it presents itself."""

import re

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.request_parameters import Parameters

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_COMMANDS_MAX = 100
_LANGUAGE = re.compile(r"[a-z]{2}")
_DESCRIPTION = range(1, 257)
_SCOPES = frozenset({
    "default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators",
    "chat_member",
})  # fmt: skip


async def get_me(telegram: FakeTelegram, _: Parameters) -> Json:
    return telegram.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": telegram.inline_mode,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def set_my_commands(telegram: FakeTelegram, p: Parameters) -> bool:
    commands = p.sequence("commands") or []
    if len(commands) > _COMMANDS_MAX:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND.fullmatch(command.get("command", "").removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if len(command.get("description", "")) not in _DESCRIPTION:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    telegram.store.put("commands", _menu_key(telegram, p), {"commands": commands})
    telegram.events.publish("commands")
    return True


async def get_my_commands(telegram: FakeTelegram, p: Parameters) -> list[Json]:
    kept = telegram.store.get("commands", _menu_key(telegram, p))
    return list(kept["commands"]) if kept else []


async def delete_my_commands(telegram: FakeTelegram, p: Parameters) -> bool:
    telegram.store.remove("commands", _menu_key(telegram, p))
    telegram.events.publish("commands")
    return True


def _menu_key(telegram: FakeTelegram, p: Parameters) -> str:
    scope = p.mapping("scope") or {"type": "default"}
    if scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    if "chat_id" in scope:
        chat = telegram.world.chat(int(scope["chat_id"]))
        if not (chat.group or chat.started):  # nobody whom the bot knows yet
            raise bad_request("chat not found")
    language_code = p.text("language_code")
    if language_code and not _LANGUAGE.fullmatch(language_code):
        raise bad_request("invalid language code specified")
    return menu_key(scope["type"], scope.get("chat_id", ""), scope.get("user_id", ""), language_code)


def menu_key(scope: str, chat_id: int | str, user_id: int | str, language_code: str) -> str:
    return f"{scope}/{chat_id}/{user_id}/{language_code}"


def menu_for(telegram: FakeTelegram, chat_id: int, user_id: int) -> list[Json]:
    """The commands this person sees in this chat: the narrowest scope wins, and in it their own language."""
    chat = telegram.world.chat(chat_id)
    narrow: list[tuple[str, int | str, int | str]] = [("chat_member", chat_id, user_id)] if chat.group else []
    admin = chat.group and chat.members.get(user_id) in {"creator", "administrator"}
    if admin:
        narrow.append(("chat_administrators", chat_id, ""))
    narrow.append(("chat", chat_id, ""))
    if admin:
        narrow.append(("all_chat_administrators", "", ""))
    narrow += [("all_group_chats" if chat.group else "all_private_chats", "", ""), ("default", "", "")]
    for scope, in_chat, of_user in narrow:
        for language_code in (telegram.world.user(user_id).language_code, ""):
            kept = telegram.store.get("commands", menu_key(scope, in_chat, of_user, language_code))
            if kept and kept["commands"]:
                return list(kept["commands"])
    return []


async def set_my_name(telegram: FakeTelegram, p: Parameters) -> bool:
    return _keep(telegram, p, "name", 64)


async def set_my_description(telegram: FakeTelegram, p: Parameters) -> bool:
    return _keep(telegram, p, "description", 512)


async def set_my_short_description(telegram: FakeTelegram, p: Parameters) -> bool:
    return _keep(telegram, p, "short_description", 120)


async def get_my_name(telegram: FakeTelegram, p: Parameters) -> Json:
    return _kept(telegram, p, "name", telegram.bot["first_name"])


async def get_my_description(telegram: FakeTelegram, p: Parameters) -> Json:
    return _kept(telegram, p, "description", "")


async def get_my_short_description(telegram: FakeTelegram, p: Parameters) -> Json:
    return _kept(telegram, p, "short_description", "")


def _keep(telegram: FakeTelegram, p: Parameters, field: str, longest: int) -> bool:
    text = p.text(field)
    if len(text) > longest:
        raise bad_request(f"bot {field.replace('_', ' ')} is too long")
    telegram.store.put("presentation", f"{field}/{p.text('language_code')}", {field: text})
    return True


def _kept(telegram: FakeTelegram, p: Parameters, field: str, default: str) -> Json:
    for language_code in (p.text("language_code"), ""):
        kept = telegram.store.get("presentation", f"{field}/{language_code}")
        if kept and kept[field]:
            return kept
    return {field: default}


async def set_chat_menu_button(telegram: FakeTelegram, p: Parameters) -> bool:
    telegram.store.put("menu_button", p.text("chat_id"), p.mapping("menu_button") or {"type": "default"})
    return True


async def get_chat_menu_button(telegram: FakeTelegram, p: Parameters) -> Json:
    return telegram.store.get("menu_button", p.text("chat_id")) or {"type": "commands"}
