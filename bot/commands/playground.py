"""`throwback playground`: runs a fake Telegram with a chat page, the bot and its engine, all on this machine."""

import argparse
import asyncio
import logging
import os
import sqlite3
import webbrowser
from pathlib import Path

from bot.commands.numbers import whole_number
from bot.commands.output import CommandError, explain_database, say
from bot.operations.processes import stop_event
from bot.playground.bot_supervisor import BotGone, BotSupervisor
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.server import serve
from bot.playground.store import StoreInUse
from bot.settings import Settings

DEFAULT_PORT = 8090  # of the page; any that is seldom taken
_PLACEHOLDER_TOKEN = "1:aaaaaaaaaaaaaaaaaaaaaaaa"  # noqa: S105 (`Settings` want one; the playground makes the bot's)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=whole_number(0, 65_535),
        default=DEFAULT_PORT,
        help=f"of the page; 0 takes a free one (default {DEFAULT_PORT})",
    )
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    parser.epilog = "Needs no token and no network. Conversations are kept in THROWBACK_HOME/playground."


def run(args: argparse.Namespace) -> int:
    settings = Settings.read(os.environ | {"THROWBACK_TOKEN": _PLACEHOLDER_TOKEN})
    os.umask(0o077)  # conversations are nobody else's business on this machine
    logging.getLogger("tornado").setLevel(logging.ERROR)
    try:
        asyncio.run(_playground(settings.home, args.port, browser=not args.no_browser))
    except StoreInUse as error:
        reason = "another playground is running with this data folder; THROWBACK_HOME chooses another"
        raise CommandError(reason) from error
    except sqlite3.Error as error:
        raise CommandError(explain_database(error, settings.home / "playground")) from error
    except OSError as error:
        raise CommandError(_reason(error, settings.home, args.port)) from error
    return 0


def _reason(error: OSError, home: Path, port: int) -> str:
    if error.filename is None:  # not about a file, so about the socket
        return f"the page cannot be served on port {port} ({error.strerror}); --port chooses another"
    return f"{home} cannot be used ({error.strerror}); THROWBACK_HOME chooses another folder"


async def _playground(home: Path, port: int, browser: bool) -> None:
    stop = stop_event()
    async with serve(FakeTelegram.open(home / "playground"), port) as address:
        supervisor = BotSupervisor(address, home)
        say(f"Chat with the bot at {address.url}  (Ctrl-C stops)")
        if browser and not await asyncio.to_thread(webbrowser.open, address.url):
            say("No browser could be opened; open the address yourself.")
        supervising = asyncio.create_task(supervisor.keep_running())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((supervising, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            supervising.cancel()
            stopping.cancel()
            outcome = (await asyncio.gather(supervising, stopping, return_exceptions=True))[0]
            await supervisor.stop()
    if isinstance(outcome, BotGone):
        raise CommandError(f"the bot does not stay up; its log is {supervisor.log}")
    if isinstance(outcome, Exception):
        raise outcome
