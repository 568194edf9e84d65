"""`throwback run`: runs the bot on Telegram until SIGTERM or SIGINT."""

import argparse
import asyncio
import errno
import logging
import os
import sqlite3

from telegram.error import BadRequest, NetworkError, TelegramError

from bot.app import serve
from bot.commands.output import CONFIGURATION_STATUS, CommandError, explain_database
from bot.messaging.listening import ListeningEnded
from bot.messaging.proxies import check_proxies
from bot.operations.home_lock import HomeInUse
from bot.operations.logs import level_from_environment, set_up_logs
from bot.operations.processes import stop_event
from bot.playground.loopback import is_loopback
from bot.settings import Settings
from storage import NewerDatabase

_PRIVATE = 0o077  # nobody else on this machine sees photos; no stranger mask keeps us from our own files
_STOP_S = 4.5  # s until the process has ended; service managers kill after ten


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Everything is set by THROWBACK_ variables; see the README."


def run(_: argparse.Namespace) -> int:
    settings = Settings.read()
    if not is_loopback(settings.api_url):
        check_proxies()
    os.umask(_PRIVATE)
    secret = settings.webhook.secret if settings.webhook else ""
    set_up_logs(settings.token, secret, level=level_from_environment(logging.INFO))
    try:
        asyncio.run(_serve(settings))
    except ListeningEnded as error:
        raise CommandError(str(error), CONFIGURATION_STATUS) from error
    except (TelegramError, OSError, sqlite3.Error, HomeInUse, NewerDatabase) as error:
        raise CommandError(_reason(error, settings)) from error
    return 0


def _reason(error: Exception, settings: Settings) -> str:
    """Return why the bot does not run, and what to do; raises an unknown error again."""
    api, home = settings.api_url, settings.home
    match error:
        case BadRequest():  # which is a NetworkError in python-telegram-bot
            reason = f"{api} refuses the bot ({error.message}); check the THROWBACK_WEBHOOK_ variables"
        case NetworkError():
            reason = f"there is no way to {api}; check the network, a proxy if there is one, and THROWBACK_API_URL"
        case HomeInUse():
            reason = f"another bot is running with {home}; THROWBACK_HOME chooses another folder"
        case NewerDatabase():
            reason = f"the database in {home} is of a newer version of Throwback; install that version again"
        case sqlite3.Error():
            reason = explain_database(error, home)
        case OSError(errno=errno.EADDRINUSE):
            reason = "a port is taken; THROWBACK_METRICS_PORT and THROWBACK_WEBHOOK_PORT choose others"
        case OSError():
            reason = f"{home} cannot be used ({error.strerror}); THROWBACK_HOME chooses another folder"
        case _:
            raise error
    return reason


async def _serve(settings: Settings) -> None:
    await serve(settings, stop_event(_STOP_S))
