"""The commands that people see when they tap "/": in their language, and only those that are for them."""

import logging
from collections.abc import Iterable

from telegram import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats, BotCommandScopeChat
from telegram.error import TelegramError

from bot.context import Bot
from bot.errors import short
from bot.texts import DEFAULT, LANGUAGES, words_for

_logger = logging.getLogger(__name__)

_PRIVATE = ("start", "help", "history", "cancel", "language", "privacy", "mydata", "forgetme")
_GROUPS = ("young", "help", "cancel")
_ADMINS = ("stats", "pause", "resume", "block", "unblock", "blocked", "limit")


async def publish_menus(bot: Bot, admins: Iterable[int]) -> None:
    """Tell Telegram the commands. What fails is logged: menus are a convenience."""
    try:
        for language in LANGUAGES:
            code = None if language == DEFAULT else language
            await bot.set_my_commands(_commands(_PRIVATE, language), BotCommandScopeAllPrivateChats(), code)
            await bot.set_my_commands(_commands(_GROUPS, language), BotCommandScopeAllGroupChats(), code)
            for admin in admins:
                await bot.set_my_commands(_commands(_PRIVATE + _ADMINS, language), BotCommandScopeChat(admin), code)
    except TelegramError as error:
        _logger.warning("the menus could not be set: %s", short(error))


def _commands(names: Iterable[str], language: str) -> list[BotCommand]:
    words = words_for(language)
    return [BotCommand(name, words(f"command.{name}")) for name in names]
