"""The commands that people see when they tap "/": in their language, and only those meant for them."""

import logging
from collections.abc import Iterable

from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.texts import DEFAULT, LANGUAGES, words_for

_logger = logging.getLogger(__name__)

_PRIVATE_COMMANDS = ("start", "help", "history", "cancel", "language", "privacy", "mydata", "forgetme")
_GROUP_COMMANDS = ("young", "help", "cancel")
_ADMIN_COMMANDS = ("stats", "pause", "resume", "block", "unblock", "blocked", "limit")


async def publish_menus(bot: ExtBot[int], admins: Iterable[int]) -> None:
    """Tell Telegram the commands. Failures are logged and stop nothing: menus are a convenience.

    Those of administrators come last: one who has not written to the bot yet has no chat with it.
    """
    await _publish(bot, _PRIVATE_COMMANDS, BotCommandScopeAllPrivateChats())
    await _publish(bot, _GROUP_COMMANDS, BotCommandScopeAllGroupChats())
    for admin in admins:
        await publish_admin_menu(bot, admin)


async def publish_admin_menu(bot: ExtBot[int], admin: int) -> None:
    await _publish(bot, _PRIVATE_COMMANDS + _ADMIN_COMMANDS, BotCommandScopeChat(admin))


async def _publish(bot: ExtBot[int], names: Iterable[str], scope: BotCommandScope) -> None:
    for language in LANGUAGES:
        commands = [BotCommand(name, words_for(language)(f"command.{name}")) for name in names]
        try:
            await bot.set_my_commands(commands, scope, None if language == DEFAULT else language)
        except TelegramError as error:
            _logger.warning("a menu could not be set: %s", type(error).__name__)
