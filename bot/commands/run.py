"""`throwback run`: the bot on Telegram, until it is told to stop."""

import argparse
import asyncio
import errno
import logging
import signal
import sqlite3

from telegram.error import BadRequest, InvalidToken, NetworkError

from bot.app import serve
from bot.commands.output import say
from bot.logs import set_up_logs, wished_level
from bot.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Everything is set by THROWBACK_ variables; see the README."


def run(_: argparse.Namespace) -> int:
    settings = Settings.read()
    secret = settings.webhook.secret if settings.webhook else ""
    set_up_logs(settings.token, secret, level=wished_level(logging.INFO))
    try:
        asyncio.run(_until_told(settings))
    except InvalidToken:
        say("throwback: Telegram does not know this bot; check THROWBACK_TOKEN")
        return 1
    except BadRequest as error:  # a NetworkError, too, to python-telegram-bot
        say(f"throwback: {settings.api_url} refuses the bot ({error.message}); check the THROWBACK_WEBHOOK_ variables")
        return 1
    except NetworkError:
        say(f"throwback: there is no way to {settings.api_url}; check the network and THROWBACK_API_URL")
        return 1
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            say("throwback: a port is taken; THROWBACK_METRICS_PORT and THROWBACK_WEBHOOK_PORT choose others")
        else:
            say(f"throwback: {settings.home} cannot be used ({error.strerror}); THROWBACK_HOME chooses another folder")
        return 1
    except sqlite3.OperationalError:
        say(f"throwback: {settings.home} cannot be written to; THROWBACK_HOME chooses another folder")
        return 1
    return 0


async def _until_told(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)
