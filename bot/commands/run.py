"""`throwback run`: the bot on Telegram, until it is told to stop."""

import argparse
import asyncio
import errno
import logging
import signal
import sqlite3

from telegram.error import BadRequest, InvalidToken, NetworkError, TelegramError

from bot.app import serve
from bot.commands.output import FAULT_STATUS, explain_database, say
from bot.operations.home_lock import HomeInUse
from bot.operations.logs import level_from_environment, set_up_logs
from bot.settings import Settings
from storage import NewerDatabase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Everything is set by THROWBACK_ variables; see the README."


def run(_: argparse.Namespace) -> int:
    settings = Settings.read()
    secret = settings.webhook.secret if settings.webhook else ""
    set_up_logs(settings.token, secret, level=level_from_environment(logging.INFO))
    try:
        asyncio.run(_until_told(settings))
    except (TelegramError, OSError, sqlite3.Error, HomeInUse, NewerDatabase) as error:
        say(f"throwback: {_explained(error, settings)}")
        return FAULT_STATUS
    return 0


def _explained(error: Exception, settings: Settings) -> str:
    """Why the bot does not run, and what to do. Raises again what nobody foresaw."""
    api, home = settings.api_url, settings.home
    match error:
        case InvalidToken():
            said = "Telegram does not know this bot; check THROWBACK_TOKEN"
        case BadRequest():  # a NetworkError, too, to python-telegram-bot
            said = f"{api} refuses the bot ({error.message}); check the THROWBACK_WEBHOOK_ variables"
        case NetworkError():
            said = f"there is no way to {api}; check the network and THROWBACK_API_URL"
        case HomeInUse():
            said = f"another bot is running with {home}; THROWBACK_HOME chooses another folder"
        case NewerDatabase():
            said = f"the database in {home} is of a newer version of Throwback; install that version again"
        case sqlite3.Error():
            said = explain_database(error, home)
        case OSError(errno=errno.EADDRINUSE):
            said = "a port is taken; THROWBACK_METRICS_PORT and THROWBACK_WEBHOOK_PORT choose others"
        case OSError():
            said = f"{home} cannot be used ({error.strerror}); THROWBACK_HOME chooses another folder"
        case _:
            raise error
    return said


async def _until_told(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)
